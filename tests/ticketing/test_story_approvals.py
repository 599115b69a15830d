"""Approvals through HTTP: policies, everybody's and anybody's word, deputies, time that runs out, waiting orders."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import update

from catalog.endpoints import STATUS as CATALOG_STATUS
from kit.ids import new_id
from people.endpoints import STATUS as PEOPLE_STATUS
from people.models import Person
from tests.api import FakeLogins, client_of, make_app
from tests.ticketing.door import MODULES, Door
from tests.ticketing.town import Town
from ticketing.approvals import endpoints
from ticketing.approvals.events import ApprovalEnded
from ticketing.definitions import endpoints as definition_endpoints
from ticketing.events import WorkOrderMoved
from ticketing.kinds import Category
from ticketing.models import WorkOrder

NAMES = {"zh-CN": "大额维修", "en": "Costly work"}
OVER_500 = {"fact": "cost", "op": ">", "value": 500}


@pytest.fixture
async def door(town: Town) -> AsyncIterator[Door]:
    logins, modules = FakeLogins(), (*MODULES, endpoints)
    status: dict[Any, int] = dict(definition_endpoints.STATUS | PEOPLE_STATUS | CATALOG_STATUS)
    for module in modules:
        status |= getattr(module, "STATUS", {})
    app = make_app(
        town.database, routers=[module.router for module in modules], services=town.room.services, status=status,
        rooms=["catalog", "people", "alarms", "ticketing", "ticketing.definitions", "ticketing.approvals"],
        logins=logins,
    )  # fmt: skip
    async with client_of(app) as client:
        yield Door(town, client, logins)


async def hand_out(town: Town) -> None:
    """What an approval set off, as the hub's subscriptions do."""
    following = town.room.approvals.following
    for event in [one for one in town.outbox.events if isinstance(one, ApprovalEnded | WorkOrderMoved)]:
        async with town.database.transaction() as session:
            if isinstance(event, ApprovalEnded):
                await following.on_ended(session, event)
            else:
                await following.on_moved(session, event)


async def order_of(town: Town, cost: int, **changes: Any) -> UUID:
    """A repair that the handyman has on his hands and that cost so much."""
    reported = await town.report(text="更换水管", source_ref=f"approval:{new_id()}", **changes)
    order_id = reported.report.work_order_id
    async with town.database.transaction() as session:
        await session.execute(
            update(WorkOrder)
            .where(WorkOrder.id == order_id)
            .values(cost=Decimal(cost), state="in_progress", assignee_id=town.person["handyman"])
        )
    return order_id


async def asks(door: Door, policy: list[dict[str, Any]], *, covers: str = "close", code: str = "costly") -> Any:
    document = {"code": code, "names": NAMES, "steps": policy}
    body = {"site_id": str(door.town.site_id), "covers": covers, "document": document}
    return await door.post("manager", "/approval-policies", **body)


def persons(town: Town, *who: str) -> dict[str, Any]:
    return {"persons": [str(town.person[name]) for name in who]}


