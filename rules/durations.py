"""Durations as people write them in rules: `90s`, `10m`, `2h`, `1d`, `1h30m`."""

import re

_UNITS_MS = {"s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_DURATION = re.compile(r"(?:\d{1,6}[smhd])+")
_PART = re.compile(r"(\d+)([smhd])")
LONGEST_MS = 31 * _UNITS_MS["d"]


def parse_duration_ms(text: str) -> int:
    """Milliseconds. Raises ValueError for what is no duration, is zero or is longer than 31 days."""
    if not _DURATION.fullmatch(text):
        raise ValueError("a duration is written like 90s, 10m, 2h or 1h30m")
    total = sum(int(count) * _UNITS_MS[unit] for count, unit in _PART.findall(text))
    if not 0 < total <= LONGEST_MS:
        raise ValueError("a duration is longer than nothing and at most 31d")
    return total
