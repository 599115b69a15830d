"""From days of a fleet to days left: the machine that wears is named by its mode, and nobody else."""

import numpy as np
import pytest

from building.equipment import EquipmentKind
from predictive.drift.days import DAY_MS, Days, Feature, FeatureKind
from predictive.drift.watch import judged
from predictive.remaining_life.degradation import FleetPrior
from predictive.remaining_life.modes import load_modes
from predictive.remaining_life.wear import UNUSUAL, ModeForecast, forecasts

POINTS = ("bearing_temp_c", "noise_db", "vibration_mm_s")
WEARS, BEGINS, DAYS = 2, 40, 70


def fleet(*, point: str, size: float) -> Days:
    """Six machines with a common season; one point of the third rises from day 40 on."""
    random = np.random.default_rng(3)
    values = np.array([35.0, 60.0, 1.6]) + random.normal(scale=[1.5, 1.0, 0.2], size=(6, 1, 3))
    season = np.sin(np.arange(DAYS) / 25.0)[None, :, None] * np.array([4.0, 1.0, 0.1])
    values = values + season + random.normal(scale=[0.4, 0.4, 0.05], size=(6, DAYS, 3))
    values[WEARS, BEGINS:, POINTS.index(point)] += size * np.arange(DAYS - BEGINS)
    features = tuple(Feature(FeatureKind.LEVEL, place) for place in range(3))
    return Days(np.arange(DAYS, dtype=np.int64) * DAY_MS, values, features)


def told(days: Days, prior: FleetPrior | None = None) -> list[tuple[ModeForecast, ...]]:
    priors = {"bearing_wear": prior} if prior else None
    return forecasts(
        days, judged(days), kind=EquipmentKind.PUMP, point_keys=POINTS, modes=load_modes().modes, priors=priors
    )


def test_the_machine_that_wears_gets_its_mode_its_days_and_its_peers() -> None:
    of_machines = told(fleet(point="vibration_mm_s", size=0.1))
    assert [len(each) > 0 for each in of_machines] == [machine == WEARS for machine in range(6)]
    first = of_machines[WEARS][0]
    assert (first.mode, first.point_key) == ("bearing_wear", "vibration_mm_s")
    # 1.6 mm/s and 0.1 a day more: 7.1 mm/s is 25 days off, and many fail before.
    left = first.days_left()
    assert left.low <= 25 <= left.high + 5
    assert first.life.since_day == pytest.approx(BEGINS, abs=8)
    assert first.peers_low is not None
    assert first.peers_low <= 1.8 < first.life.value


def test_what_no_mode_names_is_followed_by_its_distance() -> None:
    found = told(fleet(point="noise_db", size=0.5))[WEARS]
    assert [(each.mode, each.point_key) for each in found] == [(UNUSUAL, None)]


def test_past_lives_of_the_fleet_shorten_or_lengthen_what_is_left() -> None:
    days = fleet(point="vibration_mm_s", size=0.1)
    short, long = (told(days, FleetPrior(median, 0.25, 9))[WEARS][0] for median in (35.0, 120.0))
    assert short.life.days_mid < long.life.days_mid


def test_without_wear_nothing_is_told() -> None:
    assert told(fleet(point="vibration_mm_s", size=0.0)) == [()] * 6
