"""A hub through kill -9 amid readings, reports and alarms: nothing acknowledged is lost, nothing happens twice.

The same trial as `hub torture`, which a user may run for as long as he likes. In the long ones readings flow again
within `RECOVER_S` of each kill; the short one runs beside other tests, where recovery only has to come.
"""

import asyncio
import dataclasses
from pathlib import Path

import pytest

from kit.crash_points import CrashPoint
from torture.cli import run
from torture.ground import Ground
from torture.layouts import PROCESSES, LayoutName
from torture.trial import Outcome, Plan

SEED = 20261122
RECOVER_S = 30.0
LIVENESS_S = 120.0


def plan(
    *, kills: int, names: tuple[str, ...] = (), points: tuple[CrashPoint, ...] = (), recover_s: float = RECOVER_S
) -> Plan:
    return Plan(
        kills=kills, seed=SEED, rate=100.0, recover_within_s=recover_s, memory_mb=2_000.0, names=names, points=points
    )


def breaches(outcomes: list[Outcome]) -> dict[str, list[str]]:
    return {outcome.layout.value: outcome.findings.breaches for outcome in outcomes if outcome.findings.breaches}


@pytest.mark.timeout(600)
def test_a_few_kills_lose_nothing(tmp_path: Path) -> None:
    # The last one is the soonest forgotten: jobs of a killed hub or database are put back only after ten seconds.
    wanted = plan(kills=3, names=("postgres", "hub", "nats"), recover_s=LIVENESS_S)
    wanted = dataclasses.replace(wanted, longest_calm_s=2.0)
    outcomes = asyncio.run(run(Ground(tmp_path), {LayoutName.WHOLE: wanted}))
    assert not breaches(outcomes)
    (outcome,) = outcomes
    assert outcome.findings.counts["readings acknowledged"] > 500, "the kills came amid readings"


@pytest.mark.long
def test_kills_of_each_process_and_of_two_at_once_lose_nothing(tmp_path: Path) -> None:
    plans = {LayoutName.WHOLE: plan(kills=8), LayoutName.SPLIT: plan(kills=14)}
    outcomes = asyncio.run(run(Ground(tmp_path), plans))
    assert not breaches(outcomes)
    killed = {outcome.layout: set(outcome.toll.kills) for outcome in outcomes}
    servers = {"postgres", "postgres backend", "nats", "publisher"}
    assert killed[LayoutName.WHOLE] == {"hub", *servers}
    assert killed[LayoutName.SPLIT] == {"mqtt broker", *PROCESSES, *servers}


@pytest.mark.long
def test_whoever_sleeps_and_wakes_up_writes_nothing_that_was_taken_over(tmp_path: Path) -> None:
    # Longer than a judge may be silent before another takes its partitions over.
    asleep = ("judge", "store", "adapters", "nats", "mqtt broker", "postgres backend")
    wanted = dataclasses.replace(plan(kills=0), pauses=asleep)
    assert not breaches(asyncio.run(run(Ground(tmp_path), {LayoutName.SPLIT: wanted})))


@pytest.mark.long
@pytest.mark.parametrize("layout", list(LayoutName))
def test_a_death_between_any_two_steps_loses_nothing(tmp_path: Path, layout: LayoutName) -> None:
    wanted = plan(kills=0, points=tuple(CrashPoint))
    assert not breaches(asyncio.run(run(Ground(tmp_path), {layout: wanted})))
