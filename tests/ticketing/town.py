"""A neighbourhood with elevators, a pump, a smoke detector, homes and people on shift, and the whole ticketing room."""

import tomllib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from prometheus_client import CollectorRegistry
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from alarms.detection import AlarmSource, Detection, OrderPolicy
from alarms.events import AlarmAcknowledged, AlarmRaised, AlarmReminded, AlarmReturned, AlarmSeverityChanged
from alarms.service import AlarmService
from building.declaration import parse_site
from building.severity import Severity
from catalog.directory import LiveDirectory
from catalog.loader import apply_declaration, load_directory
from catalog.models import Site, Space
from catalog.profiles import load_profiles
from catalog.service import CatalogService
from kit.access import Grant, Role, Scope
from kit.clock import FakeClock, to_ms
from kit.db import Database
from kit.events import Event, RecordingOutbox, Subscription, on
from kit.i18n import Texts
from kit.jobs import new_app
from notify.models import Notification
from notify.service import NotifyService
from notify.settings import NotifySettings
from notify.template import TemplateRegistry
from people.contractors.service import ContractorService
from people.kinds import Duty, PersonKind, Skill
from people.models import Membership, Person, PersonSkill, Shift
from people.service import PeopleService
from stock.events import StockRanLow
from stock.service import StockService
from ticketing import repository
from ticketing.actor import Actor
from ticketing.charging.charges import ends_or_begins_again
from ticketing.charging.events import QuotationDecided, QuotationMade
from ticketing.desk import OrderPage
from ticketing.dispatch.events import OrderWaits
from ticketing.events import (
    CalendarYearUnknown,
    FireConfirmed,
    OutageConfirmed,
    TargetWarned,
    TaskMoved,
    WorkOrderEscalated,
    WorkOrderJoined,
    WorkOrderMoved,
    WorkOrderOpened,
)
from ticketing.facts import PointFact
from ticketing.feedback.events import OrderUrged, VerdictGiven
from ticketing.flow import Action
from ticketing.incidents.events import ChildrenReleased, OrdersMerged
from ticketing.kinds import Category, Channel, TaskKind
from ticketing.models import WorkOrder, WorkOrderTask
from ticketing.proof.events import ProofDecided
from ticketing.proof.evidence import ChartLine, ProofSource, Suspect
from ticketing.proof.verdict import Doubt, Trust
from ticketing.report_links import ReportLinks
from ticketing.reports import NewReport, Reported
from ticketing.room import Neighbours, Ticketing, build_ticketing
from ticketing.tasking import TaskWords
from ticketing.tasks import TaskAction
from ticketing.words import NOTHING_SAID, Words

ROOT = Path(__file__).parents[2]
PROFILES = load_profiles(ROOT / "device_adapters" / "profiles")
SECRET = "only for tests, 32 bytes or more"
NOON = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)  # 12:00 in Hangzhou

SITE = """
[site]
code = "{code}"
name = "测试小区"
city = "杭州"
timezone = "Asia/Shanghai"

[[buildings]]
code = "B03"
name = "3栋"

[[buildings]]
code = "B05"
name = "5栋"

[[spaces]]
for = {{ u = "1..2" }}
kind = "unit"
code = "3-{{u}}"
name = "{{u}}单元"
building = "B03"

[[spaces]]
for = {{ u = "1..2" }}
kind = "room"
code = "3-{{u}}-502"
name = "502"
building = "B03"
parent = "3-{{u}}"

[[spaces]]
kind = "room"
code = "3-2-602"
name = "602"
building = "B03"
parent = "3-2"

[[equipment]]
for = {{ u = "1..2" }}
code = "LIFT-0{{u}}"
name = "3栋{{u}}单元电梯"
kind = "elevator"
profile = "gb24476-elevator"
building = "B03"
space = "3-{{u}}"
protocol = "mqtt"
rescue_code = "33000{{u}}"
location = "3栋{{u}}单元"

[[equipment]]
code = "PUMP-01"
name = "1号水泵"
kind = "pump"
profile = "grundfos-cim-pump"
building = "B05"
protocol = "modbus"
address = {{ host = "127.0.0.1", port = 15020, unit = 1 }}
location = "5栋水泵房"

[[equipment]]
code = "SMOKE-01"
name = "3栋5层烟感"
kind = "smoke_detector"
profile = "nbiot-smoke"
building = "B03"
protocol = "mqtt"
location = "3栋5层走廊"
"""


class FixedFacts:
    """An equipment source that says what a test put into it."""

    def __init__(self) -> None:
        self.facts: list[PointFact] = []

    async def latest(self, equipment_id: UUID) -> Sequence[PointFact]:
        return self.facts


