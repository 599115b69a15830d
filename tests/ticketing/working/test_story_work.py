"""The work itself over HTTP on a real PostgreSQL: three taps, a scan, all that a kind may want, help, a contractor."""

import asyncio
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from kit.access import Role, Scope
from people.kinds import Duty, Skill
from stock.errors import NotEnoughInStock
from tests.ticketing.working.conftest import Yard, picture, strokes
from ticketing.definitions.book import shipped
from ticketing.kinds import Category
from ticketing.working.jobs import PartAction, PartMove


async def test_a_dripping_tap_takes_exactly_three_taps_and_a_picture(yard: Yard) -> None:
    order = await yard.dripping_tap()
    yard.requests = 0

    accepted = await yard.act("pump_engineer", order, "accept")
    assert (accepted.status_code, accepted.json()["state"]) == (200, "accepted")
    arrived = (await yard.post("pump_engineer", f"/work-orders/{order}/check-in")).json()
    assert arrived["state"] == "on_site"
    assert (arrived["payer"]["payer"], arrived["payer"]["name"]) == ("owner", "业主自付")
    assert arrived["wanted"] == []
    photo = await yard.send("pump_engineer", f"/work-orders/{order}/photos", picture())
    assert (photo.status_code, photo.json()["purpose"]) == (201, "work")
    yard.town.clock.advance(seconds=15 * 60)
    code = arrived["suggested_closing_code"]["code"]
    done = await yard.act("pump_engineer", order, "finish", closing_code=code)
    assert (done.status_code, done.json()["state"], done.json()["closing_code"]) == (200, "done", "real_fault")
    assert yard.requests == 3 + 1

    (time,) = (await yard.get("dispatcher", f"/work-orders/{order}/work")).json()["labour"]
    assert (time["person_name"], time["minutes"], time["is_running"], time["source"]) == (
        "张伟",
        "15.00",
        False,
        "state",
    )


async def test_scanning_the_door_accepts_and_checks_in_at_once_and_says_what_became_of_the_place(yard: Yard) -> None:
    town = yard.town
    first = await yard.dripping_tap()
    home = town.spaces["3-2-502"]
    label = (await yard.post("manager", f"/spaces/{home}/label")).json()
    assert label["address"] == f"https://hub.example/q/{label['qr_token']}"
    assert (await yard.get("manager", f"/spaces/{home}/qr.png")).headers["content-type"] == "image/png"
    here = {"latitude": 30.27, "longitude": 120.15, "accuracy_m": 9}
    scan = {"token": label["qr_token"], "position": here}

    scanned = (await yard.post("pump_engineer", "/work-orders/scan", scan)).json()
    assert scanned["outcome"] == "arrived"
    assert (scanned["arrival"]["work_order_id"], scanned["arrival"]["state"]) == (first, "on_site")
    assert scanned["arrival"]["place_kept"] == "kept"
    # Scanned again, nothing happens twice.
    again = (await yard.post("pump_engineer", "/work-orders/scan", scan)).json()
    assert again["arrival"]["version"] == scanned["arrival"]["version"]

    second = await yard.dripping_tap(text="灯不亮", topic="lamp_at_home", category=Category.LIGHTING)
    several = (await yard.post("pump_engineer", "/work-orders/scan", scan)).json()
    assert several["outcome"] == "choose"
    assert {one["id"] for one in several["choices"]} == {first, second}
    chosen = (await yard.post("pump_engineer", "/work-orders/scan", {**scan, "work_order_id": second})).json()
    assert (chosen["arrival"]["work_order_id"], chosen["arrival"]["state"]) == (second, "on_site")

    await town.hire("off", "下班人", Duty.ENGINEER, Skill.GENERAL, on_shift=False)
    await yard.post("dispatcher", f"/work-orders/{first}/assign", {"assignee_id": yard.id_of("off")})
    dropped = (await yard.post("off", "/work-orders/scan", scan)).json()
    assert dropped["arrival"]["place_kept"] == "off_shift"
    assert dropped["arrival"]["place_words"] == "您不在班，没有记录位置。"
    assert town.registry.get_sample_value("hub_positions_dropped_total") == 1

    # A complaint from there is nothing to walk to.
    await town.report(
        text="投诉楼道太吵", category=Category.COMPLAINT, space_id=home, reporter_id=town.person["wang"]
    )  # fmt: skip
    nothing = (await yard.post("guard", "/work-orders/scan", scan)).json()
    assert (nothing["outcome"], nothing["report"]["space_id"]) == ("report", str(home))
    for who, token in (("guard", "nonsense"), ("stranger", label["qr_token"])):
        unknown = await yard.post(who, "/work-orders/scan", {"token": token})
        assert (unknown.status_code, unknown.json()["code"]) == (404, "label_unknown")


