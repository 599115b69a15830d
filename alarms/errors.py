"""Why the alarms room refuses. The state machine's own refusals are in `alarms.lifecycle`."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from kit.errors import DomainError


@dataclass(eq=False)
class AlarmNotFound(DomainError):
    """No such alarm, or not at a site this caller may see."""

    alarm_id: UUID


@dataclass(eq=False)
class LifeSafetyNotShelved(DomainError):
    """An alarm of life safety is dealt with, never put away."""

    alarm_id: UUID


@dataclass(eq=False)
class NothingToShelve(DomainError):
    """The alarm is NORMAL: there is nothing that keeps coming up."""

    alarm_id: UUID


@dataclass(eq=False)
class AlarmNotShelved(DomainError):
    """Somebody asked to take an alarm off the shelf that is not on it; it may have come off by itself."""

    alarm_id: UUID


@dataclass(eq=False)
class UnknownAlarmSort(DomainError):
    """A list was asked to sort by a field it does not have."""

    field: str
    known: str


@dataclass(eq=False)
class UnknownEquipment(DomainError):
    """The equipment is not, or no longer, part of the reading line."""

    equipment_id: UUID


@dataclass(eq=False)
class AlarmOver(DomainError):
    """Nobody need look after an alarm that is NORMAL."""

    alarm_id: UUID


@dataclass(eq=False)
class AssigneeNotStaff(DomainError):
    """An alarm is looked after by somebody who works at the site."""

    assignee_id: UUID


@dataclass(eq=False)
class AlarmInService(DomainError):
    """Neither the condition nor its equipment is out of service."""

    alarm_id: UUID


@dataclass(eq=False)
class OutOfServiceEndsEarlier(DomainError):
    """It would be over before it begins."""

    until: datetime


@dataclass(eq=False)
class AnswersEarlierEpisode(DomainError):
    """The answer is to an episode that is over: the alarm was raised again, and nobody has seen that yet."""

    alarm_id: UUID
    episode_onset_at: datetime
