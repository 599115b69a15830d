"""What of an order's form finishing wants, as the holder of a contractor's link is asked for it. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kit.access import Role
from kit.i18n import Wording
from ticketing.forms import FieldType, Form, FormField, Moment, Option

# Whoever holds the link does an engineer's work, and fills in what engineers fill in.
ROLES = frozenset({Role.ENGINEER})


@dataclass(frozen=True)
class LinkedField:
    """`options`: of a choice its own; of a place or an equipment that of the order, the only one a link knows.

    `value` None: nothing is there yet, or it is not for them to see. `may_write` False: the desk fills it in.
    """

    field: FormField
    options: tuple[Option, ...]
    value: Any
    may_write: bool


def asked_fields(
    form: Form, values: Mapping[str, Any], *, place: Option | None, equipment: Option | None
) -> list[LinkedField]:
    """What must be filled in before the order is done: what is wanted at completion, and what nobody could be asked for
    when it opened. What only others fill in is shown until it is there."""
    seen = form.seen_by(values, ROLES)
    found = [
        LinkedField(field, _options(field, place, equipment), seen.get(field.key), bool(field.write & ROLES))
        for field in form.fields
        if field.required is Moment.COMPLETION or (field.required is Moment.CREATION and field.key not in values)
    ]
    return [one for one in found if one.may_write or one.field.key not in values]


def writable(form: Form, values: Mapping[str, Any]) -> Form:
    """The part of `form` that the holder of a link fills in."""
    asked = asked_fields(form, values, place=None, equipment=None)
    return Form(tuple(one.field for one in asked if one.may_write))


def option_of(code: object, name: str | None) -> Option | None:
    """What an order is about, to be named in its form; None where it is about none."""
    return None if code is None or not name else Option(str(code), Wording.same(name))


def _options(field: FormField, place: Option | None, equipment: Option | None) -> tuple[Option, ...]:
    match field.type:
        case FieldType.LOCATION:
            return (place,) if place else ()
        case FieldType.EQUIPMENT:
            return (equipment,) if equipment else ()
        case _:
            return field.options
