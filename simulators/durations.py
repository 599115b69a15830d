"""Durations as people write them: `90s`, `10m`, `1h30m`, `2d`, or a bare number of seconds."""

import re

from simulators.errors import BadDuration

_UNITS_S = {"d": 86_400.0, "h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|d|h|m|s)")
_WHOLE = re.compile(r"(?:\d+(?:\.\d+)?(?:ms|d|h|m|s))+")


def seconds(text: str | float) -> float:
    """The duration in seconds. Raises BadDuration."""
    if isinstance(text, int | float) and not isinstance(text, bool) and text >= 0:
        return float(text)
    word = str(text).strip().lower()
    if _WHOLE.fullmatch(word):
        return sum(float(amount) * _UNITS_S[unit] for amount, unit in _PART.findall(word))
    if re.fullmatch(r"\d+(?:\.\d+)?", word):
        return float(word)
    raise BadDuration(str(text))
