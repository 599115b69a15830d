"""The work itself: checking in by a scan, checklists, labour, parts, signatures, helpers, contractors' links."""
