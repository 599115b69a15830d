"""A site with people on shift, and who tells them of alarms, on a real PostgreSQL."""

import ipaddress
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
from prometheus_client import CollectorRegistry
from sqlalchemy import select, text

from alarms.detection import AlarmSource, Detection, OrderPolicy
from alarms.events import (
    AlarmAcknowledged,
    AlarmAssigned,
    AlarmGroupGrew,
    AlarmRaised,
    AlarmReminded,
    AlarmSeverityChanged,
)
from alarms.service import AlarmService
from alarms.testing.service import TestWindowService
from building.severity import Severity
from catalog.directory import LiveDirectory
from catalog.loader import load_directory
from connectors.dingtalk import DingTalkClient, DingTalkSettings
from connectors.outward import Sender, SystemResolver
from kit.access import Role, Scope
from kit.clock import FakeClock, to_ms
from kit.db import Database
from kit.events import RecordingOutbox
from kit.i18n import Language, Texts
from kit.jobs import new_app
from kit.sweeps import Sweep
from notify.alerting.carriers import DingTalkCarrier, WebhookCarrier
from notify.alerting.escalating import is_for_people
from notify.alerting.reason import Reason
from notify.alerting.repository import CaseFilter
from notify.alerting.room import Alerting, AlertNeighbours, build_alerting
from notify.models import Notification
from notify.service import NotifyService
from notify.settings import NotifySettings
from notify.template import TemplateRegistry
from people.kinds import Duty
from people.models import Membership, RoleGrant, Shift
from tests.automation.receiver import Receiver, receiving
from tests.small_site import SmallSite, settle
from ticketing.handlers import is_work

NOON = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)  # Monday, 12:00 in Hangzhou
MASTER = "only for tests, 32 bytes or more"
DINGTALK_TOKEN = "token-of-a-test-group"


@dataclass
class Watch:
    """A site with an engineer and a guard on shift, a manager, and who tells them of alarms."""

    database: Database
    outbox: RecordingOutbox
    clock: FakeClock
    site: SmallSite
    alarms: AlarmService
    room: Alerting
    receiver: Receiver
    people: dict[str, UUID]

    async def detect(self, *, lift: str = "LIFT-32", active: bool = True, work: bool = False, **changes: Any) -> None:
        """A rule says something of a lift, and whoever hears of alarms hears it."""
        facts: dict[str, Any] = {
            "source": AlarmSource.RULE, "source_id": "door-slow", "severity": Severity.CRITICAL,
            "fault_mode": "door_slow", "life_safety": False, "values": {},
            "message": {"zh-CN": "开门变慢", "en": "Door slow"},
            "order": OrderPolicy("repair", 2) if work else None,
            "onset_ms": to_ms(NOON), "at_ms": to_ms(self.clock.now()),
        }  # fmt: skip
        facts |= changes
        detection = Detection(
            equipment_id=self.site.equipment[lift], site_id=self.site.site_id, active=active, **facts
        )  # fmt: skip
        async with self.database.transaction() as session:
            await self.alarms.apply(session, [detection])
        await self.hear()

    async def acknowledge(self) -> None:
        """The newest alarm, by the engineer. Nobody hears of it yet."""
        alarm_id = await self.alarm_id()
        async with self.database.transaction() as session:
            await self.alarms.acknowledge(session, Scope.everywhere(), alarm_id, actor=self.people["engineer"])

    async def hear(self) -> None:
        """Delivers what was published, twice as a broker of jobs may."""
        heard, self.outbox.events = self.outbox.events, []
        for event in [*heard, *heard]:
            async with self.database.transaction() as session:
                match event:
                    case AlarmRaised() | AlarmSeverityChanged() if is_for_people(event):
                        await self.room.escalations.on_alarm_raised(session, event)
                    case AlarmAcknowledged():
                        await self.room.escalations.on_alarm_acknowledged(session, event)
                    case AlarmAssigned():
                        await self.room.escalations.on_alarm_assigned(session, event)
                    case AlarmReminded():
                        await self.room.escalations.on_alarm_reminded(session, event)
                    case AlarmGroupGrew():
                        await self.room.escalations.on_group_grew(session, event)
                    case _:
                        pass

    async def later(self, **span: float) -> None:
        """Lets time pass, the sweeps come by, and jobs of destinations run."""
        self.clock.advance(seconds=timedelta(**span).total_seconds())
        for sweep in self.room.sweeps():
            await self.sweep(sweep)
        while jobs := await self._asked():
            for delivery_id in jobs:
                async with self.database.transaction() as session:
                    await self.room.posting.deliver(session, delivery_id=delivery_id)

    async def sweep(self, sweep: Sweep) -> None:
        async with self.database.transaction() as session:
            await sweep.call(session)

    async def _asked(self) -> list[str]:
        async with self.database.transaction() as session:
            taken = "DELETE FROM procrastinate_jobs WHERE task_name = 'alerting.deliver' AND status = 'todo'"
            rows = await session.execute(text(f"{taken} RETURNING args ->> 'delivery_id'"))
            return [row[0] for row in rows]

    async def told(self) -> list[tuple[str, str, str]]:
        """(who, by which channel, with which urgency), in the order of telling; calls to come are left out."""
        names = {person_id: name for name, person_id in self.people.items()}
        async with self.database.transaction() as session:
            rows = await session.scalars(select(Notification).order_by(Notification.created_at, Notification.id))
            return [(names[row.person_id], row.channel, row.urgency) for row in rows if row.channel != "voice"]

    async def why(self, *, case: int = 0, language: Language = Language.ZH) -> list[tuple[Reason, str]]:
        """The record of a case, the newest being 0."""
        scope = Scope.of(self.site.site_id)
        async with self.database.transaction() as session:
            cases, _ = await self.room.explanations.cases(session, scope, CaseFilter(), limit=50, offset=0)
            _, found = await self.room.explanations.of_case(session, scope, cases[case].id, language=language)
            return [(Reason(one.decision.reason), one.text) for one in found]

    async def reasons(self, *, case: int = 0) -> list[Reason]:
        return [reason for reason, _ in await self.why(case=case)]

    async def alarm_id(self) -> UUID:
        async with self.database.transaction() as session:
            cases, _ = await self.room.explanations.cases(
                session, Scope.everywhere(), CaseFilter(), limit=1, offset=0
            )  # fmt: skip
        assert cases[0].alarm_id is not None
        return cases[0].alarm_id


