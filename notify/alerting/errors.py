"""Refusals about telling of alarms. Their words are in `notify/locales`, their status codes in `endpoints`."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from kit.errors import DomainError, StaleEdit
from kit.i18n import TextKey


@dataclass(eq=False)
class AlertPolicyInvalid(DomainError):
    """`where` is the place in the document, `problem` the last part of a text key."""

    where: str
    problem: str

    @property
    def shown(self) -> dict[str, Any]:
        return self.facts | {"problem": TextKey(f"notify.alerting.problem.{self.problem}")}


@dataclass(eq=False)
class AlertPolicyChanged(StaleEdit):
    """Somebody saved a newer version since the caller looked."""


@dataclass(eq=False)
class AlertPolicyVersionNotFound(DomainError):
    version: int


@dataclass(eq=False)
class AlertDestinationNotFound(DomainError):
    """No such destination, or one of a site the caller may not see."""

    destination_id: UUID


@dataclass(eq=False)
class AlertDestinationNameTaken(DomainError):
    name: str


@dataclass(eq=False)
class AlertDestinationRefused(DomainError):
    """An address that nothing is sent to. `problem` is the last part of a text key."""

    address: str
    problem: str

    @property
    def shown(self) -> dict[str, Any]:
        return self.facts | {"problem": TextKey(f"notify.alerting.refused.{self.problem}")}


@dataclass(eq=False)
class TooManyAlertDestinations(DomainError):
    limit: int


@dataclass(eq=False)
class AlertCaseNotFound(DomainError):
    """No such case, or one of a site the caller may not see."""

    case_id: UUID
