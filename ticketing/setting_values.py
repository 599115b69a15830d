"""Values out of a site's settings, read strictly, pure."""

from collections.abc import Mapping
from typing import Any

LONGEST_MIN = 366 * 24 * 60


class BadTargets(ValueError):
    """A setting that cannot be meant. The message names its key and what would do."""


def table(settings: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """The table under `key`; an empty one where there is none. Raises BadTargets."""
    found = settings.get(key, {})
    if not isinstance(found, Mapping):
        raise BadTargets(f"{key} must be a table")
    return found


def minutes(given: Mapping[str, Any], key: str, default: float, *, where: str) -> float:
    """Minutes or days, or another positive amount. Raises BadTargets."""
    value = given.get(key, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= LONGEST_MIN:
        raise BadTargets(f"{where}.{key} must be a number above 0 and at most {LONGEST_MIN}")
    return float(value)


def telephone(given: Mapping[str, Any], key: str, default: str, *, where: str) -> str:
    """A number to call. Raises BadTargets."""
    value = str(given.get(key, default))
    if not value.isdigit() or not 3 <= len(value) <= 12:
        raise BadTargets(f"{where}.{key} must be a telephone number of 3 to 12 digits")
    return value
