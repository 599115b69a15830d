"""Refusals of the work itself. Their words are in `locales/`, their status codes in `endpoints`."""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from uuid import UUID

from kit.errors import ONLY_SHOWN, DomainError
from kit.i18n import TextKey, Wording


@dataclass(eq=False)
class WorkIncomplete(DomainError):
    """The order's kind wants more before it is done. `missing` names all of it, `items` what of the checklist."""

    missing: list[str]
    items: list[str]
    item_names: list[Wording] | None = field(default=None, metadata=ONLY_SHOWN)

    @property
    def shown(self) -> dict[str, Any]:
        things: list[TextKey | Wording] = [TextKey(f"working.wanted.{one}") for one in self.missing]
        return {"missing": [*things, *(self.item_names or [])]}


@dataclass(eq=False)
class ChecklistNotFound(DomainError):
    code_name: str


@dataclass(eq=False)
class NoChecklist(DomainError):
    """The order's kind has no checklist for this equipment."""

    number: str


@dataclass(eq=False)
class ChecklistItemUnknown(DomainError):
    item: str
    known: list[str]


@dataclass(eq=False)
class FailureUnexplained(DomainError):
    """What failed is described by a note or a picture."""

    item: str
    item_name: Wording | None = field(default=None, metadata=ONLY_SHOWN)

    @property
    def shown(self) -> dict[str, Any]:
        return {"item": self.item_name or self.item}


@dataclass(eq=False)
class LabourInvalid(DomainError):
    """`problem`: "neither", "both", "backwards", "too_long" or "ahead"."""

    problem: str

    @property
    def shown(self) -> dict[str, Any]:
        return {"problem": TextKey(f"working.labour_problem.{self.problem}")}


@dataclass(eq=False)
class CostTooLarge(DomainError):
    """An order costs `most` yuan at most: time or parts were entered that cannot be meant."""

    number: str
    cost: Decimal
    most: Decimal


@dataclass(eq=False)
class OrderIsOver(DomainError):
    """Nothing is added to an order that is settled or cancelled."""

    number: str


@dataclass(eq=False)
class NotOnTheJob(DomainError):
    """Only whoever works on the order, and the desk, may enter this."""

    number: str


@dataclass(eq=False)
class NobodyToHelp(DomainError):
    """A helper is staff or a contractor of the site, and not the one who has the order."""

    person_id: UUID


@dataclass(eq=False)
class SignatureRefused(DomainError):
    """Not a signature: "blank" or "too_small"."""

    reason: str

    @property
    def shown(self) -> dict[str, Any]:
        return {"reason": TextKey(f"working.signature_problem.{self.reason}")}


@dataclass(eq=False)
class LabelUnknown(DomainError):
    """The scanned code is no label of equipment or a place in use, or of a site that is not the caller's."""


@dataclass(eq=False)
class ContractorLinkRefused(DomainError):
    """The link is expired, taken back, or was not made by this hub; or whoever it was sent to has the order no more."""


@dataclass(eq=False)
class ContractorLinkNotFound(DomainError):
    link_id: UUID


@dataclass(eq=False)
class NotWithContractor(DomainError):
    """A link is for the contractor's person who has the order."""

    number: str


@dataclass(eq=False)
class PartsNotWanted(DomainError):
    """By a contractor's link parts are taken only for orders of a kind that wants them."""

    number: str
