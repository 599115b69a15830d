"""The library over recorded days of the simulated fleet, with faults of which it is known when they were."""

import tomllib
from dataclasses import dataclass
from pathlib import Path

import pytest

from building.declaration import SiteDeclaration, parse_site
from simulators.errors import BadFaultPlan
from simulators.fast_time import Pace
from simulators.faults.plan import parse_plan
from tests.rules.recorded import BEGINS_S, record, tried

BATTERY_DEVICES = """
[site]
code = "recorded"
name = "试验小区"
timezone = "Asia/Shanghai"

[[buildings]]
code = "B01"
name = "1栋"

[[equipment]]
for = { count = "1..10" }
code = "SMOKE-{n:02}"
kind = "smoke_detector"
profile = "nbiot-smoke"

[[equipment]]
for = { count = "1..12" }
code = "WM-{n:02}"
kind = "water_meter"
profile = "nbiot-water-meter"
"""
DAYS_OF_THEIRS = """
faults = [
    { name = "smoke", device = "SMOKE-03", at = "5h", for = "10m", with = { growth_s = 60 } },
    { name = "battery-low", device = "SMOKE-05", at = "10h", for = "20h" },
    { name = "tamper", device = "SMOKE-07", at = "30h", for = "2h" },
    { name = "offline", device = "SMOKE-09", at = "12h", for = "40h" },
    { name = "stuck-sensor", device = "SMOKE-02", at = "20h", for = "20h" },
    { name = "pipe-leak", device = "WM-03", at = "8h", for = "12h", with = { l_h = 240, notice_s = 3600 } },
    { name = "pipe-leak", device = "WM-06", at = "26h", for = "40m", with = { l_h = 3000 } },
    { name = "pipe-leak", device = "WM-10", at = "40h", for = "20h", with = { l_h = 8, notice_s = 864000 } },
    { name = "pipe-leak", device = "WM-01", at = "50h", for = "3h", with = { l_h = 8, notice_s = 864000 } },
    { name = "battery-low", device = "WM-08", at = "15h", for = "30h" },
    { name = "offline", device = "WM-11", at = "2h", for = "60h" },
]
"""


def declared(text: str) -> SiteDeclaration:
    return parse_site(tomllib.loads(text))


async def test_three_recorded_days_of_meters_and_detectors_give_every_fault_its_alarm_and_no_other(
    tmp_path: Path,
) -> None:
    site = declared(BATTERY_DEVICES)
    record(site, tmp_path / "tape", parse_plan(DAYS_OF_THEIRS), days=3, pace=Pace(slow_s=120.0))
    trial = await tried(site, tmp_path / "tape", tmp_path / "store")
    assert trial.false == (), "\n".join(trial.lines())
    assert trial.rules_by_fault() == {
        ("smoke", "SMOKE-03"): {"smoke-detected", "smoke-hot"},
        ("battery-low", "SMOKE-05"): {"smoke-battery-low"},
        ("tamper", "SMOKE-07"): {"smoke-tamper"},
        ("offline", "SMOKE-09"): {"smoke-no-data"},
        # A detector's level says the same for days when all is well: no rule can tell it from a dead sensor.
        ("stuck-sensor", "SMOKE-02"): set(),
        ("pipe-leak", "WM-03"): {"water-leak", "water-constant-flow"},
        ("pipe-leak", "WM-06"): {"water-leak", "water-burst"},
        ("pipe-leak", "WM-10"): {"water-constant-flow"},  # too small for the meter itself
        ("pipe-leak", "WM-01"): set(),  # three hours are no night: it may have been a cistern
        ("battery-low", "WM-08"): {"water-battery-low"},
        ("offline", "WM-11"): {"water-no-data"},
    }
    # Life safety is told with the reading itself, a leak of the meter's own verdict when it gives it.
    after = {(fault.name, fault.device): by for fault, by in trial.found.items()}
    assert after["smoke", "SMOKE-03"]["smoke-detected"] < 5
    assert 55 < after["pipe-leak", "WM-03"]["water-leak"] < 75
    assert 6 * 60 <= after["pipe-leak", "WM-03"]["water-constant-flow"] < 6 * 60 + 30