async def test_scanning_equipment_finds_its_order(yard: Yard) -> None:
    town = yard.town
    await town.detect("PUMP-01", "bearing_wear")
    async with town.database.transaction() as session:
        token = (await town.catalog.equipment(session, Scope.of(town.site_id), town.equipment["PUMP-01"])).qr_token
    scanned = (await yard.post("pump_engineer", "/work-orders/scan", {"token": token})).json()
    assert (scanned["outcome"], scanned["arrival"]["state"]) == ("arrived", "on_site")
    assert scanned["arrival"]["suggested_closing_code"] == {"code": "real_fault", "by": "alarm"}
    assert scanned["arrival"]["place_kept"] == "not_given"


CHECKLIST: dict[str, Any] = {
    "names": {"zh-CN": "水泵保养", "en": "Pump maintenance"},
    "items": [
        {"code": "noise", "names": {"zh-CN": "无异响", "en": "No noise"}},
        {
            "code": "pressure", "names": {"zh-CN": "出口压力", "en": "Outlet pressure"}, "kind": "measure",
            "unit": "MPa", "low": 0.3, "high": 0.6,
        },
    ],
}  # fmt: skip


# What finishing wants to be filled in, of every sort that a link has to ask for in a way of its own.
FIELDS: list[dict[str, Any]] = [
    {"key": "state", "names": {"zh-CN": "设备状态", "en": "State"}, "type": "choice",
     "options": [{"code": "good", "names": {"zh-CN": "良好", "en": "Good"}}]},
    {"key": "plate", "names": {"zh-CN": "铭牌照片", "en": "Name plate"}, "type": "photo"},
    {"key": "where", "names": {"zh-CN": "检修设备", "en": "What was serviced"}, "type": "equipment", "many": True},
]  # fmt: skip


async def _demanding_order(yard: Yard, **also: Any) -> str:
    """An order of a kind that wants everything, about the pump, with the plumber on site."""
    town = yard.town
    document: dict[str, Any] = shipped("kinds")["planned_maintenance"] | {
        "completion": {
            "photos_before": 1, "photos_after": 1, "checklist": "pump_service", "labour": True, "parts": True,
            "signature": True,
        },
        **also,
    }  # fmt: skip
    general = {"document": {**CHECKLIST, "items": CHECKLIST["items"][:1]}}
    assert (await yard.put("manager", "/checklists/pump_service", general)).status_code == 200
    saved = await yard.put("manager", "/checklists/pump_service", {"equipment_kind": "pump", "document": CHECKLIST})
    assert (saved.json()["version"], saved.json()["equipment_kind"]) == (1, "pump")
    async with town.database.transaction() as session:
        current = await town.room.definitions.kinds.latest(session, "planned_maintenance")
        await town.room.definitions.save_kind(
            session, "planned_maintenance", document, over=current.meaning.version, by=town.person["manager"]
        )
    order = await yard.dripping_tap(
        kind="planned_maintenance", topic=None, space_id=None, reporter_id=None, category=Category.NO_WATER,
        equipment_id=town.equipment["PUMP-01"], roles=frozenset({Role.DISPATCHER}),
    )  # fmt: skip
    # A later version of the checklist is for later orders.
    longer = {**CHECKLIST, "items": [*CHECKLIST["items"], {"code": "oil", "names": {"zh-CN": "油位", "en": "Oil"}}]}
    later = await yard.put("manager", "/checklists/pump_service", {"equipment_kind": "pump", "document": longer})
    assert later.json()["version"] == 2
    listed = (await yard.get("pump_engineer", "/checklists")).json()
    assert [(one["equipment_kind"], one["version"]) for one in listed] == [(None, 1), ("pump", 2)]
    return order


