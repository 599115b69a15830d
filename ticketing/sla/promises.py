"""What one order was promised, taken over by the order that it goes into. Whoever calls holds both rows."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import assert_never

from ticketing.models import WorkOrder
from ticketing.sla.business_time import BusinessHours
from ticketing.sla.keeping import clocks_of, is_over, rearm, run_on
from ticketing.sla.levels import Target
from ticketing.sla.service_level import of_json


@dataclass(frozen=True)
class Promises:
    """When what an order still owes is due; `arrival_min` is what its arrival was counted from."""

    due: Mapping[Target, datetime]
    promised_at: datetime | None
    arrival_min: float | None


def promises_of(order: WorkOrder, now: datetime) -> Promises:
    """What `order` still owes: nothing that it has kept, and nothing once it is over. Ends its hold."""
    if is_over(order):
        return Promises({}, None, None)
    run_on(order, now)
    clocks = clocks_of(order, of_json(order.sla))
    due = {clock.target: clock.due_at for clock in clocks if not clock.is_stopped}
    return Promises(due, order.promised_at, order.arrival_min)


def take_over(order: WorkOrder, promises: Promises, now: datetime) -> None:
    """`order` owes all of it, too, no later than it was promised; what it has kept already it owes nobody again.

    While it is on hold, what is left of a promise stays left.
    """
    if is_over(order):
        return
    hours = of_json(order.sla).hours
    for target, due_at in promises.due.items():
        _take(order, target, _at_rest(order, hours, due_at, now), promises.arrival_min)
    if promises.promised_at is not None:
        order.promised_at = min(order.promised_at, _at_rest(order, hours, promises.promised_at, now))
    rearm(order, now)


def _take(order: WorkOrder, target: Target, due_at: datetime, arrival_min: float | None) -> None:
    match target:
        case Target.RESPONSE:
            if order.responded_at is None:
                order.response_due_at = min(order.response_due_at, due_at)
        case Target.ARRIVAL:
            if order.arrived_at is None:
                order.arrival_min = arrival_min if order.arrival_min is None else order.arrival_min
                order.arrival_due_at = min(order.arrival_due_at or due_at, due_at)
        case Target.RESOLUTION:
            order.resolution_due_at = min(order.resolution_due_at, due_at)
        case _:
            assert_never(target)


def _at_rest(order: WorkOrder, hours: BusinessHours, due_at: datetime, now: datetime) -> datetime:
    """A moment as clocks that have stood still for a while write it: it is put off by that when they go on."""
    if order.held_since is None:
        return due_at
    return hours.moved(due_at, was_running_from=now, runs_from=order.held_since)
