"""How long the judge lets readings gather between two fetches. Pure."""

# A fetch costs what it costs, whether it brings one message or fifty, and so does a transaction: at 40,000 readings a
# second 4 ms, at 160,000 16 ms.
GATHER_S_PER_RATE = 0.1e-6
LONGEST_S = 0.030
# Below this many readings a second nothing waits; from there on at least this long.
LEAST_RATE = 6_000
SHORTEST_S = 0.001


def gather_s(readings: int, *, over_s: float) -> float:
    """The pause after `readings` came in `over_s`; 0 when that is little."""
    rate = readings / max(over_s, 0.001)
    if rate < LEAST_RATE:
        return 0.0
    return min(max(rate * GATHER_S_PER_RATE, SHORTEST_S), LONGEST_S)
