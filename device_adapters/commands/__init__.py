"""Commands to devices: asked for by one process, carried out by the one that holds the device's connection."""
