"""Every shipped rule raises on what it is for, is quiet in good times, and says so in both languages."""

from collections.abc import Mapping
from uuid import UUID

import pytest

from building.reading import Reading, ReadingBatch
from catalog.directory import EquipmentEntry, PointEntry
from catalog.profiles import load_profiles
from rules.judge import Judge
from rules.rule import CompiledRule, PointList, compile_rule
from rules.rule_set import RuleSet
from rules.service import shipped_rules
from tests.alarms.place import ROOT

PROFILES = load_profiles(ROOT / "device_adapters" / "profiles")
RULES = {definition.key: definition for definition in shipped_rules()}
T0 = 1_763_784_000_000

GOOD: Mapping[str, Mapping[str, float]] = {
    "gb24476-elevator": {
        "service_mode": 1, "door_closed": 1, "fault_code": 0, "passenger_trapped": 0, "alarm_button": 0,
        "levelling_error_mm": 2, "machine_room_temp_c": 28,
    },
    "grundfos-cim-pump": {
        "running": 1, "fault": 0, "fault_code": 0, "warning_code": 0, "head_bar": 6, "flow_m3_h": 12,
        "bearing_temp_c": 45, "vibration_mm_s": 1.5,
    },
    "eastron-sdm630": {
        "voltage_a_v": 228, "voltage_b_v": 231, "voltage_c_v": 226, "power_kw": 14, "power_factor": 0.93,
    },
    "nbiot-smoke": {"smoke": 0, "battery_pct": 90, "tamper": 0, "temperature_c": 22},
    "nbiot-water-meter": {"leak": 0, "flow_l_h": 0, "battery_pct": 90},
}  # fmt: skip

# What is wrong, by rule; everything else is as in good times.
WRONG: Mapping[str, Mapping[str, float]] = {
    "elevator-passenger-trapped": {"passenger_trapped": 1},
    "elevator-alarm-button": {"alarm_button": 1},
    "elevator-door-stuck": {"door_closed": 0},
    "elevator-fault": {"fault_code": 5},
    "elevator-out-of-service": {"service_mode": 0},
    "elevator-emergency-mode": {"service_mode": 3},
    "elevator-levelling-error": {"levelling_error_mm": -25},
    "elevator-machine-room-hot": {"machine_room_temp_c": 46},
    "pump-bearing-wear": {"bearing_temp_c": 80, "vibration_mm_s": 6},
    "pump-dry-run": {"head_bar": 0, "flow_m3_h": 0},
    "pump-fault": {"fault": 1, "fault_code": 48},
    "pump-low-pressure": {"head_bar": 1.5},
    "meter-phase-loss": {"voltage_b_v": 12},
    "meter-overload": {"power_kw": 90},
    "meter-voltage-abnormal": {"voltage_a_v": 250},
    "meter-power-factor": {"power_factor": 0.6},
    "smoke-detected": {"smoke": 1},
    "smoke-battery-low": {"battery_pct": 8},
    "smoke-tamper": {"tamper": 1},
    "smoke-hot": {"temperature_c": 65},
    "water-leak": {"leak": 1},
    "water-constant-flow": {"flow_l_h": 30},
    "water-burst": {"flow_l_h": 4000},
    "water-battery-low": {"battery_pct": 8},
}


def judge_of(key: str) -> tuple[Judge, EquipmentEntry]:
    def fail(_rule: CompiledRule, error: Exception) -> None:
        raise error

    definition = RULES[key]
    profile = PROFILES[str(definition.profile)]
    points = {
        spec.key: PointEntry(
            number, spec.key, spec.kind, spec.unit, spec.low, spec.high, spec.reporting, spec.life_safety
        )
        for number, spec in enumerate(profile.points.values(), start=1)
    }
    entry = EquipmentEntry(
        UUID(int=1), UUID(int=2), "test", "X-1", "X", profile.kind, profile.key, profile.protocol, "X-1", {}, 1, None,
        None, True, points,
    )  # fmt: skip
    compiled = compile_rule(definition.to_rule(), PointList.of(points.values()))
    return Judge(RuleSet.of([compiled], [entry], life_safety=definition.life_safety), on_failure=fail), entry


def told(key: str, judge: Judge, entry: EquipmentEntry, *, start_s: int, hours: float, **wrong: float) -> list[bool]:
    """Every point reports at its interval (a minute at most, for a short test); what was told: began or ended."""
    values = {**GOOD[str(RULES[key].profile)], **wrong}
    step_s = 2 if hours <= 1 else 60
    found = []
    for second in range(start_s, start_s + int(hours * 3600), step_s):
        readings = [
            Reading(entry.points[name].point_no, T0 + second * 1000, float(value)) for name, value in values.items()
        ]
        found += judge.judge(ReadingBatch.of(readings), now_ms=T0 + second * 1000).detections
    return [detection.active for detection in found]


def test_every_condition_has_a_case_here() -> None:
    assert set(WRONG) == {key for key, rule in RULES.items() if rule.when is not None}


@pytest.mark.parametrize("key", WRONG)
def test_a_shipped_rule_is_quiet_in_good_times_raises_once_and_ends(key: str) -> None:
    judge, entry = judge_of(key)
    hours = 7 if key == "water-constant-flow" else 0.5
    assert told(key, judge, entry, start_s=0, hours=0.1) == []
    assert told(key, judge, entry, start_s=1_000, hours=hours, **WRONG[key]) == [True]
    assert told(key, judge, entry, start_s=100_000, hours=0.3) == [False]


@pytest.mark.parametrize("key", [key for key, rule in RULES.items() if rule.missing is not None])
def test_a_shipped_rule_misses_a_silent_device(key: str) -> None:
    judge, entry = judge_of(key)
    told(key, judge, entry, start_s=0, hours=0.01)
    assert judge.tick(now_ms=T0 + 60_000, settled_ms=T0) == []
    days = T0 + 3 * 86_400_000
    assert [d.fault_mode for d in judge.tick(now_ms=days, settled_ms=days)] == ["offline"]


def test_every_profile_that_is_shipped_for_misses_silent_devices() -> None:
    assert {rule.profile for rule in RULES.values() if rule.missing} == set(GOOD)


def test_a_trapped_passenger_and_smoke_wait_for_nothing() -> None:
    for key, kind in (("elevator-passenger-trapped", "entrapment"), ("smoke-detected", "smoke")):
        rule = RULES[key]
        assert (rule.life_safety, rule.for_, rule.order and rule.order.kind) == (True, None, kind)
        assert rule.order is not None
        assert rule.order.priority == 1
