"""An owner's side of a repair, over HTTP on a real database: told, confirms or rejects, rates, urges, takes back."""

import asyncio
from datetime import timedelta
from typing import Any

from kit.access import Role
from kit.ids import new_id
from tests.ticketing.feedback.conftest import Voices
from ticketing.kinds import Category
from ticketing.models import WorkOrder
from ticketing.reports import Reported


async def leak(voices: Voices, who: str = "wang", **changes: Any) -> Reported:
    town = voices.town
    if who not in town.person:
        await town.resident(who, "3-2-502")
    given: dict[str, Any] = {
        "text": "厨房水龙头滴水", "category": Category.WATER_LEAK, "space_id": town.spaces["3-2-502"],
        "reporter_id": town.person[who],
    }  # fmt: skip
    return await town.report(**(given | changes))


async def mend(voices: Voices, reported: Reported, **words: Any) -> str:
    """Whoever has it does it in three taps; who that was."""
    order = reported.report.work_order_id
    who = await voices.assignee(order)
    engineer = voices.as_(Role.ENGINEER, who)
    await voices.move(order, engineer, "accept")
    await voices.move(order, engineer, "arrive")
    await voices.move(order, engineer, "finish", **({"closing_code": "real_fault"} | words))
    return who


async def test_an_owner_finds_the_work_bad_twice_and_good_at_last(voices: Voices) -> None:
    town = voices.town
    reported = await leak(voices)
    order, owner = reported.report.work_order_id, voices.owner("wang")
    mine = f"/my/reports/{reported.report.report_id}"
    early = await voices.post(mine + "/confirm", owner)
    assert (early.status_code, early.json()["code"]) == (409, "nothing_to_confirm")
    assert "已派人" in early.json()["message"]
    assert (await voices.post(mine + "/rating", owner, speed=5, attitude=5, quality=5)).status_code == 409

    await mend(voices, reported, closing_code="misuse", note="自己拧坏的")
    shown = (await voices.get(mine + "/feedback", owner)).json()
    assert (shown["state"], set(shown["wishes"])) == ("done", {"confirm", "reject", "rate"})
    assert (await voices.post(mine + "/urge", owner)).json()["code"] == "nothing_to_urge"
    assert (await voices.post(mine + "/reject", owner)).status_code == 422

    # Once: it is given out again, and customer service hears of it.
    again = await voices.post(mine + "/reject", owner, reason="还在滴水")
    assert (again.status_code, again.json()["rejections"]) == (200, 1)
    assert (await town.order(order)).state == "dispatched"
    assert "staff.rejected" in await town.told("dispatcher")
    # Twice: it is the manager's, with a day of their own.
    await mend(voices, reported)
    assert (await voices.post(mine + "/reject", owner, reason="又滴了")).json()["rejections"] == 2
    standing = await town.order(order)
    assert (await voices.assignee(order), standing.state, standing.attempt) == ("manager", "dispatched", 3)
    assert standing.resolution_due_at == town.clock.now() + timedelta(days=1)
    assert "staff.escalation" in await town.told("manager")
    assert (await town.told("wang"))[-1] == "work_order.handed_up"

    await mend(voices, reported)
    town.clock.advance(seconds=60)
    confirmed = await voices.post(mine + "/confirm", owner, words="这次好了")
    assert (confirmed.json()["outcome"], confirmed.json()["state"]) == ("accepted", "closed")
    assert (await voices.post(mine + "/confirm", owner)).json()["code"] == "nothing_to_confirm"
    closed = await town.order(order)
    assert (closed.state, closed.confirmed_at) == ("closed", town.clock.now())

    # What it turned out to be, and what colleagues noted, is nobody's business out there.
    seen = (await voices.get(mine, owner)).text + (await voices.get(mine + "/feedback", owner)).text
    told = [str(notice.facts) for notice in await town.notices("wang")]
    for secret in ("misuse", "使用不当", "自己拧坏的"):
        assert secret not in seen + "".join(told)
    at_the_desk = (await voices.get(f"/work-orders/{order}/feedback", voices.as_(Role.DISPATCHER, "dispatcher"))).json()
    assert [one["outcome"] for one in at_the_desk["verdicts"]] == ["rejected", "rejected", "accepted"]


