"""The demo site into PostgreSQL and out as the directory of the reading line."""

import dataclasses

import pytest
from sqlalchemy import event, update

from building.declaration import BadDeclaration, EquipmentDeclaration, SiteDeclaration, parse_site
from building.equipment import EquipmentKind
from building.profile import DeviceProfile
from catalog.directory import Directory
from catalog.events import CatalogChanged
from catalog.loader import apply_declaration, apply_profiles, load_directory
from catalog.models import Equipment, Point
from kit.db import Database
from kit.events import RecordingOutbox

Profiles = dict[str, DeviceProfile]


async def load(database: Database) -> Directory:
    async with database.transaction() as session:
        return await load_directory(session)


async def apply(database: Database, declaration: SiteDeclaration, profiles: Profiles) -> Directory:
    async with database.transaction() as session:
        await apply_declaration(session, declaration, profiles)
    return await load(database)


async def test_the_demo_site_becomes_a_directory(
    database: Database, demo: SiteDeclaration, profiles: Profiles, outbox: RecordingOutbox
):
    directory = await apply(database, demo, profiles)
    assert len(directory.entries) == len(demo.equipment)
    lift = directory.by_device["yunqi", "LIFT-06"]
    assert (lift.kind, lift.partition, lift.protocol) == (EquipmentKind.ELEVATOR, 3, "mqtt")
    assert set(lift.points) == set(profiles["gb24476-elevator"].points)
    assert lift.points["passenger_trapped"].life_safety
    pump = directory.by_device["yunqi", "PUMP-07"]
    assert pump.address == {"host": "127.0.0.1", "port": 15022, "unit": 1}
    assert pump.parent_id == directory.by_device["yunqi", "PGW-3"].equipment_id
    assert directory.partitions == tuple(range(1, 13))
    assert [type(one) for one in outbox.events] == [CatalogChanged]


async def test_every_point_of_the_site_has_a_number_of_its_own(
    database: Database, demo: SiteDeclaration, profiles: Profiles
):
    directory = await apply(database, demo, profiles)
    expected = sum(len(profiles[item.profile].points) for item in demo.equipment if item.profile)
    assert len(directory.by_point) == expected > 5_000


async def test_an_unchanged_declaration_is_one_look_at_the_site(
    database: Database, demo: SiteDeclaration, profiles: Profiles, outbox: RecordingOutbox
):
    before = await apply(database, demo, profiles)
    outbox.events.clear()
    statements: list[str] = []
    event.listen(database.engine.sync_engine, "before_cursor_execute", lambda *call: statements.append(call[2]))
    async with database.transaction() as session:
        await apply_declaration(session, demo, profiles)
        await apply_profiles(session, profiles)
    assert len(statements) == 3, statements  # make the site if absent, lock it, lock every site
    assert await load(database) == before
    assert outbox.events == []


async def test_a_new_edition_of_a_profile_reaches_sites_nobody_declared(
    database: Database, demo: SiteDeclaration, profiles: Profiles, outbox: RecordingOutbox
):
    small = dataclasses.replace(demo, equipment=tuple(item for item in demo.equipment if item.code == "LIFT-01"))
    await apply(database, small, profiles)
    outbox.events.clear()
    lift = profiles["gb24476-elevator"]
    fewer = {key: value for key, value in lift.points.items() if key != "run_count"}
    async with database.transaction() as session:
        await apply_profiles(session, {**profiles, lift.key: dataclasses.replace(lift, points=fewer)})
    assert "run_count" not in (await load(database)).by_device["yunqi", "LIFT-01"].points
    assert [type(one) for one in outbox.events] == [CatalogChanged]


async def test_a_changed_declaration_keeps_ids_points_and_partitions(
    database: Database, demo: SiteDeclaration, profiles: Profiles
):
    before = (await apply(database, demo, profiles)).by_device["yunqi", "LIFT-06"]
    renamed = _changed(demo, "LIFT-06", name="3栋2单元客梯", building="B04")
    after = (await apply(database, renamed, profiles)).by_device["yunqi", "LIFT-06"]
    assert after.name == "3栋2单元客梯"
    assert (after.equipment_id, after.partition, after.points) == (before.equipment_id, 3, before.points)
    assert after.building_id != before.building_id


async def test_a_bound_name_on_the_wire_survives_a_changed_declaration(
    database: Database, demo: SiteDeclaration, profiles: Profiles
):
    await apply(database, demo, profiles)
    async with database.transaction() as session:
        await session.execute(update(Equipment).where(Equipment.code == "SMOKE-001").values(external_id="0x00124b"))
    directory = await apply(database, _changed(demo, "SMOKE-001", name="新烟感"), profiles)
    assert directory.by_device["yunqi", "0x00124b"].code == "SMOKE-001"


async def test_an_edited_range_survives_a_new_edition_of_the_profile(
    database: Database, demo: SiteDeclaration, profiles: Profiles
):
    directory = await apply(database, demo, profiles)
    point = directory.by_device["yunqi", "LIFT-01"].points["machine_room_temp_c"]
    async with database.transaction() as session:
        change = update(Point).where(Point.point_no == point.point_no).values(high=77.0, edited=["high"])
        await session.execute(change)
    lift = profiles["gb24476-elevator"]
    spec = dataclasses.replace(lift.points["machine_room_temp_c"], high=99.0, low=-30.0)
    fewer = {key: value for key, value in lift.points.items() if key != "run_count"}
    newer = dataclasses.replace(lift, points={**fewer, "machine_room_temp_c": spec})
    directory = await apply(database, demo, {**profiles, lift.key: newer})
    ranges = {
        code: (entry.points["machine_room_temp_c"].low, entry.points["machine_room_temp_c"].high)
        for code in ("LIFT-01", "LIFT-02")
        if (entry := directory.by_device["yunqi", code])
    }
    assert ranges == {"LIFT-01": (-30.0, 77.0), "LIFT-02": (-30.0, 99.0)}
    assert "run_count" not in directory.by_device["yunqi", "LIFT-02"].points
    assert directory.by_device["yunqi", "LIFT-01"].points["machine_room_temp_c"].point_no == point.point_no


async def test_a_profile_nobody_has_is_refused(database: Database, profiles: Profiles):
    raw = {
        "site": {"code": "s", "name": "小区", "timezone": "Asia/Shanghai"},
        "equipment": [{"code": "A", "kind": "pump", "profile": "no-such"}],
    }
    with pytest.raises(BadDeclaration, match="equipment A: nobody has a profile no-such"):
        await apply(database, parse_site(raw), profiles)


def _changed(declaration: SiteDeclaration, code: str, **changes: str) -> SiteDeclaration:
    def change(item: EquipmentDeclaration) -> EquipmentDeclaration:
        return dataclasses.replace(item, **changes) if item.code == code else item  # type: ignore[arg-type]

    return dataclasses.replace(declaration, equipment=tuple(map(change, declaration.equipment)))
