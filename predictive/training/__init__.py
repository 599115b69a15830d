"""Learns models from stored history, keeps them signed, and says how good they were on what they had not seen."""
