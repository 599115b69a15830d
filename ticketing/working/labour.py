"""Time spent on an order, pure: what an entry may say, and what entries come to."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum

from ticketing.working.errors import CostTooLarge, LabourInvalid

LONGEST = timedelta(hours=24)
CENT = Decimal("0.01")
MOST_COST = Decimal("9999999999.99")  # what the column holds


class LabourSource(StrEnum):
    STATE = "state"  # from the arrival to the end, by the order's own states
    ENTERED = "entered"


@dataclass(frozen=True)
class Spent:
    """From–to, or minutes that were only told; without an end and minutes it runs."""

    started_at: datetime | None = None
    ended_at: datetime | None = None
    minutes: Decimal | None = None

    def so_far(self, now: datetime) -> Decimal:
        """Minutes, with two decimal places."""
        if self.minutes is not None:
            return self.minutes
        assert self.started_at is not None  # one of the two was said
        seconds = ((self.ended_at or now) - self.started_at).total_seconds()
        return (Decimal(seconds) / 60).quantize(CENT, ROUND_HALF_UP)


def check_entry(spent: Spent, *, now: datetime) -> None:
    """What somebody enters: either from and to, or minutes; a day at most, and over. Raises LabourInvalid."""
    has_span = spent.started_at is not None and spent.ended_at is not None
    if has_span is (spent.minutes is not None):
        raise LabourInvalid("both" if has_span else "neither")
    if spent.minutes is not None:
        if not 0 < spent.minutes <= LONGEST.total_seconds() / 60:
            raise LabourInvalid("too_long")
        return
    assert spent.started_at is not None and spent.ended_at is not None  # noqa: PT018
    if spent.ended_at <= spent.started_at:
        raise LabourInvalid("backwards")
    if spent.ended_at - spent.started_at > LONGEST:
        raise LabourInvalid("too_long")
    if spent.ended_at > now:
        raise LabourInvalid("ahead")


def check_cost(cost: Decimal, *, number: str) -> Decimal:
    """What the order of that number costs, in yuan, as long as it can be written down. Raises CostTooLarge."""
    if cost > MOST_COST:
        raise CostTooLarge(number=number, cost=cost, most=MOST_COST)
    return cost


def labour_cost(entries: Iterable[Spent], *, per_hour: Decimal, now: datetime) -> Decimal:
    """What the time cost the company, in yuan, rounded once."""
    minutes = sum((one.so_far(now) for one in entries), start=Decimal(0))
    return (minutes * per_hour / 60).quantize(CENT, ROUND_HALF_UP)
