"""Answers from the MQTT side, over the real broker: each console for its own site, and told what came of it."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import Any

import psycopg
import pytest
from prometheus_client import CollectorRegistry
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from alarms.consoles import ConsoleDesk, ConsoleResult
from alarms.models import Alarm
from building.declaration import parse_site
from catalog.loader import apply_declaration
from catalog.models import Site
from catalog.service import CatalogService
from device_adapters.mqtt.broker import EMBEDDED, Broker
from device_adapters.mqtt.consoles import ConsoleLine
from device_adapters.mqtt.credentials import CredentialKind, CredentialService, Issued
from device_adapters.mqtt.metrics import MqttMetrics
from kit.access import Scope
from kit.db import Database
from kit.i18n import Texts
from kit.supervision.nats import MQTT_USER, NatsServer
from tests.alarms.place import Place
from tests.alarms.test_service import ANYWHERE, apply
from tests.device_adapters.mqtt.rig import device, until


@pytest.fixture
def credentials(place: Place) -> CredentialService:
    return CredentialService({}, CatalogService({}), place.clock)


@pytest.fixture
def counted() -> CollectorRegistry:
    return CollectorRegistry()


@pytest.fixture
def desk(database: Database, place: Place, credentials: CredentialService, counted: CollectorRegistry) -> ConsoleDesk:
    return ConsoleDesk(place.alarms, credentials, database.transaction, Texts.load(["kit", "alarms"]), counted)


async def console(database: Database, credentials: CredentialService, *, site: str, name: str) -> Issued:
    async with database.transaction() as session:
        site_id = await session.scalar(select(Site.id).where(Site.code == site))
        assert site_id is not None
        return await credentials.issue(
            session, Scope.of(site_id), site_id=site_id, kind=CredentialKind.CONSOLE, name=name
        )


async def the_alarms(database: Database) -> list[Alarm]:
    async with database.transaction() as session:
        return list(await session.scalars(select(Alarm).order_by(Alarm.onset_at)))


async def said(desk: ConsoleDesk, console: str, **fields: Any) -> ConsoleResult:
    body = {"id": "1", "action": "acknowledge", "operator": "王工"} | {
        k: str(v) if k == "alarm_id" else v for k, v in fields.items()
    }
    site, name = console.split("/")
    return ConsoleResult(**json.loads(await desk.answer(site, name, json.dumps(body).encode())))


async def test_a_console_answers_the_alarms_of_its_own_site_over_the_broker(
    database: Database, place: Place, credentials: CredentialService, desk: ConsoleDesk, nats_server: NatsServer
) -> None:
    async with database.transaction() as session:
        await apply_declaration(
            session, parse_site({"site": {"code": "other", "name": "别处", "timezone": "Asia/Shanghai"}}), {}
        )
    ours = await console(database, credentials, site="test", name="control-room")
    theirs = await console(database, credentials, site="other", name="control-room")
    async with database.transaction() as session:
        await nats_server.set_mqtt_users(await credentials.users(session))
    await apply(database, place, place.smoke())
    alarm_id = str((await the_alarms(database))[0].id)
    word = {"id": "a-1", "alarm_id": alarm_id, "action": "acknowledge", "operator": "王工", "note": "已派人"}
    own = Broker(
        name=EMBEDDED, host=nats_server.mqtt_host, port=nats_server.mqtt_port, username=MQTT_USER, password="mqtt"
    )
    line = asyncio.create_task(ConsoleLine(own, desk.answer, MqttMetrics(CollectorRegistry())).run())
    try:
        async with AsyncExitStack() as stack:
            stranger = await stack.enter_async_context(device(own, theirs.name, theirs.password, client_id="theirs"))
            control = await stack.enter_async_context(device(own, ours.name, ours.password, client_id="ours"))
            await stranger.listen("site/other/alarms/results/control-room")
            await control.listen("site/test/alarms/results/control-room")
            # Kept by the broker is nobody's word; and the broker lets nobody speak in another's name.
            await stranger.say("site/test/alarms/answers/control-room", word)
            await stranger.say("site/other/alarms/answers/control-room", word | {"id": "b-1"})
            await until(lambda: len(stranger.heard) == 1)
            refused = json.loads(stranger.heard[0][1])
            assert (refused["id"], refused["ok"], refused["code"]) == ("b-1", False, "alarm_not_found")
            assert (await the_alarms(database))[0].state == "UNACKED"

            await control.say("site/test/alarms/answers/control-room", word)
            await until(lambda: len(control.heard) == 1)
            assert json.loads(control.heard[0][1])["state"] == "ACKED"
            assert len(stranger.heard) == 1
    finally:
        line.cancel()
        with suppress(asyncio.CancelledError):
            await line
    async with database.transaction() as session:
        lines = await place.alarms.history(session, ANYWHERE, (await the_alarms(database))[0].id)
    assert [(one.kind, one.via, one.note, one.actor_id) for one in lines] == [
        ("raised", "", "", None), ("acknowledged", "test/control-room", "王工：已派人", None),
    ]  # fmt: skip


async def test_what_a_console_may_and_may_not(
    database: Database, place: Place, credentials: CredentialService, desk: ConsoleDesk
) -> None:
    account = await console(database, credentials, site="test", name="hall")
    assert (account.publish, account.subscribe) == (
        ("site/test/alarms/answers/hall",), ("site/test/alarms", "site/test/alarms/results/hall"),
    )  # fmt: skip
    await apply(database, place, place.detection(), place.smoke(onset_s=1))
    pump, smoke = [alarm.id for alarm in await the_alarms(database)]
    shelved = await said(desk, "test/hall", alarm_id=pump, action="shelve", minutes=30, note="接触不良")
    assert (shelved.ok, (await the_alarms(database))[0].suppressed_by) == (True, "shelved")
    never = await said(desk, "test/hall", alarm_id=smoke, action="shelve", minutes=30, note="x")
    assert (never.code, never.message is not None and "人身安全" in never.message["zh-CN"]) == (
        "life_safety_not_shelved", True,
    )  # fmt: skip
    for wrong in (
        {"action": "clear"}, {"action": "shelve", "minutes": 30}, {"action": "shelve", "note": "x"}, {"operator": ""},
        {"action": "shelve", "minutes": 1441, "note": "x"}, {"note": "a\x00"}, {"colour": "red"}, {"note": "x" * 5_000},
        {"alarm_id": "nonsense"},
    ):  # fmt: skip
        answer = await said(desk, "test/hall", **({"alarm_id": smoke} | wrong))
        assert (answer.ok, answer.code) == (False, "answer_not_understood"), wrong
    assert json.loads(await desk.answer("test", "hall", b"\xff{"))["code"] == "answer_not_understood"
    assert (await said(desk, "test/hall", alarm_id=smoke)).state == "ACKED"
    twice = await said(desk, "test/hall", alarm_id=smoke)
    assert (twice.ok, twice.state) == (True, "ACKED"), "handed on twice by the broker"
    again = await said(desk, "test/hall", alarm_id=smoke, operator="李工")
    assert (again.ok, again.code) == (False, "alarm_action_not_possible")
    async with database.transaction() as session:
        await credentials.revoke(session, ANYWHERE, account.id)
    assert (await said(desk, "test/hall", alarm_id=pump)).code == "console_not_known"


async def test_an_answer_is_to_the_episode_it_names_and_no_other(
    database: Database, place: Place, credentials: CredentialService, desk: ConsoleDesk
) -> None:
    await console(database, credentials, site="test", name="hall")
    [first] = await apply(database, place, place.smoke())
    await apply(database, place, place.smoke(active=False))
    [second] = await apply(database, place, place.smoke(onset_s=300))
    alarm_id = first.message.alarm_id
    was, now = (json.loads(each.payload)["episode_onset"] for each in (first, second))
    late = await said(desk, "test/hall", alarm_id=alarm_id, episode_onset=was)
    assert (late.ok, late.code) == (False, "answers_earlier_episode")
    assert (await the_alarms(database))[0].state == "UNACKED"
    assert (await said(desk, "test/hall", alarm_id=alarm_id, episode_onset="2026-11-22T04:05")).code == (
        "answer_not_understood"
    )  # fmt: skip
    assert (await said(desk, "test/hall", alarm_id=alarm_id, episode_onset=now)).state == "ACKED"


async def test_what_can_never_be_entered_is_told_and_counted_and_what_may_be_is_tried_again(
    database: Database, place: Place, credentials: CredentialService, counted: CollectorRegistry
) -> None:
    """Otherwise one answer would keep every console waiting behind it."""
    trouble: list[Exception] = [psycopg.errors.DataError("never"), psycopg.OperationalError("away for now")]

    @asynccontextmanager
    async def failing() -> AsyncIterator[AsyncSession]:
        raise trouble.pop(0)
        yield

    desk = ConsoleDesk(place.alarms, credentials, failing, Texts.load(["kit", "alarms"]), counted)
    never = await said(desk, "test/hall", alarm_id=place.site_id)
    assert (never.id, never.ok, never.code) == ("1", False, "answer_not_entered")
    assert counted.get_sample_value("hub_console_answers_total", {"outcome": "refused"}) == 1
    with pytest.raises(psycopg.OperationalError):
        await said(desk, "test/hall", alarm_id=place.site_id)
