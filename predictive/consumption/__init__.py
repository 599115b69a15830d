"""What meters will count, and what their count says: leaks at night, counts that fall away, meters that fail."""
