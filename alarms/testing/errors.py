"""Why a test window is refused."""

from dataclasses import dataclass
from uuid import UUID

from kit.errors import DomainError


@dataclass(eq=False)
class TestWindowNotFound(DomainError):
    """No such test window, or not at a site this caller may see."""

    __test__ = False

    test_window_id: UUID


@dataclass(eq=False)
class SecondTesterNeeded(DomainError):
    """Whoever asked for a test window cannot begin it."""


@dataclass(eq=False)
class TestWindowNotAsked(DomainError):
    """It was begun already, taken back, or nobody began it within the hour."""

    __test__ = False

    state: str


@dataclass(eq=False)
class TestWindowOver(DomainError):
    """There is nothing to end."""

    __test__ = False

    state: str


@dataclass(eq=False)
class DeviceNotAtSite(DomainError):
    """A device that is named is not one of the site's that are read."""

    equipment_id: UUID


@dataclass(eq=False)
class AlarmIsNoTest(DomainError):
    """The alarm is real already, or over."""

    alarm_id: UUID


@dataclass(eq=False)
class TestWindowNotOver(DomainError):
    """Only a test that took place and is over is signed off."""

    __test__ = False

    state: str


@dataclass(eq=False)
class TestWindowSigned(DomainError):
    """Somebody signed it off already."""

    __test__ = False

    test_window_id: UUID


@dataclass(eq=False)
class NotOnTheList(DomainError):
    """A device is said to be untried that was no part of the test."""

    equipment_id: UUID


@dataclass(eq=False)
class HeardWasTried(DomainError):
    """A device is said to be untried that spoke in the test."""

    equipment_id: UUID


@dataclass(eq=False)
class SignOffNeedsNote(DomainError):
    """Some devices were not heard, or nobody got to them: it must say what becomes of that."""

    unheard: int
    untried: int
