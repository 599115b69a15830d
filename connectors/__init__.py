"""Thin clients of outside services."""
