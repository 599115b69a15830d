"""What is never switched, over every kind there is."""

from dataclasses import replace
from typing import Any

import pytest

from building.equipment import EquipmentKind
from catalog.directory import Directory, EquipmentEntry
from device_adapters.commands.command import NoWay
from device_adapters.commands.sending import kinds_of, writable_point
from device_adapters.commands.targets import Protection, moved_with, protection_of_kind, why_refused
from tests.device_adapters.directories import PROFILES, equipment
from tests.device_adapters.modbus.bench import equipment as modbus_equipment
from tests.device_adapters.modbus.test_commands import VALVE

KINDS = kinds_of(PROFILES)
MUST_BE_REFUSED = {"fire_pump", "fire_door", "smoke_exhaust", "fire_panel", "elevator"}


def thing(kind: EquipmentKind, name: str = "V-01", **fields: Any) -> EquipmentEntry:
    return replace(equipment("tasmota-plug", name), kind=kind, profile_key="", **fields)


def refused(target: EquipmentEntry, *others: EquipmentEntry) -> Protection | None:
    found = why_refused(Directory.of(1, [target, *others]), target, kinds=KINDS)
    return None if found is None else found.protection


@pytest.mark.parametrize("kind", list(EquipmentKind))
def test_every_kind_is_decided_and_the_protected_are_refused(kind: EquipmentKind) -> None:
    assert refused(thing(kind)) == protection_of_kind(kind)
    if kind in MUST_BE_REFUSED:
        assert refused(thing(kind)) is Protection.KIND


@pytest.mark.parametrize("kind", list(EquipmentKind))
@pytest.mark.parametrize("profile", sorted(PROFILES))
def test_what_the_profile_says_counts_as_much_as_what_was_entered(kind: EquipmentKind, profile: str) -> None:
    target = replace(equipment(profile, "X-01"), kind=kind)
    if protection_of_kind(PROFILES[profile].kind) is not None:
        assert refused(target) is not None


@pytest.mark.parametrize("kind", list(EquipmentKind))
def test_parts_of_the_protected_and_what_feeds_them_are_refused(kind: EquipmentKind) -> None:
    other = thing(kind, "N-01")
    protected = protection_of_kind(kind) is Protection.KIND
    part = thing(EquipmentKind.DOOR, "D-01", parent_id=other.equipment_id)
    assert refused(part, other) == (Protection.PART if protected else None)
    supply = thing(EquipmentKind.POWER_SUPPLY, "P-01")
    between = thing(EquipmentKind.GATEWAY, "G-01", parent_id=supply.equipment_id)
    hung = replace(other, parent_id=between.equipment_id)
    assert refused(supply, between, hung) == (Protection.FEEDS if protected else None)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("消防泵1#", EquipmentKind.PUMP), ("喷淋泵", EquipmentKind.PUMP), ("B1防火卷帘", EquipmentKind.DOOR),
        ("3F 排烟风机", EquipmentKind.FAN), ("正压送风机", EquipmentKind.AHU), ("Fire pump 2", EquipmentKind.PUMP),
        ("SMOKE-FAN-01", EquipmentKind.FAN), ("2号电梯", EquipmentKind.DOOR), ("Lift 3", EquipmentKind.SENSOR),
        ("应急照明配电", EquipmentKind.POWER_SUPPLY), ("1#稳压泵", EquipmentKind.PUMP),
        ("2号客梯控制柜", EquipmentKind.SENSOR), ("电梯迫降模块", EquipmentKind.GATEWAY),
        ("雨淋阀", EquipmentKind.VALVE),
        ("Elevator power supply", EquipmentKind.POWER_SUPPLY), ("fire_shutter_3", EquipmentKind.DOOR),
        ("火警联动模块", EquipmentKind.GATEWAY), ("烟雾探测器", EquipmentKind.SENSOR),
        ("可燃气体探测器", EquipmentKind.SENSOR), ("3F正压风机", EquipmentKind.FAN), ("加压风机", EquipmentKind.FAN),
        ("电梯A", EquipmentKind.SENSOR), ("客梯（东）", EquipmentKind.DOOR), ("Lift No. 3", EquipmentKind.SENSOR),
        ("LIFT-B", EquipmentKind.DOOR), ("Heat detector 4", EquipmentKind.SENSOR), ("感温电缆", EquipmentKind.SENSOR),
    ],
)  # fmt: skip
def test_a_fire_pump_that_was_entered_as_a_pump_is_one(name: str, kind: EquipmentKind) -> None:
    assert refused(thing(kind, name)) is Protection.NAME


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("生活水泵", EquipmentKind.PUMP), ("电梯厅门禁", EquipmentKind.DOOR), ("车库卷帘门", EquipmentKind.DOOR),
        ("消防通道摄像头", EquipmentKind.CAMERA), ("给水阀", EquipmentKind.VALVE),
        ("Lift hall camera", EquipmentKind.CAMERA), ("电梯机房空调", EquipmentKind.AHU),
        ("室温感应器", EquipmentKind.SENSOR), ("生活加压泵", EquipmentKind.PUMP), ("燃气切断阀", EquipmentKind.VALVE),
        ("Lift pump 2", EquipmentKind.PUMP), ("Sewage lift station", EquipmentKind.PUMP),
    ],
)  # fmt: skip
def test_ordinary_equipment_may_be_switched(name: str, kind: EquipmentKind) -> None:
    assert refused(thing(kind, name)) is None


