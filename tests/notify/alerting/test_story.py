"""An alarm's way to people and destinations, on a real PostgreSQL; destinations are real servers on this machine."""

import ipaddress
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import msgspec
import pytest
from prometheus_client import CollectorRegistry
from sqlalchemy import select, text

from alarms.detection import AlarmSource, Detection, OrderPolicy
from alarms.events import AlarmAcknowledged, AlarmGroupGrew, AlarmRaised, AlarmReminded
from alarms.flood.group import GroupKind
from alarms.service import AlarmService
from alarms.testing.service import TestWindowService
from building.severity import Severity
from catalog.directory import LiveDirectory
from catalog.endpoints import STATUS as CATALOG_STATUS
from catalog.loader import load_directory
from connectors.dingtalk import DingTalkClient, DingTalkSettings
from connectors.outward import Sender, SystemResolver
from connectors.signature import sign
from kit.access import Role, Scope
from kit.clock import FakeClock, to_ms
from kit.db import Database
from kit.events import RecordingOutbox
from kit.i18n import Language, Texts
from kit.jobs import new_app
from kit.sweeps import Sweep
from notify.alerting.carriers import DingTalkCarrier, WebhookCarrier
from notify.alerting.destination import DestinationKind
from notify.alerting.destinations import NewDestination
from notify.alerting.documents import shipped
from notify.alerting.endpoints import STATUS, router
from notify.alerting.errors import AlertPolicyChanged, AlertPolicyInvalid
from notify.alerting.escalating import is_for_people
from notify.alerting.policy import Step
from notify.alerting.reason import Reason
from notify.alerting.repository import CaseFilter
from notify.alerting.room import Alerting, AlertNeighbours, build_alerting
from notify.models import Notification
from notify.service import NotifyService
from notify.settings import NotifySettings
from notify.template import TemplateRegistry
from people.kinds import Duty
from people.models import Membership, RoleGrant, Shift
from tests.api import FakeLogins, client_of, make_app
from tests.automation.receiver import Receiver, receiving, response
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

    async def hear(self) -> None:
        """Delivers what was published, twice as a broker of jobs may."""
        heard, self.outbox.events = self.outbox.events, []
        for event in [*heard, *heard]:
            async with self.database.transaction() as session:
                match event:
                    case AlarmRaised() if is_for_people(event):
                        await self.room.escalations.on_alarm_raised(session, event)
                    case AlarmAcknowledged():
                        await self.room.escalations.on_alarm_acknowledged(session, event)
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


@pytest.fixture
async def watch(database: Database, outbox: RecordingOutbox) -> AsyncIterator[Watch]:
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


async def test_an_alarm_climbs_until_somebody_acknowledges_and_everybody_can_read_why(watch: Watch) -> None:
    await watch.detect()
    assert await watch.told() == []  # what explains it may yet be found
    await watch.later(seconds=25)
    assert await watch.told() == [("engineer", "wecom", "urgent")]
    await watch.later(minutes=9)
    assert len(await watch.told()) == 1
    await watch.later(minutes=2)  # step 2 asks for those at home and managers on shift: there are none
    assert (await watch.told())[1:] == [("manager", "wecom", "urgent")]
    words = dict(await watch.why())
    assert words[Reason.TOLD_DUTY] == (
        "engineer当时在工程岗位值班，3栋2单元电梯 紧急报警（开门变慢）按“紧急报警”第 1 次通知，因此通知了他。"
    )
    assert "manager" in words[Reason.TOLD_ANSWERABLE]
    english = dict(await watch.why(language=Language.EN))
    assert english[Reason.TOLD_DUTY].startswith("engineer was on duty as engineer, and telling 1 of “Critical alarms”")
    alarm_id = await watch.alarm_id()
    async with watch.database.transaction() as session:
        await watch.alarms.acknowledge(session, Scope.everywhere(), alarm_id, actor=watch.people["engineer"])
    await watch.hear()
    await watch.later(hours=5)
    assert len(await watch.told()) == 2
    assert (await watch.reasons())[-1] is Reason.ACKNOWLEDGED


async def test_life_safety_is_told_at_night_at_once_and_again_until_somebody_knows(watch: Watch) -> None:
    watch.clock.advance(seconds=14 * 3600)  # 02:00, the quiet hours
    await watch.detect(life_safety=True, fault_mode="leaning", source_id="leaning")
    assert await watch.told() == [("guard", "wecom", "life_safety")]
    await watch.later(minutes=3)
    await watch.later(minutes=5)
    assert [who for who, _, _ in await watch.told()] == ["guard", "manager", "manager"]
    await watch.detect(active=False, life_safety=True, fault_mode="leaning", source_id="leaning")
    await watch.later(minutes=5)  # gone, and nobody has acknowledged it
    assert len(await watch.told()) == 4


async def test_what_can_wait_waits_and_what_is_an_order_is_told_by_the_order(watch: Watch) -> None:
    watch.clock.advance(seconds=11 * 3600)  # 23:00
    await watch.detect(severity=Severity.MINOR)
    await watch.detect(severity=Severity.MINOR, lift="RISER-5")
    await watch.detect(work=True, lift="LIFT-51")
    assert await watch.reasons() == [Reason.BEGUN, Reason.ORDER_TELLS]
    await watch.detect(severity=Severity.WARNING, source_id="noise", fault_mode="noise")
    await watch.detect(severity=Severity.WARNING, source_id="noise", fault_mode="noise", lift="RISER-3")
    await watch.detect(severity=Severity.MINOR, lift="RISER-5", active=False)
    await watch.later(hours=8, minutes=29)
    assert await watch.told() == []
    await watch.later(minutes=2)  # 07:31
    assert await watch.told() == [("engineer", "wecom", "ordinary")]  # one went away in the night
    await watch.later(hours=1)
    assert (await watch.told())[1:] == [("engineer", "wecom", "ordinary")]  # two warnings, one digest
    assert await watch.reasons() == [Reason.WAITS_DIGEST, Reason.DIGESTED, Reason.TOLD_DIGEST]


