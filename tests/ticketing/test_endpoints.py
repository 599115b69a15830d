"""Work orders over HTTP: refusals, privacy, paging, photos."""

import io
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx
import pytest
from PIL import Image

from catalog.endpoints import STATUS as CATALOG_STATUS
from kit.access import Role
from kit.ids import new_id
from people.endpoints import STATUS as PEOPLE_STATUS
from tests.api import FakeLogins, client_of, make_app
from tests.ticketing.town import Town
from ticketing import attaching
from ticketing.endpoints import STATUS, router
from ticketing.errors import ReportNotFound
from ticketing.flow import Action
from ticketing.kinds import Category, ClosingCode, OrderState
from ticketing.words import Words


@dataclass
class Api:
    """The town behind HTTP; `async with api.as_(role, who)` gives a client."""

    town: Town
    client: httpx.AsyncClient
    logins: FakeLogins

    def token(self, *roles: Role, who: str | None = None, site_id: UUID | None = None) -> dict[str, str]:
        person = self.town.person[who] if who else None
        token = self.logins.add(*roles, site_id=site_id or self.town.site_id, person_id=person)
        return {"authorization": f"Bearer {token}"}

    @property
    def desk(self) -> dict[str, str]:
        return self.token(Role.DISPATCHER, who="dispatcher")

    @property
    def engineer(self) -> dict[str, str]:
        return self.token(Role.ENGINEER, who="pump_engineer")

    async def get(self, path: str, headers: dict[str, str], **params: Any) -> httpx.Response:
        return await self.client.get(f"/api/v1{path}", headers=headers, params=params)

    async def post(self, path: str, headers: dict[str, str], **body: Any) -> httpx.Response:
        return await self.client.post(f"/api/v1{path}", headers=headers, json=body)

    async def pump_order(self) -> str:
        await self.town.detect("PUMP-01", "bearing_wear")
        return str((await self.town.orders())[-1].id)


@pytest.fixture
async def api(town: Town) -> AsyncIterator[Api]:
    logins = FakeLogins()
    app = make_app(
        town.database, routers=[router], rooms=["catalog", "people", "alarms", "ticketing"],
        services=town.room.services,
        status={**CATALOG_STATUS, **PEOPLE_STATUS, **STATUS}, logins=logins,
    )  # fmt: skip
    async with client_of(app) as client:
        yield Api(town, client, logins)


async def test_customer_service_enters_a_call_and_the_phone_leaves_masked(api: Api) -> None:
    created = await api.post(
        "/work-orders", api.desk, site_id=str(api.town.site_id), channel="phone", category="water_leak",
        text="厨房漏水", space_id=str(api.town.spaces["3-2-502"]), contact_name="王女士",
        contact_phone="+86 138-0013-8000",
    )  # fmt: skip
    assert created.status_code == 201
    assert created.json()["joined"] is False

    shown = await api.get(f"/work-orders/{created.json()['work_order_id']}", api.desk)
    (report,) = shown.json()["report_list"]
    assert shown.json()["channel"] == "phone"
    assert (report["contact_phone"], report["reporter_name"]) == ("138****8000", "王女士")
    assert "13800138000" not in shown.text


async def test_the_whole_number_is_shown_to_whoever_needs_it_and_written_down(api: Api) -> None:
    created = (
        await api.post(
            "/work-orders", api.desk, site_id=str(api.town.site_id), channel="phone", category="no_water",
            space_id=str(api.town.spaces["3-2-502"]), contact_phone="13800138000",
        )
    ).json()  # fmt: skip
    path = f"/work-orders/{created['work_order_id']}/reports/{created['report_id']}/phone"

    assert (await api.post(path, api.token(Role.ENGINEER, who="guard"))).status_code == 403
    assert (await api.post(path, api.desk)).json() == {"phone": "13800138000"}

    timeline = (await api.get(f"/work-orders/{created['work_order_id']}", api.desk)).json()["timeline"]
    assert timeline[-1]["what"] == "phone_revealed"
    assert timeline[-1]["actor_name"] == "钱进"


