"""Refusals about prices, quotations and payers. Their words are in `locales/`, their status codes in `endpoints`."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from kit.errors import DomainError
from kit.i18n import TextKey


@dataclass(eq=False)
class PriceListInvalid(DomainError):
    """A price list will not do. `where` is the item's code or place, `problem` a word of `charging.price_problem`."""

    where: str
    problem: str
    limit: str = ""

    @property
    def shown(self) -> dict[str, Any]:
        return self.facts | {"problem": TextKey(f"charging.price_problem.{self.problem}")}


@dataclass(eq=False)
class PriceListTooLate(DomainError):
    """A list cannot begin before the one it follows: what was published then stays what was published then."""

    effective_from: date
    follows: date


@dataclass(eq=False)
class PriceListNotFound(DomainError):
    """No list is published for the site on that day."""

    day: date


@dataclass(eq=False)
class WarrantyNotFound(DomainError):
    warranty_id: UUID


@dataclass(eq=False)
class WarrantyBackwards(DomainError):
    """A warranty ends before it begins."""

    starts_on: date
    ends_on: date


@dataclass(eq=False)
class QuotationNotFound(DomainError):
    """No such quotation, or not one of this order, this person or this site."""

    quotation_id: UUID


@dataclass(eq=False)
class QuotationLinkRefused(DomainError):
    """The link is expired, or was not made by this hub."""


@dataclass(eq=False)
class QuotationDecided(DomainError):
    """It was decided before. `state` says how."""

    state: str

    @property
    def shown(self) -> dict[str, Any]:
        return self.facts | {"state": TextKey(f"charging.quotation.{self.state}")}


@dataclass(eq=False)
class QuotationExpired(DomainError):
    """The prices held until a day that is over; a new quotation can be made."""

    until: datetime


@dataclass(eq=False)
class ItemUnknown(DomainError):
    """The price list has no such item; give it a name, unit and price of its own instead."""

    item: str


@dataclass(eq=False)
class ItemIncomplete(DomainError):
    """An item that is not from the price list needs words and a price. `field` is what is missing."""

    line: int
    field: str

    @property
    def shown(self) -> dict[str, Any]:
        return self.facts | {"field": TextKey(f"charging.field.{self.field}")}


@dataclass(eq=False)
class QuotationTooMuch(DomainError):
    """Quantity times price is more than can be written down: one of them is mistyped. Money in yuan."""

    total: Decimal
    most: Decimal


@dataclass(eq=False)
class NobodyToAsk(DomainError):
    """Somebody else than a private person pays: there is nothing to quote to an owner."""

    payer: str

    @property
    def shown(self) -> dict[str, Any]:
        return self.facts | {"payer": TextKey(f"charging.payer.{self.payer}")}


@dataclass(eq=False)
class NothingQuoted(DomainError):
    """The order waits for an answer only when something was quoted."""

    number: str


@dataclass(eq=False)
class NotAnswered(DomainError):
    """The owner has not said that. `wanted`: "approved" or "rejected"."""

    number: str
    wanted: str

    @property
    def shown(self) -> dict[str, Any]:
        return self.facts | {"wanted": TextKey(f"charging.quotation.{self.wanted}")}
