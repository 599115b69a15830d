import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulators.physics.faults import FaultName
from simulators.physics.pump import PumpCurve
from simulators.physics.pump_room import SETPOINT_M, PumpRoom
from tests.simulators.days import MIDNIGHT_S, ticks

CURVE = PumpCurve()
CODES = ("PUMP-01", "PUMP-02", "PUMP-03")


def room(seed: str = "room") -> PumpRoom:
    return PumpRoom(CODES, seed=seed, started_unix_s=MIDNIGHT_S)


def play(pumps: PumpRoom, *, seconds: float, faults=None, from_hour: float = 12.0, speed: float = 1.0):
    """The values of every pump after each second."""
    for tick in ticks(seconds=seconds, from_hour=from_hour, speed=speed):
        pumps.step(tick, faults or {})
        yield {code: pump.values() for code, pump in pumps.pumps.items()}


def worn(**parameters: float):
    return {"PUMP-02": {FaultName.BEARING_WEAR: {"minutes": 2.0, "until": 0.9, **parameters}}}


# --- the curve ----------------------------------------------------------------------------------------------------


@given(flow=st.floats(0, 30), speed=st.floats(0.1, 1))
def test_more_flow_means_less_head_and_more_speed_means_more(flow, speed):
    head = CURVE.head_m(flow_m3_h=flow, speed=speed)
    assert CURVE.head_m(flow_m3_h=flow + 1, speed=speed) <= head
    assert CURVE.head_m(flow_m3_h=flow, speed=speed * 1.1) >= head


@given(flow=st.floats(0, 16), head=st.floats(20, 90))
def test_the_speed_for_a_head_gives_that_head(flow, head):
    speed = CURVE.speed_for(head_m=head, flow_m3_h=flow)
    assert CURVE.head_m(flow_m3_h=flow, speed=speed) == pytest.approx(head)


@given(flow=st.floats(0.5, 18), speed=st.floats(0.5, 1))
def test_no_pump_gives_more_power_to_the_water_than_it_draws(flow, speed):
    hydraulic_w = 9810 * flow / 3600 * CURVE.head_m(flow_m3_h=flow, speed=speed)
    assert CURVE.power_w(flow_m3_h=flow, speed=speed) > hydraulic_w


# --- a healthy room -----------------------------------------------------------------------------------------------


def test_the_same_seed_gives_the_same_trace():
    assert list(play(room("a"), seconds=300)) == list(play(room("a"), seconds=300))


def test_pressure_is_kept_through_the_busiest_hours():
    states = list(play(room(), seconds=3600, from_hour=18.5))[60:]
    heads = [max(pump["head_bar"] for pump in state.values()) for state in states]
    assert min(heads) > 0.9 * SETPOINT_M * 0.0981
    assert max(heads) < 1.1 * SETPOINT_M * 0.0981


def test_one_pump_does_at_night_and_more_join_in_the_morning():
    night = list(play(room(), seconds=300, from_hour=3))[-1]
    morning = list(play(room(), seconds=300, from_hour=7.0))[-1]
    assert sum(pump["running"] for pump in night.values()) == 1
    assert sum(pump["running"] for pump in morning.values()) >= 2


def test_energy_and_run_hours_never_fall_and_only_running_pumps_count():
    states = list(play(room(), seconds=600))
    for code in CODES:
        for key in ("energy_kwh", "run_hours"):
            values = [state[code][key] for state in states]
            assert all(after >= before for before, after in itertools.pairwise(values))
    assert states[-1]["PUMP-01"]["energy_kwh"] > states[0]["PUMP-01"]["energy_kwh"]
    assert states[-1]["PUMP-03"]["energy_kwh"] == states[30]["PUMP-03"]["energy_kwh"]


# --- faults -------------------------------------------------------------------------------------------------------


def test_wear_raises_vibration_and_heat_before_the_pump_fails():
    states = [state["PUMP-02"] for state in play(room(), seconds=400, faults=worn(minutes=5.0, until=1.0))]
    failed = next(index for index, state in enumerate(states) if state["fault"])
    warned = next(i for i, s in enumerate(states) if s["vibration_mm_s"] > 4.5 and s["bearing_temp_c"] > 75)
    assert warned < failed
    assert states[failed]["fault_code"] == 51
    smooth = [sum(s["vibration_mm_s"] for s in states[i : i + 10]) for i in range(20, failed - 10, 10)]
    assert smooth == sorted(smooth)


def test_a_worn_bearing_stops_short_of_failing_and_is_well_after_repair():
    pumps = room()
    bad = list(play(pumps, seconds=300, faults=worn()))[-1]["PUMP-02"]
    assert (bad["running"], bad["fault"]) == (1, 0)
    assert bad["vibration_mm_s"] > 4.5
    assert bad["bearing_temp_c"] > 75
    good = list(play(pumps, seconds=300))[-1]["PUMP-02"]
    assert good["vibration_mm_s"] < 2.8
    assert good["bearing_temp_c"] < 60


def test_the_speed_up_wears_faster():
    slow = list(play(room(), seconds=30, faults=worn()))[-1]["PUMP-02"]
    fast = list(play(room(), seconds=30, faults=worn(), speed=4))[-1]["PUMP-02"]
    assert fast["vibration_mm_s"] > slow["vibration_mm_s"] + 1


def test_a_dry_pump_turns_without_flow_while_the_others_carry_on():
    state = list(play(room(), seconds=60, faults={"PUMP-01": {FaultName.DRY_RUN: {}}}))[-1]
    dry = state["PUMP-01"]
    assert (dry["running"], dry["flow_m3_h"], dry["head_bar"], dry["warning_code"]) == (1, 0, 0, 57)
    assert max(pump["head_bar"] for pump in state.values()) > 8


def test_a_tripped_pump_stands_and_another_takes_over():
    state = list(play(room(), seconds=60, faults={"PUMP-01": {FaultName.PUMP_FAULT: {"code": 48.0}}}))[-1]
    tripped = state["PUMP-01"]
    assert (tripped["running"], tripped["fault"], tripped["fault_code"]) == (0, 1, 48)
    assert tripped["speed_rpm"] == tripped["power_w"] == 0
    assert state["PUMP-02"]["running"] == 1


def test_a_room_without_any_pump_gives_no_water_and_survives():
    faults = {code: {FaultName.PUMP_FAULT: {"code": 48.0}} for code in CODES}
    state = list(play(room(), seconds=60, faults=faults))[-1]
    assert all(pump["flow_m3_h"] == 0 for pump in state.values())
