"""Why a lock on an equipment is refused, or stays on."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from kit.errors import DomainError


@dataclass(eq=False)
class LockoutNotFound(DomainError):
    """No such lock, or not at a site this caller may see."""

    lockout_id: UUID


@dataclass(eq=False)
class LockoutOver(DomainError):
    """Somebody took it off already, or its time is over."""

    lockout_id: UUID


@dataclass(eq=False)
class LockIsAnothers(DomainError):
    """Whoever put it on may have their hands in the machine: only they, or a manager, take it off."""

    lockout_id: UUID


@dataclass(eq=False)
class LockoutEndsEarlier(DomainError):
    """It would be over before it begins."""

    until: datetime
