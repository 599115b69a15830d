"""Why questions about floods are refused."""

from dataclasses import dataclass
from uuid import UUID

from kit.errors import DomainError


@dataclass(eq=False)
class AlarmGroupNotFound(DomainError):
    """No such group of alarms, or not at a site this caller may see."""

    group_id: UUID


@dataclass(eq=False)
class LoadSpanNotPossible(DomainError):
    """The time asked for ends before it begins, or is longer than figures are made of at once."""

    since: str
    until: str
    days: int
