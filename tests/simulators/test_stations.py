"""Tanks, pump rooms, air handlers, panels and detectors: quiet by themselves, and past what shipped rules ask when
something is pressed."""

import json
import tomllib
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from building.declaration import SiteDeclaration, parse_site
from device_adapters.mqtt.credentials import PLAYED_STATIONS
from simulators.errors import BadFaultParameter, FaultDoesNotFit
from simulators.fleet.fleet import FaultRequest, Fleet
from simulators.fleet.stations import STATIONS
from simulators.modbus.fleet_gateways import load_profiles
from simulators.mqtt.connection import Broker, Connection, CredentialsFile
from simulators.mqtt.stations import FULL_REPORT_S, StationPublisher
from tests.simulators.conftest import wait_until
from tests.simulators.days import MIDNIGHT_S

NOON_S = MIDNIGHT_S + 12 * 3600
NOW = datetime.fromtimestamp(NOON_S, UTC)
PROFILES = load_profiles(Path("device_adapters/profiles"))
Values = Mapping[str, float]


@pytest.fixture(scope="module")
def site() -> SiteDeclaration:
    return parse_site(tomllib.loads((Path(__file__).parent / "stations.toml").read_text("utf-8")))


@pytest.fixture
def fleet(site: SiteDeclaration) -> Fleet:
    return Fleet(site, seed=1, speed=1.0, started_unix_s=NOON_S)


def press(fleet: Fleet, name: str, device: str, **parameters: object) -> None:
    fleet.start_fault(FaultRequest(name, device, parameters, None), now=NOW)


def live(fleet: Fleet, *, minutes: float, begin_s: float = NOON_S, dt_s: float = 5.0) -> None:
    for number in range(round(60 * minutes / dt_s)):
        fleet.step_others(unix_s=begin_s + number * dt_s, dt_s=dt_s)


def test_every_station_reports_what_its_profile_lists_in_plausible_ranges_all_day(fleet: Fleet) -> None:
    # The hub gives an account to each of them.
    assert {device.profile for device in fleet.register} == STATIONS.keys() == PLAYED_STATIONS
    for hour in range(24):
        live(fleet, minutes=2, begin_s=MIDNIGHT_S + 3600 * hour)
        for device in fleet.register:
            points, values = PROFILES[str(device.profile)].points, fleet.values(device.code)
            assert values.keys() == points.keys()
            assert [key for key, value in values.items() if not points[key].low <= value <= points[key].high] == []


def test_of_themselves_they_are_quiet(fleet: Fleet) -> None:
    live(fleet, minutes=60)
    contacts = ("overflow", "floor_flooded", "fire_alarm", "fault", "gas_alarm", "detector_fault", "freeze_alarm")
    found = {key: value for code in fleet.stations for key, value in fleet.values(code).items()}
    assert [key for key in contacts if found[key]] == []
    assert 70 < found["level_pct"] < 95
    assert found["sump_level_pct"] < 70
    assert found["supply_temp_c"] == pytest.approx(found["supply_setpoint_c"], abs=1.5)
    assert found["residual_current_ma"] < 150
    assert min(found["heating_valve_pct"], found["cooling_valve_pct"]) == 0


