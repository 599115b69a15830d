"""Locks on equipment, by the door people use: whoever works on it has one, and smoke speaks all the same."""

from datetime import timedelta
from typing import Any

import pytest
from fastapi import FastAPI
from sqlalchemy import select

import alarms.endpoints
import alarms.lockouts.endpoints
import catalog.endpoints
from alarms.events import AlarmRaised, AlarmSuppressed
from alarms.lockouts.service import LockoutService
from alarms.models import Alarm
from catalog.service import CatalogService
from kit.access import Role
from kit.db import Database
from kit.events import RecordingOutbox
from people.models import RoleGrant
from people.service import PeopleService
from tests.alarms.place import NOON, Place
from tests.alarms.test_service import apply, somebody
from tests.alarms.test_shelving import kinds, sweep
from tests.api import FakeLogins, client_of, make_app


@pytest.fixture
def lockouts(place: Place) -> LockoutService:
    catalog_service = CatalogService({})
    people_service = PeopleService(catalog_service, place.clock)
    return LockoutService(catalog_service, place.directory, people_service, place.clock)


@pytest.fixture
def logins() -> FakeLogins:
    return FakeLogins()


@pytest.fixture
def app(database: Database, place: Place, logins: FakeLogins, lockouts: LockoutService) -> FastAPI:
    modules = (alarms.endpoints, alarms.lockouts.endpoints)
    return make_app(
        database, routers=[module.router for module in modules], rooms=["alarms", "catalog", "people"],
        services=[place.alarms, lockouts], logins=logins,
        status=catalog.endpoints.STATUS | alarms.endpoints.STATUS | alarms.lockouts.endpoints.STATUS,
    )  # fmt: skip


async def held(database: Database) -> list[tuple[str, str | None]]:
    async with database.transaction() as session:
        rows = await session.scalars(select(Alarm).order_by(Alarm.onset_at))
        return [(row.source_id, row.suppressed_by) for row in rows]


async def test_a_locked_out_equipment_speaks_again_when_the_last_lock_is_off_and_smoke_never_stops(
    app: FastAPI,
    database: Database,
    place: Place,
    logins: FakeLogins,
    outbox: RecordingOutbox,
) -> None:
    people = {name: await somebody(database, name) for name in ("张工", "李工", "王经理")}
    async with database.transaction() as session:
        session.add(RoleGrant(person_id=people["王经理"], site_id=place.site_id, role=Role.MANAGER))
    zhang, li = (logins.add(Role.ENGINEER, site_id=place.site_id, person_id=people[one]) for one in ("张工", "李工"))
    manager = logins.add(Role.MANAGER, site_id=place.site_id, person_id=people["王经理"])
    pump = place.equipment_id("PUMP-01")
    body: dict[str, Any] = {"equipment_id": str(pump), "reason": "更换机械密封"}
    await apply(database, place, place.detection())
    async with client_of(app, token=zhang) as client:
        mine = await client.post("/api/v1/lockouts", json=body)
        assert (mine.status_code, mine.json()["is_on"]) == (201, True), mine.text
        longer = await client.post("/api/v1/lockouts", json=body | {"until": "2026-11-22T05:00:00Z"})
        assert (longer.json()["id"], longer.json()["until"]) == (mine.json()["id"], "2026-11-22T05:00:00Z")
        client.headers["authorization"] = f"Bearer {li}"
        other = (await client.post("/api/v1/lockouts", json=body)).json()["id"]
        gas = place.smoke("PUMP-01", onset_s=2, source_id="gas")
        await apply(database, place, place.detection(onset_s=1, source_id="dry", fault_mode="dry_run"), gas)
        assert await held(database) == [("pump-bearing-wear", "locked_out"), ("dry", "locked_out"), ("gas", None)]
        assert [raised.source_id for raised in outbox.of(AlarmRaised)] == ["pump-bearing-wear", "gas"]
        listed = (await client.get("/api/v1/lockouts", params={"equipment_id": str(pump)})).json()["items"]
        assert [(one["person_id"], one["is_on"]) for one in listed] == [
            (str(people["李工"]), True), (str(people["张工"]), True),
        ]  # fmt: skip
        not_mine = await client.post(f"/api/v1/lockouts/{mine.json()['id']}/take-off")
        assert (not_mine.status_code, not_mine.json()["code"]) == (409, "lock_is_anothers")
        # One lock's time is over: somebody else still works there.
        place.clock.advance(seconds=3_600)
        await sweep(database, place)
        assert await held(database) == [("pump-bearing-wear", "locked_out"), ("dry", "locked_out"), ("gas", None)]
        async with database.transaction() as session:
            assert await place.alarms.locked_by(session, [pump]) == [people["李工"]]
        client.headers["authorization"] = f"Bearer {manager}"
        off = (await client.post(f"/api/v1/lockouts/{other}/take-off")).json()
        assert (off["is_on"], off["released_by"]) == (False, str(people["王经理"]))
        again = await client.post(f"/api/v1/lockouts/{other}/take-off")
        assert (again.status_code, again.json()["code"]) == (409, "lockout_over")
        past = await client.post("/api/v1/lockouts", json=body | {"until": "2026-11-22T04:00:00Z"})
        assert (past.status_code, past.json()["code"]) == (422, "lockout_ends_earlier")
        assert (await client.get("/api/v1/lockouts")).json()["total"] == 0
        assert (await client.get("/api/v1/lockouts", params={"standing": "false"})).json()["total"] == 2
    assert await held(database) == [("pump-bearing-wear", None), ("dry", None), ("gas", None)]
    assert [raised.source_id for raised in outbox.of(AlarmRaised)][2:] == ["pump-bearing-wear", "dry"]
    assert len(outbox.of(AlarmSuppressed)) == 2
    async with database.transaction() as session:
        bearing = await session.scalar(select(Alarm.id).where(Alarm.source_id == "pump-bearing-wear"))
    assert bearing is not None
    assert await kinds(database, place, bearing) == ["raised", "locked_out", "locks_off"]


async def test_a_lock_runs_out_by_itself_and_of_another_site_none_is_there(
    app: FastAPI, database: Database, place: Place, logins: FakeLogins, outbox: RecordingOutbox
) -> None:
    token = logins.add(Role.ENGINEER, site_id=place.site_id, person_id=await somebody(database))
    body = {"equipment_id": str(place.equipment_id("PUMP-01")), "reason": "检修"}
    until = (NOON + timedelta(minutes=30)).isoformat()
    async with client_of(app, token=token) as client:
        lock = (await client.post("/api/v1/lockouts", json=body | {"until": until})).json()["id"]
        await apply(database, place, place.detection(onset_s=1))
        place.clock.advance(seconds=1_800)
        await sweep(database, place)
        assert [raised.source_id for raised in outbox.of(AlarmRaised)] == ["pump-bearing-wear"]
        assert (await client.post("/api/v1/lockouts", json=body)).json()["id"] != lock, "a new lock"
        stranger = logins.add(Role.MANAGER, site_id=place.equipment_id("PUMP-02"), person_id=await somebody(database))
        client.headers["authorization"] = f"Bearer {stranger}"
        for answer in (
            await client.post("/api/v1/lockouts", json=body), await client.post(f"/api/v1/lockouts/{lock}/take-off"),
        ):  # fmt: skip
            assert answer.status_code == 404, answer.text
        assert (await client.get("/api/v1/lockouts")).json()["total"] == 0
