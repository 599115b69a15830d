"""A checklist and the answers to it, pure: pass, fail, or a measure with its limits."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any

import msgspec

from kit.i18n import Wording
from ticketing.definitions.documents import Checks, read
from ticketing.errors import FieldInvalid, FieldMissing
from ticketing.working.errors import ChecklistItemUnknown, FailureUnexplained

MOST_ITEMS = 200
LARGEST_MEASURE = Decimal(1_000_000_000)


class CheckKind(StrEnum):
    CHECK = "check"
    MEASURE = "measure"


class CheckOutcome(StrEnum):
    PASS = "pass"  # noqa: S105 - a verdict, not a password
    FAIL = "fail"


class ItemDocument(msgspec.Struct, forbid_unknown_fields=True):
    """`unit`, `low` and `high` are a measure's; a limit left out does not bound."""

    code: str
    names: dict[str, str]
    kind: CheckKind = CheckKind.CHECK
    unit: str | None = None
    low: Decimal | None = None
    high: Decimal | None = None


class ChecklistDocument(msgspec.Struct, forbid_unknown_fields=True):
    """See docs/ticketing.md, "Work in three taps"."""

    names: dict[str, str]
    items: list[ItemDocument]


@dataclass(frozen=True)
class Item:
    code: str
    names: Wording
    kind: CheckKind
    unit: str | None = None
    low: Decimal | None = None
    high: Decimal | None = None

    def holds(self, measure: Decimal) -> bool:
        return (self.low is None or measure >= self.low) and (self.high is None or measure <= self.high)


@dataclass(frozen=True)
class Checklist:
    code: str
    equipment_kind: str
    version: int
    names: Wording
    items: tuple[Item, ...]

    def item(self, code: str) -> Item:
        """Raises ChecklistItemUnknown, naming the items there are."""
        for one in self.items:
            if one.code == code:
                return one
        raise ChecklistItemUnknown(item=code, known=[one.code for one in self.items])

    def unanswered(self, answered: Collection[str]) -> list[Item]:
        return [one for one in self.items if one.code not in answered]


@dataclass(frozen=True)
class Found:
    """What somebody found at an item. For a measure the outcome follows from its limits."""

    outcome: CheckOutcome | None = None
    measure: Decimal | None = None
    note: str | None = None
    has_photo: bool = False


def judge(item: Item, found: Found) -> CheckOutcome:
    """Whether the item is all right. Raises FieldMissing, FieldInvalid, FailureUnexplained."""
    outcome = _measured(item, found) if item.kind is CheckKind.MEASURE else found.outcome
    if outcome is None:
        raise FieldMissing(field=item.code, action="check", field_name=item.names)
    if outcome is CheckOutcome.FAIL and not found.note and not found.has_photo:
        raise FailureUnexplained(item=item.code, item_name=item.names)
    return outcome


def _measured(item: Item, found: Found) -> CheckOutcome | None:
    if found.measure is None:
        return None
    if not found.measure.is_finite() or abs(found.measure) > LARGEST_MEASURE:
        raise FieldInvalid(field=item.code, allowed=f"± {LARGEST_MEASURE}", field_name=item.names)
    return CheckOutcome.PASS if item.holds(found.measure) else CheckOutcome.FAIL


def parse_checklist(document: Mapping[str, Any], *, code: str, equipment_kind: str, version: int) -> Checklist:
    """The checklist that a document means. Raises DocumentInvalid with everything that is wrong."""
    given = read(document, ChecklistDocument)
    checks = Checks()
    checks.code(code, where="code")
    checks.names(given.names, where="names")
    if not 0 < len(given.items) <= MOST_ITEMS:
        checks.add("bad_number", where="items", low=1, high=MOST_ITEMS)
    checks.unique((one.code for one in given.items), where="items")
    for one in given.items:
        _check_item(one, checks)
    checks.raise_if_any()
    items = tuple(
        Item(one.code, Wording(one.names), one.kind, one.unit, one.low, one.high) for one in given.items
    )  # fmt: skip
    return Checklist(code, equipment_kind, version, Wording(given.names), items)


def _check_item(one: ItemDocument, checks: Checks) -> None:
    checks.code(one.code, where="items")
    checks.names(one.names, where=one.code)
    if one.kind is not CheckKind.MEASURE and (one.unit, one.low, one.high) != (None, None, None):
        checks.add("not_a_number", field=one.code)
    if one.low is not None and one.high is not None and one.low > one.high:
        checks.add("bad_number", where=one.code, low=one.low, high=one.high)