async def test_an_order_says_what_the_caller_may_do_now_and_what_it_wants(api: Api) -> None:
    order = await api.pump_order()
    for_engineer = (await api.get(f"/work-orders/{order}", api.engineer)).json()["actions"]
    for_desk = (await api.get(f"/work-orders/{order}", api.desk)).json()["actions"]
    for_tester = (await api.get(f"/work-orders/{order}", api.token(Role.TESTER))).json()["actions"]
    assert {row["action"]: row["required"] for row in for_engineer} == {
        "accept": [], "decline": ["reason"], "arrive": [],
    }  # fmt: skip
    assert {row["action"] for row in for_desk} == {"dispatch", "outsource", "finish", "cancel"}
    assert for_tester == []


async def test_three_taps(api: Api) -> None:
    order = await api.pump_order()
    path = f"/work-orders/{order}/actions"
    assert (await api.post(path, api.engineer, action="accept", version=2)).json()["state"] == "accepted"
    assert (await api.post(path, api.engineer, action="arrive")).json()["state"] == "on_site"
    done = await api.post(path, api.engineer, action="finish", closing_code="real_fault")
    assert (done.status_code, done.json()["state"]) == (200, "done")


async def test_an_illegal_transition_names_what_is_legal(api: Api) -> None:
    order = await api.pump_order()
    refused = await api.post(f"/work-orders/{order}/actions", api.engineer, action="resume")
    assert refused.status_code == 409
    assert refused.json()["code"] == "illegal_transition"
    assert set(refused.json()["facts"]["legal"]) == {"accept", "decline", "arrive"}


async def test_a_missing_field_is_named(api: Api) -> None:
    order = await api.pump_order()
    await api.post(f"/work-orders/{order}/actions", api.engineer, action="arrive")
    refused = await api.post(f"/work-orders/{order}/actions", api.engineer, action="finish")
    assert (refused.status_code, refused.json()["facts"]["field"]) == (422, "closing_code")


async def test_a_stale_version_is_a_conflict(api: Api) -> None:
    order = await api.pump_order()
    refused = await api.post(f"/work-orders/{order}/actions", api.engineer, action="accept", version=1)
    assert (refused.status_code, refused.json()["code"]) == (409, "stale_work_order")
    assert refused.json()["facts"] == {"given_version": 1, "version": 2}


async def test_another_sites_order_is_not_there_whatever_one_asks(api: Api) -> None:
    order = await api.pump_order()
    stranger = api.token(Role.DISPATCHER, Role.ENGINEER, Role.MANAGER, site_id=new_id())
    task = new_id()
    answers = [
        await api.get(f"/work-orders/{order}", stranger),
        await api.post(f"/work-orders/{order}/actions", stranger, action="accept"),
        await api.post(f"/work-orders/{order}/assign", stranger, assignee_id=str(new_id())),
        await api.get(f"/work-orders/{order}/suggestions", stranger),
        await api.post(f"/work-orders/{order}/comments", stranger, text="?"),
        await api.post(f"/work-orders/{order}/confirm-outage", stranger),
        await api.post(f"/work-orders/{order}/tasks/{task}/actions", stranger, action="accept"),
        await api.post(f"/work-orders/{order}/reports/{task}/phone", stranger),
        await api.get(f"/work-orders/{order}/photos/{task}", stranger),
        await upload(api, order, stranger, jpeg()),
        await api.client.patch(f"/api/v1/work-orders/{order}", headers=stranger, json={"priority": 1, "reason": "x"}),
        await api.post("/work-orders", stranger, site_id=str(api.town.site_id), channel="phone"),
    ]
    assert {answer.status_code for answer in answers} == {404}
    assert (await api.get("/work-orders", stranger)).json()["total"] == 0
    assert sum((await api.get("/work-orders/counts", stranger)).json()["by_state"].values()) == 0


