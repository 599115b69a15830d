"""A leak closes a valve over real Modbus; a pump's plug waits for two persons and is told over a real broker."""

import asyncio
import json
import tomllib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
from prometheus_client import CollectorRegistry
from sqlalchemy import select

from alarms.detection import LEVEL_MARK, AlarmSource, Detection
from alarms.events import AlarmRaised, AlarmSeverityChanged
from alarms.models import Inhibition, InhibitionKind
from alarms.service import AlarmService
from audit.models import AuditDetail, AuditRecord
from building.declaration import parse_site
from building.equipment import EquipmentKind
from building.severity import Severity
from bus.client import Bus
from catalog.directory import Directory, LiveDirectory
from catalog.endpoints import STATUS as CATALOG_STATUS
from catalog.loader import apply_declaration, load_directory
from catalog.service import CatalogService
from device_adapters.commands.sending import CommandDoor, Commands
from device_adapters.links import LinkBook
from device_adapters.modbus.adapter import ModbusAdapter
from device_adapters.modbus.settings import ModbusSettings
from device_adapters.mqtt.broker import Broker
from device_adapters.mqtt.commander import Commander
from device_adapters.mqtt.routing import Router
from kit.access import Role
from kit.clock import SystemClock, from_ms, to_ms
from kit.db import Database
from kit.events import JobOutbox, on, publish
from kit.ids import new_id
from kit.jobs import JobRunner, new_app
from kit.supervision.nats import MQTT_USER, NatsServer
from linkage.endpoints import STATUS, router
from linkage.models import LinkageRun
from linkage.room import Linkage, build_linkage
from linkage.rule import RunState
from linkage.settings import LinkageSettings
from notify.models import Notification
from notify.service import NotifyService
from notify.settings import NotifySettings
from notify.template import TemplateRegistry
from people.endpoints import STATUS as PEOPLE_STATUS
from people.kinds import PersonKind
from people.models import Person, RoleGrant, Shift
from people.service import PeopleService
from tests.api import FakeLogins, client_of, make_app
from tests.conftest import LIVENESS_S
from tests.device_adapters.directories import PROFILES as SHIPPED
from tests.device_adapters.modbus.bench import RecordingIntake, port_of, serving
from tests.device_adapters.modbus.test_commands import VALVE, valve
from tests.device_adapters.mqtt.rig import Device, device

PROFILES = {**SHIPPED, "valve": VALVE}
SITE = """
[site]
code = "yunqi"
name = "云栖"
timezone = "Asia/Shanghai"
[[equipment]]
code = "LEAK-01"
name = "水浸探头"
kind = "sensor"
[[equipment]]
code = "V-01"
name = "给水阀"
kind = "valve"
profile = "valve"
protocol = "modbus"
address = { host = "127.0.0.1", port = PORT, unit = 1 }
[[equipment]]
code = "plug-01"
name = "污水泵插座"
kind = "electricity_meter"
profile = "tasmota-plug"
protocol = "mqtt"
[[equipment]]
code = "PUMP-01"
name = "污水泵"
kind = "pump"
parent = "plug-01"
[[equipment]]
code = "plug-02"
name = "二号水泵"
kind = "fire_pump"
profile = "tasmota-plug"
protocol = "mqtt"
"""


