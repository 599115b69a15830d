"""Rules on orders and webhooks through HTTP, on real PostgreSQL with real jobs and a real receiver."""

import asyncio
import base64
import hashlib
import hmac
import json
from typing import Any
from uuid import UUID

from automation.models import OrderRuleVersion
from kit.access import Role
from kit.events import Origin, publish, set_origin
from kit.ids import new_id
from tests.automation.conftest import Bench
from tests.automation.receiver import HANG, response
from ticketing.events import WorkOrderEscalated
from ticketing.flow import Action
from ticketing.kinds import Category, OrderState
from ticketing.words import Words

TELL = {"do": "notify", "to": "duty_manager", "text": {"zh-CN": "请关注", "en": "Look"}}


def a(field: str, operator: str, *value: Any) -> dict[str, Any]:
    return {"field": field, "operator": operator} | ({"value": value[0]} if value else {})


def verified(secret: str, headers: dict[str, str], body: bytes) -> bool:
    """What a receiver does: the example of docs/automation.md."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    made = "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    return any(hmac.compare_digest(made, one) for one in headers["webhook-signature"].split(" "))


async def water_leak(bench: Bench, room: str = "3-2-502") -> str:
    town = bench.town
    reported = await town.report(space_id=town.spaces[room], category=Category.WATER_LEAK, text="厨房漏水")
    return str(reported.report.work_order_id)


async def test_every_action_is_done_by_the_same_doors_as_people_and_logged(bench: Bench) -> None:
    town, manager = bench.town, str(bench.town.person["manager"])
    rule = await bench.rule(
        "漏水升级", trigger="opened", condition=a("category", "==", "water_leak"),
        actions=[
            TELL, {"do": "set", "priority": 1},
            {"do": "assign", "person_id": str(town.person["handyman"])},
            {"do": "escalate", "reason": "漏水须经理知晓"},
            {"do": "create", "category": "hygiene", "text": "漏水后请保洁清理", "priority": 4},
            {"do": "set", "priority": 1},
        ],
    )  # fmt: skip
    order_id = await water_leak(bench)
    (firing,) = await bench.ended(1, rule=rule["id"])
    assert firing["state"] == "done", firing["outcomes"]
    assert [one["do"] for one in firing["outcomes"]] == ["notify", "set", "assign", "escalate", "create", "set"]
    assert firing["outcomes"][0]["told"] == [manager]

    leak = await town.order(UUID(order_id))
    assert (leak.priority, leak.assignee_id) == (1, town.person["handyman"])
    cleaning = await town.order(UUID(firing["outcomes"][4]["work_order_id"]))
    assert (cleaning.category, cleaning.priority) == ("hygiene", 4)
    assert "staff.rule" in await town.told("manager")
    timeline = (await town.page(leak.id)).timeline
    assert [(one.what, one.why) for one in timeline if one.why] == [
        ("edited", "漏水升级"), ("moved", "漏水升级"), ("escalated", "漏水升级: 漏水须经理知晓"),
    ]  # fmt: skip

    # Of a complaint about the manager no rule tells them, whomever it was to tell.
    everybody = [TELL, TELL | {"to": "managers"}, TELL | {"to": "person", "person_id": manager}]
    complaint = a("category", "==", "complaint")
    nosy = await bench.rule("投诉通知", trigger="opened", condition=complaint, actions=everybody)
    before = (await town.told("manager")).count("staff.rule")
    await town.report(category=Category.COMPLAINT, text="孙丽态度恶劣，要求道歉")
    other = bench.logins.add(Role.MANAGER, site_id=town.site_id, person_id=town.person["dispatcher"])

    async def fired() -> list[dict[str, Any]]:
        found = await bench.get("/firings", {"authorization": f"Bearer {other}"}, rule=nosy["id"])
        return [outcome for one in found["items"] if one["ended_at"] for outcome in one["outcomes"]]

    assert [one["told"] for one in await bench.until(fired)] == [[], [], []]
    assert await bench.firings(rule=nosy["id"]) == []
    assert (await town.told("manager")).count("staff.rule") == before


async def test_a_delay_asks_again_when_it_is_over(bench: Bench) -> None:
    town = bench.town
    late = await bench.rule(
        "两小时未完工", trigger="opened", delay_min=120, actions=[TELL],
        condition={"all": [a("is_open", "==", True), a("age_min", ">=", 119)]},
    )  # fmt: skip
    first, second = await water_leak(bench), await water_leak(bench, "3-1-502")

    async def waiting() -> bool:
        return len(await bench.firings(rule=late["id"], state="waiting")) == 2

    await bench.until(waiting)
    assert not [one for one in await town.told("manager") if one == "staff.rule"]
    await town.act(UUID(second), town.actor("manager", Role.MANAGER), Action.CANCEL, Words(reason="重复"))
    await bench.pass_time(minutes=121)
    found = {one["work_order_id"]: one for one in await bench.ended(2, rule=late["id"])}
    assert (found[first]["state"], found[second]["state"]) == ("done", "lapsed")
    assert found[second]["outcomes"] == [{"result": "lapsed", "reason": "condition"}]


async def test_an_event_sets_a_rule_off_once_and_its_own_doing_never(bench: Bench) -> None:
    """A rule that escalates on escalations, and one that gives it back: neither goes round."""
    town = bench.town
    order_id = UUID(await water_leak(bench))
    one = await bench.rule(
        "升级再升级", trigger="escalated", actions=[{"do": "escalate", "reason": "又一次"}]
    )  # fmt: skip
    other = await bench.rule("互相", trigger="escalated", actions=[{"do": "escalate", "reason": "还你"}])
    event = WorkOrderEscalated(site_id=town.site_id, work_order_id=order_id, reason="response_overdue")
    async with town.database.transaction() as session:
        await publish(session, event)
    # Each is set off by the event, and by what the other did; never by what it brought about itself: its own doing,
    # what the other did of that, and what it did of the other's.
    for rule in (one, other):
        found = await bench.ended(5, rule=rule["id"])
        assert sorted(firing["state"] for firing in found) == ["done"] * 2 + ["stopped"] * 3
        assert {firing["outcomes"][0].get("reason") for firing in found if firing["state"] == "stopped"} <= {
            "own_action", "too_deep",
        }  # fmt: skip
    assert town.registry.get_sample_value("hub_rule_firings_total", {"outcome": "stopped"}) >= 2  # type: ignore[operator]

    # The very same event again, by several workers at once: nothing more comes of it.
    before = len(await bench.firings())
    same = Origin(event_id=new_id())

    async def handle() -> None:
        async with town.database.transaction() as session:
            set_origin(session, same)
            await bench.room.firing.on_escalated(session, event)

    await asyncio.gather(*(handle() for _ in range(8)))
    fresh = [one for one in await bench.firings(limit=100) if not one["causes"]]
    assert len(fresh) == 4
    assert len({(one["rule_id"], one["happened_at"]) for one in fresh}) <= 4
    assert len(await bench.firings(limit=100)) >= before + 2


async def test_a_rule_that_cannot_be_read_any_more_keeps_no_other_from_being_set_off(bench: Bench) -> None:
    broken = await bench.rule("旧规则", trigger="opened", actions=[TELL])
    sound = await bench.rule("好规则", trigger="opened", actions=[TELL])
    async with bench.town.database.transaction() as session:
        said = await session.get_one(OrderRuleVersion, (UUID(broken["id"]), 1))
        said.document = {"trigger": "opened", "actions": [{"do": "sing"}]}
    await water_leak(bench)
    assert [one["state"] for one in await bench.ended(1, rule=sound["id"])] == ["done"]
    assert await bench.firings(rule=broken["id"]) == []
    assert bench.town.registry.get_sample_value("hub_rule_firings_total", {"outcome": "error"}) == 1


async def test_a_refused_action_is_named_and_the_others_are_done(bench: Bench) -> None:
    town = bench.town
    done = await bench.rule(
        "完工再派", trigger="moved", condition=a("event.after", "==", "cancelled"),
        actions=[{"do": "assign", "person_id": str(town.person["handyman"])}, TELL],
    )  # fmt: skip
    order_id = UUID(await water_leak(bench))
    await town.act(order_id, town.actor("manager", Role.MANAGER), Action.CANCEL, Words(reason="误报"))
    (firing,) = await bench.ended(1, rule=done["id"])
    assert (firing["state"], firing["outcomes"][0]["code"]) == ("failed", "illegal_transition")
    assert firing["outcomes"][1]["result"] == "done"
    assert (await town.order(order_id)).state == OrderState.CANCELLED


async def test_a_webhook_is_signed_tried_again_and_logged(bench: Bench) -> None:
    town, receiver = bench.town, bench.receiver
    made = (await bench.post("/webhooks", site_id=str(town.site_id), name="集团平台", url=receiver.url)).json()
    secret = made["secret"]
    assert "secret" not in json.dumps((await bench.get("/webhooks"))["items"])
    await bench.rule("推送", trigger="opened", actions=[{"do": "webhook", "endpoint_id": made["id"]}])
    receiver.answers = [response("500 Oops", body="没准备好"), HANG]
    order_id = await water_leak(bench)

    delivery = await attempted(bench, 1)
    assert (delivery["state"], delivery["log"][0]["error"]) == ("waiting", "http_500")
    assert delivery["log"][0]["answer"] == "没准备好"
    await bench.pass_time(seconds=6)
    assert (await attempted(bench, 2))["log"][1]["error"] == "timeout"
    rotated = (await bench.post(f"/webhooks/{made['id']}/secret")).json()
    await bench.pass_time(seconds=31)
    delivery = await attempted(bench, 3)
    assert (delivery["state"], delivery["attempts"]) == ("delivered", 3)

    assert len({one.headers["webhook-id"] for one in receiver.received}) == 1
    first, _, last = receiver.received
    assert verified(secret, first.headers, first.body)
    assert not verified(rotated["secret"], first.headers, first.body)
    assert verified(secret, last.headers, last.body)
    assert verified(rotated["secret"], last.headers, last.body)
    assert not verified(secret, last.headers, last.body + b" ")
    sent = json.loads(last.body)
    assert (sent["type"], sent["data"]["work_order"]["id"]) == ("work_order.opened", order_id)
    assert last.target == "/hooks?site=1"

    # Once the overlap is over the old secret signs no more; by hand the same message goes out again.
    await bench.pass_time(minutes=25 * 60)
    again = await bench.post(f"/deliveries/{delivery['id']}/redeliver")
    assert again.status_code == 202
    assert (await attempted(bench, 4))["state"] == "delivered"
    resent = receiver.received[-1]
    assert resent.headers["webhook-id"] == first.headers["webhook-id"]
    assert not verified(secret, resent.headers, resent.body)
    assert verified(rotated["secret"], resent.headers, resent.body)


async def attempted(bench: Bench, times: int) -> dict[str, Any]:
    """The only delivery, once so many attempts are written down.

    The delivery is read before its log: what ends between the two is still on its way in the first.
    """

    async def look() -> dict[str, Any] | None:
        for one in (await bench.get("/deliveries"))["items"]:
            found: dict[str, Any] = await bench.get(f"/deliveries/{one['id']}")
            return found if len(found["log"]) >= times and found["state"] != "sending" else None
        return None

    found: dict[str, Any] = await bench.until(look)
    return found


async def test_after_a_day_in_vain_the_manager_is_told(bench: Bench) -> None:
    town, receiver = bench.town, bench.receiver
    made = (await bench.post("/webhooks", site_id=str(town.site_id), name="集团平台", url=receiver.url)).json()
    location = response("302 Found", location="http://169.254.169.254/latest/meta-data/")
    receiver.answers = [location] * 50
    queued = await bench.post(f"/webhooks/{made['id']}/test", site_id=str(town.site_id))
    assert queued.status_code == 202
    for times in range(1, 12):
        delivery = await attempted(bench, times)
        refused = await bench.post(f"/deliveries/{delivery['id']}/redeliver") if times < 11 else None
        assert refused is None or (refused.status_code, refused.json()["code"]) == (409, "delivery_under_way")
        await bench.pass_time(minutes=8 * 60 + 1)
    delivery = await attempted(bench, 11)
    assert delivery["state"] == "failed"
    assert {one["error"] for one in delivery["log"]} == {"redirect"}
    assert len(receiver.received) == 11
    assert await bench.until(lambda: told_of_failure(bench)) == ["staff.webhook_failed"]


async def told_of_failure(bench: Bench) -> list[str]:
    return [one for one in await bench.town.told("manager") if one == "staff.webhook_failed"]


async def test_a_rehearsal_names_the_orders_a_rule_would_have_fired_on_and_does_nothing(bench: Bench) -> None:
    town = bench.town
    leak, light = await water_leak(bench), await town.report(
        space_id=town.spaces["3-1-502"], category=Category.LIGHTING, text="灯坏了"
    )  # fmt: skip
    await town.act(UUID(leak), town.actor("manager", Role.MANAGER), Action.CANCEL, Words(reason="重复"))
    town.clock.advance(seconds=3 * 3600)
    span = {"since": "2026-11-01T00:00:00+08:00", "until": "2026-12-01T00:00:00+08:00"}

    async def would(**document: Any) -> list[tuple[str, int]]:
        body: dict[str, Any] = {"site_id": str(town.site_id), "document": {"actions": [TELL]} | document, **span}
        answer = await bench.post("/rules/rehearsal", **body)
        assert answer.status_code == 200, answer.text
        assert answer.json()["orders"] == 2
        return [(one["work_order_id"], one["times"]) for one in answer.json()["items"]]

    light_id = str(light.report.work_order_id)
    assert await would(trigger="opened", condition=a("category", "==", "water_leak")) == [(leak, 1)]
    assert await would(trigger="moved", condition=a("event.after", "==", "cancelled")) == [(leak, 1)]
    # An hour after it was opened one of them was no longer open.
    still = {"trigger": "opened", "condition": a("is_open", "==", True), "delay_min": 60}
    assert await would(**still) == [(light_id, 1)]
    assert await would(**(still | {"delay_min": 600})) == []
    assert await bench.firings() == []


async def test_bad_input_stale_edits_and_strangers(bench: Bench) -> None:
    town, site = bench.town, str(bench.town.site_id)
    wrong = await bench.post("/rules", site_id=site, name="x", document={"trigger": "opened", "actions": [{"do": "?"}]})
    assert (wrong.status_code, wrong.json()["facts"]["where"]) == (422, "actions[0].do")
    assert "actions[0].do" in wrong.json()["message"]
    nobody = {"trigger": "opened", "actions": [{"do": "assign", "person_id": str(new_id())}]}
    assert (await bench.post("/rules", site_id=site, name="x", document=nobody)).json()["facts"][
        "problem"
    ] == "no_person"
    hook = {"trigger": "opened", "actions": [{"do": "webhook", "endpoint_id": str(new_id())}]}
    refused = await bench.post("/rules", site_id=site, name="x", document=hook)
    assert (refused.status_code, refused.json()["facts"]["problem"]) == (422, "no_endpoint")
    for url in ("http://10.0.0.1/", "https://169.254.169.254/latest", "file:///etc/passwd", "https://a:b@example.com/"):
        answer = await bench.post("/webhooks", site_id=site, name="x", url=url)
        assert (answer.status_code, answer.json()["code"]) == (422, "endpoint_refused"), url

    rule = await bench.rule("挂起", trigger="opened", actions=[TELL])
    edit = {"name": "挂起", "document": {"trigger": "moved", "actions": [TELL]}, "version": 1}
    path = f"/api/v1/automation/rules/{rule['id']}"
    assert (await bench.client.put(path, headers=bench.manager, json=edit)).json()["version"] == 2
    stale = await bench.client.put(path, headers=bench.manager, json=edit)
    assert (stale.status_code, stale.json()["facts"]) == (409, {"given_version": 1, "version": 2})
    assert [one["version"] for one in await bench.get(f"/rules/{rule['id']}/versions")] == [2, 1]

    stranger, engineer = bench.token(Role.MANAGER, site_id=new_id()), bench.token(Role.ENGINEER, site_id=town.site_id)
    assert (await bench.client.get(path, headers=stranger)).status_code == 404
    assert (await bench.client.put(path, headers=stranger, json=edit | {"version": 2})).status_code == 404
    assert (await bench.client.patch(path, headers=stranger, json={"is_enabled": False})).status_code == 404
    assert (await bench.client.get(path, headers=engineer)).status_code == 403
    own: dict[str, Any] = {"name": "x", "document": {"trigger": "opened", "actions": [TELL]}}
    assert (await bench.post("/rules", stranger, site_id=site, **own)).status_code == 404
    # What holds everywhere is not for the manager of one site to say.
    assert (await bench.post("/rules", **own)).json()["code"] == "company_wide_only"
    admin = bench.token(Role.ADMIN, site_id=None)
    company = await bench.post("/rules", admin, **own)
    assert (company.status_code, company.json()["site_id"]) == (201, None)
    assert (
        await bench.client.get(f"/api/v1/automation/rules/{company.json()['id']}", headers=bench.manager)
    ).is_success
    off = await bench.client.patch(path, headers=bench.manager, json={"is_enabled": False})
    assert off.json()["is_enabled"] is False
    assert {"opened", "moved"} <= set((await bench.get("/vocabulary"))["triggers"])