def test_who_reports_smoke_or_is_out_of_service_is_no_target() -> None:
    smoke = equipment("nbiot-smoke", "S-01")
    assert refused(replace(smoke, kind=EquipmentKind.SENSOR, profile_key="")) is Protection.LIFE_SAFETY
    assert refused(thing(EquipmentKind.VALVE, in_service=False)) is Protection.OUT_OF_SERVICE


@pytest.mark.parametrize(
    ("protocol", "address"),
    [("modbus", {"host": "Plc.local", "unit": 3}), ("mqtt", {"broker": "north"}), ("mqtt", {})],
)
def test_a_fire_pump_entered_a_second_time_under_another_name_is_one(protocol: str, address: dict[str, Any]) -> None:
    where = {"protocol": protocol, "address": address, "external_id": "P-7"}
    pump = thing(
        EquipmentKind.FIRE_PUMP, "FP-01", **{**where, "address": {"host": "plc.local", "port": 502, "unit": 3}}
    )
    assert refused(thing(EquipmentKind.PUMP, "P-01", **where), pump) is Protection.SAME_DEVICE
    beside = {"address": {"host": "plc.local", "unit": 4}, "external_id": "P-8", "protocol": protocol}
    assert refused(thing(EquipmentKind.PUMP, "P-02", **beside), pump) is None


def test_what_a_profile_is_called_counts_whatever_kind_it_says_and_so_does_a_point() -> None:
    plug = PROFILES["tasmota-plug"]
    controller = replace(plug, key="pump-2", name={"zh-CN": "消防水泵控制器", "en": "Pump controller"})
    target = replace(thing(EquipmentKind.PUMP), profile_key="pump-2")
    found = why_refused(Directory.of(1, [target]), target, kinds=kinds_of({"pump-2": controller}))
    assert found is not None
    assert found.protection is Protection.NAME

    power = replace(plug.points["power"], name={"zh-CN": "电梯迫降", "en": "Output 3"})
    module = {"tasmota-plug": replace(plug, points={**plug.points, "power": power})}
    with pytest.raises(NoWay, match="elevator"):
        writable_point(equipment("tasmota-plug", "DDC-1"), "power", module)


def test_nothing_is_written_to_the_unit_that_every_device_of_a_line_hears() -> None:
    valve = {"valve": VALVE}
    for unit, is_refused in ((1, False), (0, True)):
        entry = modbus_equipment("V-01", VALVE, port=502, unit=unit)
        if not is_refused:
            assert writable_point(entry, "open", valve).key == "open"
            continue
        with pytest.raises(NoWay, match="unit 0"):
            writable_point(entry, "open", valve)


def test_what_a_command_moves_is_what_a_fire_pump_would_be_looked_for_in() -> None:
    supply = thing(EquipmentKind.POWER_SUPPLY, "S")
    pump = thing(EquipmentKind.PUMP, "P", parent_id=supply.equipment_id)
    valve = thing(EquipmentKind.VALVE, "V", parent_id=pump.equipment_id)
    again, beside = thing(EquipmentKind.PUMP, "P2", external_id=pump.external_id), thing(EquipmentKind.PUMP, "B")
    found = moved_with(Directory.of(1, [supply, pump, valve, again, beside]), pump)
    assert [one.code for one in found] == ["P", "S", "V", "P2"]


def test_a_circle_of_parents_ends() -> None:
    one, two = thing(EquipmentKind.VALVE, "A"), thing(EquipmentKind.VALVE, "B")
    one, two = replace(one, parent_id=two.equipment_id), replace(two, parent_id=one.equipment_id)
    assert refused(one, two) is None
