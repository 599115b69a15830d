"""Service levels through HTTP on a real PostgreSQL: weekends, public holidays, holds, the owner's time, the chain."""

from collections.abc import AsyncIterator
from copy import deepcopy
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest

from catalog.endpoints import STATUS as CATALOG_STATUS
from hub.texts import ROOMS_WITH_TEXTS
from kit.access import Role
from kit.ids import new_id
from people.endpoints import STATUS as PEOPLE_STATUS
from people.kinds import Duty
from people.models import RoleGrant
from tests.api import FakeLogins, client_of, make_app
from tests.ticketing.town import Town, staff_up
from ticketing import endpoints
from ticketing.definitions import endpoints as definitions_endpoints
from ticketing.definitions.book import shipped
from ticketing.sla import endpoints as sla_endpoints

SHANGHAI = ZoneInfo("Asia/Shanghai")
ROUTERS = (endpoints, definitions_endpoints, sla_endpoints)
# The last evening before the National Day week of 2026: closed from 1 to 7 October, Saturday the 10th is worked.
EVE = "2026-09-30 17:30"


def local(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI).astimezone(UTC)


def shown(moment: str) -> str:
    return f"{datetime.fromisoformat(moment).astimezone(SHANGHAI):%m-%d %H:%M}"


class Api:
    def __init__(self, town: Town, client: httpx.AsyncClient, logins: FakeLogins) -> None:
        self.town = town
        self._client = client
        self._logins = logins

    async def call(
        self, method: str, path: str, role: Role, who: str | None = None, *, at: str = "here", **body: Any
    ) -> httpx.Response:
        """`at`: "here", "everywhere" or "elsewhere" is where the caller has that role."""
        site_id = {"here": self.town.site_id, "everywhere": None, "elsewhere": new_id()}[at]
        person = self.town.person[who] if who else None
        token = self._logins.add(role, site_id=site_id, person_id=person)
        headers = {"authorization": f"Bearer {token}"}
        return await self._client.request(method, f"/api/v1{path}", headers=headers, json=body or None)

    async def open(self, **more: Any) -> str:
        """A door at home that does not lock: priority 3."""
        body: dict[str, Any] = {
            "site_id": str(self.town.site_id), "channel": "phone", "kind": "home_repair", "topic": "doors_windows",
            "space_id": str(self.town.spaces["3-2-502"]), "priority": 3, "text": "入户门锁不上",
        }  # fmt: skip
        made = await self.call("POST", "/work-orders", Role.DISPATCHER, "dispatcher", **body | more)
        assert made.status_code == 201, made.text
        await self.town.deliver()
        return str(made.json()["work_order_id"])

    async def act(self, order: str, action: str, who: str = "handyman", **words: Any) -> None:
        done = await self.call("POST", f"/work-orders/{order}/actions", Role.ENGINEER, who, action=action, **words)
        assert done.status_code == 200, done.text
        await self.town.deliver()

    async def level(self, order: str) -> dict[str, Any]:
        found = await self.call("GET", f"/work-orders/{order}/service-level", Role.ENGINEER)
        assert found.status_code == 200, found.text
        return dict(found.json())

    async def due(self, order: str) -> dict[str, str]:
        return {clock["target"]: shown(clock["due_at"]) for clock in (await self.level(order))["clocks"]}

    async def until(self, text: str) -> None:
        """Time passes; every sweep comes by twice, as if the hub had been started again."""
        await self.town.sweep(seconds=(local(text) - self.town.clock.now()).total_seconds())
        await self.town.sweep(seconds=0)

    async def told(self, who: str, *templates: str) -> list[str]:
        """`template reason` of what somebody was told of lateness."""
        return [
            f"{notice.template} {notice.facts['reason'].rpartition('.')[2]}"
            for notice in await self.town.notices(who)
            if notice.template in (templates or ("staff.warning", "staff.escalation")) and notice.channel != "voice"
        ]


