"""What a finding is worth: expected costs, not confidence alone."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from building.equipment import EquipmentKind
from predictive.predictions.finding import DaysLeft
from predictive.predictions.life import Happening
from predictive.predictions.policy import Costs, OrderRules, Visit, chance_within, costs_of, decide

PUMP = Costs(visit=Decimal(200), failure=Decimal(5_000))
SOON = DaysLeft(low=10, median=16, high=24)
FAR = DaysLeft(low=120, median=200, high=300)


@st.composite
def lives(draw: st.DrawFn) -> DaysLeft:
    low, median, high = sorted(draw(st.lists(st.floats(0, 400), min_size=3, max_size=3)))
    return DaysLeft(low=low, median=median, high=high)


@pytest.mark.parametrize(
    ("confidence", "left", "expected"),
    [
        (0.3, SOON, Happening.WEAK),
        (0.6, SOON, Happening.TELLING),
        (0.9, SOON, Happening.PRESSING),
        (0.9, FAR, Happening.TELLING),  # sure, and it can wait: somebody is told, nobody is sent
        (0.9, None, Happening.PRESSING),
    ],
)
def test_an_order_takes_confidence_and_urgency(confidence: float, left: DaysLeft | None, expected: Happening) -> None:
    assert decide(confidence=confidence, days_left=left, costs=PUMP).happening is expected


def test_a_visit_that_costs_more_than_the_failure_is_not_made() -> None:
    dear = Costs(visit=Decimal(9_000), failure=Decimal(500))
    assert decide(confidence=0.8, days_left=SOON, costs=dear).happening is Happening.TELLING


def test_waste_by_the_day_makes_an_order_of_what_never_fails() -> None:
    cheap = Costs(visit=Decimal(100), failure=Decimal(0))
    assert not decide(confidence=0.9, days_left=FAR, costs=cheap).orders
    assert decide(confidence=0.9, days_left=FAR, costs=cheap, waste_a_day=40).orders


def test_the_next_planned_visit_is_enough_when_it_comes_soon_enough() -> None:
    order = decide(confidence=0.9, days_left=SOON, costs=PUMP, next_visit=Visit(days=5))
    assert (order.orders, order.folds) == (True, True)
    assert not decide(confidence=0.9, days_left=SOON, costs=PUMP, next_visit=Visit(days=18)).folds


@given(left=lives() | st.none(), days=st.floats(0, 500), more=st.floats(0, 100))
def test_the_chance_of_failing_grows_with_time_and_stays_a_chance(
    left: DaysLeft | None, days: float, more: float
) -> None:
    sooner, later = chance_within(days, left), chance_within(days + more, left)
    assert 0 <= sooner <= later <= 1


@given(left=lives() | st.none(), confidence=st.floats(0, 1), less=st.floats(0, 1))
def test_whoever_is_surer_is_never_held_less_urgent(left: DaysLeft | None, confidence: float, less: float) -> None:
    order = list(Happening)
    surer = decide(confidence=confidence, days_left=left, costs=PUMP)
    doubting = decide(confidence=confidence * less, days_left=left, costs=PUMP)
    assert order.index(surer.happening) >= order.index(doubting.happening)


@given(confidence=st.floats(0, 1))
def test_nobody_is_sent_below_the_set_confidence(confidence: float) -> None:
    rules = OrderRules(order_confidence=0.8)
    assert decide(confidence=confidence, days_left=SOON, costs=PUMP, rules=rules).orders == (confidence >= 0.8)


def test_every_kind_has_costs() -> None:
    assert all(costs_of(kind).visit > 0 and costs_of(kind).failure > 0 for kind in EquipmentKind)
