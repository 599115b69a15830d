"""A company makes kinds and flows of its own, through HTTP; old orders keep theirs."""

from collections.abc import AsyncIterator
from copy import deepcopy
from typing import Any

import httpx
import pytest

from catalog.endpoints import STATUS as CATALOG_STATUS
from kit.access import Role
from kit.i18n import Language
from people.endpoints import STATUS as PEOPLE_STATUS
from tests.api import FakeLogins, client_of, make_app
from tests.ticketing.town import Town
from ticketing import endpoints
from ticketing.definitions import endpoints as definitions_endpoints
from ticketing.definitions.book import shipped

DECORATION: dict[str, Any] = {
    "names": {"zh-CN": "装修巡查", "en": "Decoration check"},
    "flow": "repair",
    "priority": 4,
    "topics": [
        {
            "code": "wall", "names": {"zh-CN": "墙体", "en": "Walls"}, "category": "public_area",
            "children": [{"code": "load_bearing", "names": {"zh-CN": "承重墙", "en": "Load-bearing"}, "priority": 2}],
        }
    ],
    "fields": [
        {
            "key": "permit_no", "names": {"zh-CN": "许可证号", "en": "Permit number"}, "type": "text",
            "required": "creation",
        },
        {
            "key": "verdict", "names": {"zh-CN": "结论", "en": "Verdict"}, "type": "choice", "required": "completion",
            "options": [
                {"code": "pass", "names": {"zh-CN": "合格", "en": "Passed"}},
                {"code": "stop", "names": {"zh-CN": "停工", "en": "Stopped"}},
            ],
        },
        {
            "key": "penalty", "names": {"zh-CN": "处罚", "en": "Penalty"}, "type": "number", "unit": "元",
            "low": 0, "see": ["manager"], "write": ["manager"],
        },
    ],
}  # fmt: skip


class Api:
    def __init__(self, town: Town, client: httpx.AsyncClient, logins: FakeLogins) -> None:
        self.town = town
        self._client = client
        self._logins = logins

    def headers(self, role: Role, who: str | None = None, language: Language = Language.ZH) -> dict[str, str]:
        person = self.town.person[who] if who else None
        token = self._logins.add(role, site_id=self.town.site_id, person_id=person)
        return {"authorization": f"Bearer {token}", "accept-language": language.value}

    async def call(self, method: str, path: str, headers: dict[str, str], **body: Any) -> httpx.Response:
        return await self._client.request(method, f"/api/v1{path}", headers=headers, json=body or None)

    async def save(self, path: str, document: dict[str, Any], *, version: int | None = None) -> httpx.Response:
        admin = self.headers(Role.ADMIN, "manager")
        return await self.call("PUT", path, admin, document=document, version=version)


@pytest.fixture
async def api(town: Town) -> AsyncIterator[Api]:
    logins = FakeLogins()
    app = make_app(
        town.database, routers=[endpoints.router, definitions_endpoints.router],
        rooms=["catalog", "people", "alarms", "ticketing", "ticketing.definitions"], services=town.room.services,
        status={**CATALOG_STATUS, **PEOPLE_STATUS, **endpoints.STATUS, **definitions_endpoints.STATUS}, logins=logins,
    )  # fmt: skip
    async with client_of(app) as client:
        yield Api(town, client, logins)