ELECTRICITY = """
[[equipment]]
code = "EM-01"
kind = "electricity_meter"
profile = "eastron-sdm630"
address = { host = "127.0.0.1", port = 15031, unit = 4 }
"""
A_MONTH = """
faults = [
    { name = "phase-loss", device = "EM-01", at = "6d11h", for = "1h" },
    { name = "overload", device = "EM-01", at = "9d18h", for = "2h", with = { kw = 90 } },
    { name = "offline", device = "EM-01", at = "16d2h", for = "20m" },
    { name = "smoke", device = "SMOKE-03", at = "10d5h", for = "10m", with = { growth_s = 60 } },
    { name = "battery-low", device = "SMOKE-05", at = "13d10h", for = "3d" },
    { name = "tamper", device = "SMOKE-07", at = "14d9h", for = "2h" },
    { name = "offline", device = "SMOKE-09", at = "21d", for = "2d" },
    { name = "pipe-leak", device = "WM-03", at = "17d8h", for = "12h", with = { l_h = 240, notice_s = 3600 } },
    { name = "pipe-leak", device = "WM-06", at = "19d7h", for = "40m", with = { l_h = 3000 } },
    { name = "pipe-leak", device = "WM-10", at = "22d", for = "2d", with = { l_h = 8, notice_s = 864000 } },
    { name = "battery-low", device = "WM-08", at = "24d", for = "3d" },
    { name = "offline", device = "WM-11", at = "25d", for = "3d" },
]
"""
MACHINES = """
[site]
code = "recorded"
name = "试验小区"
timezone = "Asia/Shanghai"

[[buildings]]
code = "B01"
name = "1栋"

[[equipment]]
code = "LIFT-01"
kind = "elevator"
profile = "gb24476-elevator"

[[equipment]]
code = "PGW-1"
kind = "gateway"

[[equipment]]
for = { p = "1..2" } # one alone would be overloaded when everybody comes home
code = "PUMP-{p:02}"
kind = "pump"
profile = "grundfos-cim-pump"
parent = "PGW-1"
address = { host = "127.0.0.1", port = 15020, unit = "{p}" }
"""
# The last is a warm room within GB/T 10058 and no fault: nothing is to be raised.
A_DAY = """
faults = [
    { name = "passenger-trapped", device = "LIFT-01", at = "1h", for = "25m" },
    { name = "door-stuck", device = "LIFT-01", at = "3h30m", for = "40m" },
    { name = "elevator-fault", device = "LIFT-01", at = "6h", for = "30m" },
    { name = "levelling-error", device = "LIFT-01", at = "9h", for = "2h", with = { mm = 25 } },
    { name = "machine-room-hot", device = "LIFT-01", at = "12h", for = "2h", with = { temp_c = 54 } },
    { name = "offline", device = "LIFT-01", at = "16h", for = "1h" },
    { name = "dry-run", device = "PUMP-01", at = "1h", for = "10m" },
    { name = "pump-fault", device = "PUMP-01", at = "3h", for = "1h" },
    { name = "bearing-wear", device = "PUMP-01", at = "6h", for = "4h", with = { minutes = 60 } },
    { name = "stuck-sensor", device = "PUMP-01", at = "13h", for = "4h", with = { point = "head_bar" } },
    { name = "offline", device = "PUMP-01", at = "20h", for = "30m" },
    { name = "machine-room-hot", device = "LIFT-01", at = "20h", for = "3h", with = { temp_c = 38 } },
]
"""


@dataclass(frozen=True)
class Recording:
    """`missed` are the faults, by name and the hour they begin at, that no rule is to find."""

    site: str
    faults: str
    days: int
    pace: Pace
    missed: frozenset[tuple[str, int]] = frozenset()


RECORDINGS = {
    "a month of meters and detectors": Recording(
        BATTERY_DEVICES + ELECTRICITY, A_MONTH, 30, Pace(slow_s=30.0, poll_every=2)
    ),
    "a day of a lift and two pumps": Recording(
        MACHINES, A_DAY, 1, Pace(elevator_s=1.0, slow_s=5.0, poll_every=2), frozenset({("machine-room-hot", 20)})
    ),
}


@pytest.mark.long
@pytest.mark.timeout(1_200)
@pytest.mark.parametrize("name", RECORDINGS)
async def test_a_long_recording_gives_every_fault_its_alarm_and_no_other(tmp_path: Path, name: str) -> None:
    recording = RECORDINGS[name]
    site = declared(recording.site)
    record(site, tmp_path / "tape", parse_plan(recording.faults), days=recording.days, pace=recording.pace)
    trial = await tried(site, tmp_path / "tape", tmp_path / "store")
    print("\n".join(trial.lines()))
    hours = {fault: int((fault.begins_ms / 1000 - BEGINS_S) // 3_600) for fault in trial.found}
    assert {(fault.name, hours[fault]) for fault, by in trial.found.items() if not by} == recording.missed
    assert trial.false == ()


def test_a_plan_that_cannot_be_followed_says_which_fault_is_wrong() -> None:
    with pytest.raises(BadFaultPlan) as refused:
        parse_plan('[[faults]]\nname = "smoke"\ndevice = "S"\nat = "1h"\nfor = "2h"\n[[faults]]\nname = "smoke"\n')
    assert refused.value.place == "2"
