"""Finds trouble before a threshold does, says why, and keeps score of itself."""
