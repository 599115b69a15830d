"""Figures over work orders, their export, and the digest of the morning."""