@dataclass
class House:
    """Everything that the story touches. `as_` logs somebody in."""

    room: Linkage
    client: httpx.AsyncClient
    logins: FakeLogins
    database: Database
    ids: dict[str, UUID]
    site_id: UUID
    plug: Device
    coils: Callable[[], Awaitable[list[bool]]]
    live: LiveDirectory
    alarms: AlarmService

    async def person(self, role: Role = Role.MANAGER, *, site_id: UUID | None = None) -> dict[str, str]:
        """Headers of a new person of the staff, who has the role and is on shift with it."""
        now, site_id = datetime.now(UTC), site_id or self.site_id
        async with self.database.transaction() as session:
            row = Person(kind=PersonKind.STAFF, name="某人", phone="13900000000", language="zh-CN")
            session.add(row)
            await session.flush()
            if site_id == self.site_id:
                grant = RoleGrant(person_id=row.id, role=role, site_id=site_id)
                hours = {"starts_at": now - timedelta(hours=1), "ends_at": now + timedelta(hours=1)}
                session.add_all([grant, Shift(site_id=site_id, person_id=row.id, duty=role, **hours)])
        return {"authorization": f"Bearer {self.logins.add(role, site_id=site_id, person_id=row.id)}"}

    async def tell(self, source_id: str, severity: Severity, *, onset_at: datetime, active: bool = True) -> UUID:
        """What the judge says of the detector of leaks; the alarm's id."""
        said = Detection(
            source=AlarmSource.RULE, source_id=source_id, equipment_id=self.ids["LEAK-01"], site_id=self.site_id,
            active=active, onset_ms=to_ms(onset_at), at_ms=to_ms(datetime.now(UTC)), severity=severity,
            fault_mode="leak", life_safety=False, message={},
        )  # fmt: skip
        async with self.database.transaction() as session:
            moves = await self.alarms.apply(session, [said])
        return moves[0].message.alarm_id

    async def raise_again(self, alarm_id: UUID, *, onset_at: datetime, **fields: Any) -> None:
        """The event by itself, as a job that comes twice or an alarm that is none of its own brings it."""
        async with self.database.transaction() as session:
            raised = AlarmRaised(
                site_id=self.site_id, alarm_id=alarm_id, equipment_id=self.ids["LEAK-01"], source="rule",
                source_id="leak", fault_mode="leak", severity=Severity.CRITICAL, onset_at=onset_at, **fields,
            )  # fmt: skip
            await publish(session, raised)

    async def post(self, path: str, headers: dict[str, str]) -> httpx.Response:
        return await self.client.post(f"/api/v1/linkage{path}", headers=headers)

    async def runs(self, headers: dict[str, str], **params: Any) -> list[dict[str, Any]]:
        found = await self.client.get("/api/v1/linkage/runs", headers=headers, params=params)
        assert found.status_code == 200, found.text
        items: list[dict[str, Any]] = found.json()["items"]
        return items

    async def until(self, headers: dict[str, str], wanted: dict[str, str], **params: Any) -> dict[str, dict[str, Any]]:
        """The runs by point, once they are in these states."""
        found: list[dict[str, Any]] = []
        try:
            async with asyncio.timeout(LIVENESS_S):
                while {one["point_key"]: one["state"] for one in found} != wanted:
                    await asyncio.sleep(0.05)
                    found = await self.runs(headers, **params)
        except TimeoutError:
            raise AssertionError(f"not {wanted}: {found}") from None
        return {one["point_key"]: one for one in found}


@pytest.fixture
async def house(database_url: str, bus: Bus, nats_server: NatsServer) -> AsyncIterator[House]:
    clock, registry, broker = SystemClock(), CollectorRegistry(), _broker(nats_server)
    async with (
        Database(database_url) as database,
        serving([valve()]) as server,
        device(broker, MQTT_USER, "mqtt", client_id="plug") as plug,
    ):
        declared = parse_site(tomllib.loads(SITE.replace("PORT", str(port_of(server)))))
        app = new_app(database_url)
        # Nothing is subscribed to what the catalog says.
        database.use_outbox(JobOutbox(app, []))
        async with app.open_async():
            async with database.transaction() as session:
                await apply_declaration(session, declared, PROFILES)
            async with database.transaction() as session:
                live = LiveDirectory(await load_directory(session))
            catalog = CatalogService(PROFILES)
            people = PeopleService(catalog, clock)
            notify = NotifyService(
                app=app, people=people, catalog=catalog, templates=TemplateRegistry.load(), clock=clock,
                settings=NotifySettings(_env_file=None),
            )  # fmt: skip
            commands = Commands(bus, directory=live, profiles=PROFILES, brokers=[broker.name], clock=clock)
            alarms = AlarmService(live, clock)
            room = build_linkage(
                database=database, app=app, commands=commands, alarms=alarms, catalog=catalog, people=people,
                notify=notify, settings=LinkageSettings(enabled=True, _env_file=None), clock=clock, registry=registry,
            )  # fmt: skip
            subscriptions = [
                on(event, room.running.on_alarm, when=room.running.may_act)
                for event in (AlarmRaised, AlarmSeverityChanged)
            ]
            database.use_outbox(JobOutbox(app, subscriptions))
            logins = FakeLogins()
            api = make_app(
                database, routers=[router], rooms=["catalog", "people", "linkage"], services=list(room.provided),
                logins=logins, status={**CATALOG_STATUS, **PEOPLE_STATUS, **STATUS},
            )  # fmt: skip
            runner = JobRunner(app, database, subscriptions=subscriptions, jobs=room.jobs())
            ids = {entry.code: entry.equipment_id for entry in live.current.entries}
            site_id = live.current.entries[0].site_id

            async def coils() -> list[bool]:
                found = await server.context.async_getValues(1, 1, 0, 1)
                assert isinstance(found, list)
                return [bool(one) for one in found]

            async with _adapters(bus, live, broker, registry), runner.running(), client_of(api) as client:
                yield House(room, client, logins, database, ids, site_id, plug, coils, live, alarms)


