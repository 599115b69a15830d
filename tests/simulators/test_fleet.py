import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from building.equipment import EquipmentKind
from kit.i18n import Language, Texts
from simulators.durations import seconds
from simulators.errors import (
    BadDuration,
    BadFaultParameter,
    FaultDoesNotFit,
    FaultNotFound,
    UnknownDevice,
    UnknownFault,
)
from simulators.faults.catalog import CATALOG, fault_kind
from simulators.fleet.fleet import FaultRequest, Fleet
from simulators.modbus.fleet_gateways import load_profiles
from simulators.physics.faults import FaultName
from tests.simulators.days import MIDNIGHT_S

NOON_S = MIDNIGHT_S + 12 * 3600
NOW = datetime.fromtimestamp(NOON_S, UTC)
PROFILES = load_profiles(Path("device_adapters/profiles"))


@pytest.fixture
def fleet(small_site) -> Fleet:
    return Fleet(small_site, seed=1, speed=1.0, started_unix_s=NOON_S)


def ask(name: str, device: str, duration_s: float | None = None, **parameters: object) -> FaultRequest:
    return FaultRequest(name, device, parameters, duration_s)


def step(fleet: Fleet, *, count: int = 1) -> None:
    for number in range(count):
        fleet.step_elevators(unix_s=NOON_S + number, dt_s=1)
        fleet.step_others(unix_s=NOON_S + number, dt_s=1)


@pytest.mark.parametrize("code", ["LIFT-01", "PUMP-01", "EM-01", "SMOKE-001", "WM-0001"])
def test_a_device_reports_exactly_what_its_profile_lists_in_plausible_ranges(fleet, code):
    step(fleet, count=30)
    profile = PROFILES[fleet.register.find(code).profile]
    values = fleet.values(code)
    assert values.keys() == profile.points.keys()
    for key, value in values.items():
        assert profile.points[key].low <= value <= profile.points[key].high, key
    json.dumps(values)


def test_two_fleets_of_one_seed_live_the_same_life(small_site):
    lives = []
    for _ in range(2):
        fleet = Fleet(small_site, seed=7, speed=1.0, started_unix_s=NOON_S)
        step(fleet, count=120)
        lives.append([fleet.values(device.code) for device in fleet.register])
    assert lives[0] == lives[1]


def test_pumps_have_pressure_and_warm_bearings_when_somebody_first_looks(fleet):
    values = fleet.values("PUMP-01")
    assert values["head_bar"] > 8
    assert values["bearing_temp_c"] > 33


@pytest.mark.parametrize("kind", CATALOG.values(), ids=lambda kind: kind.name.value)
def test_every_fault_starts_with_its_defaults_on_every_kind_of_device_it_fits(fleet, kind):
    for device in [d for d in fleet.register if kind.fits(d.kind)]:
        fault = fleet.start_fault(ask(kind.name.value, device.code), now=NOW)
        assert fault.parameters.keys() == kind.parameters.keys()
        step(fleet)
        fleet.values(device.code)
    fleet.faults.stop_all(None)
    step(fleet)
    assert fleet.faults.all() == []


def test_a_fault_ends_after_its_time_and_not_before(fleet):
    fleet.start_fault(ask("smoke", "SMOKE-001", duration_s=60), now=NOW)
    assert fleet.faults.expire(NOW + timedelta(seconds=59.9)) == []
    assert [fault.device for fault in fleet.faults.expire(NOW + timedelta(seconds=60))] == ["SMOKE-001"]
    assert not fleet.faults.has("SMOKE-001", FaultName.SMOKE)


def test_the_same_fault_again_replaces_the_first(fleet):
    first = fleet.start_fault(ask("levelling-error", "LIFT-01", mm=20), now=NOW)
    second = fleet.start_fault(ask("levelling-error", "lift-01", mm=40), now=NOW)
    assert [fault.fault_id for fault in fleet.faults.all()] == [second.fault_id]
    with pytest.raises(FaultNotFound):
        fleet.stop_fault(first.fault_id)


def test_a_stuck_sensor_repeats_itself_while_its_neighbours_go_on(fleet):
    fleet.start_fault(ask("stuck-sensor", "PUMP-01", point="flow_m3_h"), now=NOW)
    flows, powers = set(), set()
    for _ in range(20):
        step(fleet)
        flows.add(fleet.values("PUMP-01")["flow_m3_h"])
        powers.add(fleet.values("PUMP-01")["power_w"])
    assert len(flows) == 1
    assert len(powers) > 10