async def test_a_costly_order_is_closed_once_both_agreed_the_one_by_his_deputy(door: Door) -> None:
    town = door.town
    step = {"who": persons(town, "manager", "control_room"), "mode": "all", "when": OVER_500}
    assert (await asks(door, [step])).status_code == 201
    cheap, costly = await order_of(town, 500), await order_of(town, 501)
    for order in (cheap, costly):
        await door.act("dispatcher", order, "finish", closing_code="real_fault", reason="换管")
    await door.act("dispatcher", cheap, "close")
    refused = await door.post("dispatcher", f"/work-orders/{costly}/actions", action="close")
    assert (refused.status_code, refused.json()["code"]) == (409, "approval_missing")
    nothing = await door.post("dispatcher", f"/work-orders/{cheap}/approvals", action="close")
    assert (nothing.status_code, nothing.json()["code"]) == (409, "nothing_to_approve")

    asked = await door.post("dispatcher", f"/work-orders/{costly}/approvals", action="close", reason="材料费高")
    assert asked.status_code == 201, asked.text
    approval = asked.json()
    assert sorted(each["name"] for each in approval["waits_for"]) == ["孙丽", "陈晨"]
    assert (approval["facts"]["cost"], approval["mode"], approval["state"]) == ("501.00", "all", "pending")
    assert "staff.approval_wanted" in await town.told("manager")
    again = await door.post("dispatcher", f"/work-orders/{costly}/approvals", action="close")
    assert (again.status_code, again.json()["code"]) == (409, "approval_pending")

    # Of a complaint about one of them only the other hears; nor does the accused stand in for anybody.
    complaint = (await town.report(category=Category.COMPLAINT, text="孙丽态度恶劣")).report.work_order_id
    async with town.database.transaction() as session:
        await session.execute(update(WorkOrder).where(WorkOrder.id == complaint).values(cost=Decimal(501)))
    told = (await town.told("manager")).count("staff.approval_wanted")
    about = await door.post("dispatcher", f"/work-orders/{complaint}/approvals", action="close")
    assert [each["name"] for each in about.json()["waits_for"]] == ["陈晨"]
    assert (await town.told("manager")).count("staff.approval_wanted") == told
    assert (
        await door.post("control_room", f"/approvals/{about.json()['id']}/vote", verdict="approve")
    ).status_code == 200

    vote = f"/approvals/{approval['id']}/vote"
    stranger = await door.post("guard", vote, verdict="approve")
    assert (stranger.status_code, stranger.json()["code"]) == (403, "not_your_approval")
    day = timedelta(days=1)
    leave = {
        "site_id": str(town.site_id), "starts_at": (town.clock.now() - day).isoformat(),
        "ends_at": (town.clock.now() + day).isoformat(), "reason": "休假",
    }  # fmt: skip
    given = await door.post("control_room", "/approval-delegations", to_id=str(town.person["guard"]), **leave)
    assert given.status_code == 201, given.text
    # Whoever asked speaks in nobody's name.
    own = await door.post("manager", "/approval-delegations", to_id=str(town.person["dispatcher"]), **leave)
    assert own.status_code == 201, own.text
    assert (await door.get("dispatcher", "/my/approvals")).json() == []
    asker = await door.post("dispatcher", vote, verdict="approve")
    assert (asker.status_code, asker.json()["code"]) == (403, "not_your_approval")
    back = await door.post("guard", "/approval-delegations", to_id=str(town.person["control_room"]), **leave)
    assert (back.status_code, back.json()["facts"]) == (409, {"reason": "circle"})
    assert [each["id"] for each in (await door.get("guard", "/my/approvals")).json()] == [approval["id"]]
    assert (await door.post("guard", vote, verdict="approve", comment="已核对")).status_code == 200
    assert (await door.get("guard", "/my/approvals")).json() == []
    done = (await door.post("manager", vote, verdict="approve")).json()
    assert (done["state"], [each["in_name_of"] and each["in_name_of"]["name"] for each in done["votes"]]) == (
        "approved", ["陈晨", None],
    )  # fmt: skip
    late = await door.post("manager", vote, verdict="reject")
    assert (late.status_code, late.json()["code"]) == (409, "approval_ended")
    assert "staff.approval_ended" in await town.told("dispatcher")
    closed = await door.act("dispatcher", costly, "close")
    assert closed["state"] == "closed"
    what = [entry["what"] for entry in (await door.order(costly))["timeline"]]
    assert [word for word in what if word.startswith("approval")] == [
        "approval_asked", "approval_voted", "approval_voted", "approval_ended",
    ]  # fmt: skip


async def test_work_that_waits_for_an_approval_goes_on_by_itself_and_what_time_does_is_written_down(door: Door) -> None:
    town = door.town
    late = {"after_min": 60, "then": "escalate", "to": persons(town, "manager")}
    first = {"who": persons(town, "control_room"), "mode": "single", "late": late}
    second = {"who": persons(town, "dispatcher", "guard"), "mode": "any", "late": {"after_min": 30, "then": "reject"}}
    assert (await asks(door, [first, second], covers="ask_approval", code="extra")).status_code == 201
    order = await order_of(town, 0, reporter_id=await town.resident("wang", "3-2-502"))
    waiting = await door.act("handyman", order, "ask_approval", reason="需更换整段管道")
    assert (waiting["state"], waiting["stage"]) == ("on_hold", "to_approve")
    refused = await door.post("dispatcher", f"/work-orders/{order}/actions", action="grant")
    assert refused.status_code == 403, "only the hub grants"

    service = town.room.approvals.service
    town.clock.advance(seconds=3_601)
    async with town.database.transaction() as session:
        await service.sweep(session)
    (mine,) = (await door.get("manager", "/my/approvals")).json()
    assert {each["name"] for each in mine["waits_for"]} == {"陈晨", "孙丽"}
    assert (await door.post("manager", f"/approvals/{mine['id']}/vote", verdict="approve")).json()["step"] == 2
    both = [door.post(who, f"/approvals/{mine['id']}/vote", verdict="approve") for who in ("dispatcher", "guard")]
    assert sorted(answer.status_code for answer in await asyncio.gather(*both)) == [200, 409]
    await hand_out(town)
    assert (await door.order(order))["state"] == "accepted"
    assert (await town.told("wang"))[-2:] == ["work_order.to_approve", "work_order.resumed"]

    async with town.database.transaction() as session:
        await session.execute(update(WorkOrder).where(WorkOrder.id == order).values(state="in_progress"))
    await door.act("handyman", order, "ask_approval", reason="再换一段")
    (again,) = (await door.get("control_room", "/my/approvals")).json()
    await door.post("control_room", f"/approvals/{again['id']}/vote", verdict="approve")
    town.clock.advance(seconds=1_801)
    async with town.database.transaction() as session:
        await service.sweep(session)
    (refused_late, *_) = (await door.get("manager", f"/work-orders/{order}/approvals")).json()
    assert (refused_late["state"], refused_late["is_late"]) == ("rejected", True)
    await hand_out(town)
    assert (await door.order(order))["state"] == "accepted"


