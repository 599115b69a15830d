"""Telling people, on a real PostgreSQL with real jobs; only the channels' far ends are made up."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, ClassVar
from uuid import UUID

import pytest
from prometheus_client import CollectorRegistry
from sqlalchemy import select, text

from connectors.errors import ConnectorError
from kit.clock import FakeClock
from kit.db import Database
from kit.i18n import Texts
from kit.jobs import new_app
from notify.delivery import Deliverer
from notify.message import Composer, Message
from notify.models import Notification
from notify.policy import NotifyChannel, Urgency
from notify.service import Notice, NotifyService
from notify.settings import NotifySettings
from notify.template import TemplateRegistry
from people.views import Contact
from tests.small_site import SmallSite, settle

NOON = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)  # 12:00 in Hangzhou


class FakeSender:
    """Answers with what the test put into `answers`, then with success; keeps what it was given."""

    channel: ClassVar[NotifyChannel] = NotifyChannel.NONE
    is_repeatable: ClassVar[bool] = False

    def __init__(self) -> None:
        self.answers: list[ConnectorError | Exception] = []
        self.sent: list[tuple[Contact, Message]] = []
        self.asked = 0

    async def send(self, contact: Contact, message: Message) -> str:
        self.asked += 1
        if self.answers:
            raise self.answers.pop(0)
        self.sent.append((contact, message))
        return f"{self.channel}-{len(self.sent)}"


class FakeWeChat(FakeSender):
    channel = NotifyChannel.WECHAT


class FakeWeCom(FakeSender):
    channel = NotifyChannel.WECOM
    is_repeatable = True


class FakeSms(FakeSender):
    channel = NotifyChannel.SMS


class FakeVoice(FakeSender):
    channel = NotifyChannel.VOICE


@dataclass
class Desk:
    """Everything a test of telling needs."""

    database: Database
    site: SmallSite
    clock: FakeClock
    notify: NotifyService
    deliverer: Deliverer
    registry: CollectorRegistry
    templates: TemplateRegistry
    composer: Composer
    wechat: FakeWeChat
    wecom: FakeWeCom
    sms: FakeSms
    voice: FakeVoice
    defaults: dict[str, Any] = field(default_factory=dict)

    async def tell(self, person_id: UUID, *, key: str = "order/1/assigned", **changes: Any) -> None:
        given: dict[str, Any] = {
            "template": "work_order.assigned",
            "facts": {
                "number": "WO-20261122-0001", "place": "3栋2单元", "engineer": "张工", "promised": "2026-11-22 14:00",
            },
            "link": "/o/reports/1",
        }  # fmt: skip
        notice = Notice(key=key, person_id=person_id, site_id=self.site.site_id, **(given | changes))
        async with self.database.transaction() as session:
            await self.notify.tell(session, notice)

    async def task(self, person_id: UUID, *, key: str = "task/1/a", urgency: Urgency = Urgency.LIFE_SAFETY) -> None:
        facts = {
            "number": "WO-20261122-0002", "task": "到场安抚", "place": "3栋2单元", "due": "12:05", "detail": "",
        }  # fmt: skip
        await self.tell(person_id, key=key, template="staff.task", facts=facts, urgency=urgency)

    async def asked_jobs(self) -> list[tuple[str, str]]:
        """(notification id, queue) of the delivery jobs asked for and not yet run; they are taken out."""
        async with self.database.transaction() as session:
            rows = await session.execute(
                text(
                    "DELETE FROM procrastinate_jobs WHERE task_name = 'notify.deliver' AND status = 'todo'"
                    " RETURNING args ->> 'notification_id', queue_name"
                )
            )
            return [(row[0], row[1]) for row in rows]

    async def run_jobs(self) -> int:
        """Runs what was asked for, and what that asks for in turn; how many attempts were due."""
        ran = 0
        while jobs := await self.asked_jobs():
            for notification_id, _ in jobs:
                async with self.database.transaction() as session:
                    await self.deliverer.deliver(session, notification_id=notification_id)
                ran += 1
        return ran

    async def later(self, seconds: float) -> None:
        """Lets time pass and the sweeps come by."""
        self.clock.advance(seconds=seconds)
        for sweep in self.deliverer.sweeps()[:2]:
            async with self.database.transaction() as session:
                await sweep.call(session)
        await self.run_jobs()

    async def rows(self) -> dict[str, Notification]:
        """The notifications by channel."""
        async with self.database.transaction() as session:
            return {row.channel: row for row in await session.scalars(select(Notification))}

    async def states(self) -> dict[str, str]:
        return {channel: row.state for channel, row in (await self.rows()).items()}


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(NOON)


@pytest.fixture
async def site(database: Database, clock: FakeClock) -> SmallSite:
    return await settle(database, clock)


@pytest.fixture
async def desk(database: Database, site: SmallSite, clock: FakeClock) -> AsyncIterator[Desk]:
    app = new_app(database.url)
    settings = NotifySettings(_env_file=None)
    templates = TemplateRegistry.load()
    composer = Composer(Texts.load(["kit", "notify"]), link_base_url="https://hub.example")
    notify = NotifyService(
        app=app, people=site.people, catalog=site.catalog, templates=templates, settings=settings, clock=clock
    )
    senders = FakeWeChat(), FakeWeCom(), FakeSms(), FakeVoice()
    registry = CollectorRegistry()
    deliverer = Deliverer(
        database=database, notify=notify, people=site.people, templates=templates, composer=composer, senders=senders,
        clock=clock, registry=registry,
    )  # fmt: skip
    async with app.open_async():
        yield Desk(database, site, clock, notify, deliverer, registry, templates, composer, *senders)
