"""Who did what when, from where, before and after: append-only, hash-chained, its personal values erasable."""
