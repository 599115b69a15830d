"""Other thresholds on the readings of an alarm: for rules that wait, that go below, that have a `clear` and levels."""

from collections.abc import Mapping
from typing import Any

from building.severity import Severity
from insight.rules import trying
from insight.rules.proposing import Trial, propose
from insight.rules.trying import PRESENT
from rules.rule import CompiledRule, Level
from tests.rules.plant import T0, at, batch, compiled, entry, rule

# Of each alarm what `pa` said, by second; they are a second behind their readings for ten minutes.
LASTED_S = 600


def proposed(a_rule: CompiledRule, said: Mapping[str, Mapping[int, float]], *, real: str) -> tuple[float | None, int]:
    """What is proposed for the only parameter, and how many false alarms that drops. `said` by the alarm's name."""
    tried = trying.attempts(a_rule)
    raised = []
    for heats in said.values():
        it = trying.replay(a_rule, tried, entry(1))
        readings = batch(*(at(second, pa=heats[max(s for s in heats if s <= second)]) for second in range(0, 700, 10)))
        raised.append(trying.raised(it, readings, onset_ms=T0 + 60_000, until_ms=T0 + LASTED_S * 1_000))
    assert all(PRESENT in by for by in raised)
    names = list(said)
    trials = [Trial(one.value, frozenset(n for n, by in enumerate(raised) if one.key in by)) for one in tried]
    found = propose(
        trials, now=tried[0].now, real={names.index(real)}, false={n for n, name in enumerate(names) if name != real}
    )
    return found.value, found.false_dropped


def one(**changes: Any) -> CompiledRule:
    (made,) = compiled([rule(**changes)])
    return made


def test_a_rule_for_what_is_too_low_is_given_a_lower_threshold() -> None:
    low = one(when="pa < low", clear="pa > low + 1", for_ms=60_000, params={"low": 50.0})
    said = {"real": {0: 60, 60: 20}, "false": {0: 60, 60: 45}, "other": {0: 60, 60: 47}}
    # 44 is the nearest in steps of 1 at which neither 45 nor 47 is too low.
    assert proposed(low, said, real="real") == (45.0, 2)


def test_a_peak_that_does_not_last_is_dropped_by_no_less_than_the_rule_needs() -> None:
    hot = one(when="pa > hot", clear="pa < hot - 10", for_ms=120_000, params={"hot": 50.0})
    # The false one peaks at 70 for half of the time that the rule waits, and stays at 55.
    said = {"real": {0: 40, 60: 66}, "false": {0: 40, 60: 55, 120: 70, 180: 55}}
    assert proposed(hot, said, real="real") == (55.0, 1)


def test_what_only_a_level_raised_is_tried_with_the_thresholds_of_the_level() -> None:
    levels = (Level(severity=Severity.CRITICAL, when="pa > worse"),)
    both = one(
        when="pa > 50 and pb > 0", severity=Severity.WARNING, params={"worse": 60.0}, levels=levels,
    )  # fmt: skip
    said = {"real": {0: 40, 60: 80}, "false": {0: 40, 60: 65}}
    assert proposed(both, said, real="real") == (66.0, 1)
