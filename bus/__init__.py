"""JetStream between adapters, store line and judge line."""
