"""Refusals about people and logins."""

from dataclasses import dataclass
from uuid import UUID

from kit.errors import DomainError


@dataclass(eq=False)
class PersonNotFound(DomainError):
    person_id: UUID


@dataclass(eq=False)
class LoginRefused(DomainError):
    """Name or password is wrong; which of them is never said."""


@dataclass(eq=False)
class TooManyFailures(DomainError):
    """Too many failed logins; `retry_after_s` seconds to wait."""

    retry_after_s: int


@dataclass(eq=False)
class WeakPassword(DomainError):
    min_length: int


@dataclass(eq=False)
class UsernameTaken(DomainError):
    username: str


@dataclass(eq=False)
class NoAccount(DomainError):
    person_id: UUID


@dataclass(eq=False)
class GrantRefused(DomainError):
    """An administrator of some sites gives and takes rights at these sites only."""


@dataclass(eq=False)
class ShiftOverlaps(DomainError):
    person: str


@dataclass(eq=False)
class ShiftNotFound(DomainError):
    shift_id: UUID


@dataclass(eq=False)
class BadShift(DomainError):
    """A shift that ends before it starts, or lasts longer than a shift may."""

    max_hours: int


@dataclass(eq=False)
class RotaNotFound(DomainError):
    rota_id: UUID


@dataclass(eq=False)
class ResidenceNotFound(DomainError):
    residence_id: UUID


@dataclass(eq=False)
class SpaceIsNoHome(DomainError):
    space_id: UUID


@dataclass(eq=False)
class WecomUserTaken(DomainError):
    wecom_user_id: str


@dataclass(eq=False)
class NobodyResponsible(DomainError):
    """A site without a manager and an installation without an administrator."""

    site_id: UUID