async def test_owners_are_let_in_to_their_own_reports_only(api: Api) -> None:
    town = api.town
    await town.resident("wang", "3-2-502")
    await town.resident("liu", "3-2-602")
    mine = await town.report(reporter_id=town.person["wang"], equipment_id=town.equipment["LIFT-02"])
    await town.report(reporter_id=town.person["liu"], equipment_id=town.equipment["LIFT-02"], text="秘密")
    owner = api.token(Role.OWNER, who="wang")

    for path in ("/work-orders", f"/work-orders/{mine.report.work_order_id}", "/work-orders/counts"):
        assert (await api.get(path, owner)).status_code == 403
    listed = await api.get("/my/reports", owner)
    assert [row["report_id"] for row in listed.json()] == [str(mine.report.report_id)]
    assert set(listed.json()[0]) == {
        "report_id", "number", "category", "place", "state", "engineer", "promised_at", "known", "created_at",
    }  # fmt: skip
    one = f"/my/reports/{mine.report.report_id}"
    assert (await api.get(one, owner)).status_code == 200
    assert (await api.get(one, api.token(Role.OWNER, who="liu"))).status_code == 404


async def test_a_list_filters_sorts_and_pages(api: Api) -> None:
    town = api.town
    await api.pump_order()
    await town.trap_passenger()
    await town.report(space_id=town.spaces["3-2-502"], category=Category.LIGHTING, text="灯坏了")
    pump, lift, light = await town.orders()
    await town.act(pump.id, town.actor("manager", Role.MANAGER), Action.CANCEL, Words(reason="重复"))

    async def numbers(**params: Any) -> list[str]:
        return [row["number"] for row in (await api.get("/work-orders", api.desk, **params)).json()["items"]]

    assert await numbers(sort="number") == [pump.number, lift.number, light.number]
    assert await numbers(sort="-priority") == [light.number, pump.number, lift.number]
    assert await numbers(state="cancelled") == [pump.number]
    assert await numbers(open=True, sort="number") == [lift.number, light.number]
    assert await numbers(kind="entrapment") == [lift.number]
    assert await numbers(priority=[1, 2], sort="number") == [pump.number, lift.number]
    assert await numbers(equipment=str(town.equipment["LIFT-02"])) == [lift.number]
    assert await numbers(assignee=str(town.person["contractor"])) == [lift.number]
    assert await numbers(q="LIFT-0") == [lift.number]
    assert await numbers(q="2单元502") == [light.number]
    assert await numbers(q="100%_") == []
    assert await numbers(sort="number", limit=1, offset=1) == [lift.number]
    town.clock.advance(seconds=300)
    assert await numbers(overdue=True) == [lift.number]


async def test_counts_name_every_state(api: Api) -> None:
    await api.pump_order()
    counted = (await api.get("/work-orders/counts", api.desk)).json()
    assert set(counted["by_state"]) == set(OrderState)
    assert (counted["by_state"]["dispatched"], counted["by_state"]["closed"]) == (1, 0)


async def test_my_orders_are_those_i_have_or_have_a_task_of(api: Api) -> None:
    await api.pump_order()
    await api.town.trap_passenger()
    pump, lift = await api.town.orders()

    async def mine(who: str) -> list[str]:
        answer = await api.get("/my/work-orders", api.token(Role.ENGINEER, who=who))
        return [row["number"] for row in answer.json()["items"]]

    assert await mine("pump_engineer") == [pump.number]
    assert await mine("guard") == [lift.number]
    assert await mine("handyman") == []


async def test_a_task_over_http_shows_what_may_follow(api: Api) -> None:
    await api.town.trap_passenger()
    order = (await api.town.only_order()).id
    control_room = api.token(Role.ENGINEER, who="control_room")
    tasks = {task["kind"]: task for task in (await api.get(f"/work-orders/{order}", control_room)).json()["tasks"]}
    assert tasks["intercom"]["actions"] == ["accept", "arrive", "finish", "cancel"]
    assert tasks["reassure"]["actions"] == []

    path = f"/work-orders/{order}/tasks/{tasks['intercom']['id']}/actions"
    after = (await api.post(path, control_room, action="finish", note="已安抚")).json()
    assert {task["kind"]: task["state"] for task in after["tasks"]}["intercom"] == "done"
    again = await api.post(path, control_room, action="finish")
    assert (again.status_code, again.json()["facts"]["legal"]) == (409, [])


