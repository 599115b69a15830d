"""Refusals of predictions. Their words are in `locales/`, their status codes in `endpoints`."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from kit.errors import DomainError
from kit.i18n import TextKey


@dataclass(eq=False)
class PredictionNotFound(DomainError):
    prediction_id: UUID


@dataclass(eq=False)
class PredictionOver(DomainError):
    """Only one that is open can be answered."""

    state: str

    @property
    def shown(self) -> dict[str, Any]:
        return self.facts | {"state": TextKey(f"predictive.prediction.state.{self.state}")}


@dataclass(eq=False)
class AnswerByOrder(DomainError):
    """It is work: what it was is said with the order's closing code."""


@dataclass(eq=False)
class AlreadyMuted(DomainError):
    method: str
    equipment_kind: str

    @property
    def shown(self) -> dict[str, Any]:
        return self.facts | {"method": TextKey(f"predictive.prediction.method.{self.method}")}


@dataclass(eq=False)
class MutingNotFound(DomainError):
    muting_id: UUID


@dataclass(eq=False)
class MutingLifted(DomainError):
    """It is over already."""


@dataclass(eq=False)
class NotAtSite(DomainError):
    """`field`: what was asked for of a site that is not the caller's, or does not exist."""

    site_id: UUID
