"""Measures the hub and what people would otherwise use, side by side, on this machine: `hub bench`."""