def _broker(server: NatsServer) -> Broker:
    return Broker(name="embedded", host=server.mqtt_host, port=server.mqtt_port, username=MQTT_USER, password="mqtt")


@asynccontextmanager
async def _adapters(bus: Bus, live: LiveDirectory, broker: Broker, registry: CollectorRegistry) -> AsyncIterator[None]:
    """What an adapter process runs, with its door open."""
    clock = SystemClock()

    async def on_links(_: object) -> None: ...

    door = CommandDoor(bus, directory=live, profiles=PROFILES, clock=clock)
    modbus = ModbusAdapter(
        directory=live, profiles=PROFILES, intake=RecordingIntake(), links=LinkBook(on_links=on_links, clock=clock),
        settings=ModbusSettings(timeout_s=1.0, _env_file=None), clock=clock, registry=registry, door=door,
    )  # fmt: skip
    commander = Commander(
        broker, directory=live, profiles=PROFILES, router=Router(live, PROFILES, broker=broker.name), clock=clock
    )
    tasks = [asyncio.create_task(modbus.run()), asyncio.create_task(door.serve("mqtt embedded", commander.carry))]
    try:
        await asyncio.sleep(1.0)  # until both are heard on the bus: a command that comes before is not sent
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def test_a_leak_closes_the_valve_and_two_persons_stop_the_pump(house: House) -> None:
    manager, engineer = await house.person(), await house.person(Role.ENGINEER)
    await _listed(house, manager)
    rule = await _ruled(house, manager)
    # A new rule is off: nothing happens, nor when it is switched on before anybody has handled the alarm.
    await house.tell("before", Severity.CRITICAL, onset_at=datetime.now(UTC))
    await _switched_on(house, manager, rule)

    onset = from_ms(to_ms(datetime.now(UTC)) + 1)  # alarms keep whole ms; after the rule was switched on
    # An alarm of a test, or one that another explains, switches nothing, nor one that is not bad enough; when it has
    # become worse it closes the valve, once.
    await house.raise_again(new_id(), onset_at=onset, is_test=True)
    await house.raise_again(new_id(), onset_at=onset, root_id=new_id())
    alarm_id = await house.tell(f"leak{LEVEL_MARK}minor", Severity.MINOR, onset_at=onset)
    assert await house.tell(f"leak{LEVEL_MARK}critical", Severity.CRITICAL, onset_at=onset) == alarm_id
    await house.raise_again(alarm_id, onset_at=onset)
    runs = await house.until(manager, {"open": "done", "power": "awaiting"})
    assert (runs["open"]["read_back"], await house.coils()) == (1.0, [True])
    assert {one["alarm_id"] for one in runs.values()} == {str(alarm_id)}

    # The pump waits for two, and the same person is no two; they are told, those of another site see nothing of it.
    assert await _told(house, "staff.linkage_waits") == 2
    stranger = await house.person(site_id=new_id())
    assert await house.runs(stranger) == []
    for does in ("confirm", "reject"):
        assert (await house.post(f"/runs/{runs['power']['id']}/{does}", stranger)).status_code == 404
    await _confirmed_by_two(house, runs["power"]["id"], manager, engineer)
    ended = await house.until(manager, {"open": "done", "power": "done"})
    assert (ended["power"]["read_back"], ended["power"]["detail"]) == (0.0, "")

    await _nothing_left_to_do(house, manager, engineer, rule)

    # Off the list it is not switched any more, and says so.
    await _struck(house, manager, "open")
    again = await house.tell("again", Severity.CRITICAL, onset_at=datetime.now(UTC))
    blocked = await house.until(manager, {"open": "blocked", "power": "awaiting"}, alarm=str(again))
    assert blocked["open"]["reason"] == "not_listed"
    rejected = await house.client.post(f"/api/v1/linkage/runs/{blocked['power']['id']}/reject", headers=engineer)
    assert rejected.json()["state"] == "rejected"
    assert await _audited(house) == [*["blocked"] * 5, *["done"] * 6, "rejected"]
    # Not what was somebody's own no, nor what nothing was left to be done for.
    assert await _told(house, "staff.linkage_not_done") == 4


