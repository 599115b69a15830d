"""Owner services behind their real doors: HTTP through ASGI, real PostgreSQL, real ticketing; WeChat is played."""

import itertools
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
import xmltodict
from fastapi import FastAPI
from prometheus_client import CollectorRegistry
from pydantic import SecretStr
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession
from wechatpy.crypto import WeChatCrypto
from wechatpy.utils import WeChatSigner

from alarms.service import AlarmService
from catalog.directory import LiveDirectory
from catalog.loader import load_directory
from connectors.errors import ConnectorError
from connectors.wechat import Media, WeChatClient, WeChatSettings
from kit.access import Authenticator, Grant, NotAuthenticated, Principal, Role
from kit.clock import FakeClock
from kit.db import Database
from kit.events import RecordingOutbox
from kit.http import STATUS as KIT_STATUS
from kit.http import add_error_handlers, provide
from kit.i18n import Texts
from kit.jobs import new_app
from knowledge.service import KnowledgeService
from notify.models import Notification
from notify.service import NotifyService
from notify.settings import NotifySettings
from notify.template import TemplateRegistry
from owner_services import endpoints
from owner_services.models import WeChatMessage
from owner_services.room import OwnerServices, build_owner_services
from owner_services.settings import OwnerServicesSettings
from owner_services.wechat import endpoints as callback
from owner_services.wechat.envelope import Envelope
from owner_services.wechat.inbox import ANSWER_JOB, PICTURE_JOB, Patience
from people.contractors.service import ContractorService
from people.editing import PeopleEditor
from people.passwords import Passwords
from stock.service import StockService
from tests.small_site import SmallSite, settle
from tests.ticketing.town import FixedProof
from ticketing.models import Attachment, Report, WorkOrder
from ticketing.report_links import ReportLinks
from ticketing.room import Neighbours, Ticketing, build_ticketing

NOON = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)  # 12:00 in Hangzhou
TOKEN, APP_ID = "tok123", "wx0123456789abcdef"
AES_KEY = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"
ACCOUNT = "gh_zhiwu"


class NoFacts:
    """Equipment that tells nothing."""

    async def latest(self, equipment_id: UUID) -> list[Any]:
        return []


class PlayedWeChat(WeChatClient):
    """The platform's media store."""

    def __init__(self, settings: WeChatSettings, clock: FakeClock) -> None:
        super().__init__(settings, clock)
        self.stored: dict[str, bytes | ConnectorError] = {}

    async def media(self, media_id: str) -> Media:
        found = self.stored[media_id]
        if isinstance(found, ConnectorError):
            raise found
        return Media("image/jpeg", found)


class ByName:
    """`Bearer owner:<person id>@<site id>`."""

    async def authenticate(self, session: AsyncSession, token: str) -> Principal:
        who, _, site = token.partition("@")
        role, _, person = who.partition(":")
        if role not in set(Role):
            raise NotAuthenticated
        return Principal(UUID(person), role, frozenset({Grant(Role(role), UUID(site) if site else None)}))


@dataclass
class Platform:
    """WeChat as the callback sees it: signs, numbers and, if told so, encrypts; peer of our envelope by wechatpy."""

    http: httpx.AsyncClient
    clock: FakeClock
    numbers: "itertools.count[int]" = field(default_factory=lambda: itertools.count(7_000_000_001))

    def query(self, **changes: str) -> dict[str, str]:
        query = {"timestamp": str(int(self.clock.now().timestamp())), "nonce": "415670741"} | changes
        signer = WeChatSigner()
        signer.add_data(TOKEN, query["timestamp"], query["nonce"])
        return {"signature": signer.signature} | query

    def xml(self, openid: str, **fields: str | int) -> str:
        message = {
            "ToUserName": ACCOUNT, "FromUserName": openid, "CreateTime": int(self.clock.now().timestamp()),
            "MsgId": next(self.numbers), "MsgType": "text",
        } | fields  # fmt: skip
        return str(xmltodict.unparse({"xml": message}, full_document=False))

    async def post(self, xml: str, *, query: dict[str, str] | None = None) -> httpx.Response:
        return await self.http.post("/wechat/callback", params=query or self.query(), content=xml.encode())

    async def say(self, openid: str, words: str, **fields: str | int) -> str:
        """What the user reads as the answer to a text; empty when there is none."""
        return await self.deliver(self.xml(openid, Content=words, **fields))

    async def event(self, openid: str, event: str, **fields: str | int) -> str:
        return await self.deliver(self.xml(openid, MsgType="event", Event=event, MsgId="", **fields))

    async def picture(self, openid: str, media_id: str) -> str:
        return await self.deliver(self.xml(openid, MsgType="image", PicUrl="http://x/1", MediaId=media_id))

    async def deliver(self, xml: str) -> str:
        answer = await self.post(xml)
        assert answer.status_code == 200, answer.text
        if answer.text in ("", "success"):
            return ""
        reply = xmltodict.parse(answer.text)["xml"]
        assert (reply["MsgType"], reply["FromUserName"]) == ("text", ACCOUNT)
        return str(reply["Content"])

    async def deliver_encrypted(self, xml: str) -> httpx.Response:
        crypto = WeChatCrypto(TOKEN, AES_KEY, APP_ID)
        query = self.query(encrypt_type="aes")
        sealed = xmltodict.parse(crypto.encrypt_message(xml, query["nonce"], query["timestamp"]))["xml"]
        body = xmltodict.unparse({"xml": {"ToUserName": ACCOUNT, "Encrypt": sealed["Encrypt"]}}, full_document=False)
        return await self.post(body, query=query | {"msg_signature": sealed["MsgSignature"]})


