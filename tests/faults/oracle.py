"""What the books should say, from a plain dict of readings: a few loops, nothing of the hub's."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class OracleRule:
    """Above `high` for `for_ms` raises, below `low` ends at once; a value holds for `hold_ms`."""

    key: str
    point: str
    high: float
    low: float
    for_ms: int
    hold_ms: int


def episodes(rule: OracleRule, readings: Mapping[int, float]) -> dict[int, int | None]:
    """Onset → end (None: it lasts) of one point's readings, by time."""
    found: dict[int, int | None] = {}
    since = onset = last_ms = None
    for ts_ms, value in sorted(readings.items()):
        if since is not None and last_ms is not None:
            due_ms = since + rule.for_ms
            if min(due_ms, ts_ms) - last_ms > rule.hold_ms:
                since = None  # nobody knows what it was meanwhile
            elif due_ms < ts_ms:
                onset, since = since, None
                found[onset] = None
        last_ms = ts_ms
        if onset is not None:
            if value < rule.low:
                found[onset], onset = ts_ms, None
            continue
        since = (ts_ms if since is None else since) if value > rule.high else None
        if since is not None and ts_ms - since >= rule.for_ms:
            onset, since = since, None
            found[onset] = None
    return found
