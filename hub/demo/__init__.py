"""A site to try the hub on: declared, peopled and simulated."""
