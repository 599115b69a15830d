from datetime import UTC, datetime, timedelta

from ticketing.deadlines import Deadlines, is_late
from ticketing.targets import Clock

NOON = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
DUE = Deadlines.starting(NOON, Clock(response_min=15, resolution_min=480))


def test_deadlines_count_from_the_opening() -> None:
    assert DUE.response_due_at == NOON + timedelta(minutes=15)
    assert DUE.resolution_due_at == NOON + timedelta(hours=8)


def test_a_hold_moves_the_deadline() -> None:
    held = DUE.after_hold(held_since=NOON + HOUR, now=NOON + 3 * HOUR)
    assert held.resolution_due_at == NOON + 10 * HOUR
    assert held.response_due_at == DUE.response_due_at


def test_a_clock_set_back_during_a_hold_takes_nothing_away() -> None:
    assert DUE.after_hold(held_since=NOON + HOUR, now=NOON) == DUE


def test_an_order_that_became_more_urgent_never_gains_time() -> None:
    later = Deadlines.starting(NOON + 7.9 * HOUR, Clock(response_min=1, resolution_min=60))
    tightened = DUE.tightened(later)
    assert tightened.resolution_due_at == DUE.resolution_due_at
    assert tightened.response_due_at == DUE.response_due_at


def test_a_clock_that_was_stopped_is_not_late() -> None:
    assert is_late(due_at=NOON, stopped_at=None, now=NOON + HOUR)
    assert not is_late(due_at=NOON, stopped_at=NOON, now=NOON + HOUR)
    assert not is_late(due_at=NOON, stopped_at=None, now=NOON)