async def test_suggestions_say_why_and_why_not(api: Api) -> None:
    order = await api.pump_order()
    suggested = {row["name"]: row for row in (await api.get(f"/work-orders/{order}/suggestions", api.desk)).json()}
    assert suggested["张伟"]["score"] > suggested["李强"]["score"]
    assert suggested["陈晨"]["refusal"] == "other_duty"
    assert suggested["赵敏"]["refusal"] == "no_skill"


async def test_assigning_editing_and_commenting_stand_on_the_timeline(api: Api) -> None:
    order = await api.pump_order()
    assigned = await api.post(
        f"/work-orders/{order}/assign", api.desk, assignee_id=str(api.town.person["handyman"]), reason="就近"
    )
    assert assigned.json()["assignee_name"] == "李强"
    edited = await api.client.patch(
        f"/api/v1/work-orders/{order}", headers=api.desk, json={"priority": 1, "reason": "整栋停水"}
    )
    assert edited.json()["priority"] == 1
    commented = await api.post(f"/work-orders/{order}/comments", api.desk, text="已联系业主")
    assert commented.status_code == 201
    *_, edit, comment = commented.json()["timeline"]
    assert (edit["before"], edit["after"], edit["why"]) == ({"priority": 2}, {"priority": 1}, "整栋停水")
    assert (comment["what"], comment["why"], comment["actor_name"]) == ("commented", "已联系业主", "钱进")
    positions = [entry["position"] for entry in commented.json()["timeline"]]
    assert positions == list(range(1, len(positions) + 1))


# --- photos --------------------------------------------------------------------------------------------------------


def jpeg() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (40, 30), "blue").save(out, "JPEG")
    return out.getvalue()


async def upload(api: Api, order: str, headers: dict[str, str], data: bytes) -> httpx.Response:
    files = {"file": ("photo.jpg", data, "image/jpeg")}
    return await api.client.post(f"/api/v1/work-orders/{order}/photos", headers=headers, files=files)


async def test_a_photo_comes_back_as_an_attachment(api: Api) -> None:
    order = await api.pump_order()
    kept = await upload(api, order, api.engineer, jpeg())
    assert kept.status_code == 201
    assert (kept.json()["width_px"], kept.json()["media_type"]) == (40, "image/jpeg")

    got = await api.get(f"/work-orders/{order}/photos/{kept.json()['id']}", api.desk)
    assert got.headers["content-disposition"].startswith("attachment")
    assert got.headers["x-content-type-options"] == "nosniff"
    with Image.open(io.BytesIO(got.content)) as image:
        assert image.size == (40, 30)


async def test_a_photo_is_no_door_into_another_order(api: Api) -> None:
    order = await api.pump_order()
    kept = (await upload(api, order, api.engineer, jpeg())).json()["id"]
    await api.town.detect("LIFT-02", "door_stuck")
    other = (await api.town.orders())[-1].id
    assert (await api.get(f"/work-orders/{other}/photos/{kept}", api.desk)).status_code == 404


@pytest.mark.parametrize("data", [b"", b"#!/bin/sh", b"<svg onload='alert(1)'/>"])
async def test_what_is_no_picture_is_refused_whatever_it_calls_itself(api: Api, data: bytes) -> None:
    order = await api.pump_order()
    refused = await upload(api, order, api.engineer, data)
    assert (refused.status_code, refused.json()["code"]) == (422, "photo_refused")


