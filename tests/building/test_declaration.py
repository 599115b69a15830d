"""Declarations of sites, on the demo site's own file and on broken ones."""

import tomllib
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from building.declaration import BadDeclaration, SiteDeclaration, cycle_in, parse_site
from building.equipment import EquipmentKind
from building.space import SpaceKind

DEMO = Path(__file__).parents[2] / "hub" / "demo" / "site.toml"


@pytest.fixture(scope="module")
def demo() -> SiteDeclaration:
    return parse_site(tomllib.loads(DEMO.read_text("utf-8")))


def site(**parts: Any) -> dict[str, Any]:
    return {"site": {"code": "s", "name": "小区", "timezone": "Asia/Shanghai"}, **parts}


def test_the_demo_site_has_every_equipment_once(demo: SiteDeclaration):
    kinds = Counter(item.kind for item in demo.equipment)
    assert kinds == {
        EquipmentKind.ELEVATOR: 24,
        EquipmentKind.PUMP: 12,
        EquipmentKind.ELECTRICITY_METER: 48,
        EquipmentKind.WATER_METER: 1152,
        EquipmentKind.SMOKE_DETECTOR: 480,
        EquipmentKind.POWER_SUPPLY: 4,
        EquipmentKind.RISER: 12,
        EquipmentKind.GATEWAY: 16,
    }
    assert len({item.code for item in demo.equipment}) == len(demo.equipment)


def test_the_demo_site_has_1152_homes_in_24_units(demo: SiteDeclaration):
    kinds = Counter(space.kind for space in demo.spaces)
    assert (kinds[SpaceKind.UNIT], kinds[SpaceKind.FLOOR], kinds[SpaceKind.ROOM]) == (24, 576, 1152)
    home = next(space for space in demo.spaces if space.code == "3-2-502")
    assert (home.name, home.building, home.parent) == ("502", "B03", "3-2-5F")


def test_the_last_variable_turns_fastest_so_that_lift_6_is_building_3_unit_2(demo: SiteDeclaration):
    lift = next(item for item in demo.equipment if item.code == "LIFT-06")
    assert (lift.building, lift.space, lift.rescue_code) == ("B03", "3-2", "330006")


@pytest.mark.parametrize(
    ("code", "parent", "address"),
    [
        ("PUMP-01", "PGW-1", {"host": "127.0.0.1", "port": 15020, "unit": 1}),
        ("PUMP-12", "PGW-4", {"host": "127.0.0.1", "port": 15023, "unit": 3}),
        ("EM-48", "MGW-12", {"host": "127.0.0.1", "port": 15041, "unit": 4}),
    ],
)
def test_addresses_are_numbers(demo: SiteDeclaration, code: str, parent: str, address: dict[str, Any]):
    item = next(item for item in demo.equipment if item.code == code)
    assert (item.parent, item.address) == (parent, address)


def test_three_pumps_stand_in_each_pump_room(demo: SiteDeclaration):
    rooms = Counter(item.building for item in demo.equipment if item.kind is EquipmentKind.PUMP)
    assert rooms == {"B03": 3, "B06": 3, "B09": 3, "B12": 3}


def test_a_device_is_called_by_its_code_unless_told_otherwise():
    raw = site(equipment=[{"code": "A", "kind": "pump"}, {"code": "B", "kind": "pump", "external_id": "0xb"}])
    assert [item.external_id for item in parse_site(raw).equipment] == ["A", "0xb"]


@pytest.mark.parametrize(
    ("parts", "says"),
    [
        (
            {"equipment": [{"code": "A", "kind": "pump", "building": "B9"}]},
            "equipment A: its building B9 is not declared",
        ),
        ({"equipment": [{"code": "A", "kind": "pump", "parent": "Z"}]}, "its parent Z is not declared"),
        ({"equipment": [{"code": "A", "kind": "pmup"}]}, "equipment[0] (A): kind pmup is unknown"),
        ({"equipment": [{"code": "A", "kind": "pump", "colour": "red"}]}, "unknown key colour"),
        ({"equipment": [{"kind": "pump"}]}, "code is missing"),
        ({"equipment": [{"code": "A", "kind": "pump"}] * 2}, "the code A is declared twice"),
        ({"equipment": [{"code": "A", "kind": "pump", "parent": "A"}]}, "go in a circle: A → A"),
        ({"equipment": {"code": "A"}}, "must be written as [[equipment]]"),
        ({"equipment": [{"for": {"b": "12..1"}, "code": "{b}", "kind": "pump"}]}, "for.b must be a range"),
        ({"equipment": [{"for": {"b": "1..2"}, "code": "{c}", "kind": "pump"}]}, "{c}: no such variable"),
        ({"equipment": [{"for": {"b": ["x"]}, "code": "{b:02}", "kind": "pump"}]}, "only a number can be padded"),
        ({"equipment": [{"for": {"b": "1..1000", "c": "1..1000"}, "code": "{n}", "kind": "pump"}]}, "at most"),
        ({"buildings": [{"code": "", "name": "x"}]}, "code must not be empty"),
        ({"building": []}, "unknown key building"),
    ],
)
def test_a_slip_is_refused_with_its_place(parts: dict[str, Any], says: str):
    with pytest.raises(BadDeclaration) as refusal:
        parse_site(site(**parts))
    assert says in str(refusal.value)


def test_an_unknown_timezone_is_refused():
    with pytest.raises(BadDeclaration, match="timezone Mars/Olympus is unknown"):
        parse_site({"site": {"code": "s", "name": "x", "timezone": "Mars/Olympus"}})


def test_a_cycle_is_found_wherever_one_enters_it():
    assert cycle_in({"d": "a", "a": "b", "b": "c", "c": "a"}) == ["a", "b", "c", "a"]
    assert cycle_in({"a": "b", "b": "c", "c": None, "x": "elsewhere"}) is None