@pytest.fixture
async def api(empty_town: Town) -> AsyncIterator[Api]:
    """The evening before the holidays, everybody there, and a manager of the site who is not on duty."""
    town = empty_town
    town.clock.advance(seconds=(local(EVE) - town.clock.now()).total_seconds())
    await staff_up(town)
    boss = await town.hire("boss", "周敏", Duty.MANAGER, on_shift=False)
    async with town.database.transaction() as session:
        session.add(RoleGrant(person_id=boss, role=Role.MANAGER, site_id=town.site_id))
    logins, status = FakeLogins(), {**CATALOG_STATUS, **PEOPLE_STATUS}
    for module in ROUTERS:
        status |= module.STATUS
    app = make_app(
        town.database, routers=[module.router for module in ROUTERS], services=town.room.services, status=status,
        rooms=ROOMS_WITH_TEXTS, logins=logins,
    )  # fmt: skip
    async with client_of(app) as client:
        yield Api(town, client, logins)


def with_a_question() -> dict[str, Any]:
    """The flow of repairs, with a stage in which the owner is asked something."""
    flow = deepcopy(shipped("flows")["repair"])
    names = {"zh-CN": "等业主答复", "en": "Owner asked"}
    flow["stages"].append({"code": "owner_asked", "state": "on_hold", "names": names, "waits_for": "owner"})
    flow["transitions"] += [
        {
            "action": "ask", "from": ["on_site"], "to": "owner_asked", "by": ["assignee"], "effects": ["pause_clock"],
        },
        {
            "action": "answered", "from": ["owner_asked"], "to": "on_site", "by": ["assignee"],
            "effects": ["resume_clock"],
        },
    ]  # fmt: skip
    flow.setdefault("actions", {}).update(ask=names, answered={"zh-CN": "业主已答复", "en": "Owner answered"})
    return flow


async def test_an_order_over_a_public_holiday_a_hold_and_the_owners_time_up_to_the_manager(api: Api) -> None:
    saved = await api.call(
        "PUT", "/order-flows/repair", Role.ADMIN, "manager", at="everywhere", document=with_a_question(), version=1
    )
    assert saved.status_code == 200, saved.text
    order = await api.open()
    agreed = await api.level(order)
    assert (agreed["counted_in"], agreed["zone"], agreed["guessed_years"]) == ("business", "Asia/Shanghai", [])
    # Half an hour on the eve, the rest after a week of holidays.
    assert await api.due(order) == {"response": "10-08 09:30", "arrival": "10-08 12:30", "resolution": "10-08 17:30"}
    await api.act(order, "accept")

    await api.until("2026-10-05 12:00")
    assert await api.told("handyman") == []
    await api.until("2026-10-08 11:29")
    assert await api.told("handyman") == []
    await api.until("2026-10-08 11:31")
    assert await api.told("handyman") == ["staff.warning arrival_due_soon"]

    await api.act(order, "arrive")
    await api.until("2026-10-08 12:00")
    await api.act(order, "hold", reason="等锁芯", hold_until=local("2026-10-09 18:00").isoformat())
    await api.until("2026-10-08 17:45")  # past its time, had it run
    assert [clock["left_min"] for clock in (await api.level(order))["clocks"]] == [None, None, 330]
    await api.until("2026-10-09 09:00")
    await api.act(order, "resume")
    assert (await api.due(order))["resolution"] == "10-09 14:30"

    await api.act(order, "arrive")
    await api.until("2026-10-09 12:00")
    await api.act(order, "ask")
    await api.until("2026-10-09 17:00")
    await api.act(order, "answered")
    # 150 minutes were left: an hour on Friday, the rest on Saturday, which is worked for the holidays.
    assert (await api.due(order))["resolution"] == "10-10 10:30"
    assert await api.told("handyman") == ["staff.warning arrival_due_soon"]

    await api.until("2026-10-09 17:20")
    assert (await api.told("handyman"))[1:] == ["staff.warning resolution_due_soon"]
    await api.until("2026-10-10 10:29")
    assert await api.told("dispatcher") == []
    late = "staff.escalation resolution_overdue"
    told = {"handyman": "10:31", "dispatcher": "11:01", "manager": "12:31"}
    for count, at in enumerate(told.values(), start=1):
        await api.until(f"2026-10-10 {at}")
        assert [who for who in (*told, "boss") if late in await api.told(who)] == list(told)[:count]
    await api.until("2026-10-12 10:29")  # Sunday does not count
    assert late not in await api.told("boss")
    await api.until("2026-10-12 10:31")
    assert {who: (await api.told(who)).count(late) for who in (*told, "boss")} == dict.fromkeys((*told, "boss"), 1)

    page = (await api.call("GET", f"/work-orders/{order}", Role.DISPATCHER, "dispatcher")).json()
    chain = [entry["after"]["who"] for entry in page["timeline"] if entry["what"] == "escalated"]
    assert chain == [["assignee"], ["dispatcher"], ["duty_manager"], ["manager"]]
    assert page["is_overdue"]
    (clock,) = [one for one in (await api.level(order))["clocks"] if one["target"] == "resolution"]
    assert (shown(clock["missed_at"]), clock["left_min"] < 0) == ("10-10 10:30", True)


