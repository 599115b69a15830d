"""Signing a test off: which devices were tried, and which of them nothing was heard of. Pure."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from alarms.testing.errors import HeardWasTried, NotOnTheList, SignOffNeedsNote


@dataclass(frozen=True)
class SignOff:
    """What the two say when it is over: nobody got to the `untried`. `note` says what becomes of whatever is amiss."""

    untried: Sequence[UUID]
    note: str


@dataclass(frozen=True)
class TestedDevice:
    """`heard_at`: when it spoke first in the test, None while silent. `was_tried` is what was signed, None before."""

    __test__ = False

    equipment_id: UUID
    heard_at: datetime | None
    was_tried: bool | None


def unheard_of(devices: Sequence[UUID], *, heard: Collection[UUID], sign_off: SignOff) -> list[UUID]:
    """The devices that were tried and never heard, in the list's order: those are what a test is made for.

    Raises NotOnTheList, HeardWasTried, SignOffNeedsNote.
    """
    for equipment_id in sign_off.untried:
        if equipment_id not in devices:
            raise NotOnTheList(equipment_id)
        if equipment_id in heard:
            raise HeardWasTried(equipment_id)
    unheard = [each for each in devices if each not in heard and each not in sign_off.untried]
    if (unheard or sign_off.untried) and not sign_off.note.strip():
        raise SignOffNeedsNote(unheard=len(unheard), untried=len(set(sign_off.untried)))
    return unheard
