"""When equipment has done as much as it may until its next service, from what its counter counted so far. Pure.

A service is due at every multiple of a number of hours or cycles. The counter goes on as it did: its mean a day, in
doubt by how weeks differed. Blind to: a service that nobody told the hub of, before the day it was due on.
"""

from dataclasses import dataclass
from math import ceil, floor, sqrt

import numpy as np

from predictive.detectors.contract import Floats

FEWEST_DAYS = 7
# Use differs from week to week more than from day to day.
ALIKE_DAYS = 7.0
# 80 %: a tenth to either side.
DEVIATE = 1.28
# A service done when this part of `every` was still to go counts for the one to come.
EARLY = 0.15
# What is overdue by more was done without the hub, or nobody will.
OVERDUE = 0.1
LONGEST_DAYS = 3_650.0


@dataclass(frozen=True, slots=True)
class ServiceDue:
    """days_low, days_mid, days_high: until the counter shows `at`, 0 where it is overdue. value: it shows now.
    rate: what it counts in a day."""

    at: float
    value: float
    rate: float
    days_low: float
    days_mid: float
    days_high: float


def service_due(days: Floats, values: Floats, *, every: float, served_day: float | None = None) -> ServiceDue | None:
    """The service that comes next, as of the last day.

    `days`: float64[D], rising, 1 = a day; `values`: float64[D], what the counter showed last on each. `served_day`: the
    day of the last service, on the same axis. None: a counter that stands still, or was read on too few days.
    """
    counted = _since_replaced(values)
    days, values = days[counted:], values[counted:]
    if len(days) < FEWEST_DAYS:
        return None
    steps = np.diff(values) / np.diff(days)
    span = float(days[-1] - days[0])
    rate = float(values[-1] - values[0]) / span
    if rate <= 0:
        return None
    value = float(values[-1])
    served = None if served_day is None else value - rate * (float(days[-1]) - served_day)
    at = _next(value, every=every, first=float(values[0]), served=served)
    left = max(at - value, 0.0)
    middle = min(left / rate, LONGEST_DAYS)
    doubt = DEVIATE * float(np.std(steps)) * sqrt(ALIKE_DAYS * (1.0 / span + 1.0 / max(middle, 1.0)))
    soonest, latest = left / (rate + doubt), left / max(rate - doubt, 0.1 * rate)
    return ServiceDue(at, value, rate, min(soonest, middle), middle, min(max(latest, middle), LONGEST_DAYS))


def _next(value: float, *, every: float, first: float, served: float | None) -> float:
    """The multiple of `every` that counts: the last one while it is overdue, else the next that is not served yet."""
    last, coming = every * floor(value / every), every * ceil(value / every)
    was_seen = first < last  # what was passed before anybody looked has been seen to by somebody
    is_served = served is not None and served >= last - EARLY * every
    if last > 0 and was_seen and not is_served and value - last <= OVERDUE * every:
        return last
    if coming <= value:
        coming += every
    return coming + every if served is not None and served >= coming - EARLY * every else coming


def _since_replaced(values: Floats) -> int:
    """Where the counter began that counts now: one that shows less than before is another."""
    back = np.flatnonzero(np.diff(values) < 0)
    return int(back[-1]) + 1 if len(back) else 0
