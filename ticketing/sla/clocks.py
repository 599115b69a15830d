"""The clocks of an order, pure: when somebody is to be warned or told, and what is due now.

A clock has steps: the warning, the breach at the deadline, and every further moment of the chain. Each is taken once,
in order; after a time without the hub the warning of what is late already is left out and all else made up for.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

from ticketing.sla.business_time import BusinessHours
from ticketing.sla.levels import ChainStep, Rung, Target

WARNING, BREACH = 0, 1
# A warning that leaves less than this is no help to anybody.
SHORTEST_NOTICE = timedelta(minutes=1)
_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True)
class Progress:
    """`step`: the next one to take. A breach that was put on hold counts its chain from `counts_from` on, where
    `counted_min` of it had passed already."""

    step: int = WARNING
    counts_from: datetime | None = None
    counted_min: float = 0


@dataclass(frozen=True)
class Clock:
    """The clock of one target of an order. It starts at `starts_at`, which may lie ahead: an appointment."""

    target: Target
    minutes: float
    starts_at: datetime
    due_at: datetime
    hours: BusinessHours
    is_stopped: bool = False
    progress: Progress = Progress()


@dataclass(frozen=True)
class Step:
    """What is to be done at `at`: `position` WARNING or BREACH or one of the chain after it; `rungs` are told."""

    target: Target
    position: int
    at: datetime
    due_at: datetime
    rungs: tuple[Rung, ...]


@dataclass(frozen=True)
class Agenda:
    """Steps that are due, the most overdue first, and when to look again; None: never, unless something changes."""

    due: Sequence[Step]
    next_at: datetime | None


def agenda(clocks: Iterable[Clock], *, warn_pct: float, chain: Sequence[ChainStep], now: datetime) -> Agenda:
    """What the clocks of an order that is not on hold ask for at `now`."""
    due: list[Step] = []
    later: list[datetime] = []
    for clock in clocks:
        if clock.is_stopped:
            continue
        steps = _steps(clock, warn_pct=warn_pct, chain=chain, now=now)
        ripe = [step for step in steps if step.at <= now]
        due += ripe if clock.due_at > now else [step for step in ripe if step.position != WARNING]
        later += [step.at for step in steps if step.at > now]
    return Agenda(sorted(due, key=lambda step: (step.due_at, step.at)), min(later, default=None))


def taken(progress: Progress, steps: Iterable[Step], target: Target) -> Progress:
    """The progress of a target after `steps`."""
    last = max((step.position for step in steps if step.target is target), default=progress.step - 1)
    return replace(progress, step=max(progress.step, last + 1))


def held(clock: Clock, *, held_since: datetime, now: datetime) -> Clock:
    """A clock that stood still from `held_since` and runs again now: what was left is left, and a chain that had begun
    goes on where it stood."""
    now = max(now, held_since)  # a clock set back meanwhile takes nothing away
    if clock.due_at > held_since:
        due_at = clock.hours.moved(
            clock.due_at, was_running_from=max(held_since, clock.starts_at), runs_from=max(now, clock.starts_at)
        )
        return replace(clock, due_at=due_at)
    progress = clock.progress
    passed = clock.hours.between(progress.counts_from or clock.due_at, held_since) / _MINUTE
    return replace(
        clock, progress=replace(progress, counts_from=now, counted_min=progress.counted_min + passed)
    )  # fmt: skip


def _steps(clock: Clock, *, warn_pct: float, chain: Sequence[ChainStep], now: datetime) -> list[Step]:
    """The steps not yet taken, in order."""
    found = [
        Step(clock.target, position, _chain_at(clock, after_min), clock.due_at, rungs)
        for position, (after_min, rungs) in enumerate(_moments(chain), start=BREACH)
        if position >= clock.progress.step
    ]
    notice = timedelta(minutes=clock.minutes * (100 - warn_pct) / 100)
    if clock.progress.step == WARNING and notice >= SHORTEST_NOTICE:
        warning = Step(clock.target, WARNING, _warning_at(clock, notice, now), clock.due_at, (Rung.ASSIGNEE,))
        return [warning, *found]
    return found


def _moments(chain: Sequence[ChainStep]) -> list[tuple[float, tuple[Rung, ...]]]:
    """Who is told together, by minutes after the deadline. The deadline is one of them, whoever is told then."""
    moments = [
        (after_min, tuple(step.who for step in together))
        for after_min, together in groupby(chain, key=lambda step: step.after_min)
    ]
    return moments if moments[0][0] == 0 else [(0.0, ()), *moments]


def _chain_at(clock: Clock, after_min: float) -> datetime:
    progress = clock.progress
    if progress.counts_from is None:
        return clock.hours.after(clock.due_at, after_min)
    return clock.hours.after(progress.counts_from, after_min - progress.counted_min)


def _warning_at(clock: Clock, notice: timedelta, now: datetime) -> datetime:
    """When no more than `notice` is left. Counted from now, because a hold may have moved what is due."""
    begins = max(now, clock.starts_at)
    left = clock.hours.between(begins, clock.due_at)
    return clock.hours.after(begins, max(left - notice, timedelta(0)) / _MINUTE)


# --- as JSON, in `order.sla_steps` ---------------------------------------------------------------------------------


def progress_as_json(progress: Progress) -> dict[str, Any]:
    since = progress.counts_from
    return {"step": progress.step} | (
        {"counts_from": since.isoformat(), "counted_min": progress.counted_min} if since else {}
    )


def progress_of_json(kept: Mapping[str, Any] | None) -> Progress:
    """The inverse of `progress_as_json`; None: nothing was done yet."""
    if kept is None:
        return Progress()
    since = kept.get("counts_from")
    return Progress(kept["step"], datetime.fromisoformat(since) if since else None, kept.get("counted_min", 0))
