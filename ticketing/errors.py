"""Refusals of the ticketing room. Their words are in `locales/`, their status codes in `endpoints`."""

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from kit.errors import ONLY_SHOWN, DomainError, StaleEdit
from kit.i18n import TextKey, Wording


def _words(group: str, machine_words: Iterable[str]) -> list[TextKey]:
    """What a sentence says for machine words; for none of them, that there is none."""
    return [TextKey(f"ticketing.{group}.{word}") for word in machine_words] or [TextKey("ticketing.none")]


@dataclass(eq=False)
class WorkOrderNotFound(DomainError):
    """No such order, or one of a site the caller may not see."""

    work_order_id: UUID


@dataclass(eq=False)
class ReportNotFound(DomainError):
    report_id: UUID


@dataclass(eq=False)
class ReportLinkRefused(DomainError):
    """The link of a message is expired, or was not made by this hub. Which of the two is nobody's business."""


@dataclass(eq=False)
class TaskNotFound(DomainError):
    task_id: UUID


@dataclass(eq=False)
class PhotoNotFound(DomainError):
    photo_id: UUID


@dataclass(eq=False)
class VideoNotFound(DomainError):
    video_id: UUID


@dataclass(eq=False)
class NotEmployed(DomainError):
    """Work is given to staff and contractors, not to residents."""

    person_id: UUID


@dataclass(eq=False)
class PlaceNotFound(DomainError):
    """The space, building or equipment of a new order is not at its site."""

    place_id: UUID


@dataclass(eq=False)
class IllegalTransition(DomainError):
    """The order is in a stage that knows no such action. `legal` is what this caller may do instead."""

    action: str
    state: str
    legal: list[str]
    action_name: TextKey | Wording | None = dataclasses.field(default=None, metadata=ONLY_SHOWN)
    state_name: TextKey | Wording | None = dataclasses.field(default=None, metadata=ONLY_SHOWN)
    legal_names: list[TextKey | Wording] | None = dataclasses.field(default=None, metadata=ONLY_SHOWN)

    @property
    def shown(self) -> dict[str, Any]:
        return self.facts | {
            "action": self.action_name or TextKey(f"ticketing.action.{self.action}"),
            "state": self.state_name or TextKey(f"ticketing.state.{self.state}"),
            "legal": self.legal_names or _words("action", self.legal),
        }


@dataclass(eq=False)
class IllegalTaskMove(DomainError):
    action: str
    state: str
    legal: list[str]

    @property
    def shown(self) -> dict[str, Any]:
        return self.facts | {
            "action": TextKey(f"ticketing.action.{self.action}"),
            "state": TextKey(f"ticketing.task_state.{self.state}"),
            "legal": _words("action", self.legal),
        }


@dataclass(eq=False)
class NotYourOrder(DomainError):
    """The action is legal, but for others. `who` names the hats that may."""

    action: str
    who: list[str]
    action_name: TextKey | Wording | None = dataclasses.field(default=None, metadata=ONLY_SHOWN)

    @property
    def shown(self) -> dict[str, Any]:
        return self.facts | {
            "action": self.action_name or TextKey(f"ticketing.action.{self.action}"),
            "who": _words("hat", self.who),
        }


@dataclass(eq=False)
class FieldMissing(DomainError):
    """`field` is wanted with `action`. `field_name`: what a form calls it, where it is a form's own."""

    field: str
    action: str
    field_name: TextKey | Wording | None = dataclasses.field(default=None, metadata=ONLY_SHOWN)
    action_name: TextKey | Wording | None = dataclasses.field(default=None, metadata=ONLY_SHOWN)

    @property
    def shown(self) -> dict[str, Any]:
        return self.facts | {
            "field": self.field_name or TextKey(f"ticketing.field.{self.field}"),
            "action": self.action_name or TextKey(f"ticketing.action.{self.action}"),
        }


@dataclass(eq=False)
class FieldInvalid(DomainError):
    """A field is there and cannot be meant. `allowed` says what would do."""

    field: str
    allowed: str
    field_name: TextKey | Wording | None = dataclasses.field(default=None, metadata=ONLY_SHOWN)

    @property
    def shown(self) -> dict[str, Any]:
        return self.facts | {
            "field": self.field_name or TextKey(f"ticketing.field.{self.field}"),
        }


@dataclass(eq=False)
class FieldUnknown(DomainError):
    """The order's form has no such field. `known` are those it has."""

    field: str
    known: list[str]


@dataclass(eq=False)
class FieldNotYours(DomainError):
    """The form has the field, but others fill it in."""

    field: str
    field_name: TextKey | Wording | None = dataclasses.field(default=None, metadata=ONLY_SHOWN)

    @property
    def shown(self) -> dict[str, Any]:
        return self.facts | {"field": self.field_name or Wording.same(self.field)}


@dataclass(eq=False)
class ReopenTooLate(DomainError):
    """The order was settled longer ago than its flow lets it be reopened; a new one says that it is a repeat."""

    number: str
    days: float

    @property
    def shown(self) -> dict[str, Any]:
        return self.facts | {"days": f"{self.days:g}"}


@dataclass(eq=False)
class PageTooDeep(DomainError):
    """A list is paged through down to row `deepest`; what lies further is found by narrowing it."""

    deepest: int


@dataclass(eq=False)
class AlreadyTaken(DomainError):
    """Somebody else was quicker."""

    number: str
    by_name: str


@dataclass(eq=False)
class StaleWorkOrder(StaleEdit):
    """The order changed since the caller looked at it."""


@dataclass(eq=False)
class TasksUnfinished(DomainError):
    """A real incident is not over while a step that matters is open. `tasks` names their kinds."""

    tasks: list[str]

    @property
    def shown(self) -> dict[str, Any]:
        return self.facts | {
            "tasks": _words("task", self.tasks),
        }


@dataclass(eq=False)
class IncidentTakenOver(DomainError):
    """The order cannot be reopened: the same incident has an open order of its own."""

    number: str


@dataclass(eq=False)
class OutageNotPossible(DomainError):
    """Only an elevator that serves known homes can be announced as out of service."""

    work_order_id: UUID


@dataclass(eq=False)
class OutageAlreadyConfirmed(DomainError):
    confirmed_at: datetime


@dataclass(eq=False)
class VideoRefused(DomainError):
    """Not a video we keep: "too_large", "not_a_video", "too_many_pixels" or "too_long". `limit` says of what."""

    reason: str
    limit: str

    @property
    def shown(self) -> dict[str, Any]:
        return self.facts | {
            "reason": TextKey(f"ticketing.photo.{self.reason}"),
        }


@dataclass(eq=False)
class PhotoRefused(DomainError):
    """Not a picture we keep: "too_large", "not_an_image", "too_many_pixels" or "too_many". `limit` says of what."""

    reason: str
    limit: str

    @property
    def shown(self) -> dict[str, Any]:
        return self.facts | {
            "reason": TextKey(f"ticketing.photo.{self.reason}"),
        }
