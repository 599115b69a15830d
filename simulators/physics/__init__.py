"""How devices behave. Seeded and pure: no clock, no I/O; the same seed and the same ticks give the same trace."""