async def _nothing_left_to_do(
    house: House, manager: dict[str, str], engineer: dict[str, str], rule: dict[str, Any]
) -> None:
    """What became wrong while it waited for two persons is not done, whoever confirms it."""

    async def waiting(source_id: str) -> tuple[str, UUID]:
        alarm_id = await house.tell(source_id, Severity.CRITICAL, onset_at=datetime.now(UTC))
        found = await house.until(manager, {"open": "done", "power": "awaiting"}, alarm=str(alarm_id))
        return found["power"]["id"], alarm_id

    async def ends(alarm_id: UUID, reason: str) -> None:
        found = await house.until(manager, {"open": "done", "power": "blocked"}, alarm=str(alarm_id))
        assert found["power"]["reason"] == reason

    async def confirmed(run_id: str) -> None:
        for who in (manager, engineer):
            assert (await house.post(f"/runs/{run_id}/confirm", who)).status_code == 200

    heard = len(house.plug.heard)
    # The alarm is over: nobody is asked any more.
    onset = datetime.now(UTC)
    alarm_id = await house.tell("gone", Severity.CRITICAL, onset_at=onset)
    await house.until(manager, {"open": "done", "power": "awaiting"}, alarm=str(alarm_id))
    await house.tell("gone", Severity.CRITICAL, onset_at=onset, active=False)
    async with house.database.transaction() as session:
        await house.room.running.sweep_alarms_over(session)
    await ends(alarm_id, "alarm_over")
    assert await _told(house, "staff.linkage_not_done") == 0
    # The rule was corrected meanwhile, and switched on again.
    run_id, alarm_id = await waiting("corrected")
    for is_enabled in (False, True):
        await _switched_on(house, manager, rule, is_enabled=is_enabled)
    await confirmed(run_id)
    await ends(alarm_id, "rule_changed")
    # Somebody locked out the pump that hangs on the plug, to work on it.
    run_id, alarm_id = await waiting("locked out")
    async with house.database.transaction() as session:
        person_id = await session.scalar(select(Person.id).limit(1))
        lock = Inhibition(
            site_id=house.site_id, equipment_id=house.ids["PUMP-01"], kind=InhibitionKind.LOCKED_OUT,
            person_id=person_id, reason="换叶轮", created_at=datetime.now(UTC),
        )  # fmt: skip
        session.add(lock)
    await confirmed(run_id)
    await ends(alarm_id, "locked_out")
    async with house.database.transaction() as session:
        (await session.get_one(Inhibition, lock.id)).released_at = datetime.now(UTC)
    # Somebody found out that the plug is the fire pump's.
    run_id, alarm_id = await waiting("fire pump")
    before = house.live.current
    house.live.replace(
        Directory.of(
            2, [replace(one, kind=EquipmentKind.FIRE_PUMP) if one.code == "plug-01" else one for one in before.entries]
        )
    )
    await confirmed(run_id)
    await ends(alarm_id, "protected")
    house.live.replace(before)
    assert len(house.plug.heard) == heard


async def _switched_on(house: House, manager: dict[str, str], rule: dict[str, Any], *, is_enabled: bool = True) -> None:
    switched = await house.client.patch(
        f"/api/v1/linkage/rules/{rule['id']}", headers=manager, json={"is_enabled": is_enabled}
    )
    assert switched.status_code == 200, switched.text


async def _told(house: House, template: str) -> int:
    async with house.database.transaction() as session:
        return len((await session.scalars(select(Notification.id).where(Notification.template == template))).all())


async def _listed(house: House, manager: dict[str, str]) -> None:
    async def put(code: str, point: str, **fields: Any) -> httpx.Response:
        body = {"equipment_id": str(house.ids[code]), "point": point, "low": 0, "high": 1, **fields}
        return await house.client.post("/api/v1/linkage/points", headers=manager, json=body)

    refused = await put("plug-02", "power")
    assert (refused.status_code, refused.json()["code"]) == (422, "target_protected")
    assert "消防" in refused.json()["message"]
    assert (await put("V-01", "serial")).json()["facts"]["hindrance"] == "not_writable"
    # Twice at once is once, and a plain no.
    listed = await asyncio.gather(*(put("V-01", "open", needs_two=False) for _ in range(2)))
    assert sorted(one.status_code for one in listed) == [201, 409], [one.text for one in listed]
    assert (await put("plug-01", "power", timeout_s=20)).status_code == 201