async def test_an_order_that_wants_everything_names_what_is_missing_until_all_is_there(yard: Yard) -> None:
    order = await _demanding_order(yard)
    house, parts = await yard.storehouse(SEAL=3)
    path, who = f"/work-orders/{order}", "pump_engineer"

    async def lacking() -> list[str]:
        refused = await yard.act(who, order, "finish", closing_code="real_fault")
        assert (refused.status_code, refused.json()["code"]) == (422, "work_incomplete")
        return list(refused.json()["facts"]["missing"])

    before = (await yard.send(who, f"{path}/photos", picture(), purpose="before")).json()
    await yard.act(who, order, "accept")
    await yard.post(who, f"{path}/check-in")
    refused = await yard.act(who, order, "finish", closing_code="real_fault")
    assert refused.json()["message"] == (
        "还不能完工，缺少：维修后照片、检查表、备件、业主签名、无异响、出口压力。请补齐后再完工。"
    )
    assert refused.json()["facts"]["items"] == ["noise", "pressure"]
    assert before["purpose"] == "before"

    assert (await yard.send(who, f"{path}/photos", picture(), purpose="after")).status_code == 201
    assert await lacking() == ["checklist", "parts", "signature"]

    bare = await yard.put(who, f"{path}/checklist/noise", {"outcome": "fail"})
    assert (bare.status_code, bare.json()["message"]) == (422, "“无异响”不合格，请填写说明或拍照。")
    assert (await yard.put(who, f"{path}/checklist/noise", {"outcome": "fail", "note": "轴承响"})).status_code == 200
    assert (await yard.put(who, f"{path}/checklist/oil", {"outcome": "pass"})).status_code == 404
    measured = await yard.put(who, f"{path}/checklist/pressure", {"measure": "0.45"})
    assert [(one["item"], one["outcome"]) for one in measured.json()["answers"]] == [
        ("noise", "fail"), ("pressure", "pass"),
    ]  # fmt: skip
    assert await lacking() == ["parts", "signature"]

    body = {"storehouse_id": house, "part_id": parts["SEAL"], "quantity": "2"}
    assert (await yard.post(who, f"{path}/parts", {**body, "action": "reserve"})).status_code == 201
    used = (await yard.post(who, f"{path}/parts", {**body, "action": "use"})).json()
    assert (used["parts"][0]["used"], used["cost"]) == ("2.000", "60.00")
    back = (await yard.post(who, f"{path}/parts", {**body, "action": "return", "quantity": "1"})).json()
    assert (back["parts"][0]["used"], back["cost"]) == ("1.000", "30.00")
    many = await yard.post(who, f"{path}/parts", {**body, "action": "use", "quantity": "9"})
    assert (many.status_code, many.json()["facts"]["available"]) == (409, "2.000")
    assert await lacking() == ["signature"]

    blank = await yard.send(who, f"{path}/signature", picture())
    assert blank.status_code == 422
    signed = await yard.send(who, f"{path}/signature", strokes())
    assert (signed.status_code, signed.json()["purpose"]) == (201, "signature")
    done = await yard.act(who, order, "finish", closing_code="real_fault")
    assert (done.status_code, done.json()["state"]) == (200, "done")


