"""Refusals of what owners wish. Their words are in `locales/`."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from kit.errors import ONLY_SHOWN, DomainError
from kit.i18n import TextKey


@dataclass(eq=False)
class _AsItStands(DomainError):
    """Not possible as the report stands now."""

    number: str
    state: str

    @property
    def shown(self) -> dict[str, Any]:
        return self.facts | {"state": TextKey(f"ticketing.owner_state.{self.state}")}


@dataclass(eq=False)
class NothingToConfirm(_AsItStands):
    """Only what is done can be found good or bad."""


@dataclass(eq=False)
class NothingToRate(_AsItStands):
    """Only what is done can be rated."""


@dataclass(eq=False)
class NothingToUrge(_AsItStands):
    """It is done, or called off: there is nothing to hurry."""


@dataclass(eq=False)
class CancelTooLate(_AsItStands):
    """Somebody was sent already: only the desk can call them back."""


@dataclass(eq=False)
class AlreadyRated(DomainError):
    number: str


@dataclass(eq=False)
class UrgedTooOften(DomainError):
    """`next_at`: when urging is possible again; `next_local`: the same by the clock on the site's wall."""

    number: str
    next_at: datetime
    next_local: str | None = field(default=None, metadata=ONLY_SHOWN)

    @property
    def shown(self) -> dict[str, Any]:
        return self.facts | {"next_at": self.next_local or self.next_at.isoformat()}


@dataclass(eq=False)
class ReportWithdrawn(DomainError):
    """The reporter took it back."""

    number: str


@dataclass(eq=False)
class AboutThem(DomainError):
    """A complaint never becomes the work of the person it is about."""

    person_id: UUID


@dataclass(eq=False)
class NoComplaint(DomainError):
    """Only a complaint is about somebody."""

    work_order_id: UUID
