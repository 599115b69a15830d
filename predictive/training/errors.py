"""Refusals of models and trainings. Their words are in `predictive/training/locales/`."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from kit.errors import DomainError
from kit.i18n import TextKey


class RefusalReason(StrEnum):
    """Why a stored model is not used."""

    CONTENT_MISSING = "content_missing"
    WRONG_CHECKSUM = "wrong_checksum"
    WRONG_SIGNATURE = "wrong_signature"
    UNKNOWN_TYPE = "unknown_type"


class ModelRefused(Exception):
    """A stored model is not what was stored, or not signed by this hub: it is not used.

    `model` names it once that is known. No DomainError: nobody who asks over HTTP can do anything about it.
    """

    def __init__(self, reason: RefusalReason, detail: str, *, model: str = "") -> None:
        super().__init__(f"model {model or '?'} is refused, {_WORDS[reason]}: {detail}")
        self.reason = reason
        self.detail = detail


_WORDS = {
    RefusalReason.CONTENT_MISSING: "its content is gone; train anew with `hub train`",
    RefusalReason.WRONG_CHECKSUM: "its content was changed since it was stored; train anew with `hub train`",
    RefusalReason.WRONG_SIGNATURE: "it is not signed with this hub's model secret (HUB_MODEL_SECRET, or secrets.json "
    "of another hub); bring the secret back or train anew with `hub train`",
    RefusalReason.UNKNOWN_TYPE: "it holds what no model of ours holds",
}


@dataclass(eq=False)
class ModelNotFound(DomainError):
    """No such model at the caller's sites."""

    model_id: str


@dataclass(eq=False)
class NotInShadow(DomainError):
    """Only a model that runs in shadow can be promoted or put away."""

    model_id: str
    state: str

    @property
    def shown(self) -> dict[str, Any]:
        return self.facts | {"state": TextKey(f"predictive.training.model_state.{self.state}")}


@dataclass(eq=False)
class TrainingNotFound(DomainError):
    """No such training at the caller's sites."""

    training_id: str


@dataclass(eq=False)
class TrainingUnderWay(DomainError):
    """A site has one training at a time."""

    training_id: str


@dataclass(eq=False)
class NothingToTrain(DomainError):
    """The site has no equipment with points that models learn from."""


class TrainingStopped(Exception):
    """Somebody cancelled it, or it is over by another's hand."""
