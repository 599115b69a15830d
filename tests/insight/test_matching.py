"""Which alarms of a replay met something real, and which thresholds may be proposed: tables, without any server."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alarms.detection import OrderJoining, OrderPolicy
from building.severity import Severity
from insight.rules.matching import ReplayVerdict, match, would_be_orders
from insight.rules.proposing import FEWEST_LABELLED, Trial, propose, refusal, values_to_try
from kit.clock import to_ms
from rules.replay.episode import Episode
from ticketing.outcomes import Outcome

T0 = datetime(2026, 11, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)


def episode(hour: float, lasts_h: float | None = 1, *, equipment: int = 1, order: bool = True) -> Episode:
    onset_ms = to_ms(T0 + hour * HOUR)
    return Episode(
        rule_key="hot", equipment_id=UUID(int=equipment), site_id=UUID(int=9), fault_mode="bearing_wear",
        severity=Severity.MAJOR, order=OrderPolicy("repair", 2) if order else None, onset_ms=onset_ms,
        raised_ms=onset_ms + 60_000, end_ms=None if lasts_h is None else onset_ms + int(lasts_h * 3_600_000),
    )  # fmt: skip


def outcome(hour: float, **changes: Any) -> Outcome:
    facts: dict[str, Any] = {
        "order_id": UUID(int=int(hour * 10) + 1_000), "number": "WO-1", "equipment_id": UUID(int=1),
        "fault_mode": "bearing_wear", "opened_at": T0 + hour * HOUR, "over_at": T0 + (hour + 2) * HOUR,
        "reported_at": None, "by_alarm": False, "closing_code": "real_fault", "labour_min": Decimal(30),
        "travel_min": Decimal(10),
    }  # fmt: skip
    return Outcome(**(facts | changes))


def matched(episodes: list[Episode], outcomes: list[Outcome], *, tolerance_h: float = 12) -> Any:
    return match(
        episodes, outcomes, since_ms=to_ms(T0), until_ms=to_ms(T0 + 720 * HOUR), tolerance_h=tolerance_h,
        fault_mode="bearing_wear",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("order", "verdict"),
    [
        (outcome(105), ReplayVerdict.MET),
        (outcome(95), ReplayVerdict.MET),
        (outcome(112.9), ReplayVerdict.MET),
        (outcome(113.1), ReplayVerdict.UNMET),
        (outcome(87.9), ReplayVerdict.UNMET),
        (outcome(105, equipment_id=UUID(int=2)), ReplayVerdict.UNMET),
        (outcome(105, fault_mode="leak"), ReplayVerdict.UNMET),
        (outcome(105, fault_mode=None), ReplayVerdict.MET),
        (outcome(105, closing_code="misuse"), ReplayVerdict.MET),
        (outcome(105, closing_code="false_alarm"), ReplayVerdict.REFUTED),
        (outcome(105, closing_code="no_fault_found"), ReplayVerdict.REFUTED),
        (outcome(105, closing_code=None, by_alarm=True), ReplayVerdict.UNDECIDED),
        (outcome(105, closing_code=None), ReplayVerdict.MET),
        (outcome(100, closing_code=None, by_alarm=True, reported_at=T0 + 103 * HOUR), ReplayVerdict.MET),
    ],
)
def test_what_becomes_of_an_alarm(order: Outcome, verdict: ReplayVerdict) -> None:
    (judged,) = matched([episode(100)], [order]).episodes
    assert judged.verdict is verdict
    assert (judged.order is order) is (verdict is not ReplayVerdict.UNMET)


def test_precision_leaves_out_what_nobody_decided_and_recall_what_is_outside_of_the_span() -> None:
    found = matched(
        [episode(100), episode(200), episode(300), episode(400)],
        [
            outcome(104), outcome(201, closing_code="false_alarm"), outcome(301, closing_code=None, by_alarm=True),
            outcome(500), outcome(-5), outcome(725),
        ],
    )  # fmt: skip
    assert [found.count(one) for one in ReplayVerdict] == [1, 1, 1, 1]
    assert found.precision == pytest.approx(1 / 3)
    assert found.recall == pytest.approx(1 / 2)


def test_the_lead_is_from_the_first_alarm_to_the_first_word_of_a_person() -> None:
    order = outcome(100.5, by_alarm=True, reported_at=T0 + 106 * HOUR)
    found = matched([episode(100), episode(103)], [order])
    assert [one.lead_ms for one in found.faults] == [6 * 3_600_000 - 60_000]
    late = matched([episode(110)], [outcome(105)])
    assert [one.lead_ms for one in late.faults] == [-(5 * 3_600_000 + 60_000)]


def test_nothing_says_nothing() -> None:
    found = matched([], [])
    assert (found.precision, found.recall) == (None, None)


@pytest.mark.parametrize(
    ("episodes", "outcomes", "orders"),
    [
        ([episode(100), episode(200)], [], 2),
        ([episode(100), episode(105)], [], 1),
        ([episode(100), episode(105, equipment=2)], [], 2),
        ([episode(100, None), episode(300)], [], 1),
        ([episode(100, order=False)], [], 0),
        ([episode(100)], [outcome(99)], 0),
        ([episode(100)], [outcome(97)], 1),
        ([episode(100)], [outcome(99, by_alarm=True)], 1),
        ([episode(100)], [outcome(99, fault_mode="leak")], 1),
        ([episode(100)], [outcome(99, over_at=None)], 0),
    ],
)
def test_how_many_orders_alarms_would_open(episodes: list[Episode], outcomes: list[Outcome], orders: int) -> None:
    assert would_be_orders(episodes, outcomes, tolerance_h=12, building_of={}) == orders


@pytest.mark.parametrize(
    ("joins", "life_safety", "orders"),
    [
        (OrderJoining.BUILDING, False, 2),  # 1 and 2 stand in one building, 3 by itself
        (OrderJoining.BUILDING, True, 3),  # life safety stands by its own fault
        (OrderJoining.FAULT, False, 3),
        (OrderJoining.EQUIPMENT, False, 2),  # whatever the order on 3 is about
    ],
)
def test_alarms_join_what_their_rule_says_they_join(joins: OrderJoining, life_safety: bool, orders: int) -> None:
    buildings = {UUID(int=1): UUID(int=77), UUID(int=2): UUID(int=77), UUID(int=3): None}
    policy = OrderPolicy("repair", 2, joins)
    struck = [
        replace(episode(5 + number / 100, equipment=number), order=policy, life_safety=life_safety)
        for number in (1, 2, 3)
    ]
    other = outcome(4, equipment_id=UUID(int=3), fault_mode="leak")
    assert would_be_orders(struck, [other], tolerance_h=12, building_of=buildings) == orders


@given(
    st.dictionaries(st.floats(1, 100), st.frozensets(st.integers(0, 9))), st.sets(st.integers(0, 9)), st.floats(1, 100)
)
def test_a_proposal_keeps_every_real_alarm_and_no_other_value_drops_more(
    raised: dict[float, frozenset[int]], real: set[int], now: float
) -> None:
    false = set(range(10)) - real
    found = propose([Trial(value, some) for value, some in raised.items()], now=now, real=real, false=false)
    best = max((len(false - some) for some in raised.values() if some >= real), default=0)
    assert found.false_dropped == best
    assert (found.value is None) is (best == 0)
    if found.value is not None:
        assert raised[found.value] >= real
        nearer = [v for v, some in raised.items() if some >= real and abs(v - now) < abs(found.value - now)]
        assert all(len(false - raised[value]) < best for value in nearer)


def test_values_to_try_lie_around_the_present_one() -> None:
    assert values_to_try(75.0)[:2] == [37.5, 39.0]
    assert values_to_try(75.0)[-1] == 112.0
    assert 75.0 not in values_to_try(75.0)
    assert values_to_try(-10.0)[0] == -15.0
    assert values_to_try(0.0) == []


@pytest.mark.parametrize(
    ("labelled", "real", "parameters", "refused"),
    [
        (FEWEST_LABELLED, 5, 1, None),
        (FEWEST_LABELLED - 1, 5, 1, "too_few_labels"),
        (FEWEST_LABELLED, 2, 1, "too_few_real"),
        (FEWEST_LABELLED, FEWEST_LABELLED, 1, "no_false_alarms"),
        (50, 20, 0, "no_parameters"),
    ],
)
def test_nothing_is_proposed_on_too_little(labelled: int, real: int, parameters: int, refused: str | None) -> None:
    assert refusal(labelled=labelled, real=real, parameters=parameters) == refused