def test_noise_spreads_as_wide_as_asked(fleet):
    true = fleet.values("LIFT-01")["machine_room_temp_c"]
    fleet.start_fault(ask("noise", "LIFT-01", sigma=5), now=NOW)
    offsets = [fleet.values("LIFT-01")["machine_room_temp_c"] - true for _ in range(500)]
    deviation = (sum(offset**2 for offset in offsets) / len(offsets)) ** 0.5
    assert 4 < deviation < 6


@pytest.mark.parametrize(
    ("request_", "error"),
    [
        (ask("smok", "SMOKE-001"), UnknownFault),
        (ask("smoke", "SMOKE-011"), UnknownDevice),
        (ask("smoke", "RISER-01"), UnknownDevice),
        (ask("smoke", "LIFT-01"), FaultDoesNotFit),
        (ask("offline", "LIFT-01", hard=1), BadFaultParameter),
        (ask("smoke", "SMOKE-001", growth_s="soon"), BadFaultParameter),
        (ask("smoke", "SMOKE-001", growth_s=-1), BadFaultParameter),
        (ask("smoke", "SMOKE-001", growth_s=float("nan")), BadFaultParameter),
        (ask("phase-loss", "EM-01", phase="d"), BadFaultParameter),
        (ask("stuck-sensor", "EM-01", point="pressure"), BadFaultParameter),
        (ask("stuck-sensor", "PGW-1"), FaultDoesNotFit),
    ],
    ids=lambda value: value.__name__ if isinstance(value, type) else f"{value.name} {value.device}",
)
def test_what_cannot_be_is_refused_and_nothing_starts(fleet, request_, error):
    with pytest.raises(error) as refused:
        fleet.start_fault(request_, now=NOW)
    assert fleet.faults.all() == []
    texts = Texts.load(["kit", "simulators"])
    assert all(texts.of_error(refused.value, language) for language in Language)


def test_a_slip_of_the_pen_is_answered_with_codes_that_look_alike(fleet):
    with pytest.raises(UnknownDevice) as refused:
        fleet.register.find("LFIT-01")
    assert "LIFT-01" in refused.value.hint
    with pytest.raises(UnknownFault) as unknown:
        fault_kind("fire")
    assert "smoke" in unknown.value.known


def test_a_gateway_takes_its_devices_with_it_and_a_pump_no_water_meter(fleet):
    def silent() -> set[str]:
        return {device.code for device in fleet.register if fleet.is_offline(device)}

    fleet.start_fault(ask("offline", "PGW-1"), now=NOW)
    assert silent() == {"PGW-1", "PUMP-01", "PUMP-02", "PUMP-03"}
    fleet.faults.stop_all(None)
    fleet.start_fault(ask("offline", "PWR-1"), now=NOW)
    assert silent() == {"PWR-1", "PGW-1", "PUMP-01", "PUMP-02", "PUMP-03"}
    fleet.faults.stop_all(None)
    fleet.start_fault(ask("offline", "PUMP-01"), now=NOW)
    assert silent() == {"PUMP-01"}


def test_the_demo_site_has_the_fleet_that_was_promised():
    import tomllib

    from building.declaration import parse_site

    site = parse_site(tomllib.loads(Path("hub/demo/site.toml").read_text("utf-8")))
    register = Fleet(site, seed=1, speed=1.0, started_unix_s=NOON_S).register
    counts = {kind: len(register.of_kind(kind)) for kind in EquipmentKind}
    assert counts[EquipmentKind.ELEVATOR] == 24
    assert counts[EquipmentKind.PUMP] == 12
    assert counts[EquipmentKind.SMOKE_DETECTOR] == 480
    assert counts[EquipmentKind.ELECTRICITY_METER] + counts[EquipmentKind.WATER_METER] == 1200


@pytest.mark.parametrize(
    ("text", "value"),
    [("90s", 90), ("10m", 600), ("1h30m", 5400), ("500ms", 0.5), ("45", 45), (2.5, 2.5), ("1.5h", 5400)],
)
def test_durations_are_read_as_people_write_them(text, value):
    assert seconds(text) == value


@pytest.mark.parametrize("text", ["", "soon", "10 minutes", "-5s", "m10", -3, True])
def test_what_is_no_duration_is_refused(text):
    with pytest.raises(BadDuration):
        seconds(text)
