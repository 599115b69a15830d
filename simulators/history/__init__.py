"""Months of many machines at once: coarse steps, whole columns, lives with wear, repairs and harmless changes."""
