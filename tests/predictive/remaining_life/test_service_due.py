"""Services by what a counter counted."""

import numpy as np
import pytest

from predictive.detectors.contract import Floats
from predictive.remaining_life.service_due import EARLY, OVERDUE, ServiceDue, service_due

EVERY = 4_000.0
DAYS = np.arange(56.0)


def counter(*, now: float, rate: float = 12.0, unrest: float = 0.0) -> Floats:
    """What it showed on each day, so that it shows `now` on the last."""
    steps = rate + unrest * np.random.default_rng(4).normal(size=len(DAYS))
    counted = np.cumsum(np.maximum(steps, 0.0))
    values: Floats = now - counted[-1] + counted
    return values


def told(values: Floats, *, served_day: float | None = None) -> ServiceDue:
    found = service_due(DAYS, values, every=EVERY, served_day=served_day)
    assert found is not None
    assert 0 <= found.days_low <= found.days_mid <= found.days_high
    return found


def test_an_even_counter_says_the_day() -> None:
    due = told(counter(now=11_760.0))
    assert due.at == 12_000.0
    assert due.days_mid == pytest.approx(20.0)
    assert due.days_high - due.days_low < 0.1


def test_uneven_use_widens_the_interval() -> None:
    due = told(counter(now=11_760.0, unrest=6.0))
    assert due.days_low < 18.0 < 22.0 < due.days_high


@pytest.mark.parametrize(
    ("now", "served_day", "at"),
    [
        (12_100.0, None, 12_000.0),  # passed within sight, and nobody came
        (12_100.0, 40.0, 16_000.0),  # somebody came before it passed
        (12_100.0, 0.0, 16_000.0),  # early enough
        (11_900.0, 50.0, 16_000.0),
        (12_000.0 + OVERDUE * EVERY + 1, None, 16_000.0),
        (12_700.0, None, 16_000.0),  # passed before anybody looked
        (12_000.0, None, 12_000.0),
        (3_000.0, None, 4_000.0),
    ],
)
def test_the_service_that_counts_is_the_next_that_nobody_has_done(
    now: float, served_day: float | None, at: float
) -> None:
    assert told(counter(now=now), served_day=served_day).at == at


def test_a_service_long_before_is_no_service_of_this_one() -> None:
    long_before = 56.0 - (EARLY * EVERY + 300.0) / 12.0
    assert told(counter(now=12_010.0), served_day=long_before).at == 12_000.0


def test_a_counter_that_was_replaced_begins_anew() -> None:
    values = counter(now=11_760.0)
    values[30:] -= 11_000.0
    assert told(values).at == EVERY


@pytest.mark.parametrize("values", [np.full(56, 5.0), counter(now=9_000.0)[:5]], ids=["stands still", "five days"])
def test_nothing_is_said_of_what_does_not_count(values: Floats) -> None:
    assert service_due(DAYS[: len(values)], values, every=EVERY) is None
