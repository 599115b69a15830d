"""Settings of a site: a JSON object whose parts are owned, defaulted and read by other rooms. Pure."""

import json
from collections.abc import Mapping
from typing import Any

from catalog.errors import BadSettings

LIMIT_BYTES = 65_536
LIMIT_DEPTH = 8


def merged(base: Mapping[str, Any], change: Mapping[str, Any]) -> dict[str, Any]:
    """`base` with `change` laid over it, table by table; a null in `change` takes the key away (RFC 7396)."""
    result = dict(base)
    for key, value in change.items():
        before = result.get(key)
        if value is None:
            result.pop(key, None)
        elif isinstance(value, Mapping):
            result[key] = merged(before if isinstance(before, Mapping) else {}, value)
        else:
            result[key] = value
    return result


def check_settings(settings: Mapping[str, Any]) -> None:
    """Raises BadSettings when they are too large or too deep to be settings."""
    if _depth(settings) > LIMIT_DEPTH:
        raise BadSettings(limit=f"{LIMIT_DEPTH} levels")
    if len(json.dumps(settings)) > LIMIT_BYTES:
        raise BadSettings(limit=f"{LIMIT_BYTES // 1024} KB")


def _depth(value: Any) -> int:
    if isinstance(value, Mapping):
        return 1 + max((_depth(item) for item in value.values()), default=0)
    if isinstance(value, list):
        return 1 + max((_depth(item) for item in value), default=0)
    return 0