async def test_few_stars_bring_a_call_from_customer_service(voices: Voices) -> None:
    town = voices.town
    reported = await leak(voices)
    engineer = await mend(voices, reported)
    mine, owner = f"/my/reports/{reported.report.report_id}", voices.owner("wang")
    for bad in ({"speed": 0, "attitude": 5, "quality": 5}, {"speed": 5, "attitude": 6, "quality": 5}, {"speed": 5}):
        assert (await voices.post(mine + "/rating", owner, **bad)).status_code == 422
    rated = await voices.post(mine + "/rating", owner, speed=5, attitude=2, quality=4, words="说话难听")
    assert (rated.status_code, rated.json()["stars"]) == (201, {"speed": 5, "attitude": 2, "quality": 4})
    assert (await voices.post(mine + "/rating", owner, speed=5, attitude=5, quality=5)).json()[
        "code"
    ] == "already_rated"

    desk = voices.as_(Role.DISPATCHER, "dispatcher")
    (rating,) = (await voices.get(f"/work-orders/{reported.report.work_order_id}/feedback", desk)).json()["ratings"]
    assert (rating["words"], rating["assignee_id"]) == ("说话难听", str(town.person[engineer]))
    visit = (await voices.get(f"/work-orders/{rating['return_visit_id']}", desk)).json()
    assert (visit["kind"], visit["assignee_id"]) == ("return_visit", str(town.person["dispatcher"]))
    assert any(entry["why"] == "说话难听" for entry in visit["timeline"])
    assert "staff.assigned" in await town.told("dispatcher")


async def test_urging_is_told_and_limited(voices: Voices) -> None:
    town = voices.town
    reported = await leak(voices)
    order, owner = reported.report.work_order_id, voices.owner("wang")
    urge = f"/my/reports/{reported.report.report_id}/urge"
    who = await voices.assignee(order)
    # Twenty at once: one is heard, the others are told when.
    answers = await asyncio.gather(*(voices.client.post(f"/api/v1{urge}", headers=owner) for _ in range(20)))
    await town.deliver()
    assert sorted(one.status_code for one in answers) == [200] + [429] * 19
    late = next(one.json() for one in answers if one.status_code == 429)
    assert late["code"] == "urged_too_often"
    assert "12:30" in late["message"]
    assert (await town.told(who)).count("staff.urged") == (await town.told("dispatcher")).count("staff.urged") == 1

    for _ in range(2):
        town.clock.advance(seconds=1800)
        assert (await voices.post(urge, owner)).status_code == 200
    town.clock.advance(seconds=1800)
    fourth = await voices.post(urge, owner)
    assert (fourth.status_code, fourth.json()["facts"]["next_at"]) == (429, "2026-11-22T16:00:00Z")
    assert (await town.order(order)).urges == 3
    assert (await voices.post(f"/my/reports/{new_id()}/urge", owner)).status_code == 404
    await town.resident("li", "3-1-502")
    assert (await voices.post(urge, voices.owner("li"))).status_code == 404


async def test_a_report_is_taken_back_before_somebody_was_sent(voices: Voices) -> None:
    town = voices.town
    await town.resident("wang", "3-2-502")
    waiting = await leak(voices, kind="suggestion", category=Category.SUGGESTION, text="建议加装路灯")
    cancel = f"/my/reports/{waiting.report.report_id}/cancel"
    assert (await voices.post(cancel, voices.owner("wang"), reason="想明白了")).json()["state"] == "cancelled"
    assert (await town.order(waiting.report.work_order_id)).state == "cancelled"
    assert (await voices.post(cancel, voices.owner("wang"))).json()["code"] == "report_withdrawn"

    sent = await leak(voices)
    refused = await voices.post(f"/my/reports/{sent.report.report_id}/cancel", voices.owner("wang"))
    assert (refused.status_code, refused.json()["code"]) == (409, "cancel_too_late")
    assert "客服" in refused.json()["message"]

    # What somebody else reported too goes on without them.
    await town.resident("li", "3-2-502", name="李先生")
    joined = await leak(voices, "li")
    assert joined.joined
    back = await voices.post(f"/my/reports/{joined.report.report_id}/cancel", voices.owner("li"))
    assert (back.status_code, back.json()["state"]) == (200, "cancelled")
    assert (await town.order(sent.report.work_order_id)).state == "dispatched"
    told = len(await town.told("li"))
    await mend(voices, sent)
    assert len(await town.told("li")) == told


async def test_one_reminder_and_then_silence_is_consent(voices: Voices) -> None:
    town = voices.town
    await town.resident("li", "3-2-502", name="李先生")
    reported, other = await leak(voices), await leak(voices, "li")
    assert other.joined
    await mend(voices, reported)
    # One of two is content: the order waits for the other.
    for satisfaction in (2, 1):
        confirmed = await voices.post(
            f"/my/reports/{other.report.report_id}/confirm", voices.owner("li"), satisfaction=satisfaction
        )  # fmt: skip
    # However often they say so, customer service calls once.
    assert [one.kind for one in await town.orders()].count("return_visit") == 1
    assert (confirmed.json()["outcome"], confirmed.json()["state"]) == ("accepted", "done")
    for _ in range(3):
        await town.sweep(seconds=86_400)
    assert (await town.told("wang")).count("work_order.verdict_wanted") == 1
    assert "work_order.verdict_wanted" not in await town.told("li")
    await town.sweep(seconds=5 * 86_400)
    assert (await town.order(reported.report.work_order_id)).state == "closed"
    entries = (await town.page(reported.report.work_order_id)).timeline
    assert [entry.what for entry in entries if entry.what.startswith("owner_")] == [
        "owner_confirmed", "owner_confirmed", "owner_silent",
    ]  # fmt: skip


