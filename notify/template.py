"""Approved templates: which facts a message has, and how each channel may show them. Pure but for `load`.

WeChat types its fields by name (`thing1`, `time2`, …) and refuses a whole message for one bad value (47003), so every
value is made to fit here: no line breaks, cut with … at the type's length; what does not fit is behind the link.
"""

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from importlib import resources
from pathlib import Path
from typing import Any, assert_never
from zoneinfo import ZoneInfo

from notify.errors import BadTemplate, MissingFacts, UnknownTemplate
from notify.policy import Audience

NOTHING = "—"
TIME_FORMAT = "%Y-%m-%d %H:%M"
_FIELD = re.compile(r"([a-z_]+?)\d{1,3}")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d.*")
_BRACES = re.compile(r"\{(\w+)\}")


class FieldType(StrEnum):
    """Types of WeChat's fields and the most characters each takes."""

    THING = "thing"
    TIME = "time"
    DATE = "date"
    CHARACTER_STRING = "character_string"
    PHRASE = "phrase"
    CONST = "const"
    NUMBER = "number"
    LETTER = "letter"
    SYMBOL = "symbol"
    NAME = "name"

    @property
    def limit(self) -> int:
        return _LIMITS[self]


_LIMITS = {
    FieldType.THING: 20,
    FieldType.TIME: 32,
    FieldType.DATE: 32,
    FieldType.CHARACTER_STRING: 32,
    FieldType.PHRASE: 5,
    FieldType.CONST: 20,
    FieldType.NUMBER: 32,
    FieldType.LETTER: 32,
    FieldType.SYMBOL: 5,
    FieldType.NAME: 10,
}


@dataclass(frozen=True)
class Field:
    """One field of a WeChat template: its name there, its type, and what it shows (`"{place} {category}"`)."""

    name: str
    type: FieldType
    shows: str


@dataclass(frozen=True)
class Template:
    """`sms` and `voice` name the facts that are that channel's parameters. `is_private`: content is shown to nobody
    but the addressee, and forgotten once sent."""

    key: str
    audience: Audience
    facts: tuple[str, ...]
    wechat: tuple[Field, ...]
    sms: tuple[str, ...]
    is_private: bool

    def check(self, facts: Mapping[str, str]) -> None:
        """Raises MissingFacts. An empty fact is there: it is shown as —."""
        missing = [name for name in self.facts if name not in facts]
        if missing:
            raise MissingFacts(f"{self.key} needs {', '.join(missing)}")


class TemplateRegistry:
    """All templates by key."""

    def __init__(self, templates: Iterable[Template]) -> None:
        self._templates = {template.key: template for template in templates}

    @classmethod
    def load(cls, path: Path | None = None) -> "TemplateRegistry":
        """The shipped registry, or an installation's own file of the same shape. Raises BadTemplate."""
        source = path or resources.files("notify") / "templates.toml"
        return cls(parse(tomllib.loads(source.read_text("utf-8"))))

    def keys(self) -> frozenset[str]:
        return frozenset(self._templates)

    def get(self, key: str) -> Template:
        try:
            return self._templates[key]
        except KeyError:
            raise UnknownTemplate(key) from None


def parse(raw: Mapping[str, Any]) -> list[Template]:
    """The templates of a registry file. Raises BadTemplate that names the template and the field."""
    return [_template(key, entry) for key, entry in raw.items()]


def wechat_fields(
    template: Template, *, facts: Mapping[str, str], chinese: Mapping[str, str], zone: ZoneInfo
) -> dict[str, str]:
    """Values by field name, each within its type. `facts` are in the reader's language; a `phrase` is Chinese only."""
    return {
        field.name: fit(
            filled(field.shows, chinese if field.type is FieldType.PHRASE else facts), type=field.type, zone=zone
        )
        for field in template.wechat
    }


def parameters(template: Template, *, facts: Mapping[str, str]) -> dict[str, str]:
    """The parameters of an SMS or a voice call: every one there and a string, as the service demands."""
    return {name: clip(facts[name], limit=FieldType.THING.limit) or NOTHING for name in template.sms}


def filled(shows: str, facts: Mapping[str, str]) -> str:
    """The pattern with its braces filled; an empty fact becomes —."""
    return _BRACES.sub(lambda match: one_line(facts[match[1]]) or NOTHING, shows)


def fit(value: str, *, type: FieldType, zone: ZoneInfo) -> str:
    """The value as the type allows it."""
    line = one_line(value)
    match type:
        case FieldType.TIME:
            return clip(as_time(line, zone=zone), limit=type.limit)
        case FieldType.DATE:
            return as_time(line, zone=zone)[:10]
        case FieldType.CHARACTER_STRING | FieldType.SYMBOL:
            return _only(line, r"[^\x21-\x7e]", limit=type.limit)
        case FieldType.NUMBER:
            return _only(line, r"[^0-9.]", limit=type.limit)
        case FieldType.LETTER:
            return _only(line, r"[^A-Za-z]", limit=type.limit)
        case FieldType.PHRASE:
            # No … here: a phrase is 汉字 and nothing else.
            return _only(line, r"[^\u4e00-\u9fff]", limit=type.limit)
        case FieldType.THING | FieldType.CONST | FieldType.NAME:
            return clip(line, limit=type.limit) or NOTHING
        case _:
            assert_never(type)


def one_line(text: str) -> str:
    return " ".join(text.split())


def clip(text: str, *, limit: int) -> str:
    """One line of at most `limit` characters, ending in … when something was cut off."""
    line = one_line(text)
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"


def as_time(value: str, *, zone: ZoneInfo) -> str:
    """`2026-11-22 10:42` in the site's zone; text that is no time is left as it is."""
    if not _MOMENT.fullmatch(value):
        return value
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return value
    return (moment.astimezone(zone) if moment.tzinfo else moment).strftime(TIME_FORMAT)


def _only(value: str, unwanted: str, *, limit: int) -> str:
    return re.sub(unwanted, "", value)[:limit]


def _template(key: str, entry: Mapping[str, Any]) -> Template:
    facts = tuple(entry["facts"])
    template = Template(
        key=key,
        audience=Audience(entry["audience"]),
        facts=facts,
        wechat=tuple(_field(key, name, shows) for name, shows in entry.get("wechat", {}).items()),
        sms=tuple(entry.get("sms", ())),
        is_private=entry.get("private", False),
    )
    shown = {name for field in template.wechat for name in _BRACES.findall(field.shows)} | set(template.sms)
    unknown = shown - set(facts)
    if unknown:
        raise BadTemplate(f"{key}: {', '.join(sorted(unknown))} is shown but not among its facts")
    return template


def _field(key: str, name: str, shows: str) -> Field:
    match = _FIELD.fullmatch(name)
    if match is None or match[1] not in set(FieldType):
        # `first` and `remark` end here: WeChat no longer delivers them.
        raise BadTemplate(f"{key}: {name} is no field of WeChat's templates")
    return Field(name, FieldType(match[1]), shows)
