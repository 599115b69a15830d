"""An alarm's way to people and destinations, on a real PostgreSQL; destinations are real servers on this machine."""

from dataclasses import replace

import msgspec
import pytest

from alarms.events import AlarmGroupGrew
from alarms.flood.group import GroupKind
from building.severity import Severity
from catalog.endpoints import STATUS as CATALOG_STATUS
from connectors.signature import sign
from kit.access import Role, Scope
from kit.i18n import Language
from notify.alerting.destination import DestinationKind
from notify.alerting.destinations import NewDestination
from notify.alerting.documents import shipped
from notify.alerting.endpoints import STATUS, router
from notify.alerting.errors import AlertPolicyChanged, AlertPolicyInvalid
from notify.alerting.policy import Step
from notify.alerting.reason import Reason
from tests.api import FakeLogins, client_of, make_app
from tests.automation.receiver import response
from tests.notify.alerting.watch import DINGTALK_TOKEN, Watch


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