# What the shipped rules ask (rules/defaults), but for how long it must last.
PRESSED: list[tuple[str, str, dict[str, Any], float, Callable[[Values], bool]]] = [
    ("pipe-burst", "TANK-01", {}, 25, lambda v: v["level_pct"] < 20),
    ("float-valve-stuck", "TANK-01", {}, 8, lambda v: v["overflow"] == 1 and v["level_pct"] > 98),
    ("float-valve-stuck", "TANK-01", {"m3_h": 0}, 300, lambda v: v["level_pct"] < 8),
    ("chlorine-off", "TANK-01", {}, 10, lambda v: v["residual_chlorine_mg_l"] < 0.05),
    ("chlorine-off", "TANK-01", {"mg_l": 3}, 10, lambda v: v["residual_chlorine_mg_l"] > 2),
    ("turbid-water", "TANK-01", {}, 5, lambda v: v["turbidity_ntu"] > 1),
    ("hatch-open", "TANK-01", {}, 0.1, lambda v: v["hatch_open"] == 1),
    ("floor-flooded", "ROOM-01", {}, 10, lambda v: v["floor_flooded"] == 1 and v["sump_level_pct"] > 85),
    ("sump-pump-clogged", "ROOM-01", {}, 300, lambda v: v["sump_pump_running"] == 1 and v["sump_level_pct"] > 60),
    ("fan-failed", "AHU-01", {}, 0.1, lambda v: v["fan_command"] == 1 and v["fan_running"] == 0),
    ("damper-stuck", "AHU-01", {}, 0.1, lambda v: v["outdoor_damper_pct"] - v["outdoor_damper_command_pct"] > 15),
    ("heats-and-cools", "AHU-01", {}, 20, lambda v: min(v["heating_valve_pct"], v["cooling_valve_pct"]) > 10),
    ("filter-dirty", "AHU-01", {}, 0.1, lambda v: v["filter_dp_pa"] > 200),
    ("fire-alarm", "PANEL-01", {}, 0.1, lambda v: v["fire_alarm"] == 1 and sum(v.values()) == 1),
    ("panel-trouble", "PANEL-01", {"what": "loop_fault"}, 0.1, lambda v: v["loop_fault"] == 1 and sum(v.values()) == 1),
    ("gas-leak", "GAS-01", {}, 1, lambda v: v["gas_alarm"] == 1 and v["valve_open"] == 0),
    ("residual-current", "EFM-01", {}, 1, lambda v: v["residual_current_ma"] > 300),
    ("cable-hot", "EFM-01", {}, 3, lambda v: v["cable_temp_c"] > 90),
]  # fmt: skip


@pytest.mark.parametrize(("name", "device", "parameters", "minutes", "shows"), PRESSED)
def test_what_is_pressed_shows_as_the_shipped_rules_ask_and_goes_with_it(
    fleet: Fleet, name: str, device: str, parameters: dict[str, Any], minutes: float, shows: Callable[[Values], bool]
) -> None:
    assert not shows(fleet.values(device))
    press(fleet, name, device, **parameters)
    live(fleet, minutes=minutes)
    assert shows(fleet.values(device)), fleet.values(device)
    fleet.faults.stop_all(None)
    live(fleet, minutes=minutes + 240, dt_s=30)
    assert not shows(fleet.values(device)), fleet.values(device)


def test_a_gas_valve_that_sticks_stays_open_under_gas(fleet: Fleet) -> None:
    press(fleet, "gas-valve-stuck", "GAS-01")
    press(fleet, "gas-leak", "GAS-01")
    live(fleet, minutes=1)
    values = fleet.values("GAS-01")
    assert (values["gas_alarm"], values["valve_open"]) == (1, 1)


def test_a_sensor_has_the_faults_of_its_own_kind_of_sensor(fleet: Fleet) -> None:
    with pytest.raises(FaultDoesNotFit) as refused:
        press(fleet, "floor-flooded", "EFM-01")
    assert "residual-current" in refused.value.known
    assert "floor-flooded" not in refused.value.known
    with pytest.raises(BadFaultParameter):
        press(fleet, "panel-trouble", "PANEL-01", what="everything")


def test_gas_is_on_the_wire_with_the_next_step_and_all_points_every_minute(site, mosquitto, listen) -> None:
    fleet, now_s = Fleet(site, seed=1, speed=1.0, started_unix_s=NOON_S), NOON_S

    def connect(username: str, client_id: str, status_topic: str | None) -> Connection:
        broker = Broker("127.0.0.1", mosquitto.port)
        return Connection(
            broker, CredentialsFile(None), username=username, client_id=client_id, status_topic=status_topic
        )  # fmt: skip

    heard = listen("site/plant/device/GAS-01/telemetry").heard
    publisher = StationPublisher(fleet, connect, unix_s=now_s)
    for connection in publisher.connections:
        connection.open()
    wait_until(lambda: all(one.is_up for one in publisher.connections), what="connections are up")
    try:
        press(fleet, "gas-leak", "GAS-01")
        for _ in range(round(1.5 * FULL_REPORT_S)):
            now_s += 1
            fleet.step_others(unix_s=now_s, dt_s=1)
            publisher.publish(unix_s=now_s)
        wait_until(lambda: any(len(_values(raw)) == 4 for _, raw, _ in heard), what="a full report")
        told = [_values(raw) for _, raw, _ in heard]
        assert {"gas_alarm": 1, "valve_open": 0} in told, "at once, and by itself"
    finally:
        for connection in publisher.connections:
            connection.close()


def _values(raw: bytes) -> dict[str, float]:
    values: dict[str, float] = json.loads(raw)["values"]
    return values
