"""Series in declarations: one entry with a `for` stands for many, so that 1,152 water meters are six lines.

    for = { b = "1..12", u = "1..2" }        # ranges, or lists of values, or lists of tables
    code = "LIFT-{n:02}"                     # {n} counts the entries of this series from 1
    building = "B{b:02}"                     # a number padded to two digits
    address = { port = "{b+15029}" }         # a pattern that is one number stays a number
    name = "{m.name}"                        # a key of a table

The last variable of `for` turns fastest.
"""

import itertools
import re
from collections.abc import Iterator, Mapping
from typing import Any

LIMIT = 100_000  # entries a series: a slip of the pen must not fill the memory

_RANGE = re.compile(r"(\d+)\.\.(\d+)")
_PLACE = re.compile(r"\{(?P<name>\w+)(?:\.(?P<key>\w+))?(?P<plus>[+-]\d+)?(?::(?P<width>0?\d{1,2}))?\}")


class BadSeries(ValueError):
    """A `for` or a pattern that means nothing. The message says which and what is expected."""


def expand(entry: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The entries an entry stands for: itself when it has no `for`. Raises BadSeries."""
    if "for" not in entry:
        yield dict(entry)
        return
    template = {key: value for key, value in entry.items() if key != "for"}
    variables = {name: _choices(name, choices) for name, choices in _table(entry["for"]).items()}
    size = 1
    for choices in variables.values():
        size *= len(choices)
    if size > LIMIT:
        raise BadSeries(f"for stands for {size} entries; at most {LIMIT} are allowed")
    for n, chosen in enumerate(itertools.product(*variables.values()), start=1):
        yield _fill_table(template, {"n": n, **dict(zip(variables, chosen, strict=True))})


def _table(raw: Any) -> Mapping[str, Any]:
    if not isinstance(raw, Mapping) or not raw or "n" in raw:
        raise BadSeries("for must be a table of variables (n is the counter and cannot be one)")
    return raw


def _choices(name: str, raw: Any) -> list[Any]:
    if isinstance(raw, list) and raw:
        return raw
    match = _RANGE.fullmatch(raw) if isinstance(raw, str) else None
    if match is None or int(match[1]) > int(match[2]):
        raise BadSeries(f'for.{name} must be a range such as "1..12" or a list of values')
    if int(match[2]) - int(match[1]) >= LIMIT:
        raise BadSeries(f"for.{name} is longer than {LIMIT}")
    return list(range(int(match[1]), int(match[2]) + 1))


def _fill_table(template: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    return {key: _fill(value, values) for key, value in template.items()}


def _fill(template: Any, values: Mapping[str, Any]) -> Any:
    if isinstance(template, Mapping):
        return _fill_table(template, values)
    if isinstance(template, list):
        return [_fill(item, values) for item in template]
    if not isinstance(template, str):
        return template
    whole = _PLACE.fullmatch(template)
    if whole is not None and whole["width"] is None:
        return _value(whole, values)
    return _PLACE.sub(lambda place: _text(place, values), template)


def _text(place: re.Match[str], values: Mapping[str, Any]) -> str:
    value, width = _value(place, values), place["width"]
    if width is None:
        return str(value)
    if not isinstance(value, int):
        raise BadSeries(f"{place[0]}: only a number can be padded")
    return format(value, f"0{int(width)}d")


def _value(place: re.Match[str], values: Mapping[str, Any]) -> Any:
    value = values.get(place["name"])
    if place["key"] is not None:
        value = value.get(place["key"]) if isinstance(value, Mapping) else None
    if value is None or isinstance(value, Mapping):
        raise BadSeries(f"{place[0]}: no such variable; known are {', '.join(values)}")
    if place["plus"] is None:
        return value
    if not isinstance(value, int):
        raise BadSeries(f"{place[0]}: only a number can be added to")
    return value + int(place["plus"])
