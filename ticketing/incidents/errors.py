"""Refusals about what belongs together. Their words are in `locales/`, their status codes in `endpoints`."""

from dataclasses import dataclass
from typing import Any

from kit.errors import DomainError
from kit.i18n import TextKey


@dataclass(eq=False)
class MergeNotPossible(DomainError):
    """`reason`: same_order, other_site, source_settled, target_settled, already_merged, feedback or life_safety."""

    number: str
    into: str
    reason: str

    @property
    def shown(self) -> dict[str, Any]:
        return self.facts | {"reason": TextKey(f"ticketing.merge_refusal.{self.reason}")}


@dataclass(eq=False)
class NotMerged(DomainError):
    """Nothing to take apart: the order stands by itself."""

    number: str


@dataclass(eq=False)
class SplitNotPossible(DomainError):
    """The report is all that the order is about."""

    number: str


@dataclass(eq=False)
class LinkNotPossible(DomainError):
    """`reason`: same_order, other_site, settled or life_safety."""

    number: str
    under: str
    reason: str

    @property
    def shown(self) -> dict[str, Any]:
        return self.facts | {"reason": TextKey(f"ticketing.link_refusal.{self.reason}")}


@dataclass(eq=False)
class ChildrenUndecided(DomainError):
    """Orders hang under the one that is closed: the field `children` says what becomes of them."""

    field: str
    numbers: list[str]
    allowed: str

    @property
    def shown(self) -> dict[str, Any]:
        return self.facts | {"field": TextKey(f"ticketing.field.{self.field}"), "numbers": ", ".join(self.numbers)}
