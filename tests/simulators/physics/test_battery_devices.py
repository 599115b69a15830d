"""Smoke detectors and water meters: many at once, as columns."""

import numpy as np
import pytest

from simulators.physics.faults import FaultName
from simulators.physics.smoke import SmokeDetectors
from simulators.physics.water import Column, WaterMeters
from tests.simulators.days import MIDNIGHT_S, ticks


def detectors(count: int = 50) -> SmokeDetectors:
    return SmokeDetectors(count, seed=1)


def meters(count: int = 400) -> WaterMeters:
    return WaterMeters(count, seed=1, started_unix_s=MIDNIGHT_S)


def fire(growth_s: float):
    return {7: {FaultName.SMOKE: {"growth_s": growth_s}}}


# --- smoke --------------------------------------------------------------------------------------------------------


def test_no_detector_alarms_by_itself():
    smoke = detectors()
    for tick in ticks(seconds=3600):
        smoke.step(tick, {})
        assert not smoke.smoke.any()


@pytest.mark.parametrize("growth_s", [2.0, 30.0])
def test_a_fire_reaches_the_threshold_in_its_growth_time_and_only_there(growth_s):
    smoke = detectors()
    alarmed_after = None
    for second, tick in enumerate(ticks(seconds=2 * growth_s), start=1):
        smoke.step(tick, fire(growth_s))
        if smoke.smoke[7] and alarmed_after is None:
            alarmed_after = second
    assert alarmed_after == pytest.approx(growth_s, abs=2)
    assert smoke.smoke.sum() == 1
    assert smoke.values(7)["temperature_c"] > smoke.values(8)["temperature_c"]


def test_smoke_clears_some_time_after_the_fire_is_out():
    smoke = detectors()
    for tick in ticks(seconds=20):
        smoke.step(tick, fire(2))
    alarms = []
    for tick in ticks(seconds=60):
        smoke.step(tick, {})
        alarms.append(bool(smoke.smoke[7]))
    assert alarms[2]
    assert not alarms[-1]


def test_an_empty_battery_and_a_taken_cover_are_shown_while_they_last():
    smoke = detectors()
    tick = next(ticks(seconds=1))
    smoke.step(tick, {3: {FaultName.BATTERY_LOW: {"pct": 8.0}, FaultName.TAMPER: {}}})
    assert (smoke.values(3)["battery_pct"], smoke.values(3)["tamper"]) == (8, 1)
    smoke.step(tick, {})
    assert (smoke.values(3)["battery_pct"] > 50, smoke.values(3)["tamper"]) == (True, 0)


def test_batteries_last_for_years_and_a_speed_up_makes_them_shorter():
    smoke = detectors()
    before = smoke.battery_pct.copy()
    for tick in ticks(seconds=60):
        smoke.step(tick, {})
    assert np.all(before - smoke.battery_pct < 0.01)
    for tick in ticks(seconds=60, speed=1e6):
        smoke.step(tick, {})
    assert np.all(smoke.battery_pct < before - 30)


# --- water --------------------------------------------------------------------------------------------------------


def test_water_only_ever_runs_forward():
    water = meters()
    before = water.volume_m3
    for tick in ticks(seconds=600, dt_s=5):
        water.step(tick, {})
        assert np.all(water.volume_m3 >= before)
        before = water.volume_m3


def test_a_home_uses_a_believable_amount_a_day():
    water = meters()
    start = water.volume_m3.copy()
    for tick in ticks(seconds=86_400, dt_s=10, from_hour=0):
        water.step(tick, {})
    litres = (water.volume_m3 - start) * 1000
    assert 200 < litres.mean() < 1000
    assert (litres == 0).any()  # a few homes stand empty
    assert litres.max() < 6000


def test_the_same_seed_gives_the_same_day():
    def day() -> Column:
        water = meters()
        for tick in ticks(seconds=3600, dt_s=5):
            water.step(tick, {})
        return water.volume_m3

    assert np.array_equal(day(), day())


def test_a_leak_runs_without_a_pause_and_is_noticed_after_its_time():
    water = meters()
    leak = {5: {FaultName.PIPE_LEAK: {"l_h": 240.0, "notice_s": 30.0}}}
    start, noticed_after = water.volume_m3[5], None
    for second, tick in enumerate(ticks(seconds=60), start=1):
        water.step(tick, leak)
        assert water.flow_l_h[5] >= 240
        if water.leak[5] and noticed_after is None:
            noticed_after = second
    assert noticed_after == 30
    assert water.leak.sum() == 1
    assert water.volume_m3[5] - start >= 240 / 60 / 1000 * 0.99
    water.step(next(ticks(seconds=1)), {})
    assert not water.leak.any()
