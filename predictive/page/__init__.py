"""Everything that models say of one equipment, for its page."""
