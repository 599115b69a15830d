"""What orders and time say of predictions, and what that makes of a model: arithmetic only."""

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from insight.predictions.figures import Case, Failure, ModelKey, falls_short, figures_of
from insight.predictions.labelling import Said, by_order, by_time
from kit.ids import new_id
from predictive.predictions.label import LabelWhy, PredictionLabel
from tests.ticketing.town import NOON
from ticketing.outcomes import Outcome

DAY = timedelta(days=1)
HORIZON = 21 * DAY
TRUE, FALSE, UNKNOWN = PredictionLabel.TRUE, PredictionLabel.FALSE, PredictionLabel.UNKNOWN
PUMP, SITE = new_id(), new_id()
KEY = ModelKey(site_id=SITE, method="drift", model_id=None, kind="pump", is_shadow=False)
DONE = Outcome(
    order_id=new_id(), number="WO-1", equipment_id=PUMP, fault_mode="bearing_wear", opened_at=NOON,
    over_at=NOON + DAY, reported_at=None, by_alarm=True, closing_code="real_fault", labour_min=Decimal(0),
    travel_min=Decimal(0),
)  # fmt: skip
CASE = Case(
    key=KEY, equipment_id=PUMP, mode="bearing_wear", is_order=True, spoke_at=NOON, ended_at=NOON + DAY, label=TRUE,
    labelled_at=NOON + DAY,
)  # fmt: skip
BROKEN = Failure(site_id=SITE, kind="pump", equipment_id=PUMP, noticed_at=NOON + 9 * DAY, by_prediction=False)


@pytest.mark.parametrize(
    ("code", "found", "mode", "parts", "opened", "expected"),
    [
        ("real_fault", "bearing_wear", "bearing_wear", False, NOON, Said(TRUE, LabelWhy.CLOSING_CODE)),
        ("real_fault", None, "bearing_wear", False, NOON, Said(TRUE, LabelWhy.CLOSING_CODE)),
        ("real_fault", "leak", "unusual", False, NOON, Said(TRUE, LabelWhy.CLOSING_CODE)),
        ("real_fault", "leak", "bearing_wear", False, NOON, Said(TRUE, LabelWhy.OTHER_FAULT)),
        ("real_fault", "leak", "bearing_wear", False, NOON - DAY, Said(UNKNOWN, LabelWhy.OTHER_FAULT)),
        ("no_fault_found", "bearing_wear", "bearing_wear", True, NOON, Said(TRUE, LabelWhy.PARTS_USED)),
        ("no_fault_found", "bearing_wear", "bearing_wear", False, NOON, Said(FALSE, LabelWhy.CLOSING_CODE)),
        ("false_alarm", "bearing_wear", "bearing_wear", True, NOON, Said(FALSE, LabelWhy.CLOSING_CODE)),
        (None, "bearing_wear", "bearing_wear", True, NOON, None),
    ],
)
def test_a_closing_code_and_parts_say_what_a_prediction_was(
    code: str | None, found: str | None, mode: str, parts: bool, opened: datetime, expected: Said | None
) -> None:
    outcome = replace(DONE, closing_code=code, fault_mode=found, opened_at=opened)
    assert by_order(mode=mode, raised_at=NOON, outcome=outcome, parts_used=parts) == expected


@pytest.mark.parametrize(
    ("after", "found", "was_ordered", "expected"),
    [
        (10 * DAY, "bearing_wear", False, TRUE),
        (HORIZON + 2 * DAY, "bearing_wear", False, FALSE),
        (10 * DAY, "leak", False, FALSE),
        (HORIZON + 2 * DAY, "bearing_wear", True, UNKNOWN),
    ],
)
def test_what_no_order_speaks_of_is_labelled_by_what_followed(
    after: timedelta, found: str, was_ordered: bool, expected: PredictionLabel
) -> None:
    followed = replace(DONE, opened_at=NOON + after, fault_mode=found)
    said = by_time(
        mode="bearing_wear", opened_at=NOON, ended_at=NOON + DAY, was_ordered=was_ordered, horizon=HORIZON,
        outcomes=[followed],
    )  # fmt: skip
    assert said.label is expected


def test_recall_counts_all_failures_of_the_kind_and_lead_time_those_that_others_noticed() -> None:
    elsewhere = replace(BROKEN, equipment_id=new_id())
    prevented = replace(BROKEN, noticed_at=NOON + 2 * DAY, by_prediction=True)
    other_kind = replace(BROKEN, kind="elevator")
    (figures,) = figures_of(
        [CASE], [BROKEN, elsewhere, prevented, other_kind], since=NOON - 90 * DAY, now=NOON + 60 * DAY, horizon=HORIZON
    )
    assert (figures.failures, figures.predicted, figures.prevented) == (3, 2, 1)
    assert (figures.recall, figures.lead_days) == (round(2 / 3, 4), 9.0)


def test_a_failure_long_after_a_prediction_was_not_predicted() -> None:
    late = replace(BROKEN, noticed_at=NOON + DAY + HORIZON + DAY)
    (figures,) = figures_of([CASE], [late], since=NOON - DAY, now=NOON + 60 * DAY, horizon=HORIZON)
    assert (figures.failures, figures.predicted, figures.recall) == (1, 0, 0.0)


LABELS = st.lists(st.sampled_from([TRUE, FALSE, UNKNOWN, None]), min_size=1, max_size=30)


@given(labels=LABELS)
def test_every_prediction_is_counted_once_and_precision_is_of_what_is_known(
    labels: list[PredictionLabel | None],
) -> None:
    cases = [replace(CASE, equipment_id=new_id(), label=label) for label in labels]
    (figures,) = figures_of(cases, [], since=NOON - DAY, now=NOON + 60 * DAY, horizon=HORIZON)
    assert figures.true + figures.false + figures.unknown == figures.predictions == len(labels)
    known = figures.true + figures.false
    assert figures.precision == (None if known == 0 else round(figures.true / known, 4))
    assert figures.recall is None


@pytest.mark.parametrize(
    ("true", "false", "days", "expected"),
    [
        (1, 3, 300, False),  # too few to judge by
        (1, 4, 300, True),  # wrong too often
        (5, 4, 300, False),
        (20, 9, 60, True),  # right often enough, and still nine visits for nothing within two months
    ],
)
def test_a_model_falls_short_by_its_precision_or_by_visits_for_nothing(
    true: int, false: int, days: int, expected: bool
) -> None:
    cases = [replace(CASE, equipment_id=new_id(), label=label) for label in [TRUE] * true + [FALSE] * false]
    (figures,) = figures_of(cases, [], since=NOON - DAY, now=NOON + days * DAY, horizon=HORIZON)
    assert falls_short(figures, least_precision=0.5, fewest_labels=5, most_false_orders=2) is expected
