"""`hub backup`, `hub verify-backup` and `hub restore`: everything a hub knows, in one folder."""
