"""A rule over stored history: what it would have raised, and when."""
