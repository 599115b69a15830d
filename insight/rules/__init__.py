"""Rules measured by what became of their alarms: replay over history, and labels."""
