"""How long the judge lets readings gather between two fetches. Pure."""

# At 10,000 readings a second 3 ms, at 80,000 25 ms: a transaction costs the same for one detection as for fifty.
GATHER_S_PER_RATE = 0.3e-6
SHORTEST_S = 0.002
LONGEST_S = 0.030


def gather_s(readings: int, *, over_s: float) -> float:
    """The pause after `readings` came in `over_s`; 0 when that is little."""
    pause_s = min(readings / max(over_s, 0.001) * GATHER_S_PER_RATE, LONGEST_S)
    return pause_s if pause_s >= SHORTEST_S else 0.0
