"""Rules as a TOML document, in the form of `rules/defaults/`: what is written reads back as the same rules."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from rules.schemas import RuleDefinition

# As people write them; what is not named here comes after, in the order of the schema.
FIRST_FIELDS = (
    "key", "name", "message", "profile", "kind", "site_id", "equipment", "when", "missing", "points", "for", "clear",
    "clear_for", "params", "units", "schedules",
)  # fmt: skip
# Said once above the rules where it is that of all.
SHARED_FIELDS = ("profile", "kind")

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_NEEDS_ESCAPE = re.compile(r'[\x00-\x1f"\\\x7f]')
_ESCAPES = {"\b": "\\b", "\t": "\\t", "\n": "\\n", "\f": "\\f", "\r": "\\r", '"': '\\"', "\\": "\\\\"}
# Whole numbers up to here are the same as floats and as TOML's integers.
_EXACT = 2**53


def written(definitions: Sequence[RuleDefinition], *, left_out: Sequence[str] = ()) -> str:
    """The document; the empty one for no rules. `left_out`: keys of rules that it says are not in it."""
    tables = [_table(definition) for definition in definitions]
    shared = _shared(tables)
    head = "".join(f"{name} = {_value(value)}\n" for name, value in shared.items())
    blocks = [_block({name: value for name, value in table.items() if name not in shared}) for table in tables]
    told = "".join(f"# {key}: 按其他软件版本写的，未导出 / of another release, left out\n" for key in left_out)
    return told + "\n".join([head, *blocks] if head else blocks)


def _table(definition: RuleDefinition) -> dict[str, Any]:
    said = definition.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    first = {name: said[name] for name in FIRST_FIELDS if name in said}
    return first | said


def _shared(tables: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """A single rule says it all itself, unless it is all there is: then as in a file of many."""
    for name in SHARED_FIELDS:
        values = {table.get(name) for table in tables}
        if len(values) == 1 and None not in values:
            return {name: values.pop()}
    return {}


def _block(table: Mapping[str, Any]) -> str:
    return "[[rules]]\n" + "".join(f"{_key(name)} = {_value(value)}\n" for name, value in table.items())


def _key(name: str) -> str:
    return name if _BARE_KEY.fullmatch(name) else _text(name)


def _value(value: Any) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case float():
            return str(int(value)) if value.is_integer() and abs(value) < _EXACT else repr(value)
        case str():
            return _text(value)
        case list():
            return f"[{', '.join(_value(one) for one in value)}]"
        case dict():
            # TOML knows no null: what is nothing is left out.
            entries = (f"{_key(name)} = {_value(one)}" for name, one in value.items() if one is not None)
            return "{ " + ", ".join(entries) + " }" if value else "{}"
        case _:
            raise TypeError(f"rules hold no {type(value).__name__}")


def _text(text: str) -> str:
    escaped = _NEEDS_ESCAPE.sub(lambda found: _ESCAPES.get(found[0], f"\\u{ord(found[0]):04x}"), text)
    return f'"{escaped}"'
