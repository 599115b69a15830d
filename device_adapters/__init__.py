"""Protocols to readings: one folder a protocol."""