async def test_a_kind_of_ones_own_asks_for_its_form_and_old_orders_keep_theirs(api: Api) -> None:
    assert (await api.save("/order-kinds/decoration", DECORATION)).json()["version"] == 1
    desk = api.headers(Role.DISPATCHER, "dispatcher")
    order: dict[str, Any] = {
        "site_id": str(api.town.site_id), "channel": "front_desk", "kind": "decoration", "topic": "load_bearing",
        "building_id": str(api.town.buildings["B03"]),
    }  # fmt: skip

    missing = await api.call("POST", "/work-orders", desk, **order)
    assert (missing.status_code, missing.json()["facts"]["field"]) == (422, "permit_no")
    assert "许可证号" in missing.json()["message"]
    strange = await api.call("POST", "/work-orders", desk, **order | {"topic": "roof"})
    assert (strange.status_code, strange.json()["facts"]["field"]) == (422, "topic")
    not_theirs = await api.call("POST", "/work-orders", desk, **order, form={"permit_no": "ZX-7", "penalty": 5})
    assert not_theirs.status_code == 403

    opened = (await api.call("POST", "/work-orders", desk, **order, form={"permit_no": "ZX-7"})).json()
    path = f"/work-orders/{opened['work_order_id']}"
    page = (await api.call("GET", path, desk)).json()
    assert (page["kind_name"]["zh-CN"], page["title"]["zh-CN"], page["priority"]) == ("装修巡查", "承重墙", 2)
    assert (page["category"], page["topic"], page["form"]) == ("public_area", "load_bearing", {"permit_no": "ZX-7"})
    edit = {"reason": "写错了", "version": page["version"]}
    page = (await api.call("PATCH", path, desk, **edit, form={"permit_no": "ZX-8"})).json()
    assert (page["form"], page["timeline"][-1]["after"]) == ({"permit_no": "ZX-8"}, {"form": ["permit_no"]})
    assert (await api.call("PATCH", path, desk, **edit, form={"permit_no": "ZX-9"})).status_code == 409
    assert (await api.call("PATCH", path, desk, reason="罚", form={"penalty": 1})).status_code == 403

    # The company asks for more from now on; this order was opened before.
    stricter = deepcopy(DECORATION)
    stricter["fields"].append(
        {"key": "depth", "names": {"zh-CN": "深度", "en": "Depth"}, "type": "number", "required": "completion"}
    )
    assert (await api.save("/order-kinds/decoration", stricter, version=1)).json()["version"] == 2

    done = {"action": "finish", "closing_code": "real_fault"}
    unfinished = await api.call(
        "POST", f"{path}/actions", api.headers(Role.DISPATCHER, "dispatcher", Language.EN), **done
    )
    assert (unfinished.status_code, unfinished.json()["facts"]["field"]) == (422, "verdict")
    assert "Verdict" in unfinished.json()["message"]
    manager = api.headers(Role.MANAGER, "manager")
    form = {"verdict": "stop", "penalty": 500}
    finished = await api.call("POST", f"{path}/actions", manager, **done, form=form)
    assert (finished.status_code, finished.json()["state"]) == (200, "done")
    assert finished.json()["form"] == {"permit_no": "ZX-8", "verdict": "stop", "penalty": 500.0}
    assert (await api.call("GET", path, desk)).json()["form"] == {"permit_no": "ZX-8", "verdict": "stop"}


async def test_documents_that_could_not_work_and_old_looks_are_refused(api: Api) -> None:
    broken = deepcopy(DECORATION)
    broken["names"].pop("en")
    broken["fields"][1]["options"] = []
    refused = await api.save("/order-kinds/decoration", broken)
    assert (refused.status_code, refused.json()["code"]) == (422, "document_invalid")
    assert set(refused.json()["facts"]["problems"]) == {
        "ticketing.document.no_name",
        "ticketing.document.options_wanted",
    }

    assert (await api.save("/order-kinds/decoration", DECORATION | {"flow": "nowhere"})).status_code == 404
    assert (await api.save("/order-kinds/decoration", DECORATION)).status_code == 200
    stale = await api.save("/order-kinds/decoration", DECORATION)
    assert (stale.status_code, stale.json()["facts"]["version"]) == (409, 1)
    desk = api.headers(Role.DISPATCHER, "dispatcher")
    assert (await api.call("PUT", "/order-kinds/x", desk, document=DECORATION)).status_code == 403
    # A flow that a kind could no longer take is refused for the kind's sake.
    feedback = shipped("flows")["feedback"]
    assert (await api.save("/order-flows/repair", feedback, version=1)).status_code == 422