async def test_time_is_entered_and_costs_what_the_site_says(yard: Yard) -> None:
    await yard.town.set_site(charging={"labour_per_hour": "90"})
    order = await yard.dripping_tap()
    path, now = f"/work-orders/{order}/labour", yard.town.clock.now()
    await yard.act("pump_engineer", order, "accept")
    entered = await yard.post("pump_engineer", path, {"minutes": "20"})
    assert (entered.status_code, entered.json()["cost"]) == (201, "30.00")
    span = {"started_at": (now - timedelta(minutes=40)).isoformat(), "ended_at": now.isoformat()}
    other = await yard.post("dispatcher", path, {**span, "person_id": yard.id_of("handyman")})
    assert (other.json()["cost"], len(other.json()["labour"])) == ("90.00", 2)
    both = await yard.post("pump_engineer", path, {**span, "minutes": "3"})
    assert (both.status_code, both.json()["facts"]["problem"]) == (422, "both")
    assert (await yard.post("handyman", path, {"minutes": "5"})).status_code == 403
    # What no order can cost is refused as what it is, and nothing of it stays.
    await yard.town.set_site(charging={"labour_per_hour": "100000000"})
    await yard.post("pump_engineer", path, {"minutes": "1440"})
    refused = [await yard.post("pump_engineer", path, {"minutes": "1440"}) for _ in range(4)][-1]
    assert (refused.status_code, refused.json()["code"], refused.json()["facts"]["most"]) == (
        422, "cost_too_large", "9999999999.99",
    )  # fmt: skip
    kept = (await yard.get("pump_engineer", f"/work-orders/{order}/work")).json()
    assert (kept["cost"], len(kept["labour"])) == ("9700000000.00", 6)
    assert (await yard.post("stranger", path, {"minutes": "5"})).status_code == 404


async def test_a_colleague_helps_and_another_takes_over(yard: Yard) -> None:
    order = await yard.dripping_tap()
    path = f"/work-orders/{order}"
    await yard.act("pump_engineer", order, "accept")
    joined = await yard.post("pump_engineer", f"{path}/helpers", {"person_id": yard.id_of("handyman")})
    assert [one["name"] for one in joined.json()["helpers"]] == ["李强"]
    assert (await yard.post("handyman", f"{path}/labour", {"minutes": "5"})).status_code == 201
    assert [one["id"] for one in (await yard.get("handyman", "/my/work-orders")).json()["items"]] == [order]
    owner = await yard.post("pump_engineer", f"{path}/helpers", {"person_id": yard.id_of("wang")})
    assert (owner.status_code, owner.json()["code"]) == (422, "nobody_to_help")
    left = await yard.ask("DELETE", "handyman", f"{path}/helpers/{yard.id_of('handyman')}")
    assert left.json()["helpers"] == []

    bare = await yard.act("pump_engineer", order, "transfer", assignee_id=yard.id_of("handyman"))
    assert (bare.status_code, bare.json()["facts"]["field"]) == (422, "reason")
    handed = await yard.act(
        "pump_engineer", order, "transfer", assignee_id=yard.id_of("handyman"), reason="赶去处理停水"
    )
    assert (handed.json()["state"], handed.json()["assignee_name"]) == ("dispatched", "李强")
    assert (await yard.act("handyman", order, "accept")).json()["state"] == "accepted"


async def test_a_contractor_sees_one_order_by_a_link_and_finishes_it_with_a_picture(yard: Yard) -> None:
    order = await yard.dripping_tap(reporter_id=None, contact_name="王秀英", contact_phone="13800138000")
    links = f"/work-orders/{order}/contractor-links"
    early = await yard.post("dispatcher", links, {"hours": 2})
    assert (early.status_code, early.json()["code"]) == (409, "not_with_contractor")
    await yard.act("dispatcher", order, "outsource", assignee_id=yard.id_of("contractor"), reason="需专业维修")
    made = await yard.post("dispatcher", links, {"hours": 2})
    assert made.status_code == 201
    token = made.json()["path"].removeprefix("/o/work/")
    assert "staff.contractor_link" in await yard.town.told("contractor")

    seen = (await yard.get(None, f"/contractor/{token}")).json()
    assert (seen["contact_name"], seen["contact_phone"]) == ("王**", "138****8000")
    assert seen["actions"] == ["accept", "arrive"]
    other = await yard.post(None, f"/contractor/{token}/actions", {"action": "cancel"})
    assert other.status_code == 422
    assert (await yard.post(None, f"/contractor/{token}/actions", {"action": "accept"})).json()["state"] == "accepted"
    arrived = (await yard.post(None, f"/contractor/{token}/actions", {"action": "arrive"})).json()
    assert (arrived["state"], [one["what"] for one in arrived["work"]["missing"]]) == ("on_site", ["photos_after"])
    assert (await yard.get(None, f"/contractor/{token}/stock")).json()["code"] == "parts_not_wanted"
    finish = {"action": "finish", "closing_code": "real_fault", "note": "已更换阀芯"}
    bare = await yard.post(None, f"/contractor/{token}/actions", finish)
    assert (bare.status_code, bare.json()["facts"]["missing"]) == (422, ["photos_after"])
    assert (await yard.send(None, f"/contractor/{token}/photos", picture())).status_code == 201
    done = (await yard.post(None, f"/contractor/{token}/actions", finish)).json()
    assert (done["state"], done["work"]["missing"], done["contact_phone"]) == ("done", [], "138****8000")
    await yard.act("manager", order, "close", reason="电话确认")
    over = (await yard.get(None, f"/contractor/{token}")).json()
    assert (over["state"], over["contact_name"], over["contact_phone"], over["text"]) == ("closed", None, None, "")
    late = await yard.send(None, f"/contractor/{token}/photos", picture())
    assert (late.status_code, late.json()["code"]) == (409, "order_is_over")

    for wrong in (token + "x", "nonsense"):
        assert (await yard.get(None, f"/contractor/{wrong}")).status_code == 404
    revoked = await yard.ask("DELETE", "dispatcher", f"/contractor-links/{made.json()['id']}")
    assert revoked.status_code == 204
    assert (await yard.get(None, f"/contractor/{token}")).status_code == 404


