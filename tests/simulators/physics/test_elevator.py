import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulators.physics.elevator import Elevator, Phase
from simulators.physics.elevator_travel import ElevatorSpec, Travel
from simulators.physics.faults import NO_FAULTS, DeviceFaults, FaultName
from tests.simulators.days import MIDNIGHT_S, ticks

SPEC = ElevatorSpec()
TRAPPED: DeviceFaults = {FaultName.PASSENGER_TRAPPED: {}}


def elevator(seed: str = "LIFT-06") -> Elevator:
    return Elevator(SPEC, seed=seed, started_unix_s=MIDNIGHT_S)


def trace(seed: str, *, seconds: float, from_hour: float = 8.0) -> list[dict[str, float]]:
    car = elevator(seed)
    states = []
    for tick in ticks(seconds=seconds, dt_s=0.2, from_hour=from_hour):
        car.step(tick, NO_FAULTS)
        states.append(car.values())
    return states


# --- travel ------------------------------------------------------------------------------------------------------


def test_ten_floors_take_the_time_of_a_trapezoid():
    # 30 m at 1.75 m/s with 0.8 m/s²: 30/1.75 + 1.75/0.8
    assert Travel(0, 30, SPEC).duration_s == pytest.approx(19.33, abs=0.01)


def test_a_single_floor_never_reaches_rated_speed():
    # 3 m: a triangle would need 3.87 s if it may reach 1.55 m/s, below 1.75 m/s
    assert Travel(0, 3, SPEC).duration_s == pytest.approx(2 * (3 / 0.8) ** 0.5, abs=0.01)


@given(start=st.floats(0, 69), target=st.floats(0, 69), at=st.floats(0, 1))
def test_a_car_stays_between_its_ends_and_arrives_exactly(start, target, at):
    travel = Travel(start, target, SPEC)
    low, high = sorted((start, target))
    assert low - 1e-6 <= travel.position_m(travel.duration_s * at) <= high + 1e-6
    assert travel.position_m(travel.duration_s) == pytest.approx(target, abs=1e-6)


@given(start=st.floats(0, 69), target=st.floats(0, 69))
def test_a_car_never_exceeds_its_rated_speed(start, target):
    travel = Travel(start, target, SPEC)
    way = [travel.position_m(travel.duration_s * n / 200) for n in range(201)]
    fastest = max(abs(b - a) for a, b in itertools.pairwise(way)) * 200 / max(travel.duration_s, 1e-9)
    assert fastest <= SPEC.rated_speed_m_s * 1.001


# --- a day ------------------------------------------------------------------------------------------------------


def test_the_same_seed_gives_the_same_trace():
    assert trace("a", seconds=600) == trace("a", seconds=600)


def test_another_seed_gives_another_trace():
    assert trace("a", seconds=600) != trace("b", seconds=600)


def test_doors_open_only_at_a_landing_and_while_standing():
    for values in trace("a", seconds=3600):
        if not values["door_closed"]:
            assert (values["door_zone"], values["running"], values["direction"]) == (1, 0, 0)


def test_floors_pass_one_by_one():
    floors = [values["floor"] for values in trace("a", seconds=3600)]
    assert {abs(b - a) for a, b in itertools.pairwise(floors)} == {0, 1}
    assert max(floors) - min(floors) > 10


def test_counters_never_fall_and_the_morning_makes_them_grow():
    states = trace("a", seconds=3600)
    for key in ("run_count", "run_hours", "door_cycles"):
        values = [state[key] for state in states]
        assert values == sorted(values)
    assert 10 < states[-1]["run_count"] - states[0]["run_count"] < 200


def test_a_car_rests_at_night():
    night = sum(values["running"] for values in trace("a", seconds=3600, from_hour=2.5))
    morning = sum(values["running"] for values in trace("a", seconds=3600, from_hour=7.5))
    assert night < morning / 5


def test_an_afternoon_machine_room_is_warmer_than_one_at_dawn():
    assert (
        trace("a", seconds=1800, from_hour=15)[-1]["machine_room_temp_c"]
        > (trace("a", seconds=7200, from_hour=3)[-1]["machine_room_temp_c"])
    )


