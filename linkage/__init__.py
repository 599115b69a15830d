"""Actions on other equipment when an alarm comes: off by default, and never on what protects lives."""