@dataclass
class House:
    """The neighbourhood with everything an owner can reach."""

    database: Database
    site: SmallSite
    clock: FakeClock
    outbox: RecordingOutbox
    services: OwnerServices
    ticketing: Ticketing
    notify: NotifyService
    wechat: PlayedWeChat
    registry: CollectorRegistry
    http: httpx.AsyncClient
    platform: Platform

    async def all(self, model: Any) -> list[Any]:
        async with self.database.transaction() as session:
            return list(await session.scalars(select(model)))

    async def orders(self) -> list[WorkOrder]:
        return sorted(await self.all(WorkOrder), key=lambda order: order.number)

    async def reports(self) -> list[Report]:
        return sorted(await self.all(Report), key=lambda report: report.created_at)

    async def messages(self) -> list[WeChatMessage]:
        return sorted(await self.all(WeChatMessage), key=lambda message: message.sequence)

    async def attachments(self) -> list[Attachment]:
        return await self.all(Attachment)

    async def notifications(self) -> list[Notification]:
        return await self.all(Notification)

    async def run_jobs(self) -> int:
        """Runs the jobs of this room that were asked for; how many."""
        ran = 0
        jobs = {job.name: job for job in self.services.jobs()}
        async with self.database.transaction() as session:
            asked = await session.execute(
                text("DELETE FROM procrastinate_jobs WHERE task_name = ANY(:names) RETURNING task_name, args"),
                {"names": [ANSWER_JOB, PICTURE_JOB]},
            )
            todo = [(row[0], row[1]) for row in asked]
        for name, arguments in todo:
            async with self.database.transaction() as session:
                await jobs[name].call(session, **arguments)
            ran += 1
        return ran

    def bearer(self, role: str, person_id: UUID) -> dict[str, str]:
        return {"Authorization": f"Bearer {role}:{person_id}@{self.site.site_id}"}


@pytest.fixture
def account() -> WeChatSettings:
    return WeChatSettings(
        _env_file=None,
        app_id=APP_ID,
        app_secret=SecretStr("s3cret"),
        token=SecretStr(TOKEN),
        aes_key=SecretStr(AES_KEY),
    )


@pytest.fixture
def patience() -> Patience:
    """A liveness bound: five seconds are judged on a machine that has nothing else to do."""
    return Patience(answer_s=60, postpone_s=60)


@pytest.fixture
async def house(
    database: Database, outbox: RecordingOutbox, tmp_path: Path, account: WeChatSettings, patience: Patience
) -> AsyncIterator[House]:
    clock = FakeClock(NOON)
    site = await settle(database, clock)
    jobs = new_app(database.url, pool_size=2)
    rooms = ["kit", "people", "catalog", "notify", "knowledge", "ticketing", "ticketing.feedback", "owner_services"]
    texts = Texts.load(rooms)
    registry = CollectorRegistry()
    async with database.transaction() as session:
        directory = LiveDirectory(await load_directory(session))
    outbox.events.clear()
    notify = NotifyService(
        app=jobs, people=site.people, catalog=site.catalog, templates=TemplateRegistry.load(),
        settings=NotifySettings(_env_file=None), clock=clock,
    )  # fmt: skip
    ticketing = build_ticketing(
        Neighbours(
            catalog=site.catalog, people=site.people, contractors=ContractorService(site.catalog),
            alarms=AlarmService(directory, clock), notify=notify,
            facts=NoFacts(), texts=texts, clock=clock, registry=registry, files_dir=tmp_path / "files",
            links=ReportLinks(secret="only for tests, 32 bytes or more", clock=clock), proof=FixedProof(),
            stock=StockService(catalog=site.catalog, people=site.people, clock=clock),
            link_secret="only for tests, 32 bytes or more",
        )
    )  # fmt: skip
    wechat = PlayedWeChat(account, clock)
    services = build_owner_services(
        database=database, app=jobs, catalog=site.catalog, people=site.people,
        editor=PeopleEditor(site.catalog, Passwords(), clock), notify=notify, ticketing=ticketing.service,
        feedback=ticketing.feedback.service, knowledge=KnowledgeService(clock),
        attaching=ticketing.attaching, wechat=wechat, account=account,
        settings=OwnerServicesSettings(_env_file=None), texts=texts, clock=clock, registry=registry, patience=patience,
    )  # fmt: skip
    app = _app(database, services, texts)
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(jobs.open_async())
        await stack.enter_async_context(wechat)
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        http = await stack.enter_async_context(httpx.AsyncClient(transport=transport, base_url="http://hub"))
        yield House(
            database, site, clock, outbox, services, ticketing, notify, wechat, registry, http, Platform(http, clock)
        )


def _app(database: Database, services: OwnerServices, texts: Texts) -> FastAPI:
    app = FastAPI()
    app.include_router(endpoints.router)
    app.include_router(callback.router)
    add_error_handlers(app, texts=texts, status=KIT_STATUS | endpoints.STATUS)
    provide(app, database, as_type=Database)
    provide(app, ByName(), as_type=Authenticator)
    provide(app, texts)
    for provided in services.provided:
        provide(app, provided)
    assert Envelope in app.state.services
    return app