@asynccontextmanager
async def watching(database: Database, outbox: RecordingOutbox) -> AsyncIterator[Watch]:
    clock = FakeClock(NOON)
    site = await settle(database, clock)
    people = {
        name: await site.staff(name, wecom=name, phone="13900002222") for name in ("engineer", "guard", "manager")
    }
    async with database.transaction() as session:
        for name, person_id in people.items():
            session.add(Membership(person_id=person_id, site_id=site.site_id))
            if name != "manager":
                session.add(_shift(site.site_id, person_id, Duty(name)))
        session.add(RoleGrant(person_id=people["manager"], role=Role.MANAGER.value, site_id=site.site_id))
        directory = LiveDirectory(await load_directory(session))
    alarms, app = AlarmService(directory, clock), new_app(database.url)
    notify = NotifyService(
        app=app, people=site.people, catalog=site.catalog, templates=TemplateRegistry.load(),
        settings=NotifySettings(_env_file=None), clock=clock,
    )  # fmt: skip
    async with receiving() as receiver, app.open_async():
        robots = {"group": {"token": DINGTALK_TOKEN, "secret": "SECtest"}}
        settings = DingTalkSettings(
            _env_file=None, robots=robots, base_url=f"http://127.0.0.1:{receiver.port}"
        )  # fmt: skip
        async with DingTalkClient(settings, clock) as dingtalk:
            room = build_alerting(
                _neighbours(database, app, site, alarms, directory, notify, dingtalk, clock)
            )  # fmt: skip
            yield Watch(database, outbox, clock, site, alarms, room, receiver, people)


def _shift(site_id: UUID, person_id: UUID, duty: Duty) -> Shift:
    return Shift(
        site_id=site_id, person_id=person_id, duty=duty.value, starts_at=NOON - timedelta(days=1),
        ends_at=NOON + timedelta(days=2),
    )  # fmt: skip


def _neighbours(
    database: Database, app: Any, site: SmallSite, alarms: AlarmService, directory: LiveDirectory,
    notify: NotifyService, dingtalk: DingTalkClient, clock: FakeClock,
) -> AlertNeighbours:  # fmt: skip
    inside = [ipaddress.ip_network("127.0.0.0/8")]
    sender = Sender(
        allowed=inside, deadline_s=5, resolver=SystemResolver(), trusted=httpx.create_ssl_context(trust_env=False)
    )
    return AlertNeighbours(
        database=database, app=app, alarms=alarms, tests=TestWindowService(site.catalog, directory, clock),
        catalog=site.catalog, people=site.people, notify=notify,
        carriers=(DingTalkCarrier(dingtalk), WebhookCarrier(sender, master=MASTER, clock=clock)),
        allowed=inside, robots={"dingtalk": dingtalk.robots}, master=MASTER, is_work=is_work,
        link_base_url="https://hub.example", keep_days=30, texts=Texts.load(["kit", "notify"]), clock=clock,
        registry=CollectorRegistry(),
    )  # fmt: skip
