"""Spare parts: storehouses of a site, what lies in them, and every movement with what it cost."""