# --- faults -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("before_s", range(0, 120, 7))
def test_a_trapped_passenger_shows_in_the_very_next_step_wherever_the_car_was(before_s):
    car = elevator()
    for tick in ticks(seconds=before_s, dt_s=0.2):
        car.step(tick, NO_FAULTS)
    car.step(next(ticks(seconds=1, dt_s=0.2)), TRAPPED)
    values = car.values()
    assert values["passenger_trapped"] == values["passenger_present"] == values["door_closed"] == 1
    assert values["door_zone"] == values["running"] == 0
    assert values["fault_code"] == 4
    assert 0 <= car.position_m <= SPEC.height_m(SPEC.floors)


def test_who_is_trapped_presses_the_alarm_button_after_a_moment():
    car = elevator()
    pressed = []
    for tick in ticks(seconds=6, dt_s=0.2):
        car.step(tick, TRAPPED)
        pressed.append(car.values()["alarm_button"])
    assert pressed[0] == 0
    assert pressed[-1] == 1


def test_after_the_rescue_the_car_opens_at_a_landing_and_everybody_leaves():
    car = elevator()
    for tick in ticks(seconds=5, dt_s=0.2):
        car.step(tick, TRAPPED)
    seen = set()
    for tick in ticks(seconds=20, dt_s=0.2, from_hour=3):
        car.step(tick, NO_FAULTS)
        values = car.values()
        seen.add((values["door_closed"], values["door_zone"], values["passenger_present"]))
        assert values["passenger_trapped"] == 0
    assert (0, 1, 0) in seen
    assert car.values()["fault_code"] == 0


def test_a_stuck_door_stays_open_draws_more_current_and_says_so():
    car = elevator()
    healthy_a = car.values()["door_motor_current_a"]
    for tick in ticks(seconds=90, dt_s=0.2, from_hour=3):
        car.step(tick, {FaultName.DOOR_STUCK: {}})
    values = car.values()
    assert values["door_closed"] == 0
    assert values["door_open_s"] > 30
    assert values["fault_code"] == 2
    assert values["door_motor_current_a"] > healthy_a * 1.5
    for tick in ticks(seconds=30, dt_s=0.2, from_hour=3):
        car.step(tick, NO_FAULTS)
    assert car.values()["door_closed"] == 1
    assert car.values()["fault_code"] == 0


def test_a_controller_fault_takes_the_car_out_of_service_until_it_is_mended():
    car = elevator()
    fault = {FaultName.ELEVATOR_FAULT: {"code": 6.0}}
    for tick in ticks(seconds=120, dt_s=0.2):
        car.step(tick, fault)
    assert (car.values()["service_mode"], car.values()["fault_code"], car.phase) == (0, 6, Phase.OUT_OF_SERVICE)
    car.step(next(ticks(seconds=1)), NO_FAULTS)
    assert (car.values()["service_mode"], car.values()["fault_code"]) == (1, 0)


def test_a_levelling_error_shows_at_once_and_ends_with_its_fault():
    car = elevator()
    car.step(next(ticks(seconds=1)), {FaultName.LEVELLING_ERROR: {"mm": 30.0}})
    assert car.values()["levelling_error_mm"] == pytest.approx(30, abs=3)
    car.step(next(ticks(seconds=1)), NO_FAULTS)
    assert abs(car.values()["levelling_error_mm"]) < 10


def test_a_hot_machine_room_warms_steadily_and_sooner_with_the_speed_up():
    def after_a_minute(speed: float) -> float:
        car = elevator()
        temperatures = []
        for tick in ticks(seconds=60, speed=speed, from_hour=3):
            car.step(tick, {FaultName.MACHINE_ROOM_HOT: {"temp_c": 50.0}})
            temperatures.append(car.values()["machine_room_temp_c"])
        assert temperatures == sorted(temperatures)
        return temperatures[-1]

    assert 40 < after_a_minute(1) < after_a_minute(4) <= 50
