"""What a kind of order asks people to fill in, and whether what they gave will do, pure.

A value is kept as JSON: text, number, code of an option, ISO 8601 time, id of a photo, of a place or of equipment.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, assert_never
from uuid import UUID

from kit.access import Role
from kit.i18n import Wording
from ticketing.errors import FieldInvalid, FieldMissing, FieldNotYours, FieldUnknown

LONGEST_TEXT = 2000
LARGEST_NUMBER = 1e12


class FieldType(StrEnum):
    TEXT = "text"
    NUMBER = "number"
    CHOICE = "choice"
    DATETIME = "datetime"
    PHOTO = "photo"
    VIDEO = "video"
    LOCATION = "location"
    EQUIPMENT = "equipment"


class Moment(StrEnum):
    """When a field must have been filled in."""

    CREATION = "creation"
    COMPLETION = "completion"
    NEVER = "never"


@dataclass(frozen=True)
class Option:
    code: str
    names: Wording


@dataclass(frozen=True)
class FormField:
    """A field. `see` and `write` name the roles that may; `unit`, `low` and `high` are a number's, `options` a
    choice's; `many`: a list of such values, as of photos."""

    key: str
    names: Wording
    type: FieldType
    required: Moment = Moment.NEVER
    see: frozenset[Role] = frozenset(Role)
    write: frozenset[Role] = frozenset(Role)
    options: tuple[Option, ...] = ()
    unit: str | None = None
    low: float | None = None
    high: float | None = None
    many: bool = False


@dataclass(frozen=True)
class Answer:
    """What somebody filled into a field."""

    field: FormField
    value: Any

    @property
    def words(self) -> Sequence[Wording]:
        """What the options are called that were chosen; none where the field is no choice."""
        codes = self.value if isinstance(self.value, list) else [self.value]
        return [option.names for option in self.field.options if option.code in codes]


@dataclass(frozen=True)
class Form:
    fields: tuple[FormField, ...] = ()

    def field(self, key: str) -> FormField:
        """Raises FieldUnknown, naming the fields there are."""
        for one in self.fields:
            if one.key == key:
                return one
        raise FieldUnknown(field=key, known=[one.key for one in self.fields])

    def take(self, standing: Mapping[str, Any], given: Mapping[str, Any], *, roles: Collection[Role]) -> dict[str, Any]:
        """`standing` with what somebody with `roles` gave; None or an empty text takes a value away.

        Raises FieldUnknown, FieldNotYours, FieldInvalid.
        """
        taken = dict(standing)
        for key, given_value in given.items():
            field = self.field(key)
            value = given_value.strip() if isinstance(given_value, str) else given_value
            if not field.write & set(roles):
                raise FieldNotYours(field=key, field_name=field.names)
            if value is None or value == "" or value == []:
                taken.pop(key, None)
            else:
                taken[key] = _checked(field, value)
        return taken

    def check_complete(self, values: Mapping[str, Any], moment: Moment, *, action: str) -> None:
        """Raises FieldMissing for the first field that must be there by now and is not."""
        due = (Moment.CREATION,) if moment is Moment.CREATION else (Moment.CREATION, Moment.COMPLETION)
        for field in self.fields:
            if field.required in due and field.key not in values:
                raise FieldMissing(field=field.key, action=action, field_name=field.names)

    def seen_by(self, values: Mapping[str, Any], roles: Collection[Role]) -> dict[str, Any]:
        """The values that somebody with `roles` may see."""
        visible = {field.key for field in self.fields if field.see & set(roles)}
        return {key: value for key, value in values.items() if key in visible}

    def answers(self, values: Mapping[str, Any], roles: Collection[Role]) -> list[Answer]:
        """What of `values` somebody with `roles` may see, in the order of the fields."""
        seen = self.seen_by(values, roles)
        return [Answer(field, seen[field.key]) for field in self.fields if field.key in seen]

    def carried(self, values: Mapping[str, Any], to: "Form") -> dict[str, Any]:
        """Those of `values` that `to` asks for in just the same way."""
        same = {field.key for field in self.fields if field in to.fields}
        return {key: value for key, value in values.items() if key in same}


def _checked(field: FormField, value: Any) -> Any:
    if not field.many:
        return _one(field, value)
    if not isinstance(value, list):
        raise _invalid(field, "[…]")
    return [_one(field, each) for each in value]


def _one(field: FormField, value: Any) -> Any:
    match field.type:
        case FieldType.TEXT:
            return _text(field, value)
        case FieldType.NUMBER:
            return _number(field, value)
        case FieldType.CHOICE:
            codes = [option.code for option in field.options]
            return value if value in codes else _refuse(field, ", ".join(codes))
        case FieldType.DATETIME:
            return _time(field, value)
        case FieldType.PHOTO | FieldType.VIDEO | FieldType.LOCATION | FieldType.EQUIPMENT:
            return _id(field, value)
        case _:
            assert_never(field.type)


def _text(field: FormField, value: Any) -> str:
    if not isinstance(value, str) or len(value) > LONGEST_TEXT or "\x00" in value:
        _refuse(field, f"≤ {LONGEST_TEXT}")
    return str(value)


def _number(field: FormField, value: Any) -> float:
    low = -LARGEST_NUMBER if field.low is None else field.low
    high = LARGEST_NUMBER if field.high is None else field.high
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not low <= value <= high:  # not a number at all (NaN) is in no range
        _refuse(field, f"{low:g} … {high:g}{' ' + field.unit if field.unit else ''}")
    return float(value)


def _time(field: FormField, value: Any) -> str:
    try:
        moment = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        moment = None
    if moment is None or moment.tzinfo is None:
        raise _invalid(field, "2026-11-22T10:00:00+08:00")
    return moment.isoformat()


def _id(field: FormField, value: Any) -> str:
    try:
        return str(UUID(value))
    except (TypeError, ValueError, AttributeError):
        raise _invalid(field, "id") from None


def _refuse(field: FormField, allowed: str) -> Any:
    raise _invalid(field, allowed)


def _invalid(field: FormField, allowed: str) -> FieldInvalid:
    return FieldInvalid(field=field.key, allowed=allowed, field_name=field.names)


def ids_of(fields: Iterable[FormField], values: Mapping[str, Any], *types: FieldType) -> Sequence[UUID]:
    """The ids that the values of fields of these types name, so that somebody can look whether they exist."""
    found: list[UUID] = []
    for field in fields:
        if field.type in types and field.key in values:
            value = values[field.key]
            found += [UUID(each) for each in (value if field.many else [value])]
    return found