async def test_a_flow_of_ones_own_holds_for_new_orders_and_speaks_its_own_words(api: Api) -> None:
    await api.town.detect("PUMP-01", "bearing_wear")
    before = await api.town.only_order()

    parked = deepcopy(shipped("flows")["repair"])
    parked["stages"].append(
        {
            "code": "parts_ordered", "state": "on_hold", "waits_for": "parts",
            "names": {"zh-CN": "配件采购中", "en": "Parts ordered"},
        }
    )  # fmt: skip
    parked["actions"] = {
        "order_parts": {"zh-CN": "采购配件", "en": "Order parts"},
        "parts_came": {"zh-CN": "配件到货", "en": "Parts came"},
    }
    parked["transitions"] += [
        {
            "action": "order_parts", "from": ["accepted", "on_site"], "to": "parts_ordered", "by": ["assignee"],
            "required": ["note"], "effects": ["pause_clock"],
        },
        {
            "action": "parts_came", "from": ["parts_ordered"], "to": "accepted", "by": ["assignee", "dispatcher"],
            "effects": ["resume_clock"],
        },
        {
            "action": "cancel", "from": ["parts_ordered"], "to": "cancelled", "by": ["manager"],
            "required": ["reason"], "effects": ["withdraw", "end_tasks", "settle"],
        },
    ]  # fmt: skip
    saved = await api.save("/order-flows/repair", parked, version=1)
    assert (saved.status_code, saved.json()["version"]) == (200, 2)

    engineer = api.headers(Role.ENGINEER, "pump_engineer")
    old = f"/work-orders/{before.id}/actions"
    await api.call("POST", old, engineer, action="accept")
    refused = await api.call("POST", old, engineer, action="order_parts", note="轴承")
    assert (refused.status_code, refused.json()["code"]) == (409, "illegal_transition")

    await api.town.detect("PUMP-01", "dry_running")
    after = (await api.town.orders())[-1]
    new = f"/work-orders/{after.id}/actions"
    accepted = (await api.call("POST", new, engineer, action="accept")).json()
    assert {"action": "order_parts", "required": ["note"], "name": parked["actions"]["order_parts"]} in accepted[
        "actions"
    ]
    waiting = (await api.call("POST", new, engineer, action="order_parts", note="轴承")).json()
    assert (waiting["state"], waiting["stage"]) == ("on_hold", "parts_ordered")
    assert waiting["stage_name"]["zh-CN"] == "配件采购中"
    illegal = await api.call("POST", new, engineer, action="arrive")
    assert illegal.json()["message"] == "工单当前状态为“配件采购中”，不能执行“到场”。现在可以：配件到货。"
    back = (await api.call("POST", new, engineer, action="parts_came")).json()
    assert (back["state"], back["stage"], back["held_since"]) == ("accepted", None, None)


async def test_a_complaint_is_admitted_by_customer_service_before_anybody_gets_it(api: Api) -> None:
    desk = api.headers(Role.DISPATCHER, "dispatcher")
    opened = await api.call(
        "POST", "/work-orders", desk, site_id=str(api.town.site_id), channel="phone", kind="complaint",
        topic="about_noise", text="楼上半夜装修", space_id=str(api.town.spaces["3-2-502"]),
    )  # fmt: skip
    path = f"/work-orders/{opened.json()['work_order_id']}"
    waiting = (await api.call("GET", path, desk)).json()
    assert (waiting["state"], waiting["stage"], waiting["assignee_id"]) == ("new", "to_admit", None)
    admitted = (await api.call("POST", f"{path}/actions", desk, action="admit")).json()
    assert admitted["admitted_at"] is not None
    assert (admitted["state"], admitted["stage"]) == ("dispatched", None)


async def test_owners_are_offered_only_what_is_for_them(api: Api) -> None:
    await api.town.resident("wang", "3-2-502")
    offered = (await api.call("GET", "/order-kinds", api.headers(Role.OWNER, "wang"))).json()
    assert {kind["code"] for kind in offered} == {
        "home_repair", "public_repair", "complaint", "suggestion", "inquiry",
    }  # fmt: skip
    everything = (await api.call("GET", "/order-kinds", api.headers(Role.DISPATCHER, "dispatcher"))).json()
    assert {kind["code"] for kind in everything} == set(shipped("kinds"))
    desk = api.headers(Role.DISPATCHER, "dispatcher")
    internal = await api.call(
        "POST", "/work-orders", desk, site_id=str(api.town.site_id), channel="phone", kind="smoke"
    )
    assert (internal.status_code, internal.json()["code"]) == (422, "kind_not_offered")
