"""Embedded servers: direct foreground children in their own process group that die with the hub."""