async def test_by_a_link_a_contractor_gives_all_that_a_kind_wants_until_the_order_is_taken_or_time_is_up(
    yard: Yard,
) -> None:
    fields = [{**one, "required": "completion"} for one in FIELDS]
    fields.append({**FIELDS[0], "key": "verdict", "required": "completion", "write": ["manager"]})
    order = await _demanding_order(yard, fields=fields)
    house, parts = await yard.storehouse(SEAL=3)

    async def linked() -> str:
        reason = {"assignee_id": yard.id_of("contractor"), "reason": "需专业维修"}
        assert (await yard.post("dispatcher", f"/work-orders/{order}/assign", reason)).status_code == 200
        made = await yard.post("dispatcher", f"/work-orders/{order}/contractor-links", {"hours": 2})
        return "/contractor/" + str(made.json()["path"]).removeprefix("/o/work/")

    path = await linked()
    assert (await yard.send(None, f"{path}/photos", picture(), purpose="before")).json()["purpose"] == "before"
    await yard.post(None, f"{path}/actions", {"action": "accept"})
    arrived = (await yard.post(None, f"{path}/actions", {"action": "arrive"})).json()["work"]
    everything = ["photos_before", "photos_after", "checklist", "labour", "parts", "signature"]
    assert [one["what"] for one in arrived["wanted"]] == everything
    assert [one["what"] for one in arrived["missing"]] == ["photos_after", "checklist", "parts", "signature"]
    assert [one["code"] for one in arrived["checklist"]["items"]] == ["noise", "pressure"]

    assert (await yard.send(None, f"{path}/photos", picture(), purpose="after")).status_code == 201
    bare = await yard.put(None, f"{path}/checklist/noise", {"outcome": "fail"})
    assert (bare.status_code, bare.json()["code"]) == (422, "failure_unexplained")
    await yard.put(None, f"{path}/checklist/noise", {"outcome": "pass"})
    answered = (await yard.put(None, f"{path}/checklist/pressure", {"measure": "0.45"})).json()["work"]
    assert [(one["item"], one["outcome"]) for one in answered["answers"]] == [("noise", "pass"), ("pressure", "pass")]
    entered = await yard.post(None, f"{path}/labour", {"minutes": "20", "note": "拆装"})
    assert (entered.status_code, entered.json()["work"]["labour_min"]) == (201, "20.00")
    (seal,) = (await yard.get(None, f"{path}/stock?q=seal")).json()
    assert (seal["part_id"], seal["available"], "average_cost" in seal) == (parts["SEAL"], "3.000", False)
    use = {"action": "use", "storehouse_id": house, "part_id": seal["part_id"], "quantity": "1"}
    used = (await yard.post(None, f"{path}/parts", use)).json()["work"]
    assert ([one["used"] for one in used["parts"]], "value" in used["parts"][0]) == (["1.000"], False)
    assert (await yard.send(None, f"{path}/signature", strokes())).json()["purpose"] == "signature"

    asked = (await yard.get(None, path)).json()["work"]["fields"]
    assert [(one["key"], one["may_write"], [each["name"] for each in one["options"]]) for one in asked] == [
        ("state", True, ["良好"]), ("plate", True, []), ("where", True, ["PUMP-01"]), ("verdict", False, ["良好"]),
    ]  # fmt: skip
    plate = (await yard.send(None, f"{path}/photos", picture())).json()["id"]
    finish = {"action": "finish", "closing_code": "real_fault"}
    filled = {"state": "good", "plate": plate, "where": [town_pump := str(yard.town.equipment["PUMP-01"])]}
    for given, code, field in (
        ({}, "field_missing", "state"), ({"state": "bad"}, "field_invalid", "state"),
        ({"plate": str(yard.town.site_id)}, "field_invalid", "plate"),
        ({"verdict": "good"}, "field_unknown", "verdict"), (filled, "field_missing", "verdict"),
    ):  # fmt: skip
        refused = await yard.post(None, f"{path}/actions", finish | {"form": given})
        assert (refused.status_code, refused.json()["code"], refused.json()["facts"]["field"]) == (422, code, field)
    elsewhere = await yard.ask(
        "PATCH", "manager", f"/work-orders/{order}", json={"form": {"verdict": "good"}, "reason": "验收"}
    )
    assert elsewhere.status_code == 200, elsewhere.text

    # Taken from them it opens nothing and takes nothing in; theirs again, the link does again.
    mine = {"assignee_id": yard.id_of("pump_engineer")}
    assert (await yard.post("dispatcher", f"/work-orders/{order}/assign", mine)).status_code == 200
    for answer in (
        await yard.get(None, path), await yard.post(None, f"{path}/actions", {"action": "finish"}),
        await yard.send(None, f"{path}/photos", picture()), await yard.post(None, f"{path}/labour", {"minutes": "5"}),
        await yard.post(None, f"{path}/parts", use), await yard.send(None, f"{path}/signature", strokes()),
        await yard.put(None, f"{path}/checklist/noise", {"outcome": "pass"}), await yard.get(None, f"{path}/stock"),
    ):  # fmt: skip
        assert (answer.status_code, answer.json()["code"]) == (404, "contractor_link_refused")
    again = await linked()
    assert (await yard.post(None, f"{again}/actions", {"action": "arrive"})).status_code == 200
    done = await yard.post(None, f"{again}/actions", finish | {"form": filled})
    assert done.status_code == 200, done.text
    kept = (await yard.town.order(UUID(order))).form
    assert kept == {"state": "good", "plate": plate, "where": [town_pump], "verdict": "good"}
    yard.town.clock.advance(seconds=2 * 3600)
    expired = await yard.get(None, again)
    assert (expired.status_code, expired.json()["code"]) == (404, "contractor_link_refused")


async def test_of_twenty_orders_that_want_the_last_part_one_gets_it_and_the_storekeeper_hears_once(yard: Yard) -> None:
    town = yard.town
    house, parts = await yard.storehouse(CARTRIDGE=1)
    await yard.put("handyman", f"/storehouses/{house}/parts/{parts['CARTRIDGE']}/minimum", {"minimum": "1"})
    order = await town.order((await town.report(text="滴水")).report.work_order_id)
    move = PartMove(action=PartAction.USE, storehouse_id=house, part_id=parts["CARTRIDGE"], quantity=Decimal(1))  # type: ignore[arg-type]
    desk = town.actor("dispatcher", Role.DISPATCHER)

    async def take() -> bool:
        try:
            async with town.database.transaction() as session:
                await town.room.work.ground.jobs.move_part(
                    session, Scope.of(town.site_id), order.id, actor=desk, move=move
                )
        except NotEnoughInStock:
            return False
        return True

    taken = await asyncio.gather(*(take() for _ in range(20)))
    assert taken.count(True) == 1
    await town.deliver(times=2)
    assert (await town.told("handyman")).count("staff.stock_low") == 1
    assert (await town.order(order.id)).cost == Decimal("30.00")