class FixedProof:
    """Telemetry that is believed, unless a test says why not, or brings `real` telemetry."""

    def __init__(self) -> None:
        self.doubt: Doubt | None = None
        self.real: ProofSource | None = None

    async def trust(self, session: AsyncSession, suspect: Suspect, *, since: datetime, now: datetime) -> Trust:
        if self.real is not None:
            return await self.real.trust(session, suspect, since=since, now=now)
        return Trust(since) if self.doubt is None else Trust.none(self.doubt)

    async def chart(
        self, session: AsyncSession, suspects: Sequence[Suspect], *, start: datetime, end: datetime
    ) -> Sequence[ChartLine]:
        return await self.real.chart(session, suspects, start=start, end=end) if self.real is not None else []


@dataclass
class Town:
    """The neighbourhood and short words for what tests do in it. People by the name of their duty."""

    database: Database
    outbox: RecordingOutbox
    clock: FakeClock
    site_id: UUID
    catalog: CatalogService
    people: PeopleService
    alarms: AlarmService
    room: Ticketing
    facts: FixedFacts
    proof: FixedProof
    registry: CollectorRegistry
    equipment: dict[str, UUID]
    spaces: dict[str, UUID]
    buildings: dict[str, UUID]
    person: dict[str, UUID] = field(default_factory=dict)
    delivered: int = 0

    # --- people ----------------------------------------------------------------------------------------------------

    async def hire(
        self, key: str, name: str, duty: Duty, *skills: Skill, certified: bool = False, on_shift: bool = True
    ) -> UUID:
        kind = PersonKind.CONTRACTOR if duty is Duty.CONTRACTOR else PersonKind.STAFF
        async with self.database.transaction() as session:
            person = Person(kind=kind, name=name, phone=f"1390000{len(self.person):04d}", wecom_user_id=f"wecom-{key}")
            session.add(person)
            await session.flush()
            session.add(Membership(person_id=person.id, site_id=self.site_id))
            for skill in skills:
                session.add(
                    PersonSkill(person_id=person.id, skill=skill, certificate_no=f"T-{key}" if certified else None)
                )
            if on_shift:
                day = timedelta(days=30)
                now = self.clock.now()
                session.add(
                    Shift(site_id=self.site_id, person_id=person.id, duty=duty, starts_at=now - day, ends_at=now + day)
                )
        self.person[key] = person.id
        return person.id

    async def resident(self, key: str, room: str, name: str = "王女士") -> UUID:
        async with self.database.transaction() as session:
            phone = f"1380000{len(self.person):04d}"
            person = await self.people.add_resident(session, space_id=self.spaces[room], name=name, phone=phone)
            await self.people.bind_openid(session, openid=f"openid-{key}", person_id=person.id)
            await self.people.set_subscribed(session, f"openid-{key}", True)
        self.person[key] = person.id
        return person.id

    def actor(self, key: str, *roles: Role) -> Actor:
        return Actor(self.person[key], frozenset(Grant(role, self.site_id) for role in roles or (Role.ENGINEER,)))

    # --- events ----------------------------------------------------------------------------------------------------

    def subscriptions(self) -> list[Subscription]:
        room = self.room
        return [
            on(AlarmRaised, room.alarm_handlers.on_alarm_raised),
            on(AlarmSeverityChanged, room.alarm_handlers.on_alarm_raised),
            on(AlarmReminded, room.alarm_handlers.on_alarm_reminded),
            on(AlarmReturned, room.alarm_handlers.on_alarm_returned),
            on(AlarmAcknowledged, room.alarm_handlers.on_alarm_acknowledged),
            on(WorkOrderOpened, room.triage.on_work_order_opened),
            on(WorkOrderOpened, room.telling.on_opened),
            on(WorkOrderOpened, room.incidents.linking.on_work_order_opened),
            on(ChildrenReleased, room.incidents.children.on_children_released),
            on(OrdersMerged, room.incidents.telling.on_merged),
            on(WorkOrderMoved, room.work.charges.on_moved, when=ends_or_begins_again),
            on(QuotationMade, room.work.quotation_telling.on_made),
            on(QuotationDecided, room.work.quotation_telling.on_decided),
            on(StockRanLow, room.work.stock_telling.on_ran_low),
            on(ProofDecided, room.charts.on_proof_decided),
            on(WorkOrderJoined, room.telling.on_joined),
            on(WorkOrderMoved, room.telling.on_moved),
            on(WorkOrderMoved, room.feedback.telling.on_moved),
            on(OrderUrged, room.feedback.telling.on_urged),
            on(VerdictGiven, room.feedback.telling.on_verdict),
            on(TaskMoved, room.telling.on_task_moved),
            on(WorkOrderEscalated, room.telling.on_escalated),
            on(TargetWarned, room.telling.on_warned),
            on(OrderWaits, room.dispatch.telling.on_order_waits),
            on(CalendarYearUnknown, room.levels.telling.on_year_unknown),
            on(OutageConfirmed, room.telling.on_outage_confirmed),
            on(FireConfirmed, room.telling.on_fire_confirmed),
        ]

    async def deliver(self, *, times: int = 1) -> None:
        """Runs the handlers of every event not handled yet, and of those that this brings; each `times` over."""
        while self.delivered < len(self.outbox.events):
            event = self.outbox.events[self.delivered]
            self.delivered += 1
            for _ in range(times):
                await self.hand_out(event)

    async def hand_out(self, event: Event) -> None:
        for subscription in self.subscriptions():
            if subscription.event is not type(event):
                continue
            if subscription.when is None or subscription.when(event):
                async with self.database.transaction() as session:
                    await subscription.handler(session, event)

    async def sweep(self, *, seconds: float) -> None:
        """Lets time pass and every sweep come by, then hands out what they published."""
        self.clock.advance(seconds=seconds)
        for sweep in (*self.room.sweeps.all(), *self.room.feedback.sweeps()):
            async with self.database.transaction() as session:
                await sweep.call(session)
        async with self.database.transaction() as session:
            await self.alarms.lift_suppression(session)
        await self.deliver()

    # --- alarms ----------------------------------------------------------------------------------------------------

    async def detect(
        self, code: str, fault_mode: str, *, active: bool = True, onset: datetime | None = None,
        order: OrderPolicy | None = None, life_safety: bool = False, deliver: bool = True,
        rule: str | None = None, severity: Severity = Severity.MAJOR,
    ) -> None:  # fmt: skip
        """A rule says that something is abnormal, or normal again."""
        onset_ms = to_ms(onset or NOON)
        detection = Detection(
            source=AlarmSource.RULE, source_id=rule or fault_mode.replace("_", "-"), equipment_id=self.equipment[code],
            site_id=self.site_id, active=active, onset_ms=onset_ms, at_ms=to_ms(self.clock.now()),
            severity=Severity.CRITICAL if life_safety else severity, fault_mode=fault_mode,
            life_safety=life_safety, message={"zh-CN": "异常", "en": "Abnormal"},
            order=order or OrderPolicy("repair", 2),
        )  # fmt: skip
        async with self.database.transaction() as session:
            await self.alarms.apply(session, [detection])
        if deliver:
            await self.deliver()

    async def trap_passenger(self, code: str = "LIFT-02", *, deliver: bool = True) -> None:
        await self.detect(
            code, "passenger_trapped", order=OrderPolicy("entrapment", 1), life_safety=True, deliver=deliver
        )

    async def smoke(self, *, active: bool = True) -> None:
        await self.detect("SMOKE-01", "smoke_detected", active=active, order=OrderPolicy("smoke", 1), life_safety=True)

    # --- orders ----------------------------------------------------------------------------------------------------

    async def report(self, **changes: Any) -> Reported:
        given: dict[str, Any] = {
            "site_id": self.site_id, "channel": Channel.WECHAT, "text": "电梯不动了", "category": Category.ELEVATOR,
        }  # fmt: skip
        async with self.database.transaction() as session:
            reported = await self.room.service.report(session, NewReport(**(given | changes)))
        await self.deliver()
        return reported

    async def act(
        self, order: UUID, who: str | Actor, action: Action, words: Words = NOTHING_SAID, **more: Any
    ) -> None:
        actor = who if isinstance(who, Actor) else self.actor(who)
        async with self.database.transaction() as session:
            await self.room.service.act(
                session, Scope.of(self.site_id), order, actor=actor, action=action, words=words, **more
            )
        await self.deliver()

    async def act_on_task(
        self, order: UUID, kind: TaskKind, who: str | Actor, action: TaskAction, words: TaskWords | None = None
    ) -> None:
        actor = who if isinstance(who, Actor) else self.actor(who)
        task = (await self.tasks(order))[kind]
        async with self.database.transaction() as session:
            await self.room.service.act_on_task(
                session, Scope.of(self.site_id), order, task.id, actor=actor, action=action, words=words or TaskWords()
            )
        await self.deliver()

    async def orders(self) -> Sequence[WorkOrder]:
        async with self.database.transaction() as session:
            return (await session.scalars(select(WorkOrder).order_by(WorkOrder.opened_at, WorkOrder.number))).all()

    async def only_order(self) -> WorkOrder:
        (order,) = await self.orders()
        return order

    async def order(self, work_order_id: UUID) -> WorkOrder:
        async with self.database.transaction() as session:
            found = await repository.order(session, Scope.everywhere(), work_order_id)
        assert found is not None
        return found

    async def page(self, work_order_id: UUID, who: Actor | None = None) -> OrderPage:
        async with self.database.transaction() as session:
            return await self.room.desk.page(
                session, Scope.of(self.site_id), work_order_id, actor=who or Actor.system()
            )  # fmt: skip

    async def tasks(self, work_order_id: UUID) -> dict[TaskKind, WorkOrderTask]:
        async with self.database.transaction() as session:
            return {TaskKind(task.kind): task for task in await repository.tasks(session, work_order_id)}

    # --- what people were told -------------------------------------------------------------------------------------

    async def told(self, key: str) -> list[str]:
        """The templates of what this person was told, in order, each channel's copy aside."""
        async with self.database.transaction() as session:
            rows = await session.scalars(
                select(Notification)
                .where(Notification.person_id == self.person[key], Notification.channel != "voice")
                .order_by(Notification.created_at, Notification.id)
            )
            return [row.template for row in rows]

    async def notices(self, key: str) -> Sequence[Notification]:
        async with self.database.transaction() as session:
            rows = await session.scalars(
                select(Notification).where(Notification.person_id == self.person[key]).order_by(Notification.id)
            )
            return rows.all()

    async def set_site(self, **settings: Any) -> None:
        async with self.database.transaction() as session:
            site = await session.get_one(Site, self.site_id)
            site.settings = settings