async def test_a_policy_holds_for_what_opens_after_it_and_the_most_specific_wins(api: Api) -> None:
    before = await api.open(text="第一张")
    site = str(api.town.site_id)
    wide: dict[str, Any] = {"name": "全公司报修", "kind": "home_repair", "response_min": 20, "resolution_min": 300}
    own: dict[str, Any] = {
        "name": "本项目三级",
        "site_id": site,
        "priority": 3,
        "resolution_min": 120,
        "counted_in": "always",
    }
    assert (await api.call("POST", "/service-policies", Role.MANAGER, "manager", **wide)).status_code == 403
    made = [
        await api.call("POST", "/service-policies", Role.ADMIN, "manager", at="everywhere", **body)
        for body in (wide, own)
    ]
    assert [one.status_code for one in made] == [201, 201]
    preview = (
        await api.call("GET", f"/sites/{site}/service-level?kind=home_repair&priority=3", Role.MANAGER)
    ).json()  # fmt: skip
    assert (preview["response_min"], preview["resolution_min"], preview["counted_in"]) == (20, 120, "always")
    assert preview["sources"]["resolution_min"].startswith("本项目三级")

    after = await api.open(space_id=str(api.town.spaces["3-1-502"]))
    assert await api.due(before) == {"response": "10-08 09:30", "arrival": "10-08 12:30", "resolution": "10-08 17:30"}
    assert await api.due(after) == {"response": "09-30 17:50", "arrival": "09-30 21:30", "resolution": "09-30 19:30"}

    policy = made[1].json()
    path = f"/service-policies/{policy['id']}"
    changed = await api.call("PUT", path, Role.MANAGER, "manager", **own | {"resolution_min": 60}, version=1)
    assert (changed.status_code, changed.json()["version"]) == (200, 2)
    assert (await api.due(after))["resolution"] == "09-30 19:30"
    stale = await api.call("PUT", path, Role.MANAGER, "manager", **own, version=1)
    assert (stale.status_code, stale.json()["facts"]) == (409, {"given_version": 1, "version": 2})
    twice = await api.call("POST", "/service-policies", Role.MANAGER, "manager", **own)
    assert (twice.status_code, twice.json()["facts"]["policy_id"]) == (409, policy["id"])
    assert (await api.call("GET", path, Role.MANAGER, at="elsewhere")).status_code == 404
    assert (await api.call("DELETE", path, Role.MANAGER, at="elsewhere")).status_code == 404
    assert (await api.call("DELETE", path, Role.MANAGER, "manager")).status_code == 204


