"""Whom a trial kills, and what it says of recoveries."""

import itertools
import random

from torture.killer import drawn
from torture.oracle import Findings
from torture.panel import Breakdowns
from torture.trial import Plan, judge_alarms

NAMES = ["nats", "postgres", "store", "judge", "judge 2", "publisher"]


def test_every_process_is_killed_before_any_is_killed_again() -> None:
    for seed in range(20):
        first = list(itertools.islice(drawn(NAMES, random.Random(seed)), len(NAMES)))
        assert sorted(itertools.chain(*first)) == sorted(NAMES)


def test_then_one_or_two_at_once_are_killed_as_the_seed_says() -> None:
    later = list(itertools.islice(drawn(NAMES, random.Random(1)), len(NAMES), 200))
    assert {len(chosen) for chosen in later} == {1, 2}
    assert set(itertools.chain(*later)) == set(NAMES)


def test_an_alarm_that_stays_away_longer_than_recovery_may_take_is_a_breach() -> None:
    plan = Plan(kills=1, seed=1, rate=1.0, recover_within_s=30.0, memory_mb=1.0)
    for recovery_s, breaches in ((29.0, 0), (31.0, 1)):
        findings = Findings()
        judge_alarms(findings, Breakdowns(longest_s=90.0, recovery_s=recovery_s), plan)
        assert len(findings.breaches) == breaches
