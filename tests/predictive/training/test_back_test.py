"""Back-tests never look ahead, and their figures say what a person would count."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from predictive.detectors.contract import Window
from predictive.detectors.ensemble import Ensemble
from predictive.training.back_test import History, judge_split, normal_only
from predictive.training.figures import DAY_MS, Failure, Span, Tally, spans_of, tally
from predictive.training.splits import Split, walk_forward

HOUR_MS = 3_600_000
STEP_MS = 1_800_000


@given(
    since_ms=st.integers(0, 2**41), length_ms=st.integers(-5, 400 * DAY_MS), splits=st.integers(1, 12)
)  # fmt: skip
def test_a_split_learns_only_from_before_what_it_judges(since_ms: int, length_ms: int, splits: int) -> None:
    found = walk_forward(since_ms=since_ms, until_ms=since_ms + length_ms, splits=splits)
    assert len(found) in (0, splits)
    for one in found:
        assert since_ms == one.learn_from_ms < one.learn_until_ms < one.judge_until_ms <= since_ms + length_ms
    for one, two in itertools.pairwise(found):
        assert one.judge_until_ms == two.learn_until_ms, "no row is judged twice, none is left out"


def history(*, rows: int = 480, seed: int = 1, failures: tuple[Failure, ...] = ()) -> History:
    rng = np.random.default_rng(seed)
    load = np.sin(np.arange(rows) / 48 * 2 * np.pi)
    values = np.stack([(place + 1) * load + rng.normal(0, 0.1, rows) for place in range(3)], axis=1)[None]
    values[0, 400:420, 1] += 6  # a point leaves its peers
    ts_ms = STEP_MS * np.arange(1, rows + 1, dtype=np.int64)[None]
    window = Window(ts_ms=ts_ms, values=values, step_s=STEP_MS / 1000)
    return History(window, np.ones(rows, dtype=np.bool_), failures)


SPLIT = Split(learn_from_ms=0, learn_until_ms=300 * STEP_MS, judge_until_ms=440 * STEP_MS)


@settings(max_examples=6, deadline=None)
@given(seed=st.integers(0, 2**31), scale=st.sampled_from([0.0, 50.0, np.nan]))
def test_what_comes_after_the_judged_stretch_changes_nothing(seed: int, scale: float) -> None:
    known = history()
    after = known.window.ts_ms[0] >= SPLIT.judge_until_ms
    values = known.window.values.copy()
    values[0, after] = np.random.default_rng(seed).normal(0, 1, (after.sum(), 3)) * scale
    other = replace(known, window=Window(ts_ms=known.window.ts_ms, values=values, step_s=known.window.step_s))
    one, two = (judge_split(each, SPLIT, ensemble=Ensemble(), horizon_ms=DAY_MS) for each in (known, other))
    assert one == two
    assert one is not None
    assert one.findings >= 1, "there was something to find"


class Watching(Ensemble):
    """Remembers the last row that it learnt from."""

    def calibrate(self, normal: Window) -> object:  # type: ignore[override]
        assert normal.ts_ms.max() < SPLIT.learn_until_ms
        assert np.isnan(normal.values[0, 100:120]).all(), "what was not normal is not learnt from"
        return super().calibrate(normal)


def test_only_normal_rows_from_before_the_split_are_learnt_from() -> None:
    known = history()
    is_normal = known.is_normal.copy()
    is_normal[100:120] = False
    assert judge_split(replace(known, is_normal=is_normal), SPLIT, ensemble=Watching(), horizon_ms=DAY_MS) is not None
    nothing = replace(known, is_normal=np.zeros_like(is_normal))
    assert judge_split(nothing, SPLIT, ensemble=Ensemble(), horizon_ms=DAY_MS) is None
    assert np.isnan(normal_only(known.window, ~known.is_normal).values).all()


def span(start_h: float, end_h: float) -> Span:
    return Span(start_ms=round(start_h * HOUR_MS), end_ms=round(end_h * HOUR_MS))


def failure(at_h: float, over_h: float) -> Failure:
    return Failure(at_ms=round(at_h * HOUR_MS), over_ms=round(over_h * HOUR_MS))


@pytest.mark.parametrize(
    ("findings", "failures", "expected"),
    [
        ([], [], Tally(0, 0, 0, 0, (), 10.0)),
        ([], [failure(100, 110)], Tally(0, 0, 1, 0, (), 10.0)),
        ([span(90, 95)], [failure(100, 110)], Tally(1, 1, 1, 1, (10 * HOUR_MS,), 10.0)),
        # The first of several is the lead, and each of them was right.
        ([span(80, 81), span(90, 95)], [failure(100, 110)], Tally(2, 2, 1, 1, (20 * HOUR_MS,), 10.0)),
        # Too early to have been about it.
        ([span(20, 21)], [failure(100, 110)], Tally(1, 0, 1, 0, (), 10.0)),
        # When everybody knows already, it is neither right nor wrong.
        ([span(105, 106)], [failure(100, 110)], Tally(0, 0, 1, 0, (), 10.0)),
        ([span(115, 116)], [failure(100, 110)], Tally(1, 0, 1, 0, (), 10.0)),
        # A failure soon after the stretch makes a finding true, but nobody had to foresee it yet.
        ([span(230, 231)], [failure(250, 260)], Tally(1, 1, 0, 0, (), 10.0)),
        # One from before that lasts into it.
        ([span(5, 6)], [failure(-20, 10)], Tally(0, 0, 0, 0, (), 10.0)),
    ],
)
def test_findings_are_counted_as_a_person_would(findings: list[Span], failures: list[Failure], expected: Tally) -> None:
    assert tally(findings, failures, judged=span(0, 240), horizon_ms=48 * HOUR_MS) == expected


def test_figures_add_up_over_equipment_and_splits() -> None:
    whole = Tally(4, 3, 2, 1, (HOUR_MS * 30,), 60.0) + Tally(0, 0, 2, 2, (HOUR_MS * 10, HOUR_MS * 20), 30.0)
    figures = whole.figures()
    assert (figures["precision"], figures["recall"], figures["lead_h"]) == (0.75, 0.75, 20.0)
    assert figures["false_a_month"] == round(1 / 3, 3)
    assert Tally().figures() == {
        "findings": 0, "true": 0, "false": 0, "failures": 0, "foreseen": 0, "equipment_days": 0.0,
        "precision": None, "recall": None, "lead_h": None, "false_a_month": None,
    }  # fmt: skip


def test_anomalous_rows_close_to_each_other_are_one_finding() -> None:
    ts_ms = HOUR_MS * np.arange(10, dtype=np.int64)
    is_anomaly = np.array([0, 1, 1, 0, 1, 0, 0, 0, 0, 1], dtype=np.bool_)
    found = spans_of(ts_ms, is_anomaly, join_ms=2 * HOUR_MS)
    assert [(one.start_ms // HOUR_MS, one.end_ms // HOUR_MS) for one in found] == [(1, 4), (9, 9)]