async def test_bad_input_says_what_would_do(door: Door) -> None:
    town = door.town
    wrong = await asks(door, [{"who": {"role": "manager"}, "mode": "single"}])
    assert (wrong.status_code, wrong.json()["facts"]["problems"]) == (422, ["ticketing.document.single_needs_one"])
    unknown = await asks(door, [{"who": {"persons": [str(new_id())]}, "mode": "single"}])
    assert unknown.status_code == 404
    first = await asks(door, [{"who": persons(town, "manager"), "mode": "any"}])
    other = await asks(door, [{"who": persons(town, "manager"), "mode": "any"}], code="another")
    assert (other.status_code, other.json()["facts"]["by_code"]) == (409, "costly")
    second = await asks(door, [{"who": persons(town, "manager"), "mode": "any"}])
    assert [first.json()["version"], second.json()["version"]] == [1, 2]
    elsewhere = {"site_id": str(new_id()), "covers": "close", "document": {}}
    assert (await door.post("manager", "/approval-policies", **elsewhere)).status_code == 404
    assert (await door.post("manager", f"/approvals/{new_id()}/vote", verdict="approve")).status_code == 404
    assert (await door.post("manager", f"/approvals/{new_id()}/vote", verdict="maybe")).status_code == 422
    assert (await door.post("manager", f"/approval-policies/{new_id()}/retire")).status_code == 404

    # Two policies for one action at once: one is in force, the other is told so.
    any_of_us = [{"who": persons(town, "manager"), "mode": "any"}]
    answers = await asyncio.gather(
        *(asks(door, any_of_us, covers="ask_approval", code=code) for code in ("left", "right", "third"))
    )
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409]

    order = await order_of(town, 0)
    approval = (await door.post("dispatcher", f"/work-orders/{order}/approvals", action="close")).json()
    far = await door.ask(
        "POST", "manager", f"/approvals/{approval['id']}/vote", json={"verdict": "approve"}, site_id=new_id()
    )
    assert far.status_code == 404, "another site's approval is not there"
    await door.act("dispatcher", order, "cancel", reason="业主取消")
    await hand_out(town)
    (withdrawn,) = (await door.get("manager", f"/work-orders/{order}/approvals")).json()
    assert (withdrawn["state"], withdrawn["waits_for"]) == ("withdrawn", [])


async def test_nobody_who_left_is_waited_for(door: Door) -> None:
    town = door.town
    await asks(door, [{"who": persons(town, "guard", "control_room"), "mode": "all"}])
    order = await order_of(town, 0)
    approval = (await door.post("dispatcher", f"/work-orders/{order}/approvals", action="close")).json()
    vote = f"/approvals/{approval['id']}/vote"
    assert (await door.post("control_room", vote, verdict="approve")).status_code == 200

    async def leaves(who: str) -> None:
        async with town.database.transaction() as session:
            await session.execute(update(Person).where(Person.id == town.person[who]).values(is_active=False))
        async with town.database.transaction() as session:
            await town.room.approvals.service.sweep(session)

    await leaves("guard")
    (mine,) = (await door.get("manager", "/my/approvals")).json()
    assert [each["name"] for each in mine["waits_for"]] == ["孙丽"], "whoever answers for the site stands in"
    assert "staff.approval_wanted" in await town.told("manager")
    await leaves("control_room")  # what they said stands
    assert (await door.post("manager", vote, verdict="approve")).json()["state"] == "approved"
    what = [entry["what"] for entry in (await door.order(order))["timeline"]]
    assert what.count("approval_handed_on") == 1

    # The next one is asked of those who are here at once.
    other = await order_of(town, 0)
    asked = (await door.post("dispatcher", f"/work-orders/{other}/approvals", action="close")).json()
    assert [each["name"] for each in asked["waits_for"]] == ["孙丽"]