async def test_the_link_of_a_message_is_as_good_as_a_login(voices: Voices) -> None:
    reported = await leak(voices)
    link = voices.town.room.links.path(reported.report.report_id).removeprefix("/o")
    by_link = "/reports/by-link/" + link.rsplit("/", 1)[1]
    assert (await voices.post(by_link + "/urge", {})).status_code == 200
    await mend(voices, reported)
    assert (await voices.post(by_link + "/rating", {}, speed=4, attitude=5, quality=4)).status_code == 201
    answer = await voices.post(by_link + "/confirm", {})
    assert (answer.status_code, answer.json()["state"], answer.headers["cache-control"]) == (200, "closed", "no-store")
    for wish in ("confirm", "reject", "rating", "urge", "cancel"):
        body = {"reason": "x", "speed": 5, "attitude": 5, "quality": 5}
        keys = {"reject": ["reason"], "rating": ["speed", "attitude", "quality"]}.get(wish, [])
        forged = await voices.post(f"/reports/by-link/nonsense/{wish}", {}, **{key: body[key] for key in keys})
        assert (forged.status_code, forged.json()["code"]) == (404, "report_link_refused")


async def test_each_step_is_told_in_plain_words(voices: Voices) -> None:
    town = voices.town
    reported = await leak(voices)
    order = reported.report.work_order_id
    engineer = voices.as_(Role.ENGINEER, await voices.assignee(order))
    desk = voices.as_(Role.DISPATCHER, "dispatcher")
    later = (town.clock.now() + timedelta(hours=5)).isoformat()
    await voices.move(order, engineer, "accept")
    await voices.move(order, engineer, "hold", reason="等配件", hold_until=later)
    await voices.move(order, engineer, "resume")
    await voices.move(order, engineer, "transfer", reason="另有急修", assignee_id=str(town.person["guard"]))
    await voices.move(order, desk, "outsource", reason="需要专业设备", assignee_id=str(town.person["contractor"]))
    await voices.move(order, voices.as_(Role.ENGINEER, "contractor"), "accept")
    assert await town.told("wang") == [
        f"work_order.{step}"
        for step in ("received", "assigned", "on_hold", "resumed", "handed_over", "outsourced", "assigned")
    ]


async def test_nobody_is_asked_about_what_the_desk_has_closed(voices: Voices) -> None:
    town = voices.town
    reported = await leak(voices)
    await mend(voices, reported)
    await voices.move(reported.report.work_order_id, voices.as_(Role.MANAGER, "manager"), "close")
    for _ in range(9):
        await town.sweep(seconds=86_400)
    assert "work_order.verdict_wanted" not in await town.told("wang")
    timeline = (await town.page(reported.report.work_order_id)).timeline
    assert "owner_silent" not in [entry.what for entry in timeline]
    assert (await town.order(reported.report.work_order_id)).confirmed_at is None


async def test_what_telemetry_cannot_prove_is_closed_by_its_owner_once_a_supervisor_verified_it(voices: Voices) -> None:
    town = voices.town
    reported = await leak(voices)
    order, confirm = reported.report.work_order_id, f"/my/reports/{reported.report.report_id}/confirm"
    await mend(voices, reported)
    for verdict in ("refuted", "unproved"):
        async with town.database.transaction() as session:
            (await session.get_one(WorkOrder, order)).proof = verdict
        confirmed = await voices.post(confirm, voices.owner("wang"), satisfaction=5)
        assert confirmed.json()["state"] == "done"
    await voices.move(order, voices.as_(Role.MANAGER, "manager"), "verify")
    assert (await town.order(order)).state == "closed"


async def test_each_rejection_of_life_safety_work_is_told_the_desk(voices: Voices) -> None:
    town = voices.town
    await town.resident("wang", "3-2-502")
    reported = await leak(
        voices, category=Category.ELEVATOR, fault_mode="passenger_trapped", equipment_id=town.equipment["LIFT-02"],
        space_id=None,
    )  # fmt: skip
    for attempt in (1, 2):
        async with town.database.transaction() as session:
            order = await session.get_one(WorkOrder, reported.report.work_order_id)
            order.state, order.stage, order.attempt = "done", None, attempt
        path = f"/my/reports/{reported.report.report_id}/reject"
        assert (await voices.post(path, voices.owner("wang"), reason="还在晃")).status_code == 200
        assert (await town.told("dispatcher")).count("staff.rejected") == attempt
