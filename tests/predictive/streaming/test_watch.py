"""What a person reads of the models of an equipment."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from hub.texts import load_texts
from kit.i18n import Language
from kit.ids import new_id
from predictive.streaming import memory
from predictive.streaming.cohort import Cohort, Member
from predictive.streaming.frames import NEVER_MS
from predictive.streaming.shape import shape_of
from predictive.streaming.watch import Learning, WatchState, watch_of
from tests.predictive.streaming.makers import MINUTE_MS, SITE_ID, START_MS, entry, point

DAY_MS = 1_440 * MINUTE_MS
HOUR_AGO = datetime.fromtimestamp(START_MS / 1000, UTC) - timedelta(hours=1)


@pytest.mark.parametrize(
    ("has_model", "read_ms", "moved_ms", "learning", "state"),
    [
        (False, NEVER_MS, NEVER_MS, Learning(7), WatchState.NO_DATA),
        (True, START_MS - DAY_MS, START_MS - DAY_MS, Learning(7), WatchState.NO_DATA),
        (False, START_MS, START_MS, Learning(7), WatchState.LEARNING),
        (False, START_MS, START_MS, Learning(7, since=HOUR_AGO), WatchState.RELEARNING),
        (False, START_MS, START_MS, Learning(7, failure="a defect"), WatchState.FAILED),
        (True, START_MS, START_MS - 2 * DAY_MS, Learning(7), WatchState.CONSTANT),
        (True, START_MS, START_MS, Learning(7), WatchState.WATCHING),
        (True, START_MS, START_MS, Learning(7, since=HOUR_AGO), WatchState.WATCHING),
    ],
)
def test_each_state_is_told_from_the_others(
    has_model: bool, read_ms: int, moved_ms: int, learning: Learning, state: WatchState
) -> None:
    cohort = _cohort(has_model=has_model)
    cohort.memory["read_ms"][0], cohort.memory["moved_ms"][0] = read_ms, moved_ms
    assert watch_of(cohort, 0, now_ms=START_MS, learning=learning).state is state


@pytest.mark.parametrize(
    ("rows", "since", "days"),
    [(0, None, 0.0), (3 * 1_440, None, 3.0), (99 * 1_440, None, 7.0), (4_320, HOUR_AGO, 0.04)],
)
def test_days_are_days_with_readings_since_the_repair_and_no_more_than_are_needed(
    rows: int, since: datetime | None, days: float
) -> None:
    cohort = _cohort(has_model=False)
    cohort.memory["rows_read"][0] = rows
    assert watch_of(cohort, 0, now_ms=START_MS, learning=Learning(7, since=since)).days == days


def test_every_state_has_words_in_both_languages() -> None:
    texts = load_texts()
    for state in WatchState:
        for language in Language:
            assert texts.text(f"predictive.watch.{state.value}", language, days=3, needed=7)
    assert texts.text("predictive.watch.learning", Language.EN, days=3, needed=7) == "learning: 3 of 7 days"


def _cohort(*, has_model: bool) -> Cohort:
    made = entry(point(1, "a"), point(2, "b"))
    shape = shape_of(made)
    assert shape is not None
    member = Member(made.equipment_id, SITE_ID, 1, shape, new_id() if has_model else None)
    model = {"nothing/learnt": np.zeros((1, 1))} if has_model else None
    return Cohort([member], model, {}, memory.blank(1, 2), START_MS)