async def test_at_an_appointment_nobody_is_late_before_it(api: Api) -> None:
    order = await api.open(appointment_at=local("2026-10-03 10:00").isoformat())
    # A holiday: the owner is at home all the same. The work itself counts in business hours from then on.
    assert await api.due(order) == {"response": "10-08 09:30", "arrival": "10-03 10:30", "resolution": "10-08 18:00"}
    path = f"/work-orders/{order}/appointment"
    moved = await api.call(
        "PUT", path, Role.DISPATCHER, "dispatcher", appointment_at=local("2026-10-08 14:00").isoformat()
    )
    assert moved.status_code == 200, moved.text
    assert await api.due(order) == {"response": "10-08 09:30", "arrival": "10-08 14:30", "resolution": "10-09 14:00"}
    await api.act(order, "accept")
    await api.until("2026-10-08 14:21")
    assert await api.told("handyman") == []
    await api.until("2026-10-08 14:23")
    assert await api.told("handyman") == ["staff.warning arrival_due_soon"]
    await api.until("2026-10-08 14:31")
    assert (await api.told("handyman"))[1:] == ["staff.escalation arrival_overdue"]
    await api.act(order, "arrive")

    too_late = await api.call(
        "PUT", path, Role.DISPATCHER, "dispatcher", appointment_at=local("2026-10-09 10:00").isoformat()
    )
    assert (too_late.status_code, too_late.json()["code"]) == (409, "appointment_too_late")
    other = await api.open(space_id=str(api.town.spaces["3-1-502"]))
    past: dict[str, Any] = {"appointment_at": local("2026-10-01 10:00").isoformat()}
    refused = await api.call("PUT", f"/work-orders/{other}/appointment", Role.DISPATCHER, "dispatcher", **past)
    assert (refused.status_code, refused.json()["facts"]["field"]) == (422, "appointment_at")
    assert "预约时间" in refused.json()["message"]
    hidden = await api.call("PUT", path, Role.DISPATCHER, at="elsewhere", **past)
    assert hidden.status_code == 404


async def test_a_hold_lasts_no_longer_than_it_was_said_to(api: Api) -> None:
    order = await api.open(priority=2)
    assert (await api.level(order))["counted_in"] == "always"
    await api.act(order, "accept")
    await api.act(order, "arrive")
    await api.act(order, "hold", reason="等配件", hold_until=local("2026-09-30 20:30").isoformat())
    await api.until("2026-09-30 23:00")  # the hub was away when it ended
    assert (await api.due(order))["resolution"] == "10-01 04:30"
    assert await api.told("handyman") == ["staff.warning hold_over"]
    assert await api.told("dispatcher") == ["staff.warning hold_over"]
    await api.act(order, "resume")
    assert (await api.due(order))["resolution"] == "10-01 04:30"


async def test_a_year_nobody_knows_is_told_once_and_entered_by_hand(api: Api) -> None:
    calendar = f"/sites/{api.town.site_id}/business-calendar"
    await api.until("2026-11-10 12:00")
    assert await api.town.told("boss") == []
    await api.until("2026-12-01 12:00")
    await api.until("2026-12-02 12:00")
    assert await api.town.told("boss") == ["staff.calendar"]

    shown_2027 = (await api.call("GET", f"{calendar}?year=2027", Role.ENGINEER)).json()
    assert (shown_2027["unknown_years"], shown_2027["public"]) == ([2027], [])
    entered = await api.call(
        "PUT", "/business-calendar/days/2027-01-01", Role.ADMIN, "manager", at="everywhere", name="元旦", hours=[]
    )
    assert entered.status_code == 200, entered.text
    worked = await api.call("PUT", f"{calendar}/days/2027-01-03", Role.MANAGER, "manager", name="元旦调休", hours=None)
    assert (worked.status_code, worked.json()["unknown_years"]) == (200, [2027]), "two days are not the year"
    assert [(day["day"], day["site_id"] is None) for day in worked.json()["entered"]] == [
        ("2027-01-01", True), ("2027-01-03", False),
    ]  # fmt: skip

    spring, autumn = ("02-05", "02-08", "02-09", "02-10"), ("09-15", "10-01", "10-04", "10-05", "10-06", "10-07")
    free = [*spring, "04-05", "05-03", "06-09", *autumn]
    for day in free:
        path = f"/business-calendar/days/2027-{day}"
        last = await api.call("PUT", path, Role.ADMIN, "manager", at="everywhere", name="放假", hours=[])
        assert last.json()["unknown_years"] == ([] if day == free[-1] else [2027])
    assert (await api.call("GET", f"{calendar}?year=2027", Role.ENGINEER)).json()["unknown_years"] == []

    hours = [[["08:00", "12:00"], ["13:00", "24:00"]], *[[["08:00", "12:00"]]] * 4, [], []]
    week: dict[str, Any] = {"hours": hours, "keeps_holidays": True}
    saved = await api.call("PUT", f"{calendar}?year=2027", Role.MANAGER, "manager", **week, version=0)
    assert (saved.status_code, saved.json()["hours"], saved.json()["version"]) == (200, hours, 1)
    stale = await api.call("PUT", f"{calendar}?year=2027", Role.MANAGER, "manager", **week, version=0)
    assert stale.status_code == 409
    bad = await api.call("PUT", f"{calendar}?year=2027", Role.MANAGER, "manager", hours=[[["18:00", "09:00"]]] * 7)
    assert (bad.status_code, bad.json()["facts"]) == (422, {"problem": "backwards"})
    assert "跨零点" in bad.json()["message"]
    hidden = await api.call("PUT", f"{calendar}/days/2027-02-01", Role.MANAGER, at="elsewhere", name="春节", hours=[])
    assert hidden.status_code == 404
    gone = await api.call("DELETE", f"{calendar}/days/2027-05-01", Role.MANAGER, "manager")
    assert gone.status_code == 404


