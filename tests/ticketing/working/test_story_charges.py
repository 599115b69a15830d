"""Who pays, and quotation → the owner's word → charge, over HTTP on a real PostgreSQL."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import update

from kit.ids import new_id
from tests.ticketing.working.conftest import Yard, strokes
from ticketing.kinds import Category
from ticketing.models import WorkOrder

PRICES = [
    {"code": "VISIT", "names": {"zh-CN": "上门费", "en": "Visit"}, "kind": "labour", "unit": "次", "price": "30.00"},
    {
        "code": "TAP",
        "names": {"zh-CN": "换水龙头", "en": "New tap"},
        "kind": "material",
        "unit": "个",
        "price": "65.00",
    },
]


@pytest.fixture
async def priced(yard: Yard) -> Yard:
    body = {"site_id": str(yard.town.site_id), "effective_from": "2026-11-01", "items": PRICES}
    assert (await yard.post("manager", "/price-lists", body)).status_code == 201
    return yard


async def _at_the_door(yard: Yard, **changes: Any) -> str:
    order = await yard.dripping_tap(**changes)
    await yard.act("pump_engineer", order, "accept")
    await yard.post("pump_engineer", f"/work-orders/{order}/check-in")
    return order


async def _quote(yard: Yard, order: str, *items: dict[str, Any]) -> dict[str, Any]:
    made = await yard.post("pump_engineer", f"/work-orders/{order}/quotations", {"items": list(items)})
    assert made.status_code == 201, made.text
    return dict(made.json())


async def _state(yard: Yard, order: str) -> tuple[str, str | None]:
    row = await yard.town.order(order)  # type: ignore[arg-type]
    return row.state, row.stage


async def _quotations(yard: Yard, order: str) -> list[str]:
    return [one["state"] for one in (await yard.get("manager", f"/work-orders/{order}/quotations")).json()]


async def _charges(yard: Yard, order: str) -> list[tuple[str, str, str]]:
    found = (await yard.get("dispatcher", f"/charges?work_order_id={order}")).json()["items"]
    return sorted((one["payer"], one["amount"], one["state"]) for one in found)


async def _link(yard: Yard, template: str) -> str:
    notice = [one for one in await yard.town.notices("wang") if one.template == template][-1]
    assert notice.link is not None
    return notice.link.removeprefix("/o/quotations/")


VALVE = {"name": "进口混水阀", "kind": "material", "unit": "个", "unit_price": "420.00"}


async def test_the_owner_approves_by_the_link_and_what_was_agreed_is_charged_once_it_is_done(priced: Yard) -> None:
    # Priority 2 runs round the clock, on this Sunday as well.
    yard, order = priced, await _at_the_door(priced, priority=2)
    quoted = await _quote(yard, order, {"code": "VISIT"}, VALVE)
    assert (quoted["state"], quoted["total"]) == ("asked", "450.00")
    assert quoted["why_asked"] == ["not_published", "above_threshold"]
    assert await _state(yard, order) == ("on_hold", "quoted")
    due = (await yard.town.order(order)).resolution_due_at  # type: ignore[arg-type]

    # Nobody says yes for the owner, and nothing else is done meanwhile.
    for action, words in (("approve_quote", {}), ("refuse_quote", {"reason": "x"})):
        spoken = await yard.act("manager", order, action, **words)
        assert (spoken.status_code, spoken.json()["code"]) == (409, "not_answered")

    yard.town.clock.advance(seconds=3600)
    token = await _link(yard, "quotation.asked")
    seen = (await yard.get(None, f"/quotations/by-link/{token}")).json()
    assert [(one["name"], one["total"], one["published_price"]) for one in seen["items"]] == [
        ("上门费", "30.00", "30.00"), ("进口混水阀", "420.00", None),
    ]  # fmt: skip
    approved = await yard.post(None, f"/quotations/by-link/{token}/answer", {"approve": True})
    assert (approved.status_code, approved.json()["state"]) == (200, "approved")
    assert await _state(yard, order) == ("accepted", None)
    # While the owner thought about it, the clock of the order stood still.
    assert (await yard.town.order(order)).resolution_due_at >= due + timedelta(hours=1)  # type: ignore[arg-type]
    assert await _charges(yard, order) == [("owner", "450.00", "agreed")]
    assert (await yard.town.told("pump_engineer"))[-1] == "staff.quotation"
    twice = await yard.post(None, f"/quotations/by-link/{token}/answer", {"approve": False})
    assert (twice.status_code, twice.json()["code"]) == (409, "quotation_decided")

    await yard.act("pump_engineer", order, "start")
    assert (await yard.act("pump_engineer", order, "finish", closing_code="real_fault")).status_code == 200
    assert await _charges(yard, order) == [("owner", "450.00", "due")]


async def test_the_owner_refuses_in_their_account_and_pays_nothing(priced: Yard) -> None:
    yard, order = priced, await _at_the_door(priced)
    quoted = await _quote(yard, order, {"code": "TAP", "unit_price": "99.00"})
    assert quoted["why_asked"] == ["above_published"]
    (mine,) = (await yard.get("wang", "/my/quotations")).json()
    answer = f"/my/quotations/{mine['id']}/answer"
    assert (await yard.post("pump_engineer", answer, {"approve": True})).status_code == 404
    refused = await yard.post("wang", answer, {"approve": False, "reason": "太贵"})
    assert (refused.json()["state"], refused.json()["decided_why"]) == ("rejected", "太贵")
    assert await _state(yard, order) == ("accepted", None)
    assert await _charges(yard, order) == []


async def test_at_published_prices_and_small_showing_it_is_enough_until_the_order_is_called_off(priced: Yard) -> None:
    yard, order = priced, await _at_the_door(priced)
    quoted = await _quote(yard, order, {"code": "VISIT"}, {"code": "TAP"})
    assert (quoted["state"], quoted["total"], quoted["why_asked"]) == ("shown", "95.00", [])
    assert (await _state(yard, order))[0] == "on_site"
    assert "quotation.shown" in await yard.town.told("wang")
    await _quote(yard, order, {"code": "VISIT"})
    assert await _charges(yard, order) == [("owner", "30.00", "agreed"), ("owner", "95.00", "void")]
    await yard.act("manager", order, "cancel", reason="业主取消")
    assert {state for _, _, state in await _charges(yard, order)} == {"void"}


async def test_whoever_the_hub_cannot_tell_signs_at_the_door(priced: Yard) -> None:
    yard = priced
    order = await yard.dripping_tap(reporter_id=None, contact_name="租客")
    await yard.act("pump_engineer", order, "accept")
    quoted = await _quote(yard, order, {"code": "VISIT"})
    assert (quoted["state"], quoted["why_asked"]) == ("asked", ["not_told"])
    path = f"/work-orders/{order}/quotations/{quoted['id']}/signature"
    other = await yard.send("handyman", path, strokes())
    assert (other.status_code, other.json()["code"]) == (403, "not_on_the_job")
    signed = await yard.send("pump_engineer", path, strokes())
    assert (signed.status_code, signed.json()["state"], signed.json()["decided_how"]) == (200, "approved", "signature")
    assert await _charges(yard, order) == [("owner", "30.00", "agreed")]


async def test_a_quotation_nobody_answers_lapses_and_a_new_one_may_be_made(priced: Yard) -> None:
    yard, order = priced, await _at_the_door(priced)
    await _quote(yard, order, VALVE)
    token = await _link(yard, "quotation.asked")
    # A better offer while the owner thinks takes its place; the order goes on waiting.
    await _quote(yard, order, {**VALVE, "unit_price": "380.00"})
    withdrawn = await yard.post(None, f"/quotations/by-link/{token}/answer", {"approve": True})
    assert withdrawn.status_code == 409
    assert await _state(yard, order) == ("on_hold", "quoted")
    newer = await _link(yard, "quotation.asked")
    yard.town.clock.advance(seconds=7 * 86400)
    assert (await yard.post(None, f"/quotations/by-link/{newer}/answer", {"approve": True})).status_code == 404
    async with yard.town.database.transaction() as session:
        await yard.town.room.work.quotations.lapse(session)
    assert await _quotations(yard, order) == ["lapsed", "withdrawn"]
    assert await _state(yard, order) == ("accepted", None)
    assert await _charges(yard, order) == []


async def test_a_cheaper_offer_at_published_prices_lets_the_work_go_on(priced: Yard) -> None:
    yard, order = priced, await _at_the_door(priced)
    await _quote(yard, order, VALVE)
    assert await _state(yard, order) == ("on_hold", "quoted")
    assert (await _quote(yard, order, {"code": "TAP"}))["state"] == "shown"
    assert await _state(yard, order) == ("accepted", None)
    assert await _charges(yard, order) == [("owner", "65.00", "agreed")]


async def test_nobody_is_asked_any_more_once_the_order_is_called_off_and_others_still_lapse(priced: Yard) -> None:
    yard, town = priced, priced.town
    homes = ("3-1-502", "3-2-502", "3-2-602")
    ended, left, waiting = [await _at_the_door(yard, space_id=town.spaces[one]) for one in homes]
    for order in (ended, left, waiting):
        await _quote(yard, order, VALVE)
    assert (await yard.act("manager", ended, "cancel", reason="业主取消")).status_code == 200
    assert await _quotations(yard, ended) == ["withdrawn"]
    # As it stands between the end of an order and the word of it: what has ended cannot be moved.
    async with town.database.transaction() as session:
        await session.execute(update(WorkOrder).where(WorkOrder.id == UUID(left)).values(state="closed", stage=None))
    town.clock.advance(seconds=7 * 86400)
    async with town.database.transaction() as session:
        await town.room.work.quotations.lapse(session)
    assert (await _quotations(yard, left), await _quotations(yard, waiting)) == (["withdrawn"], ["lapsed"])


async def test_whoever_no_longer_pays_is_asked_nothing_and_charged_nothing(priced: Yard) -> None:
    yard, order = priced, await _at_the_door(priced)
    await _quote(yard, order, VALVE)
    nobody = {"person_at_fault_id": str(new_id())}
    assert (await yard.put("pump_engineer", f"/work-orders/{order}/payer", nobody)).status_code == 404
    free = {"payer": "property_fee", "reason": "项目承诺免费"}
    assert (await yard.put("manager", f"/work-orders/{order}/payer", free)).status_code == 200
    assert (await _quotations(yard, order), await _state(yard, order)) == (["withdrawn"], ("accepted", None))

    assert (await yard.put("manager", f"/work-orders/{order}/payer", {"payer": "owner"})).status_code == 200
    await _quote(yard, order, {"code": "TAP"})
    await yard.put("pump_engineer", f"/work-orders/{order}/payer", {"payer": None, "part": "plumbing"})
    assert await _charges(yard, order) == [("owner", "65.00", "agreed")]
    fault = {"person_at_fault_id": yard.id_of("wang"), "reason": "自己打孔"}
    assert (await yard.put("pump_engineer", f"/work-orders/{order}/payer", fault)).json()["payer"] == "person_at_fault"
    assert await _charges(yard, order) == [("owner", "65.00", "void")]


async def test_the_developers_warranty_pays_for_a_leak_and_is_billed_what_it_cost(priced: Yard) -> None:
    yard, town = priced, priced.town
    body = {
        "site_id": str(town.site_id), "building_id": str(town.buildings["B03"]), "provider": "城建开发",
        "accepted_on": "2023-06-01",
    }  # fmt: skip
    entered = await yard.post("manager", "/warranties/statutory", body)
    assert {one["part"]: one["ends_on"] for one in entered.json()}["waterproofing"] == "2028-05-31"
    # That of one building says nothing of another, nor of what is in no building.
    pump = {"equipment_id": town.equipment["PUMP-01"], "space_id": None}
    for elsewhere in (pump, {"space_id": None, "building_id": town.buildings["B05"]}, {"space_id": None}):
        row = await town.order((await town.report(category=Category.WATER_LEAK, **elsewhere)).report.work_order_id)
        assert "warranty" not in {one["rule"] for one in row.payer_facts["reasons"]}
    order = await _at_the_door(yard)
    sheet = (await yard.get("dispatcher", f"/work-orders/{order}/work")).json()
    assert sheet["payer"]["payer"] == "developer"
    assert sheet["payer"]["reasons"][0]["words"] == "3栋的防水由城建开发质保至 2028-05-31，在质保期内。"
    nobody = await yard.post("pump_engineer", f"/work-orders/{order}/quotations", {"items": [{"code": "VISIT"}]})
    assert (nobody.status_code, nobody.json()["code"]) == (409, "nobody_to_ask")

    # On site it turns out to be a pipe, whose two years are over; then that a neighbour drilled into it.
    pipe = (await yard.put("pump_engineer", f"/work-orders/{order}/payer", {"part": "plumbing"})).json()
    assert [one["rule"] for one in pipe["reasons"]] == ["in_home", "warranty_ended"]
    fault = {"somebody_at_fault": True, "reason": "邻居打孔"}
    assert (await yard.put("pump_engineer", f"/work-orders/{order}/payer", fault)).json()["payer"] == "person_at_fault"
    said = {"payer": "developer", "reason": "开发商同意承担"}
    assert (await yard.put("pump_engineer", f"/work-orders/{order}/payer", said)).status_code == 403
    assert (await yard.put("manager", f"/work-orders/{order}/payer", said)).json()["payer"] == "developer"

    house, parts = await yard.storehouse(PIPE=5)
    part = {"action": "use", "storehouse_id": house, "part_id": parts["PIPE"], "quantity": "2"}
    await yard.post("pump_engineer", f"/work-orders/{order}/parts", part)
    held = {**part, "action": "reserve"}
    assert (await yard.post("pump_engineer", f"/work-orders/{order}/parts", held)).status_code == 201
    await yard.act("pump_engineer", order, "finish", closing_code="real_fault")
    assert await _charges(yard, order) == [("developer", "60.00", "due")]
    (level,) = (await yard.get("manager", f"/stock-levels?part_id={parts['PIPE']}")).json()["items"]
    assert (level["on_hand"], level["reserved"]) == ("3.000", "0.000")


async def test_what_cannot_be_meant_is_refused(priced: Yard) -> None:
    yard, order = priced, await _at_the_door(priced)
    path = f"/work-orders/{order}/quotations"
    unknown = await yard.post("pump_engineer", path, {"items": [{"code": "GOLD"}]})
    assert (unknown.status_code, unknown.json()["code"]) == (422, "item_unknown")
    bare = await yard.post("pump_engineer", path, {"items": [{"name": "阀"}]})
    assert (bare.status_code, bare.json()["facts"]["field"]) == (422, "kind")
    gold = {**VALVE, "quantity": "999999", "unit_price": "99999999"}
    much = await yard.post("pump_engineer", path, {"items": [gold]})
    assert (much.status_code, much.json()["code"]) == (422, "quotation_too_much")
    house, parts = await yard.storehouse(TAP=1)
    goods = {"part_id": parts["TAP"], "quantity": "999999999", "unit_cost": "99999999"}
    heap = await yard.post("handyman", f"/storehouses/{house}/receipts", goods)
    assert (heap.status_code, heap.json()["code"]) == (422, "stock_too_much")
    assert (await yard.post("guard", path, {"items": [{"code": "VISIT"}]})).status_code == 403
    assert (await yard.post("stranger", path, {"items": [{"code": "VISIT"}]})).status_code == 404
    assert (await yard.act("pump_engineer", order, "quote")).json()["code"] == "nothing_quoted"
    site = str(yard.town.site_id)
    late = await yard.post(
        "manager", "/price-lists", {"site_id": site, "effective_from": "2026-10-01", "items": PRICES}
    )
    assert (late.status_code, late.json()["code"]) == (409, "price_list_too_late")
    company = {"effective_from": "2026-10-01", "items": PRICES}
    assert (await yard.post("manager", "/price-lists", company)).status_code == 403
    current = (await yard.get("wang", f"/price-lists/current?site_id={site}")).json()
    assert (current["version"], current["items"][1]["price"]) == (1, "65.00")
    backwards = {
        "site_id": site,
        "part": "elevator",
        "provider": "x",
        "starts_on": "2026-02-01",
        "ends_on": "2026-01-01",
    }
    assert (await yard.post("manager", "/warranties", backwards)).status_code == 422
    assert (await yard.get(None, "/quotations/by-link/nonsense")).status_code == 404
