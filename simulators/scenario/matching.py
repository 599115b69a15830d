"""Whether a thing is as expected. Pure."""

from collections.abc import Mapping
from typing import Any


def matches(thing: Mapping[str, Any], where: Mapping[str, Any]) -> bool:
    """Whether every key of `where` fits.

    A list of choices: the value is one of them; against a list of tables (tasks): each named kind is there.
    `contains` looks for a text anywhere in the thing's own texts.
    """
    return all(_fits(thing, key, wanted) for key, wanted in where.items())


def _fits(thing: Mapping[str, Any], key: str, wanted: Any) -> bool:
    if key == "contains":
        return any(str(wanted) in text for text in _texts(thing))
    value = thing.get(key)
    if isinstance(value, list) and isinstance(wanted, list):
        kinds = {item.get("kind") if isinstance(item, Mapping) else item for item in value}
        return kinds.issuperset(wanted)
    if isinstance(value, Mapping) and isinstance(wanted, Mapping):
        return matches(value, wanted)
    if isinstance(wanted, list):
        return value in wanted
    return bool(value == wanted)


def _texts(thing: Any) -> list[str]:
    if isinstance(thing, str):
        return [thing]
    if isinstance(thing, Mapping):
        return [text for item in thing.values() for text in _texts(item)]
    if isinstance(thing, list):
        return [text for item in thing for text in _texts(item)]
    return []
