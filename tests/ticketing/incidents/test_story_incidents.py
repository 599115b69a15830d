"""Orders that are one, and orders that are several: through HTTP, by people who must not see each other."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from catalog.models import Equipment
from kit.access import Scope
from kit.ids import new_id
from tests.ticketing.door import Door, open_door
from tests.ticketing.town import Town
from ticketing import repository
from ticketing.kinds import Category, Channel
from ticketing.models import WorkOrder
from ticketing.reports import NewReport

SECRETS = {
    "wang": ("我家老人出不去", "13811112222", "王芳"),
    "liu": ("又是三栋这破电梯", "13933334444", "刘洋"),
}


@pytest.fixture
async def door(town: Town) -> AsyncIterator[Door]:
    await town.resident("wang", "3-2-502", "王芳")
    await town.resident("liu", "3-2-602", "刘洋")
    async with open_door(town) as door:
        yield door


async def reported(town: Town, who: str, **where: Any) -> tuple[str, str]:
    """A report by an owner with words and a number of their own: (order, report)."""
    words, phone, _ = SECRETS[who]
    done = await town.report(reporter_id=town.person[who], text=words, contact_phone=phone, **where)
    return str(done.report.work_order_id), str(done.report.report_id)


async def test_merged_by_hand_and_taken_apart_again(door: Door) -> None:
    town = door.town
    await town.detect("LIFT-02", "door_stuck")
    await town.detect("LIFT-02", "levelling_error")
    first, second = [str(order.id) for order in await town.orders()]
    order, report = await reported(town, "wang", space_id=town.spaces["3-2-502"], category=Category.ELEVATOR)
    assert order not in (first, second)

    merge = f"/work-orders/{order}/merge"
    assert (await door.post("dispatcher", merge, into=str(new_id()))).status_code == 404
    assert (await door.post("dispatcher", merge, into=order)).json()["facts"]["reason"] == "same_order"
    assert (await door.post("dispatcher", merge, into=first, version=99)).json()["code"] == "stale_work_order"
    assert (await door.post("pump_engineer", merge, into=first)).status_code == 403
    async with town.database.transaction() as session:
        (await session.get_one(WorkOrder, UUID(first))).arrival_due_at = None
    promised = (await town.order(UUID(order))).arrival_due_at
    merged = await door.post("dispatcher", merge, into=first, reason="同一部电梯")
    assert (merged.status_code, merged.json()["id"]) == (200, first)
    # Somebody has to be there by when the reporter was promised it.
    assert (await town.order(UUID(first))).arrival_due_at == promised
    assert promised is not None
    assert [one["id"] for one in merged.json()["report_list"]] == [report]
    gone = await door.order(order)
    assert (gone["state"], gone["closing_code"]) == ("closed", "duplicate")
    assert gone["family"]["merged_into"]["id"] == gone["family"]["duplicates"]["id"] == first
    assert [one["id"] for one in (await door.order(first))["family"]["absorbed"]] == [order]
    seen = (await door.get("wang", f"/my/reports/{report}")).json()
    assert seen["number"] == (await door.order(first))["number"]
    assert await town.told("wang") == ["work_order.received", "work_order.joined"]
    again = await door.post("dispatcher", merge, into=second)
    assert (again.status_code, again.json()["facts"]["reason"]) == (409, "already_merged")

    # An order with an alarm of its own goes in as well, and what its alarm says next comes along.
    await door.post("dispatcher", f"/work-orders/{second}/merge", into=first)
    await town.detect("LIFT-02", "levelling_error", active=False)
    await town.detect("LIFT-02", "levelling_error", onset=town.clock.now())
    assert len(await town.orders()) == 3
    assert len((await door.order(first))["alarms"]) >= 2

    undo = f"/work-orders/{order}/unmerge"
    back = await door.post("dispatcher", undo, reason="是另一部电梯")
    assert (back.status_code, back.json()["id"]) == (200, order), back.text
    assert back.json()["state"] in ("reopened", "dispatched")
    assert [one["id"] for one in back.json()["report_list"]] == [report]
    assert (await door.order(first))["reports"] == 0
    assert [one["person_id"] for one in (await door.get("manager", f"/work-orders/{order}/followers")).json()] == [
        str(town.person["wang"])
    ]
    assert (await door.get("manager", f"/work-orders/{first}/followers")).json() == []
    assert (await door.post("dispatcher", undo, reason="再拆一次")).json()["code"] == "not_merged"


async def test_a_trapped_passenger_goes_into_no_ordinary_order(door: Door) -> None:
    town = door.town
    await town.detect("LIFT-01", "door_stuck")
    await town.trap_passenger()
    repair, entrapment = [str(order.id) for order in await town.orders()]
    refused = await door.post("dispatcher", f"/work-orders/{entrapment}/merge", into=repair)
    assert (refused.status_code, refused.json()["facts"]["reason"]) == (409, "life_safety")
    assert "生命安全" in refused.json()["message"]
    refused = await door.ask("PUT", "dispatcher", f"/work-orders/{entrapment}/root", json={"root": repair})
    assert (refused.status_code, refused.json()["facts"]["reason"]) == (409, "life_safety")


async def test_a_report_about_something_else_gets_an_order_of_its_own(door: Door) -> None:
    town = door.town
    order, mine = await reported(town, "wang", equipment_id=town.equipment["LIFT-02"])
    path = f"/work-orders/{order}/reports/{mine}/split"
    alone = await door.post("dispatcher", path, reason="不是电梯")
    assert (alone.status_code, alone.json()["code"]) == (409, "split_not_possible")

    same, other = await reported(town, "liu", equipment_id=town.equipment["LIFT-02"])
    assert same == order
    path = f"/work-orders/{order}/reports/{other}/split"
    assert (await door.post("dispatcher", path)).status_code == 422
    assert (await door.post("dispatcher", path, reason="x", equipment_id=str(new_id()))).status_code == 422
    new = await door.post(
        "dispatcher", path, reason="说的是楼道灯", category="lighting", space_id=str(town.spaces["3-2"])
    )
    assert new.status_code == 201, new.text
    assert (new.json()["category"], [one["id"] for one in new.json()["report_list"]]) == ("lighting", [other])
    assert [one["id"] for one in (await door.order(order))["report_list"]] == [mine]
    assert await town.told("liu") == ["work_order.joined", "work_order.received"]
    assert (await door.get("liu", f"/my/reports/{other}")).json()["number"] == new.json()["number"]
    assert (await door.post("dispatcher", path, reason="再拆")).status_code == 404


async def test_what_somebody_filled_in_is_theirs_also_where_their_report_joins(door: Door) -> None:
    town = door.town
    home = {"space_id": town.spaces["3-2-502"], "category": Category.WATER_LEAK, "kind": "home_repair"}
    order, _ = await reported(town, "wang", form={"access_note": "门口有狗"}, **home)
    tomorrow = town.clock.now() + timedelta(days=1)
    same, mine = await reported(town, "liu", form={"access_note": "下午在家"}, appointment_at=tomorrow, **home)
    assert same == order
    shown = await door.order(order)
    assert shown["form"] == {"access_note": "门口有狗"}
    assert [[one["value"] for one in each["answers"]] for each in shown["report_list"]] == [["门口有狗"], ["下午在家"]]
    assert shown["report_list"][1]["answers"][0]["names"]["zh-CN"] == "上门须知"
    assert [each["appointment_at"] is None for each in shown["report_list"]] == [True, False]
    assert shown["appointment_at"] is None

    new = await door.post("dispatcher", f"/work-orders/{order}/reports/{mine}/split", reason="两家各修各的")
    assert new.status_code == 201, new.text
    assert new.json()["form"] == {"access_note": "下午在家"}
    assert new.json()["appointment_at"] == shown["report_list"][1]["appointment_at"]


async def test_orders_hang_under_the_one_that_explains_them(door: Door) -> None:
    town = door.town
    async with town.database.transaction() as session:
        pump = await session.get_one(Equipment, town.equipment["PUMP-01"])
        # The detector hangs on the pump here, as a riser does: what matters is who is above whom.
        (await session.get_one(Equipment, town.equipment["LIFT-01"])).parent_id = pump.id
    await town.detect("LIFT-01", "low_pressure")
    child = str((await town.only_order()).id)
    assert (await door.order(child))["family"]["root"] is None
    await town.detect("PUMP-01", "dry_run")
    root = str((await town.orders())[-1].id)

    assert (await door.order(child))["family"]["root"]["id"] == root
    assert [one["id"] for one in (await door.order(root))["family"]["children"]] == [child]
    listed = (await door.get("dispatcher", "/work-orders", root=root)).json()["items"]
    assert [(line["id"], line["root_id"]) for line in listed] == [(child, root)]
    unlinked = await door.ask("DELETE", "dispatcher", f"/work-orders/{child}/root")
    assert unlinked.json()["family"]["root"] is None
    linked = await door.ask(
        "PUT", "dispatcher", f"/work-orders/{child}/root", json={"root": root, "reason": "停泵引起"}
    )
    assert (linked.status_code, linked.json()["root_id"]) == (200, root)
    assert (await door.ask("PUT", "dispatcher", f"/work-orders/{root}/root", json={"root": root})).status_code == 409

    await door.act("dispatcher", root, "finish", closing_code="real_fault")
    asked = await door.post("dispatcher", f"/work-orders/{root}/actions", action="close")
    assert (asked.status_code, asked.json()["facts"]["field"]) == (422, "children")
    assert (await door.order(child))["number"] in asked.json()["message"]
    await door.act("dispatcher", root, "close", children="close")
    ended = await door.order(child)
    assert (ended["state"], ended["closing_code"], ended["family"]["duplicates"]["id"]) == ("closed", "duplicate", root)


async def test_children_that_are_kept_go_on_by_themselves(door: Door) -> None:
    town = door.town
    await town.detect("PUMP-01", "dry_run")
    await town.detect("LIFT-01", "door_stuck")
    root, child = [str(order.id) for order in await town.orders()]
    await door.ask("PUT", "dispatcher", f"/work-orders/{child}/root", json={"root": root})
    await door.act("dispatcher", root, "finish", closing_code="real_fault")
    await door.act("dispatcher", root, "close", children="keep")
    freed = await door.order(child)
    assert (freed["state"], freed["root_id"]) == ("dispatched", None)


async def test_reporters_of_one_order_never_see_each_other_whichever_door_they_take(door: Door) -> None:
    town = door.town
    await town.detect("LIFT-02", "door_stuck")
    reports = {who: await reported(town, who, equipment_id=town.equipment["LIFT-02"]) for who in SECRETS}
    order = reports["wang"][0]
    assert {each[0] for each in reports.values()} == {order}
    for action in ("accept", "arrive"):
        await door.act("contractor", order, action)
    await door.act("contractor", order, "finish", closing_code="real_fault")

    for who, other in (("wang", "liu"), ("liu", "wang")):
        mine, theirs = reports[who][1], reports[other][1]
        hidden = (*SECRETS[other], theirs, str(town.person[other]))
        link = town.room.links.path((await report_row(town, mine)).id).removeprefix("/o/reports/")
        open_to_them = ("/my/reports", f"/my/reports/{mine}", f"/reports/by-link/{link}")
        answers = [await door.get(who, path) for path in open_to_them]
        assert {answer.status_code for answer in answers} == {200}
        closed = [
            await door.ask(method, who, path)
            for method, path in (
                ("GET", f"/my/reports/{theirs}"), ("PUT", f"/my/reports/{theirs}/follow"),
                ("DELETE", f"/my/reports/{theirs}/follow"), ("GET", f"/work-orders/{order}"),
                ("GET", f"/work-orders/{order}/followers"), ("GET", f"/work-orders/{order}/proofs"),
                ("GET", "/work-orders"), ("PUT", f"/work-orders/{order}/followers/me"),
            )
        ]  # fmt: skip
        assert {answer.status_code for answer in closed} <= {403, 404}
        said = [answer.text for answer in answers]
        # A refusal repeats the id it was asked about, and nothing else.
        said += [answer.text.replace(theirs, "") for answer in closed]
        said += [f"{notice.facts} {notice.link} {notice.key}" for notice in await town.notices(who)]
        for words in said:
            assert not [secret for secret in hidden if secret in words], words


async def report_row(town: Town, report_id: str) -> Any:
    async with town.database.transaction() as session:
        return await repository.report(session, UUID(report_id))


async def test_following_and_no_more(door: Door) -> None:
    town = door.town
    order, mine = await reported(town, "wang", equipment_id=town.equipment["LIFT-02"])
    await town.detect("LIFT-02", "door_stuck")
    me = f"/work-orders/{order}/followers/me"
    for _ in range(2):
        assert (await door.ask("PUT", "manager", me)).status_code == 204
    assert (await door.ask("PUT", "manager", me, site_id=new_id())).status_code == 404
    assert (await door.ask("DELETE", "wang", f"/my/reports/{mine}/follow")).status_code == 204
    before = (await town.told("manager")).count("staff.followed")
    await door.act("contractor", order, "accept")
    assert (await town.told("manager")).count("staff.followed") == before + 1
    assert "work_order.assigned" not in await town.told("wang")

    assert (await door.ask("DELETE", "manager", me)).status_code == 204
    assert (await door.ask("PUT", "wang", f"/my/reports/{mine}/follow")).status_code == 204
    await door.act("contractor", order, "arrive")
    assert (await town.told("manager")).count("staff.followed") == before + 1
    assert (await town.told("wang"))[-1] == "work_order.on_site"


async def test_the_same_again_is_shown_as_a_repeat_whoever_says_it(door: Door) -> None:
    town = door.town
    await town.detect("LIFT-02", "door_stuck")
    first = await town.only_order()
    await door.act("dispatcher", first.id, "finish", closing_code="real_fault")
    await door.act("dispatcher", first.id, "close")
    again, _ = await reported(town, "wang", equipment_id=town.equipment["LIFT-02"])
    shown = await door.order(again)
    assert (shown["is_repeat"], shown["repeat_of"]) == (True, first.number)
    assert shown["family"]["repeats"]["id"] == str(first.id)
    listed = (await door.get("dispatcher", "/work-orders", repeat=True)).json()["items"]
    assert [line["id"] for line in listed] == [again]


async def test_twenty_reports_at_once_are_one_order_and_a_message_three_times_is_one_report(door: Door) -> None:
    town = door.town

    async def report(number: int) -> bool:
        async with town.database.transaction() as session:
            new = NewReport(
                site_id=town.site_id, channel=Channel.WECHAT, text=f"{number}", category=Category.WATER_LEAK,
                space_id=town.spaces["3-2-502"], source_ref=f"wechat:{number // 3}",
            )  # fmt: skip
            return (await town.room.service.report(session, new)).joined

    joined = await asyncio.gather(*(report(number) for number in range(20)))
    order = await town.only_order()
    async with town.database.transaction() as session:
        kept = await repository.reports_of_order(session, order.id)
        assert (await repository.order(session, Scope.everywhere(), order.id)) is not None
    assert sorted(str(one.source_ref) for one in kept) == sorted(f"wechat:{number}" for number in range(7))
    assert joined.count(False) <= 3, "the message that opened it, as often as it was delivered"
