"""What a flood of malformed messages costs the healthy, and how long smoke takes behind a backlog."""
