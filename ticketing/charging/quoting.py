"""What a quotation comes to, and whether the owner must say yes to it first. Pure, in Decimal, rounded once a line."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum

from ticketing.charging.prices import ItemKind

CENT = Decimal("0.01")
MOST_TOTAL = Decimal("9999999999.99")  # what a column of money holds


class ApprovalReason(StrEnum):
    """Why the owner is asked."""

    ABOVE_PUBLISHED = "above_published"
    NOT_PUBLISHED = "not_published"
    ABOVE_THRESHOLD = "above_threshold"
    NOT_TOLD = "not_told"  # the hub cannot show it to anybody: the door is where it is shown


@dataclass(frozen=True)
class QuoteLine:
    """`names` by language. `published_price`: what the price list says of it; None where it says nothing. Money in
    yuan."""

    code: str | None
    names: Mapping[str, str]
    kind: ItemKind
    unit: str
    quantity: Decimal
    unit_price: Decimal
    published_price: Decimal | None = None

    @property
    def total(self) -> Decimal:
        return (self.quantity * self.unit_price).quantize(CENT, ROUND_HALF_UP)

    @property
    def is_above_published(self) -> bool:
        return self.published_price is not None and self.unit_price > self.published_price


def total_of(lines: Sequence[QuoteLine]) -> Decimal:
    return sum((line.total for line in lines), start=Decimal("0.00"))


def approval_reasons(
    lines: Sequence[QuoteLine], *, threshold: Decimal, can_be_told: bool
) -> tuple[ApprovalReason, ...]:
    """Why this must be approved; empty: at published prices and small, showing it is enough.

    `can_be_told`: the hub knows who pays. Nobody pays what they were not shown.
    """
    found = [] if can_be_told else [ApprovalReason.NOT_TOLD]
    if any(line.is_above_published for line in lines):
        found.append(ApprovalReason.ABOVE_PUBLISHED)
    if any(line.published_price is None and line.unit_price > 0 for line in lines):
        found.append(ApprovalReason.NOT_PUBLISHED)
    if total_of(lines) > threshold:
        found.append(ApprovalReason.ABOVE_THRESHOLD)
    return tuple(found)