async def test_life_safety_runs_round_the_clock_and_a_city_sets_what_its_sites_have(api: Api) -> None:
    town = api.town
    for city, status in (("火星", 404), ("杭州", 200)):
        saved = await api.call(
            "PUT", f"/service-levels/cities/{city}", Role.ADMIN, "manager", at="everywhere",
            settings={"entrapment": {"area": "elsewhere"}, "deadlines": {"smoke": {"arrival_min": 4}}},
        )  # fmt: skip
        assert saved.status_code == status, saved.text
    bad = await api.call(
        "PUT", "/service-levels/cities/杭州", Role.ADMIN, "manager", at="everywhere",
        settings={"deadlines": {"smoke": {"chain": []}}},
    )  # fmt: skip
    assert (bad.status_code, "deadlines.smoke.chain" in bad.json()["message"]) == (422, True)
    by_office_hours: dict[str, Any] = {
        "name": "夜里不算", "site_id": str(town.site_id), "kind": "entrapment", "counted_in": "business",
        "response_min": 2, "chain": [{"who": "manager", "after_min": 0}],
    }  # fmt: skip
    assert (await api.call("POST", "/service-policies", Role.MANAGER, "manager", **by_office_hours)).status_code == 201

    await api.until("2026-10-03 03:00")
    await town.trap_passenger()
    order = await town.only_order()
    assert (await api.level(str(order.id)))["counted_in"] == "always"
    assert await api.due(str(order.id)) == {
        "response": "10-03 03:02", "arrival": "10-03 04:00", "resolution": "10-03 04:30",
    }  # fmt: skip
    await api.until("2026-10-03 03:03")
    assert "staff.escalation response_overdue" in await api.told("boss")
    await town.set_site(entrapment={"contractor_min": 20})
    assert (await api.due(str(order.id)))["arrival"] == "10-03 04:00"


NONSENSE: list[tuple[dict[str, Any], str]] = [
    ({}, "policy_empty"),
    ({"response_min": 0}, "响应时限"),
    ({"response_min": 61, "resolution_min": 60}, "响应时限"),
    ({"warn_pct": 101}, "预警比例"),
    ({"chain": [{"who": "manager", "after_min": 9}, {"who": "assignee", "after_min": 1}]}, "上报链"),
    ({"kind": "haunting", "response_min": 5}, "haunting"),
    ({"contract_no": "WB-404", "response_min": 5}, "WB-404"),
]


async def test_a_policy_that_cannot_be_meant_says_what_would_do(api: Api) -> None:
    for says, named in NONSENSE:
        body: dict[str, Any] = {"name": "写错了", "site_id": str(api.town.site_id)} | says
        refused = await api.call("POST", "/service-policies", Role.MANAGER, "manager", **body)
        assert refused.status_code in (404, 422)
        assert named in refused.text
