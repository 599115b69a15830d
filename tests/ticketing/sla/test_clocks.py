"""The clocks of an order against a model that counts, minute by minute, what runs."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ticketing.sla.business_time import ROUND_THE_CLOCK, BusinessHours, Span
from ticketing.sla.calendars import OFFICE_WEEK
from ticketing.sla.clocks import (
    BREACH,
    WARNING,
    Clock,
    Progress,
    agenda,
    held,
    progress_as_json,
    progress_of_json,
    taken,
)
from ticketing.sla.levels import ChainStep, Rung, Target, chain_of

MINUTE = timedelta(minutes=1)
MONDAY = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)  # 9:00 in Shanghai
OFFICE = BusinessHours("Asia/Shanghai", OFFICE_WEEK)
BY_NIGHT = BusinessHours("Asia/Shanghai", ((Span(0, 120), Span(1320, 1440)),) * 7)
CHAIN = chain_of((Rung.ASSIGNEE, 0), (Rung.DISPATCHER, 0), (Rung.DUTY_MANAGER, 30), (Rung.MANAGER, 200))
LATE_CHAIN = chain_of((Rung.MANAGER, 15))
WARN_PCT = 75.0


@dataclass
class Counted:
    """What really ran: every open minute that was not on hold."""

    hours: BusinessHours
    now: datetime
    minutes: int = 0
    is_held: bool = False
    done: list[int] = field(default_factory=list)

    def go_on(self, minutes: int) -> None:
        for _ in range(minutes):
            is_open = self.hours.between(self.now, self.now + MINUTE) == MINUTE
            self.minutes += is_open and not self.is_held
            self.now += MINUTE

    def steps(self, target_min: int, chain: Sequence[ChainStep]) -> list[int]:
        """What a look finds due that no look found before."""
        if self.is_held:
            return []
        late = sorted({0.0, *(step.after_min for step in chain)})
        reached = [BREACH + n for n, after in enumerate(late) if self.minutes >= target_min + after]
        if not reached and self.minutes >= target_min * WARN_PCT / 100:
            reached = [WARNING]
        # The breach found out late leaves the warning out.
        fresh = [step for step in reached if step > max(self.done, default=-1)]
        self.done += fresh
        return fresh


MOVES = st.lists(st.tuples(st.sampled_from(["look", "look", "hold"]), st.integers(1, 700)), min_size=1, max_size=12)


@settings(max_examples=25, deadline=None)
@given(
    moves=MOVES,
    hours=st.sampled_from([OFFICE, BY_NIGHT, ROUND_THE_CLOCK]),
    target_min=st.sampled_from([8, 60, 240]),
    chain=st.sampled_from([CHAIN, LATE_CHAIN]),
    begins=st.integers(0, 6 * 1440),
)
def test_every_step_is_taken_once_and_when_so_much_has_run(
    moves: list[tuple[str, int]], hours: BusinessHours, target_min: int, chain: tuple[ChainStep, ...], begins: int
) -> None:
    start = MONDAY + begins * MINUTE
    model = Counted(hours, start)
    clock = Clock(Target.RESOLUTION, target_min, start, hours.after(start, target_min), hours)
    held_since: datetime | None = None
    for move, minutes in moves:
        model.go_on(minutes)
        if move == "hold" and held_since is None:
            held_since, model.is_held = model.now, True
            continue
        if held_since is not None:
            clock, held_since = held(clock, held_since=held_since, now=model.now), None
            model.is_held = False
        todo = agenda([clock], warn_pct=WARN_PCT, chain=chain, now=model.now)
        assert [step.position for step in todo.due] == model.steps(target_min, chain)
        assert todo.next_at is None or todo.next_at > model.now
        progress = taken(progress_of_json(progress_as_json(clock.progress)), todo.due, clock.target)
        clock = Clock(clock.target, clock.minutes, clock.starts_at, clock.due_at, hours, progress=progress)


def test_those_of_one_moment_are_told_together_and_the_deadline_is_noted_whoever_is_told_then() -> None:
    clock = Clock(Target.RESPONSE, 60, MONDAY, MONDAY + 60 * MINUTE, OFFICE)
    at_once = agenda([clock], warn_pct=WARN_PCT, chain=CHAIN, now=MONDAY + 61 * MINUTE)
    assert [step.rungs for step in at_once.due] == [(Rung.ASSIGNEE, Rung.DISPATCHER)]
    assert at_once.next_at == MONDAY + 90 * MINUTE
    later = agenda([clock], warn_pct=WARN_PCT, chain=LATE_CHAIN, now=MONDAY + 61 * MINUTE)
    assert [(step.position, step.rungs) for step in later.due] == [(BREACH, ())]
    assert later.next_at == MONDAY + 75 * MINUTE


@pytest.mark.parametrize(("minutes", "is_warned"), [(1, False), (3, False), (4, True), (60, True)])
def test_nobody_is_warned_of_what_is_due_in_less_than_a_minute(minutes: int, is_warned: bool) -> None:
    clock = Clock(Target.RESPONSE, minutes, MONDAY, MONDAY + minutes * MINUTE, ROUND_THE_CLOCK)
    todo = agenda([clock], warn_pct=WARN_PCT, chain=CHAIN, now=MONDAY)
    assert (todo.next_at != clock.due_at) == is_warned


def test_a_clock_that_was_stopped_asks_for_nothing() -> None:
    clock = Clock(Target.RESPONSE, 60, MONDAY, MONDAY + 60 * MINUTE, OFFICE, is_stopped=True)
    assert agenda([clock], warn_pct=WARN_PCT, chain=CHAIN, now=MONDAY + 999 * MINUTE).due == []


def test_a_clock_set_back_during_a_hold_takes_nothing_away() -> None:
    clock = Clock(Target.RESOLUTION, 60, MONDAY, MONDAY + 60 * MINUTE, OFFICE)
    assert held(clock, held_since=MONDAY + 30 * MINUTE, now=MONDAY) == clock


def test_nothing_done_yet_is_told_from_something() -> None:
    assert progress_of_json(None) == Progress()
    since = Progress(3, MONDAY, 12.5)
    assert progress_of_json(progress_as_json(since)) == since
