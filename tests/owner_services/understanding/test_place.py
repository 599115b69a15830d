"""Buildings, units and rooms in every form that owners use."""

import pytest

from owner_services.understanding.numerals import number
from owner_services.understanding.place import Place, designation, parse_place


@pytest.mark.parametrize(
    ("text", "building", "unit", "room"),
    [
        ("3栋2单元502", "3", "2", "502"),
        ("3栋2单元502室漏水", "3", "2", "502"),
        ("３栋２单元５０２", "3", "2", "502"),
        ("3 栋 2 单元 502", "3", "2", "502"),
        ("三栋二单元五〇二室", "3", "2", "502"),
        ("三栋二单元五零二", "3", "2", "502"),
        ("第3栋第二单元", "3", "2", None),
        ("3号楼2单元502", "3", "2", "502"),
        ("三号楼", "3", None, None),
        ("3#2单元502", "3", "2", "502"),
        ("3#楼502室", "3", None, "502"),
        ("3幢乙单元", "3", "2", None),
        ("3座1201", "3", None, "1201"),
        ("A座1201", "A", None, "1201"),
        ("a栋", "A", None, None),
        ("3-2-502", "3", "2", "502"),
        ("3/2/502", "3", "2", "502"),
        ("03-02-502", "3", "2", "502"),
        ("3-502", "3", None, "502"),
        ("3栋2-502", "3", "2", "502"),
        ("3栋502", "3", None, "502"),
        ("3栋的502", "3", None, "502"),
        ("3号2单元502", "3", "2", "502"),
        ("3栋2门502", "3", "2", "502"),
        ("十二栋1单元", "12", "1", None),
        ("二十一号楼", "21", None, None),
        ("12栋2单元2402室没水", "12", "2", "2402"),
        ("我家502室", None, None, "502"),
        ("2单元电梯", None, "2", None),
        ("我是住在3栋2单元502的王女士，厨房漏水", "3", "2", "502"),
    ],
)
def test_a_place_is_read(text: str, building: str | None, unit: str | None, room: str | None) -> None:
    place = parse_place(text)
    assert (place.building, place.unit, place.room) == (building, unit, room)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "电梯坏了",
        "电话13812345678",
        "2026-11-22",
        "2#电梯坏了",
        "2号电梯",
        "水费300元",
        "10:42",
        "等了20分钟",
        "WO-20261122-0007",
    ],
)
def test_other_numbers_are_no_place(text: str) -> None:
    assert parse_place(text).is_empty


@pytest.mark.parametrize(
    ("text", "floor"), [("停在5楼", 5), ("十五层", 15), ("负一楼车库", -1), ("地下二层", -2), ("B2层", -2)]
)
def test_floors_are_read_and_told_from_basements(text: str, floor: int) -> None:
    assert parse_place(text).floor == floor


@pytest.mark.parametrize(
    ("name", "mark"),
    [("3栋", "3"), ("三号楼", "3"), ("A座", "A"), ("2单元", "2"), ("第十二幢", "12"), ("云栖3栋", "3"), ("会所", None)],
)
def test_a_name_of_the_catalog_yields_its_mark(name: str, mark: str | None) -> None:
    assert designation(name) == mark


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("3", 3),
        ("十", 10),
        ("十二", 12),
        ("二十", 20),
        ("二十一", 21),
        ("一百零二", 102),
        ("五〇二", 502),
        ("两", 2),
        ("幺零幺", 101),
    ],
)
def test_numerals_are_counted(text: str, value: int) -> None:
    assert number(text) == value


@pytest.mark.parametrize("text", ["", "甲", "x", "3a", "³"])
def test_what_is_no_number_is_none(text: str) -> None:
    assert number(text) is None


def test_a_later_place_is_completed_by_an_earlier_one_and_a_building_begins_anew() -> None:
    earlier = Place("3", "1", "101", 5)
    assert Place(unit="2").completed_by(earlier) == Place("3", "2", "101", 5)
    assert Place("5").completed_by(earlier) == Place("5")
