"""Refusals about service levels. Their words are in `locales/`, their status codes in `endpoints`."""

from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from kit.errors import DomainError
from kit.i18n import TextKey


@dataclass(eq=False)
class PolicyNotFound(DomainError):
    policy_id: UUID


@dataclass(eq=False)
class PolicyExists(DomainError):
    """There is a policy for the very same site, kind, priority and contract: `policy_id`, None where it was saved at
    the same moment."""

    policy_id: UUID | None


@dataclass(eq=False)
class PolicyChanged(DomainError):
    """Somebody saved it since the caller looked at it."""

    given_version: int
    version: int


@dataclass(eq=False)
class PolicyEmpty(DomainError):
    """A policy that says nothing: it would win over others and change nothing."""


@dataclass(eq=False)
class LevelInvalid(DomainError):
    """A part of a level cannot be meant. `allowed` says what would do."""

    field: str
    allowed: str

    @property
    def shown(self) -> dict[str, Any]:
        return self.facts | {"field": TextKey(f"ticketing.sla.field.{self.field.partition('.')[0]}")}


@dataclass(eq=False)
class ContractUnknown(DomainError):
    """No maintenance contract of the site has this number."""

    contract_no: str


@dataclass(eq=False)
class HoursInvalid(DomainError):
    """Business hours that cannot be meant. `problem` names what is wrong with them."""

    problem: str

    @property
    def shown(self) -> dict[str, Any]:
        return {"problem": TextKey(f"ticketing.sla.hours.{self.problem}")}


@dataclass(eq=False)
class CalendarChanged(DomainError):
    """Somebody saved the hours since the caller looked at them."""

    given_version: int
    version: int


@dataclass(eq=False)
class BusinessDayNotFound(DomainError):
    day: date


@dataclass(eq=False)
class NotForWholeCompany(DomainError):
    """What holds at every site is set by whoever answers for every site."""


@dataclass(eq=False)
class CityUnknown(DomainError):
    """No site lies there. `known` are the cities of the company's sites."""

    city: str
    known: list[str]

    @property
    def shown(self) -> dict[str, Any]:
        return self.facts | {"known": self.known or [TextKey("ticketing.none")]}


@dataclass(eq=False)
class CitySettingsInvalid(DomainError):
    """`detail` names the setting and what would do."""

    detail: str


@dataclass(eq=False)
class NoAppointment(DomainError):
    """Where life is at stake nobody waits for an appointment."""

    number: str


@dataclass(eq=False)
class AppointmentTooLate(DomainError):
    """Somebody is there already, or the order is over: there is nothing left to make an appointment for."""

    number: str