async def staff_up(town: Town) -> None:
    """Everybody a full shift has."""
    await town.hire("pump_engineer", "张伟", Duty.ENGINEER, Skill.PUMP, Skill.PLUMBING)
    await town.hire("handyman", "李强", Duty.ENGINEER, Skill.GENERAL)
    await town.hire("control_room", "陈晨", Duty.CONTROL_ROOM)
    await town.hire("guard", "吴刚", Duty.GUARD, Skill.GENERAL)
    await town.hire("contractor", "赵敏", Duty.CONTRACTOR, Skill.ELEVATOR, certified=True)
    await town.hire("manager", "孙丽", Duty.MANAGER)
    await town.hire("dispatcher", "钱进", Duty.DISPATCHER)


@asynccontextmanager
async def settled(
    database: Database, outbox: RecordingOutbox, files_dir: Path, *, code: str = "test", declared: str = SITE
) -> AsyncIterator[Town]:
    """The town in its database, with nobody hired yet."""
    catalog = CatalogService(PROFILES)
    clock = FakeClock(NOON)
    async with database.transaction() as session:
        await apply_declaration(session, parse_site(tomllib.loads(declared.format(code=code))), PROFILES)
        directory = LiveDirectory(await load_directory(session))
        site = next(one for one in await catalog.sites(session, Scope.everywhere()) if one.code == code)
        buildings = await catalog.find_buildings(session, site.id)
        spaces = await _spaces(session, site.id)
    people, alarms = PeopleService(catalog, clock), AlarmService(directory, clock)
    app = new_app(database.url, pool_size=2)
    notify = NotifyService(
        app=app, people=people, catalog=catalog, templates=TemplateRegistry.load(), clock=clock,
        settings=NotifySettings(_env_file=None),
    )  # fmt: skip
    stock = StockService(catalog=catalog, people=people, clock=clock)
    facts, proof, registry = FixedFacts(), FixedProof(), CollectorRegistry()
    room = build_ticketing(
        Neighbours(
            catalog=catalog, people=people, contractors=ContractorService(catalog), alarms=alarms, notify=notify,
            facts=facts, proof=proof, clock=clock, registry=registry, texts=Texts.load(["kit", "ticketing"]),
            files_dir=files_dir,
            links=ReportLinks(secret=SECRET, clock=clock), link_secret=SECRET, stock=stock,
        )
    )  # fmt: skip
    mine = [entry for entry in directory.current.entries if entry.site_id == site.id]
    outbox.events.clear()
    async with app.open_async():
        yield Town(
            database, outbox, clock, site.id, catalog, people, alarms, room, facts, proof, registry,
            equipment={entry.code: entry.equipment_id for entry in mine}, spaces=spaces,
            buildings={building.code: building.id for building in buildings},
        )  # fmt: skip


async def _spaces(session: AsyncSession, site_id: UUID) -> dict[str, UUID]:
    rows = await session.scalars(select(Space).where(Space.site_id == site_id))
    return {row.code: row.id for row in rows}
