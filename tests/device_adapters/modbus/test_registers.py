from collections.abc import Mapping
from typing import Any

import pytest

from building.equipment import EquipmentKind
from building.profile import BadProfile, DeviceProfile
from device_adapters.modbus.registers import Order, RegisterMap, RegisterType, Table
from tests.device_adapters.modbus.bench import PROBE, profiles


def with_point(**section: Any) -> DeviceProfile:
    return altered({"level_m": section})


def altered(sections: Mapping[str, Mapping[str, Any]], modbus: Mapping[str, Any] | None = None) -> DeviceProfile:
    points = {
        key: type(point)(**{**{name: getattr(point, name) for name in point.__dataclass_fields__},
                            "sections": {"modbus": sections[key]} if key in sections else {}})
        for key, point in PROBE.points.items()
    }  # fmt: skip
    return DeviceProfile("probe", {}, EquipmentKind.SENSOR, "modbus", "tests", points, {"modbus": modbus or {}})


def test_every_shipped_modbus_profile_has_a_register_map() -> None:
    shipped = [profile for profile in profiles().values() if profile.protocol == "modbus"]
    assert {"grundfos-cim-pump", "eastron-sdm630"} <= {profile.key for profile in shipped}
    for profile in shipped:
        assert {point.key for point in RegisterMap.of(profile).points} == set(profile.points)


def test_the_pump_registers_lie_one_below_their_number_in_the_manual() -> None:
    points = {point.key: point for point in RegisterMap.of(profiles()["grundfos-cim-pump"]).points}
    assert (points["fault_code"].address, points["warning_code"].address) == (204, 205)
    assert (points["running"].address, points["running"].bit) == (200, 6)
    assert points["setpoint_pct"].scale == 0.01


def test_the_meter_registers_are_input_pairs_at_the_addresses_of_the_manual() -> None:
    points = {point.key: point for point in RegisterMap.of(profiles()["eastron-sdm630"]).points}
    wanted = {"voltage_a_v": 0, "current_c_a": 0x0A, "power_kw": 0x34, "power_factor": 0x3E, "frequency_hz": 0x46,
              "energy_import_kwh": 0x48, "energy_export_kwh": 0x4A, "energy_total_kwh": 0x156}  # fmt: skip
    assert {key: points[key].address for key in wanted} == wanted
    assert {point.table for point in points.values()} == {Table.INPUT}
    assert {point.type for point in points.values()} == {RegisterType.FLOAT32}


def test_the_orders_of_a_profile_hold_for_its_points_unless_a_point_says_otherwise() -> None:
    profile = altered(
        {
            "level_m": {"table": "holding", "address": 1, "type": "u32"},
            "flow_l_s": {"table": "holding", "address": 3, "type": "u32", "word_order": "big"},
        },
        {"word_order": "little", "byte_order": "little"},
    )
    level, flow = RegisterMap.of(profile).points
    assert (level.word_order, level.byte_order) == (Order.LITTLE, Order.LITTLE)
    assert (flow.word_order, flow.byte_order) == (Order.BIG, Order.LITTLE)


@pytest.mark.parametrize(
    ("section", "names"),
    [
        ({"address": 1}, "table"),
        ({"table": "holding"}, "address"),
        ({"table": "holding", "address": 65536}, "65535"),
        ({"table": "holding", "address": 65535, "type": "u32"}, "65535"),
        ({"table": "holding", "address": "x"}, "x"),
        ({"table": "holding", "address": 1, "type": "u24"}, "u24"),
        ({"table": "holding", "address": 1, "type": "bool"}, "holding"),
        ({"table": "coil", "address": 1, "type": "u16"}, "coil"),
        ({"table": "holding", "address": 1, "type": "i16", "bit": 3}, "bit"),
        ({"table": "holding", "address": 1, "type": "u16", "bit": 16}, "bit"),
        ({"table": "holding", "address": 1, "scale": 0}, "scale"),
        ({"table": "holding", "address": 1, "adress": 2}, "adress"),
    ],
)
def test_a_point_that_cannot_be_read_is_refused_with_its_name(section: dict[str, Any], names: str) -> None:
    with pytest.raises(BadProfile, match="level_m") as refusal:
        RegisterMap.of(with_point(**section))
    assert names in str(refusal.value)


@pytest.mark.parametrize(
    "modbus", [{"max_registers": 126}, {"poll_interval_s": 0}, {"max_gap": -1}, {"max_gap": "far"}, {"interval": 1}]
)
def test_a_profile_with_impossible_limits_is_refused(modbus: dict[str, Any]) -> None:
    with pytest.raises(BadProfile, match="profile probe"):
        RegisterMap.of(altered({"level_m": {"table": "holding", "address": 1}}, modbus))


def test_a_profile_without_registers_is_refused() -> None:
    with pytest.raises(BadProfile, match="no point"):
        RegisterMap.of(altered({}))
