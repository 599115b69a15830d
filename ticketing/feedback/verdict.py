"""Decisions on what owners say, pure."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID
from zoneinfo import ZoneInfo

from ticketing.feedback.policy import FeedbackPolicy
from ticketing.kinds import OrderState


class Outcome(StrEnum):
    """What became of a question to an owner whether the work is good."""

    ACCEPTED = "accepted"
    REJECTED = "rejected"
    SILENT = "silent"  # they did not say; after a while that counts as consent


class Wish(StrEnum):
    """What an owner may do with a report of theirs."""

    CONFIRM = "confirm"
    REJECT = "reject"
    RATE = "rate"
    URGE = "urge"
    CANCEL = "cancel"


@dataclass(frozen=True)
class Stars:
    """1 … 5 each."""

    speed: int
    attitude: int
    quality: int

    @property
    def lowest(self) -> int:
        return min(self.speed, self.attitude, self.quality)

    @property
    def mean(self) -> float:
        return round((self.speed + self.attitude + self.quality) / 3, 2)


ANSWERABLE = frozenset({OrderState.DONE, OrderState.VERIFIED})
RATEABLE = ANSWERABLE | {OrderState.CLOSED}
_OVER = RATEABLE | {OrderState.CANCELLED}
_UNGIVEN = frozenset({OrderState.NEW})


def wishes(state: OrderState, *, is_answered: bool, is_rated: bool, is_withdrawn: bool) -> list[Wish]:
    """What makes sense now; times and the order's flow may still say no."""
    if is_withdrawn:
        return []
    possible = {
        Wish.CONFIRM: state in ANSWERABLE and not is_answered,
        Wish.REJECT: state in RATEABLE,
        Wish.RATE: state in RATEABLE and not is_rated,
        Wish.URGE: state not in _OVER,
        Wish.CANCEL: state in _UNGIVEN,
    }
    return [wish for wish, is_possible in possible.items() if is_possible]


def next_urge(past: Sequence[datetime], *, now: datetime, policy: FeedbackPolicy, zone: ZoneInfo) -> datetime | None:
    """None when urging is possible now, else when it is next: some minutes after the last one, and so many a day of the
    site's own calendar."""
    if not past:
        return None
    gap_ends = max(past) + timedelta(minutes=policy.urge_every_min)
    today = now.astimezone(zone).date()
    used = sum(one.astimezone(zone).date() == today for one in past)
    if used >= policy.urges_a_day:
        tomorrow = now.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
        return max(gap_ends, tomorrow.astimezone(now.tzinfo))
    return gap_ends if gap_ends > now else None


def goes_up(rejections: int, policy: FeedbackPolicy) -> bool:
    """Whether the rejection that makes it so many is the manager's business."""
    return rejections >= policy.rejections_to_manager


def wants_return_visit(stars: Sequence[int], policy: FeedbackPolicy) -> bool:
    """One bad mark is enough: a kind engineer does not make up for a tap that still drips."""
    return bool(stars) and min(stars) <= policy.low_stars


def is_agreed(reports: Collection[UUID], answers: Collection[tuple[UUID, Outcome]]) -> bool:
    """Whether everybody who reported it is content, or has kept silent long enough."""
    content = {report for report, outcome in answers if outcome is not Outcome.REJECTED}
    return bool(reports) and set(reports) <= content