async def test_a_group_is_told_once_a_growth_and_by_what_the_policy_of_then_says(watch: Watch) -> None:
    scope, site_id = Scope.of(watch.site.site_id), watch.site.site_id
    async with watch.database.transaction() as session:
        hook, robot = [
            await watch.room.destinations.add(session, scope, NewDestination(
                site_id=site_id, name=kind.value, kind=kind, address=address, language=Language.EN,
            ))
            for kind, address in (
                (DestinationKind.WEBHOOK, watch.receiver.url), (DestinationKind.DINGTALK, "group"),
            )
        ]  # fmt: skip
        secret = await watch.room.destinations.secret(session, scope, hook.id)
        first = shipped().routes[0]
        step = Step(destination_ids=(hook.id, robot.id))
        quiet = replace(shipped().routes[1], severities=(), steps=(step,), repeat_min=None)
        policy = replace(shipped(), routes=(first, quiet))
        by = watch.people["manager"]
        saved = await watch.room.policies.save(session, scope, site_id, policy, seen=0, reason="groups", by=by)
        assert saved.version == 1
    with pytest.raises(AlertPolicyChanged):
        async with watch.database.transaction() as session:
            await watch.room.policies.restore(session, scope, site_id, 0, seen=0, reason="back", by=by)
    with pytest.raises(AlertPolicyInvalid):
        async with watch.database.transaction() as session:
            unknown = replace(quiet, steps=(Step(person_ids=(site_id,)),))
            wrong = replace(policy, routes=(first, unknown))
            await watch.room.policies.save(session, scope, site_id, wrong, seen=1, reason="wrong", by=by)
    group = AlarmGroupGrew(
        site_id=site_id, group_id=hook.id, kind=GroupKind.AREA, root_id=None, building_id=None, equipment_kind=None,
        alarms=12, severity=Severity.MAJOR, telling=1,
    )  # fmt: skip
    watch.outbox.events = [group]
    await watch.hear()
    # Changed after it began: what is under way follows what it began with.
    async with watch.database.transaction() as session:
        await watch.room.policies.restore(session, scope, site_id, 0, seen=1, reason="back", by=by)
    watch.receiver.answers = [response("500 Oops"), response("200 OK", body='{"errcode":0,"errmsg":"ok"}')]
    await watch.later(seconds=25)
    await watch.later(seconds=30)
    by_path = {one.target.partition("?")[0]: one for one in watch.receiver.received}
    said = msgspec.json.decode(by_path["/robot/send"].body)["markdown"]
    assert "12 alarms with one cause" in said["text"]
    assert f"access_token={DINGTALK_TOKEN}" in by_path["/robot/send"].target
    called = by_path["/hooks"]
    message_id, timestamp = called.headers["webhook-id"], int(called.headers["webhook-timestamp"])
    assert called.headers["webhook-signature"] == sign(
        secret, message_id=message_id, timestamp=timestamp, body=called.body
    )
    assert msgspec.json.decode(called.body)["data"]["alarms"] == 12
    assert [one.target for one in watch.receiver.received].count(called.target) <= 2


async def test_over_http_a_policy_has_versions_and_the_woken_are_answered(watch: Watch) -> None:
    logins, site_id = FakeLogins(), watch.site.site_id
    token = logins.add(Role.MANAGER, Role.ENGINEER, site_id=site_id, person_id=watch.people["engineer"])
    status = {**CATALOG_STATUS, **STATUS}
    app = make_app(
        watch.database, routers=[router], rooms=["catalog", "notify"], services=list(watch.room.provided),
        logins=logins, status=status,
    )  # fmt: skip
    path = f"/api/v1/sites/{site_id}/alert-policy"
    async with client_of(app, token=token, language="en") as client:
        shipped_one = (await client.get(path)).json()
        assert (shipped_one["version"], len(shipped_one["document"]["routes"])) == (0, 5)
        body = {"document": shipped_one["document"], "reason": "as it is", "version": 0}
        assert (await client.put(path, json=body)).json()["version"] == 1
        stale = await client.put(path, json=body)
        assert (stale.status_code, stale.json()["code"]) == (409, "alert_policy_changed")
        body["document"]["routes"][0]["heeds_quiet"] = True
        refused = await client.put(path, json=body | {"version": 1})
        assert refused.status_code == 422
        assert "routes.0.heeds_quiet" in refused.json()["message"]
        assert "life safety knows no quiet hours" in refused.json()["message"]
        back = await client.post(f"{path}/restore", json={"to_version": 0, "reason": "back", "version": 1})
        assert (back.json()["version"], back.json()["restores"]) == (2, 0)
        assert [one["version"] for one in (await client.get(f"{path}/versions")).json()["items"]] == [2, 1]
        inside = {"site_id": str(site_id), "name": "nas", "kind": "webhook", "address": "https://10.1.2.3/x"}
        private = await client.post("/api/v1/alert-destinations", json=inside)
        assert (private.status_code, private.json()["code"]) == (422, "alert_destination_refused")
        await watch.detect()
        await watch.later(seconds=25)
        [mine] = (await client.get("/api/v1/alert-cases-of-mine")).json()["items"]
        assert mine["decision"]["text"].startswith("engineer was on duty as engineer")
        whole = (await client.get(f"/api/v1/alert-cases/{mine['case']['id']}")).json()
        assert [one["reason"] for one in whole["decisions"]] == ["begun", "told_duty"]
