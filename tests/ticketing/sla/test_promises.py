"""What an order owes, taken over by the one that it goes into."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ticketing.models import WorkOrder
from ticketing.sla.business_time import ROUND_THE_CLOCK
from ticketing.sla.keeping import run_on
from ticketing.sla.levels import Rung, Target, chain_of
from ticketing.sla.promises import promises_of, take_over
from ticketing.sla.service_level import ServiceLevel, as_json

NOON = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)
LEVEL = as_json(ServiceLevel(ROUND_THE_CLOCK, 100, chain_of((Rung.MANAGER, 0)), {}, appointment_min=30))


def after(minutes: float) -> datetime:
    return NOON + timedelta(minutes=minutes)


def order(**changes: Any) -> WorkOrder:
    """Opened at noon: answered within 60 minutes, done within 600; nobody has to come."""
    values: dict[str, Any] = {
        "opened_at": NOON, "state": "accepted", "response_min": 60, "response_due_at": after(60), "arrival_min": None,
        "resolution_min": 600, "resolution_due_at": after(600), "promised_at": after(600), "sla": LEVEL,
        "sla_steps": {},
    }  # fmt: skip
    return WorkOrder(**values | changes)


URGENT: dict[str, Any] = {
    "response_due_at": after(10), "arrival_min": 20, "arrival_due_at": after(20), "resolution_due_at": after(90),
    "promised_at": after(90),
}  # fmt: skip


def test_what_is_owed_is_owed_by_the_other_order_arrival_too() -> None:
    target = order()
    take_over(target, promises_of(order(**URGENT), after(5)), after(5))
    assert {name: getattr(target, name) for name in URGENT} == URGENT
    assert target.sla_next_at == after(10)


def test_nobody_gains_time() -> None:
    target = order(**URGENT)
    take_over(target, promises_of(order(), after(5)), after(5))
    assert {name: getattr(target, name) for name in URGENT} == URGENT


@pytest.mark.parametrize(
    ("kept", "left"),
    [
        ({}, set(Target)),
        ({"responded_at": after(1)}, {Target.ARRIVAL, Target.RESOLUTION}),
        ({"responded_at": after(1), "arrived_at": after(2)}, {Target.RESOLUTION}),
        ({"state": "done", "done_at": after(3)}, set()),
    ],
)
def test_what_was_kept_is_owed_no_more(kept: dict[str, Any], left: set[Target]) -> None:
    owed = promises_of(order(**URGENT | kept), after(40))
    assert set(owed.due) == left
    target = order()
    take_over(target, owed, after(40))
    assert target.response_due_at == after(10 if Target.RESPONSE in left else 60)
    assert (target.arrival_due_at is None) is (Target.ARRIVAL not in left)
    assert target.promised_at == after(90 if left else 600)


@pytest.mark.parametrize("kept", [{"responded_at": after(1), "arrived_at": after(2)}, {"done_at": after(3)}])
def test_an_order_that_kept_its_own_promise_makes_it_to_nobody_again(kept: dict[str, Any]) -> None:
    target = order(**kept)
    take_over(target, promises_of(order(**URGENT), after(5)), after(5))
    assert (target.response_due_at, target.arrival_due_at) == (after(60), None)


def test_what_is_left_is_left_while_either_order_rests() -> None:
    source = order(**URGENT, held_since=after(2), hold_until=after(300))
    target = order(held_since=after(3), hold_until=after(400))
    take_over(target, promises_of(source, after(5)), after(5))
    assert source.resolution_due_at == after(93)
    run_on(target, after(35))
    # Of the source 88 minutes were left at five past; the target went on at thirty-five past.
    assert (target.resolution_due_at, target.response_due_at) == (after(35 + 88), after(35 + 8))
    assert target.arrival_due_at == after(35 + 18)
