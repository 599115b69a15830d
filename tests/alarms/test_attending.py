"""The life of an alarm from end to end: by a table over the service, and one story through HTTP on PostgreSQL."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from fastapi import FastAPI
from sqlalchemy import select

import alarms.attending_endpoints
import alarms.endpoints
import alarms.windows.endpoints
import catalog.endpoints
import people.endpoints
from alarms.attending import AlarmAttending, TakingOut
from alarms.events import AlarmAssigned, AlarmCleared, AlarmRaised, AlarmReminded
from alarms.lifecycle import AlarmState
from alarms.models import Alarm, Inhibition, MaintenanceWindow
from alarms.reminding import AskingPolicy
from alarms.settings import AlarmSettings
from alarms.windows.service import MaintenanceWindowService
from building.severity import Severity
from catalog.service import CatalogService
from kit.access import Role, Scope
from kit.db import Database
from kit.events import RecordingOutbox
from people.models import Membership, Person
from people.service import PeopleService
from tests.alarms.place import NOON, Place
from tests.alarms.test_service import apply, somebody
from tests.api import FakeLogins, client_of, make_app

ANYWHERE = Scope.everywhere()
N, U, A, R = AlarmState.NORMAL, AlarmState.UNACKED, AlarmState.ACKED, AlarmState.RTN_UNACKED


@pytest.fixture
def attending(place: Place) -> AlarmAttending:
    people_service = PeopleService(CatalogService({}), place.clock)
    return AlarmAttending(place.directory, people_service, place.clock, AskingPolicy.of(AlarmSettings()))


@pytest.fixture
def windows(place: Place) -> MaintenanceWindowService:
    return MaintenanceWindowService(CatalogService({}), place.clock)


@pytest.fixture
def logins() -> FakeLogins:
    return FakeLogins()


@pytest.fixture
def app(
    database: Database, place: Place, logins: FakeLogins, attending: AlarmAttending, windows: MaintenanceWindowService
) -> FastAPI:
    modules = (alarms.endpoints, alarms.attending_endpoints, alarms.windows.endpoints)
    status = catalog.endpoints.STATUS | people.endpoints.STATUS
    for module in modules:
        status |= module.STATUS
    return make_app(
        database, routers=[module.router for module in modules], rooms=["alarms", "catalog", "people"],
        services=[place.alarms, attending, windows], status=status, logins=logins,
    )  # fmt: skip


async def the_alarms(database: Database) -> list[Alarm]:
    async with database.transaction() as session:
        return list(await session.scalars(select(Alarm).order_by(Alarm.onset_at, Alarm.life_safety)))


# --- the whole life, by a table ---------------------------------------------------------------------------------------

Step = tuple[str, AlarmState, str | None]
# What happens, the state it leads to, and what the history says of it (None: nothing happened).
LIVES: dict[str, tuple[bool, list[Step]]] = {
    "answered and gone": (False, [
        ("raise", U, "raised"), ("acknowledge", A, "acknowledged"), ("return", N, "returned"),
    ]),
    "gone before anybody looked": (False, [
        ("raise", U, "raised"), ("return", R, "returned"), ("acknowledge", N, "acknowledged"),
    ]),
    "comes back before anybody looked": (False, [
        ("raise", U, "raised"), ("return", R, "returned"), ("raise", U, "raised"), ("acknowledge", A, "acknowledged"),
        ("clear", N, "cleared"),
    ]),
    "smoke latches": (True, [
        ("raise", U, "raised"), ("acknowledge", A, "acknowledged"), ("return", R, "returned"), ("wait 4", R, None),
        ("wait 1", R, "reminded"), ("acknowledge", N, "acknowledged"),
    ]),
    "nobody answers": (False, [
        ("raise", U, "raised"), ("wait 14", U, None), ("wait 1", U, "reminded"), ("wait 15", U, "reminded"),
        ("wait 15", U, "reminded"), ("wait 15", U, None), ("wait 600", U, None), ("acknowledge", A, "acknowledged"),
    ]),
    "nobody answers smoke": (True, [
        ("raise", U, "raised"), *[("wait 5", U, "reminded")] * 5, ("acknowledge", A, "acknowledged"),
    ]),
    "answered, and lasts": (False, [
        ("raise", U, "raised"), ("acknowledge", A, "acknowledged"), ("wait 479", A, None), ("wait 1", U, "realarmed"),
        ("wait 15", U, "reminded"), ("acknowledge", A, "acknowledged"), ("return", N, "returned"),
    ]),
    "shelved, and asks when it is over": (False, [
        ("raise", U, "raised"), ("shelve 60", U, "shelved"), ("wait 59", U, None), ("wait 1", U, "unshelved"),
        ("wait 15", U, "reminded"),
    ]),
    "out of service for months": (False, [
        ("raise", U, "raised"), ("take out", U, "out_of_service"), ("return", R, "returned"),
        ("raise", U, "suppressed"), ("wait 100000", U, None), ("put back", U, "in_service"), ("put back", U, "refused"),
    ]),
    "smoke is neither shelved nor out of service": (True, [
        ("raise", U, "raised"), ("shelve 60", U, "refused"), ("take out", U, "refused"), ("clear", U, "refused"),
    ]),
}  # fmt: skip


@pytest.mark.parametrize("life", list(LIVES))
async def test_the_whole_life_of_an_alarm(
    database: Database, place: Place, logins: FakeLogins, app: FastAPI, attending: AlarmAttending, life: str
) -> None:
    is_smoke, steps = LIVES[life]
    player = Player(database, place, attending, is_smoke=is_smoke)
    token = logins.add(Role.MANAGER, site_id=place.site_id, person_id=await somebody(database))
    async with client_of(app, token=token) as client:
        for number, (step, state, said) in enumerate(steps):
            word, _, minutes = step.partition(" ")
            happened = f"{number} {step}"
            match word:
                case "raise" | "return" | "wait":
                    await getattr(player, f"do_{word}")(int(minutes or 0))
                    answered = 200
                case _:
                    path, body = BY_HTTP[step if step in BY_HTTP else word]
                    body = body | ({"minutes": int(minutes)} if word == "shelve" else {})
                    answer = await client.post(f"/api/v1/alarms/{await player.alarm_id()}/{path}", json=body)
                    answered = answer.status_code
            assert answered == (409 if said == "refused" else 200), happened
            assert await player.heard() == ([] if said in (None, "refused") else [said]), happened
            assert (await player.alarm()).state == state, happened


BY_HTTP: dict[str, tuple[str, dict[str, Any]]] = {
    "acknowledge": ("acknowledge", {"note": "知道了"}),
    "clear": ("clear", {"note": "误报"}),
    "shelve": ("shelve", {"note": "接触不良"}),
    "take out": ("out-of-service", {"note": "等备件"}),
    "put back": ("in-service", {"note": "已更换"}),
}


class Player:
    """Plays a condition and the clock, and tells what the history says since it was last asked."""

    def __init__(self, database: Database, place: Place, attending: AlarmAttending, *, is_smoke: bool) -> None:
        self._database, self._place, self._attending = database, place, attending
        self._detect: Callable[..., Any] = place.smoke if is_smoke else place.detection
        self._onset_s, self._told = 0, 0

    async def do_raise(self, _: int) -> None:
        self._place.clock.advance(seconds=1)
        self._onset_s = int((self._place.clock.now() - NOON).total_seconds())
        await apply(self._database, self._place, self._detect(onset_s=self._onset_s))

    async def do_return(self, _: int) -> None:
        end = self._detect(onset_s=self._onset_s, active=False, at_s=self._onset_s + 1)
        await apply(self._database, self._place, end)

    async def do_wait(self, minutes: int) -> None:
        self._place.clock.advance(seconds=60 * minutes)
        async with self._database.transaction() as session:
            await self._place.alarms.lift_suppression(session)
        async with self._database.transaction() as session:
            await self._attending.remind(session)

    async def alarm(self) -> Alarm:
        return (await the_alarms(self._database))[-1]

    async def alarm_id(self) -> UUID:
        return (await self.alarm()).id

    async def heard(self) -> list[str]:
        async with self._database.transaction() as session:
            lines = await self._place.alarms.history(session, ANYWHERE, await self.alarm_id())
        new, self._told = [line.kind for line in lines[self._told :]], len(lines)
        return new


# --- one story, by HTTP -----------------------------------------------------------------------------------------------


async def staff(database: Database, place: Place, name: str) -> UUID:
    async with database.transaction() as session:
        person = Person(kind="staff", name=name)
        session.add(person)
        await session.flush()
        session.add(Membership(person_id=person.id, site_id=place.site_id))
    return person.id


async def test_an_alarm_is_somebodys_and_carries_what_was_said_about_it(
    app: FastAPI, database: Database, place: Place, logins: FakeLogins, outbox: RecordingOutbox
) -> None:
    desk, zhang = await staff(database, place, "小李"), await staff(database, place, "张工")
    stranger = await somebody(database, "别处的人")
    await apply(database, place, place.detection(), place.smoke(onset_s=1))
    pump, smoke = [alarm.id for alarm in await the_alarms(database)]
    token = logins.add(Role.DISPATCHER, site_id=place.site_id, person_id=desk)
    async with client_of(app, token=token) as client:
        address = f"/api/v1/alarms/{pump}"
        assert (await client.post(f"{address}/comment", json={"note": "厂家说是探头老化"})).status_code == 200
        given = await client.post(f"{address}/assign", json={"person_id": str(zhang), "note": "请今天看一下"})
        assert (given.json()["assignee_id"], given.json()["state"]) == (str(zhang), "UNACKED")
        assert (await client.post(f"{address}/assign", json={"person_id": str(zhang)})).status_code == 200
        unknown = await client.post(f"{address}/assign", json={"person_id": str(stranger)})
        assert (unknown.status_code, unknown.json()["code"]) == (404, "person_not_found")
        mine = (await client.get("/api/v1/alarms", params={"assignee": str(zhang)})).json()
        assert [one["id"] for one in mine["items"]] == [str(pump)]
        refused = await client.post(f"{address}/out-of-service", json={"note": "x"})
        assert refused.status_code == 403, "a manager answers for what has no end"
        lines = (await client.get(f"{address}/history")).json()
    assert [(line["kind"], line["note"], line["actor_id"]) for line in lines] == [
        ("raised", "", None), ("commented", "厂家说是探头老化", str(desk)), ("assigned", "请今天看一下", str(desk)),
    ]  # fmt: skip
    assert [event.assignee_id for event in outbox.of(AlarmAssigned)] == [zhang]
    assert outbox.of(AlarmCleared) == [], "words end no alarm"
    place.clock.advance(seconds=900)
    manager = logins.add(Role.MANAGER, site_id=place.site_id, person_id=desk)
    async with client_of(app, token=manager) as client:
        await client.post(f"{address}/out-of-service", json={"whole_equipment": True, "note": "整机大修"})
        await apply(database, place, place.detection(source_id="pump-dry-run", fault_mode="dry_run", onset_s=5))
        held = (await client.get("/api/v1/alarm-inhibitions", params={"kind": "out_of_service"})).json()["items"]
        assert [(one["reason"], one["source_id"], one["person_id"]) for one in held] == [("整机大修", None, str(desk))]
        assert [(alarm.source_id, alarm.suppressed_by) for alarm in await the_alarms(database)] == [
            ("pump-bearing-wear", "out_of_service"), ("smoke-detected", None), ("pump-dry-run", "out_of_service"),
        ]  # fmt: skip
        past = await client.post(f"{address}/out-of-service", json={"note": "x", "until": "2026-11-22T00:00:00Z"})
        assert (past.status_code, past.json()["code"]) == (422, "out_of_service_ends_earlier")
        assert (await client.post(f"{address}/in-service", json={})).json()["suppressed_by"] is None
    assert [alarm.suppressed_by for alarm in await the_alarms(database)] == [None, None, None]
    assert [raised.source_id for raised in outbox.of(AlarmRaised)] == [
        "pump-bearing-wear", "smoke-detected", "pump-bearing-wear", "pump-dry-run",
    ]  # fmt: skip
    assert smoke not in {event.alarm_id for event in outbox.of(AlarmReminded)}, "nobody has swept"


async def test_reminders_name_who_looks_after_it_and_pass_over_what_another_alarm_explains(
    database: Database, place: Place, attending: AlarmAttending, outbox: RecordingOutbox
) -> None:
    zhang = await staff(database, place, "张工")
    await apply(database, place, place.detection(), place.detection("PUMP-02", onset_s=1), place.smoke(onset_s=2))
    async with database.transaction() as session:
        first, second, smoke = await session.scalars(select(Alarm).order_by(Alarm.onset_at))
        first.assignee_id, second.root_id, smoke.root_id = zhang, first.id, first.id
    place.clock.advance(seconds=900)
    async with database.transaction() as session:
        await attending.remind(session)
    reminded = {event.alarm_id: event for event in outbox.of(AlarmReminded)}
    assert set(reminded) == {first.id, smoke.id}, "life safety asks whatever explains it"
    assert (reminded[first.id].assignee_id, reminded[first.id].reminder, reminded[first.id].severity) == (
        zhang, 1, Severity.MAJOR,
    )  # fmt: skip


async def test_a_maintenance_window_holds_nuisances_back_and_what_outlasts_it_is_announced(
    app: FastAPI, database: Database, place: Place, logins: FakeLogins, outbox: RecordingOutbox,
    windows: MaintenanceWindowService,
) -> None:  # fmt: skip
    desk = await staff(database, place, "小李")
    token = logins.add(Role.DISPATCHER, site_id=place.site_id, person_id=desk)
    body: dict[str, Any] = {"site_id": str(place.site_id), "reason": "换季保养", "ends_at": "2026-11-22T06:00:00Z"}
    async with client_of(app, token=token) as client:
        agreed = await client.post("/api/v1/maintenance-windows", json=body)
        assert (agreed.status_code, agreed.json()["is_holding"]) == (201, True), agreed.text
        await apply(database, place, place.detection(onset_s=10), place.smoke(onset_s=11))
        assert [alarm.suppressed_by for alarm in await the_alarms(database)] == ["maintenance", None]
        assert [raised.source_id for raised in outbox.of(AlarmRaised)] == ["smoke-detected"]
        address = f"/api/v1/maintenance-windows/{agreed.json()['id']}"
        place.clock.advance(seconds=3_600)
        assert (await client.post(f"{address}/end")).json()["is_holding"] is False
        twice = await client.post(f"{address}/end")
        assert (twice.status_code, twice.json()["code"]) == (409, "maintenance_window_ended")
        late = await client.post("/api/v1/maintenance-windows", json=body | {"ends_at": "2026-11-22T01:00:00Z"})
        assert (late.status_code, late.json()["code"]) == (422, "window_never_holds")
        assert (await client.post("/api/v1/maintenance-windows", json=body | {"weekdays": [8]})).status_code == 422
    async with database.transaction() as session:
        await place.alarms.lift_suppression(session)
        await windows.expire(session)
    assert [raised.source_id for raised in outbox.of(AlarmRaised)] == ["smoke-detected", "pump-bearing-wear"]
    async with database.transaction() as session:
        kept = (await session.scalars(select(MaintenanceWindow))).one()
    assert kept.ended_at == NOON + timedelta(hours=1)


async def test_what_is_out_of_service_comes_back_by_its_own_extent_and_what_is_over_stays_quiet(
    database: Database, place: Place, attending: AlarmAttending, outbox: RecordingOutbox
) -> None:
    manager = await somebody(database)

    async def take_out(alarm_id: UUID, *, whole: bool) -> None:
        async with database.transaction() as session:
            taking = TakingOut(whole_equipment=whole, until=None, reason="大修" if whole else "等备件")
            await attending.take_out_of_service(session, ANYWHERE, alarm_id, taking, actor=manager)

    await apply(database, place, place.detection(), place.detection(source_id="dry", fault_mode="dry_run", onset_s=1))
    bearing, dry = [alarm.id for alarm in await the_alarms(database)]
    await take_out(bearing, whole=True)
    # Two at once, on two alarms of one equipment: neither waits for the other for ever.
    async with asyncio.timeout(20):
        await asyncio.gather(take_out(dry, whole=False), take_out(bearing, whole=True), take_out(dry, whole=True))
    assert [alarm.suppressed_by for alarm in await the_alarms(database)] == ["out_of_service", "out_of_service"]
    async with database.transaction() as session:
        standing = await session.scalars(select(Inhibition.source_id).where(Inhibition.released_at.is_(None)))
    assert set(standing) == {None, "dry"}, "one sensor's spare part is no matter of the overhaul"

    async with database.transaction() as session:
        await place.alarms.acknowledge(session, ANYWHERE, bearing, actor=manager)
        await place.alarms.clear(session, ANYWHERE, bearing, actor=manager, note="误报")
    outbox.events.clear()
    async with database.transaction() as session:
        await attending.put_in_service(session, ANYWHERE, bearing, actor=manager, note="大修完成")
    assert outbox.of(AlarmRaised) == [], "cleared by hand, or still out by itself"
    async with database.transaction() as session:
        await attending.put_in_service(session, ANYWHERE, dry, actor=manager, note="备件已更换")
    assert [raised.alarm_id for raised in outbox.of(AlarmRaised)] == [dry]
