"""Refusals of linkage. Their words are in `locales/`, their status codes in `endpoints`."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from kit.errors import DomainError
from kit.i18n import TextKey


@dataclass(eq=False)
class TargetProtected(DomainError):
    """Nobody can have the hub switch this. `because`: the equipment that is protected, perhaps one beside it."""

    equipment: str
    because: str
    protection: str

    @property
    def shown(self) -> dict[str, Any]:
        return self.facts | {"protection": TextKey(f"linkage.protection.{self.protection}")}


@dataclass(eq=False)
class ActionRefused(DomainError):
    """`field`: its place in what was sent, as `actions.0`. `detail`: what exactly, for people who know the device."""

    field: str
    hindrance: str
    detail: str

    @property
    def shown(self) -> dict[str, Any]:
        return self.facts | {"hindrance": TextKey(f"linkage.hindrance.{self.hindrance}")}


@dataclass(eq=False)
class ConditionTooWide(DomainError):
    """A rule names a fault, a rule of alarms, or equipment."""


@dataclass(eq=False)
class PointListed(DomainError):
    """It is on the list already."""

    equipment: str
    point: str


@dataclass(eq=False)
class LinkagePointNotFound(DomainError):
    linkage_point_id: UUID


@dataclass(eq=False)
class LinkageRuleNotFound(DomainError):
    linkage_rule_id: UUID


@dataclass(eq=False)
class LinkageRunNotFound(DomainError):
    linkage_run_id: UUID


@dataclass(eq=False)
class RunNotAwaiting(DomainError):
    """Only what waits for people is confirmed or rejected."""

    state: str

    @property
    def shown(self) -> dict[str, Any]:
        return self.facts | {"state": TextKey(f"linkage.state.{self.state}")}


@dataclass(eq=False)
class SecondPersonNeeded(DomainError):
    """Who has confirmed it already cannot confirm it for the other one."""
