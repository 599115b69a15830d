"""The nouns of a building, pure: no I/O, no clock, no database."""
