"""Whether telemetry agrees that work is done."""
