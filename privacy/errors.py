"""Refusals of the privacy room. Their words are in `locales/`, their status codes in `endpoints`."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from kit.errors import DomainError
from kit.i18n import Phrase
from kit.personal import KeepingDuty


@dataclass(eq=False)
class NotYourData(DomainError):
    """Somebody's data is for themselves, and for an administrator who acts for them. Also of who does not exist."""

    person_id: UUID


@dataclass(eq=False)
class ErasureRefused(DomainError):
    """Something must be kept for now. `duties` names each, with the day it ends where that is known."""

    duties: list[dict[str, str | None]]

    @classmethod
    def of(cls, duties: list[KeepingDuty]) -> "ErasureRefused":
        return cls(
            [
                {"reason": duty.reason, "about": duty.about, "until": duty.until.isoformat() if duty.until else None}
                for duty in duties
            ]
        )

    @property
    def shown(self) -> dict[str, Any]:
        sentences = [
            Phrase(f"privacy.duty.{duty['reason']}", {"about": duty["about"], "until": duty["until"] or "—"})
            for duty in self.duties
        ]
        return {"duties": sentences}


@dataclass(eq=False)
class PurposeUnknown(DomainError):
    """No such purpose, or one that does not rest on consent."""

    purpose: str
    known: list[str]


@dataclass(eq=False)
class ConsentOutdated(DomainError):
    """The text has changed since it was shown."""

    given_version: int
    version: int


@dataclass(eq=False)
class NoConsent(DomainError):
    """There is nothing to withdraw."""

    purpose: str
