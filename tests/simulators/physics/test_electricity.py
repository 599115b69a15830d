import itertools
from typing import Any

import pytest

from simulators.physics.electricity import LOADS, ElectricityMeter, LoadKind
from simulators.physics.faults import NO_FAULTS, FaultName
from tests.simulators.days import MIDNIGHT_S, ticks


def play(kind: LoadKind = LoadKind.POWER, *, faults=NO_FAULTS, seconds: float = 600, from_hour: float = 12.0, seed="m"):
    meter = ElectricityMeter(LOADS[kind], seed=seed, started_unix_s=MIDNIGHT_S)
    for tick in ticks(seconds=seconds, from_hour=from_hour):
        meter.step(tick, faults)
        yield meter.values()


def test_the_same_seed_gives_the_same_trace():
    assert list(play(seed="a")) == list(play(seed="a"))


@pytest.mark.parametrize("kind", LoadKind)
def test_energy_never_falls_and_is_power_times_time(kind):
    states = list(play(kind))
    energies = [state["energy_total_kwh"] for state in states]
    assert all(after >= before for before, after in itertools.pairwise(energies))
    mean_kw = sum(state["power_kw"] for state in states[1:]) / (len(states) - 1)
    assert energies[-1] - energies[0] == pytest.approx(mean_kw * (len(states) - 1) / 3600, rel=1e-6)


@pytest.mark.parametrize("kind", LoadKind)
def test_phases_add_up_and_stay_within_the_grid_code(kind):
    for state in play(kind):
        assert sum(state[f"power_{phase}_kw"] for phase in "abc") == pytest.approx(state["power_kw"])
        assert all(207 < state[f"voltage_{phase}_v"] < 253 for phase in "abc")
        assert 49.8 < state["frequency_hz"] < 50.2


def test_lights_burn_at_night_and_the_basement_works_by_day():
    def mean_kw(kind, hour) -> Any:
        return sum(state["power_kw"] for state in play(kind, from_hour=hour)) / 600

    assert mean_kw(LoadKind.LIGHTING, 22) > 2 * mean_kw(LoadKind.LIGHTING, 12)
    assert mean_kw(LoadKind.POWER, 19) > 1.5 * mean_kw(LoadKind.POWER, 3)


@pytest.mark.parametrize("lost", "abc")
def test_a_lost_phase_shows_next_to_nothing_and_the_others_go_on(lost):
    state = list(play(faults={FaultName.PHASE_LOSS: {"phase": lost}}, seconds=5))[-1]
    assert state[f"voltage_{lost}_v"] < 10
    assert state[f"current_{lost}_a"] == 0
    assert all(state[f"voltage_{phase}_v"] > 200 for phase in {"a", "b", "c"} - {lost})


def test_an_overload_draws_what_was_asked():
    state = list(play(faults={FaultName.OVERLOAD: {"kw": 90.0}}, seconds=60))[-1]
    assert state["power_kw"] == pytest.approx(90, rel=0.1)
    assert max(state[f"current_{phase}_a"] for phase in "abc") > 100