# --- bad input -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [
        {"action": "explode"}, {"action": "accept", "version": 0}, {"action": "accept", "surprise": 1}, {},
        {"action": "decline", "reason": "\u0000"}, {"action": "decline", "reason": "x" * 501},
        {"action": "accept", "promised_at": "2026-11-22T10:00:00"},
        {"action": "accept", "promised_at": "9999-12-31T23:59:59Z"},
        {"action": "hold", "hold_until": "0001-01-01T00:00:00+14:00"}, {"action": "finish", "closing_code": "dunno"},
    ],
)  # fmt: skip
async def test_a_bad_body_is_refused_and_never_a_fault_of_ours(api: Api, body: dict[str, Any]) -> None:
    order = await api.pump_order()
    answer = await api.client.post(f"/api/v1/work-orders/{order}/actions", headers=api.engineer, json=body)
    assert answer.status_code in (409, 422), answer.text


@pytest.mark.parametrize(
    "query",
    [
        "sort=secret",
        "state=odd",
        "limit=0",
        "offset=-1",
        "site=x",
        "since=yesterday",
        "q=%00",
        "priority=x",
        "priority=9",
        "sort=text:ticketing.none",
    ],
)
async def test_a_bad_query_is_refused(api: Api, query: str) -> None:
    answer = await api.client.get(f"/api/v1/work-orders?{query}", headers=api.desk)
    assert answer.status_code == 422, answer.text


async def test_a_bad_phone_is_kept_as_it_was_said(api: Api) -> None:
    created = await api.post(
        "/work-orders", api.desk, site_id=str(api.town.site_id), channel="front_desk", contact_phone="前台座机\u0000",
    )  # fmt: skip
    assert created.status_code == 201


async def test_a_place_or_reporter_that_does_not_exist_is_refused(api: Api) -> None:
    site = {"site_id": str(api.town.site_id), "channel": "phone"}
    nowhere = await api.post("/work-orders", api.desk, **site, space_id=str(new_id()))
    nobody = await api.post("/work-orders", api.desk, **site, reporter_id=str(new_id()))
    assert (nowhere.status_code, nobody.status_code) == (422, 404)


async def test_a_page_of_a_finished_order_shows_how_it_ended(api: Api) -> None:
    order = await api.pump_order()
    desk = api.town.actor("dispatcher", Role.DISPATCHER)
    await api.town.act(UUID(order), desk, Action.FINISH, Words(closing_code=ClosingCode.TEST, note="演练"))
    shown = (await api.get(f"/work-orders/{order}", api.desk)).json()
    assert (shown["closing_code"], shown["closing_note"]) == ("test", "演练")
    assert shown["alarms"][0]["fault_mode"] == "bearing_wear"
    assert shown["offers"][0]["person_name"] == "张伟"


async def test_a_report_brings_its_own_pictures_once_a_message(api: Api) -> None:
    town = api.town
    await town.resident("wang", "3-2-502")
    reported = await town.report(reporter_id=town.person["wang"], space_id=town.spaces["3-2-502"])
    for _ in range(2):
        async with town.database.transaction() as session:
            await town.room.attaching.attach_to_report(
                session, reported.report.report_id, raw=jpeg(), added_by=town.person["wang"], source_ref="wechat:43"
            )
    (photo,) = (await api.get(f"/work-orders/{reported.report.work_order_id}", api.desk)).json()["photos"]
    assert photo["report_id"] == str(reported.report.report_id)


async def test_nobody_adds_pictures_to_anothers_report(api: Api) -> None:
    reported = await api.town.report(text="灯坏了")
    async with api.town.database.transaction() as session:
        with pytest.raises(ReportNotFound):
            await api.town.room.attaching.attach_to_report(
                session, reported.report.report_id, raw=jpeg(), added_by=None, reporter_id=new_id()
            )


async def test_a_report_takes_so_many_pictures_and_no_more(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attaching, "MAX_PHOTOS_AN_ORDER", 1)
    order = await api.pump_order()
    assert (await upload(api, order, api.engineer, jpeg())).status_code == 201
    refused = await upload(api, order, api.engineer, jpeg())
    assert (refused.status_code, refused.json()["facts"]["reason"]) == (422, "too_many")
    assert "数量太多" in refused.json()["message"]