async def _ruled(house: House, manager: dict[str, str]) -> dict[str, Any]:
    def action(code: str, point: str, value: float) -> dict[str, Any]:
        return {"equipment_id": str(house.ids[code]), "point": point, "value": value}

    async def put(actions: list[dict[str, Any]], **condition: Any) -> httpx.Response:
        body = {"site_id": str(house.site_id), "name": "水浸", "condition": condition, "actions": actions}
        return await house.client.post("/api/v1/linkage/rules", headers=manager, json=body)

    both = [action("V-01", "open", 1), action("plug-01", "power", 0)]
    assert (await put(both, least_severity="major")).json()["code"] == "condition_too_wide"
    bad = {
        "not_listed": action("V-01", "lamp", 1), "out_of_range": action("V-01", "open", 2),
        "unknown_equipment": {**both[0], "equipment_id": str(new_id())},
    }  # fmt: skip
    for hindrance, one in bad.items():
        refused = await put([both[0], one], fault_modes=["leak"])
        assert (refused.status_code, refused.json()["facts"]["hindrance"]) == (422, hindrance), refused.text
        assert refused.json()["facts"]["field"] == "actions.1"
    protected = await put([action("plug-02", "power", 0)], fault_modes=["leak"])
    assert (protected.status_code, protected.json()["code"]) == (422, "target_protected")
    made = await put(both, fault_modes=["leak"], equipment_kinds=["sensor"], least_severity="major")
    assert (made.status_code, made.json()["is_enabled"]) == (201, False), made.text
    rule: dict[str, Any] = made.json()
    return rule


async def _confirmed_by_two(house: House, run_id: str, one: dict[str, str], other: dict[str, str]) -> None:
    await house.plug.listen("cmnd/plug-01/POWER")
    path = f"/api/v1/linkage/runs/{run_id}/confirm"
    assert (await house.client.post(path, headers=one)).json()["state"] == "awaiting"
    assert (await house.client.post(path, headers=one)).json()["code"] == "second_person_needed"
    assert house.plug.heard == []
    assert (await house.client.post(path, headers=other)).status_code == 200
    async with asyncio.timeout(LIVENESS_S):
        while not house.plug.heard:
            await asyncio.sleep(0.02)
    assert house.plug.heard == [("cmnd/plug-01/POWER", b"OFF")]
    await house.plug.say("stat/plug-01/RESULT", {"POWER": "OFF"})
    late = await house.client.post(path, headers=other)
    assert (late.status_code, late.json()["code"]) == (409, "run_not_awaiting")


async def _struck(house: House, manager: dict[str, str], point: str) -> None:
    points = (await house.client.get("/api/v1/linkage/points", headers=manager)).json()["items"]
    [row] = [one for one in points if one["point_key"] == point]
    gone = await house.client.delete(f"/api/v1/linkage/points/{row['id']}", headers=manager)
    assert gone.status_code == 204


async def _audited(house: House) -> list[str]:
    async with house.database.transaction() as session:
        wanted = select(AuditDetail.facts).join(AuditRecord, AuditRecord.id == AuditDetail.record_id)
        told = (await session.scalars(wanted.where(AuditRecord.action == "linkage.run"))).all()
    return sorted(json.loads(one)["after"]["state"] for one in told if one is not None)


async def test_what_was_interrupted_is_not_known_and_what_nobody_confirmed_lapses(house: House) -> None:
    """Neither is ever done by the sweep, or by a job that comes late."""
    manager = await house.person()
    await _listed(house, manager)
    rule = await _ruled(house, manager)
    past = datetime.now(UTC) - timedelta(minutes=1)
    async with house.database.transaction() as session:
        rows = [
            LinkageRun(
                site_id=house.site_id, rule_id=UUID(rule["id"]), rule_version=1, alarm_id=new_id(), onset_at=past,
                number=number, equipment_id=house.ids["V-01"], point_key=str(state), value=1.0, needs_two=False,
                state=state, created_at=past, expires_at=past, started_at=past if state == "sending" else None,
            )
            for number, state in enumerate((RunState.SENDING, RunState.AWAITING, RunState.WAITING))
        ]  # fmt: skip
        session.add_all(rows)
    for run in rows:
        async with house.database.transaction() as session:
            if run.state != RunState.WAITING:
                await house.room.running.run_one(session, run_id=str(run.id))
    async with house.database.transaction() as session:
        await house.room.running.sweep_overdue(session)
    found = {one["point_key"]: (one["state"], one["reason"]) for one in await house.runs(manager)}
    assert found == {
        "sending": ("unconfirmed", "interrupted"), "awaiting": ("lapsed", "too_late"),
        "waiting": ("lapsed", "too_late"),
    }  # fmt: skip
    assert await house.coils() == [False]
