"""What differs between two texts of a rule, field by field."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

# What a rule says by leaving it out: a field without a value.
_NOTHING: tuple[Any, ...] = (None, [], {})


@dataclass(frozen=True)
class Difference:
    """`path` from the outermost field in: ("params", "hot_c"). `before` or `after` None: not given there."""

    path: tuple[str, ...]
    before: Any
    after: Any


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[Difference, ...]:
    """In the order of the fields; tables are compared by their entries, lists as a whole."""
    old, new = dict(_leaves(before)), dict(_leaves(after))
    paths = dict.fromkeys([*old, *new])
    found = (Difference(path, old.get(path), new.get(path)) for path in paths)
    return tuple(one for one in found if one.before != one.after)


def _leaves(table: Mapping[str, Any], path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    for name, value in table.items():
        if value in _NOTHING:
            continue
        if isinstance(value, Mapping):
            yield from _leaves(value, (*path, name))
        else:
            yield (*path, name), value
