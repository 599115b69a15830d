"""Figures of alarm load, and what is proposed for whom."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alarms.flood.figures import (
    FEW,
    PERIOD,
    Load,
    Proposal,
    RuleFigures,
    Stretch,
    advice_for,
    load,
    load_of,
    shares,
)

NOON = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)
DAY = timedelta(days=1)
CALM = RuleFigures(
    source="rule", source_id="low-pressure", announcements=100, alarms=100, explained=0, answered=100, stale=0,
    episodes=100, fleeting=0, returns=0, gap_s=None, quick_s=None, median_s=3600, labelled=0, false_labels=0,
    top_equipment="PUMP-01", top_announcements=10, equipment=10,
)  # fmt: skip


def stretches(*counts: int) -> list[Stretch]:
    return [Stretch(NOON + number * PERIOD, count) for number, count in enumerate(counts) if count]


def test_a_day_of_one_alarm_in_ten_minutes_is_what_one_person_can_do() -> None:
    figures = load_of(stretches(*[1] * 144), since=NOON, until=NOON + DAY, operators=1)
    assert (figures.per_10_min, figures.per_day, figures.flood_share) == (1, 144, 0)
    assert figures.load is Load.ACCEPTABLE


def test_a_flood_lasts_until_little_comes_and_is_shared_by_those_who_answer() -> None:
    busy = stretches(2, 12, 7, 6, 4, 0, 11)
    one = load_of(busy, since=NOON, until=NOON + 10 * PERIOD, operators=1)
    assert (one.floods, one.flood_share, one.peak, one.peak_at) == (2, 0.4, 12, NOON + PERIOD)
    two = load_of(busy, since=NOON, until=NOON + 10 * PERIOD, operators=2)
    assert (two.floods, two.flood_share, two.peak) == (0, 0, 6)


@pytest.mark.parametrize(
    ("per_10_min", "band"),
    [
        (0, Load.ACCEPTABLE),
        (1, Load.ACCEPTABLE),
        (1.5, Load.MANAGEABLE),
        (5, Load.OVER_DEMANDING),
        (5.1, Load.UNACCEPTABLE),
    ],
)
def test_the_bands(per_10_min: float, band: Load) -> None:
    assert load(per_10_min) is band


@given(st.lists(st.integers(0, 40), max_size=144), st.integers(1, 9))
def test_nothing_is_lost_among_any_number_of_people(counts: Sequence[int], operators: int) -> None:
    figures = load_of(stretches(*counts), since=NOON, until=NOON + DAY, operators=operators)
    assert figures.announcements == sum(counts)
    assert figures.per_day * operators == pytest.approx(sum(counts))
    assert 0 <= figures.flood_share <= 1
    assert (figures.floods == 0) == (figures.peak <= 10)


@pytest.mark.parametrize(
    ("what", "figures", "proposal", "seconds"),
    [
        ("little", {"announcements": FEW - 1, "fleeting": 100}, Proposal.KEEP, None),
        ("nothing stands out", {}, Proposal.KEEP, None),
        ("comes and goes", {"returns": 80, "gap_s": 100.0, "fleeting": 60, "quick_s": 9.0}, Proposal.LONGER_CLEAR, 120),
        ("over before anybody looks", {"fleeting": 90, "quick_s": 28.4}, Proposal.LONGER_FOR, 30),
        ("explained by gateways", {"explained": 95, "fleeting": 90, "quick_s": 5.0}, Proposal.FIX_ROOT, None),
        ("mostly false", {"labelled": 10, "false_labels": 9}, Proposal.OTHER_THRESHOLD, None),
        ("labels of chance", {"labelled": 2, "false_labels": 2}, Proposal.KEEP, None),
        ("one device", {"top_announcements": 90}, Proposal.ONE_DEVICE, None),
        ("the only device", {"top_announcements": 100, "equipment": 1}, Proposal.KEEP, None),
        ("lasts", {"stale": 70}, Proposal.TAKE_OUT, None),
        ("nobody answers", {"answered": 3}, Proposal.LOWER_SEVERITY, None),
    ],
)
def test_a_proposal(what: str, figures: dict[str, float], proposal: Proposal, seconds: int | None) -> None:
    advice = advice_for(replace(CALM, **figures))  # type: ignore[arg-type]
    assert (advice.proposal, advice.seconds) == (proposal, seconds)


def test_shares_of_severities() -> None:
    assert shares({"critical": 5, "minor": 15}) == {"critical": 0.25, "minor": 0.75}
    assert shares({"minor": 0}) == {"minor": 0}
