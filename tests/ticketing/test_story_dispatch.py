"""Who gets it, through HTTP: the contractor of the equipment, the grab pool, turns, by hand, and many at once."""

import asyncio
from collections.abc import AsyncIterator
from datetime import date
from typing import Any
from uuid import UUID

import httpx
import pytest

from catalog.endpoints import STATUS as CATALOG_STATUS
from hub.texts import ROOMS_WITH_TEXTS
from kit.access import Role, Scope
from people.contractors.service import ContractorService, NewContract
from people.contractors.views import ContactView
from people.endpoints import STATUS as PEOPLE_STATUS
from people.kinds import Duty, Skill
from tests.api import FakeLogins, client_of, make_app
from tests.ticketing.town import Town, staff_up
from ticketing import endpoints
from ticketing.dispatch import endpoints as dispatch_endpoints
from ticketing.feedback.repository import add_subjects
from ticketing.kinds import Category, TaskKind

AT_ONCE = 20


class Api:
    def __init__(self, town: Town, client: httpx.AsyncClient, logins: FakeLogins) -> None:
        self.town = town
        self._client = client
        self._logins = logins
        self.contractors = ContractorService(town.catalog)

    def headers(self, who: str, role: Role = Role.ENGINEER, *, site_id: UUID | None = None) -> dict[str, str]:
        token = self._logins.add(role, site_id=site_id or self.town.site_id, person_id=self.town.person.get(who))
        return {"authorization": f"Bearer {token}"}

    @property
    def desk(self) -> dict[str, str]:
        return self.headers("dispatcher", Role.DISPATCHER)

    async def get(self, path: str, headers: dict[str, str], **params: Any) -> Any:
        return (await self._client.get(f"/api/v1{path}", headers=headers, params=params)).json()

    async def post(self, path: str, headers: dict[str, str], **body: Any) -> httpx.Response:
        return await self._client.post(f"/api/v1{path}", headers=headers, json=body)

    async def act(self, order: UUID | str, who: str, **body: Any) -> httpx.Response:
        return await self.post(f"/work-orders/{order}/actions", self.headers(who), **body)

    async def page(self, order: UUID | str) -> Any:
        return await self.get(f"/work-orders/{order}", self.desk)

    async def maintained_by(self, name: str, who: str, *, equipment: str = "LIFT-02", arrival_min: float = 20) -> UUID:
        """A company with somebody of theirs, and a contract over an equipment from this day on."""
        town, scope = self.town, Scope.of(self.town.site_id)
        async with town.database.transaction() as session:
            company = await self.contractors.create(
                session, scope, site_id=town.site_id, name=name, hotline="4008001234"
            )
            await self.contractors.set_contacts(session, scope, company, [ContactView("陶站长", "站长", "13800138001")])
            await self.contractors.set_people(session, scope, company, [town.person[who]])
            new = NewContract(company, (town.equipment[equipment],), "WB-1", date(2026, 11, 22), None, arrival_min)
            await self.contractors.add_contracts(session, scope, new)
        return company


@pytest.fixture
async def api(empty_town: Town) -> AsyncIterator[Api]:
    town, logins = empty_town, FakeLogins()
    app = make_app(
        town.database, routers=[endpoints.router, dispatch_endpoints.router],
        rooms=ROOMS_WITH_TEXTS,
        services=town.room.services,
        status={**CATALOG_STATUS, **PEOPLE_STATUS, **endpoints.STATUS, **dispatch_endpoints.STATUS}, logins=logins,
    )  # fmt: skip
    async with client_of(app) as client:
        yield Api(town, client, logins)


async def test_an_elevator_goes_to_its_contractor_a_guard_keeps_people_away_and_the_order_says_why(api: Api) -> None:
    town = api.town
    await staff_up(town)
    await town.hire("theirs", "陶师傅", Duty.CONTRACTOR, Skill.ELEVATOR, certified=True)
    await town.hire("at_home", "姜师傅", Duty.ON_CALL, Skill.ELEVATOR, certified=True)
    company = await api.maintained_by("迅达电梯维保站", "theirs")
    await town.detect("LIFT-02", "door_stuck")
    order = (await town.only_order()).id

    shown = await api.page(order)
    (offer,) = shown["offers"]
    assert (offer["person_name"], offer["mode"]) == ("陶师傅", "auto")
    assert {one["factor"]: one["points"] for one in offer["reasons"]} == {
        "skill": 100, "certificate": 30, "maintainer": 50,
    }  # fmt: skip
    assert shown["contractor"] == {
        "id": str(company), "name": "迅达电梯维保站", "hotline": "4008001234", "contacts": ["陶站长 站长 138****8001"],
    }  # fmt: skip
    secure = (await town.tasks(order))[TaskKind.SECURE]
    assert secure.assignee_id == town.person["guard"]
    assert await town.told("guard") == ["staff.task"]
    # Another company's person is never asked for it, certified as they are; nor by hand anybody without a certificate.
    why = {one["name"]: one["refusal"] for one in await api.get(f"/work-orders/{order}/suggestions", api.desk)}
    assert (why["赵敏"], why["吴刚"], why["李强"]) == ("other_contractor", "other_duty", "no_certificate")
    refused = await api.post(f"/work-orders/{order}/assign", api.desk, assignee_id=str(town.person["handyman"]))
    assert (refused.status_code, refused.json()["code"]) == (409, "not_qualified")
    assert "无有效证书" in refused.json()["message"]

    # Nobody answers: then who is on call, at last the duty manager.
    for name in ("姜师傅", "孙丽"):
        await town.sweep(seconds=6 * 60)
        assert (await api.page(order))["offers"][-1]["person_name"] == name
    assert [one["factor"] for one in (await api.page(order))["offers"][-1]["reasons"]] == ["nobody_else"]
    await town.sweep(seconds=3600)
    assert len((await api.page(order))["offers"]) == 3


async def test_who_mended_it_comes_again_and_a_trapped_passengers_contractor_has_promised_a_time(api: Api) -> None:
    town = api.town
    await staff_up(town)
    await town.hire("second", "周杰", Duty.ENGINEER, Skill.PUMP)
    await town.detect("PUMP-01", "bearing_wear")
    first = await town.only_order()
    await api.post(f"/work-orders/{first.id}/assign", api.desk, assignee_id=str(town.person["second"]))
    await api.act(first.id, "second", action="arrive")
    finish = await api.act(first.id, "second", action="finish", closing_code="real_fault")
    assert finish.status_code == 200, finish.text
    await town.detect("PUMP-01", "low_pressure")
    again = (await town.orders())[-1]
    offer = (await api.page(again.id))["offers"][-1]
    assert offer["person_name"] == "周杰"
    assert {"continuity", "distance"} <= {one["factor"] for one in offer["reasons"]}

    await api.maintained_by("迅达", "contractor", arrival_min=20)
    await town.trap_passenger()
    release = (await town.tasks((await town.orders())[-1].id))[TaskKind.RELEASE]
    assert release.assignee_id == town.person["contractor"]
    assert (release.due_at - release.created_at).total_seconds() == 20 * 60


async def test_of_twenty_who_grab_one_order_at_once_one_has_it_and_nineteen_are_told_who(api: Api) -> None:
    town = api.town
    for number in range(AT_ONCE):
        await town.hire(f"e{number}", f"工程师{number}", Duty.ENGINEER, Skill.PLUMBING)
    await town.hire("painter", "油漆工", Duty.ENGINEER, Skill.ELECTRICAL)
    await town.hire("dispatcher", "钱进", Duty.DISPATCHER)
    await town.hire("manager", "孙丽", Duty.MANAGER)
    await town.set_site(dispatch={"modes": {"home_repair": "grab"}})
    reported = await town.report(space_id=town.spaces["3-2-502"], category=Category.WATER_LEAK)
    order = reported.report.work_order_id
    assert (await api.page(order))["state"] == "new"
    assert await town.told("e7") == ["staff.pool"]
    (waits,) = await api.get("/dispatch/waiting", api.headers("e7"))
    assert (waits["work_order_id"], waits["mode"], waits["is_mine"]) == (str(order), "grab", True)
    assert await api.get("/dispatch/waiting", api.headers("painter")) == []
    refused = await api.act(order, "painter", action="accept")
    assert (refused.status_code, refused.json()["facts"]["why"]) == (409, "no_skill")
    # Who came on shift since may take it as well; and what is not for somebody does not push out what is.
    await town.hire("late", "迟到师傅", Duty.ENGINEER, Skill.PLUMBING)
    await town.hire("at_home", "在家师傅", Duty.ENGINEER, Skill.PLUMBING, on_shift=False)
    assert [one["is_mine"] for one in await api.get("/dispatch/waiting", api.headers("late"))] == [True]
    assert await api.get("/dispatch/waiting", api.headers("at_home")) == []
    wired = await town.report(space_id=town.spaces["3-2-502"], category=Category.LIGHTING)
    async with town.database.transaction() as session:
        for who, mine in (("late", order), ("painter", wired.report.work_order_id)):
            (only,) = await town.room.dispatch.waits.of(
                session, Scope.of(town.site_id), person_id=town.person[who], desk=Scope.of(), site_id=None, limit=1
            )
            assert only.order.id == mine
    desk = api.headers("dispatcher", Role.DISPATCHER)
    assert len(await api.get("/dispatch/waiting", desk)) == 2
    assert (await api.act(wired.report.work_order_id, "painter", action="accept")).status_code == 200

    seen = (await api.page(order))["version"]
    answers = await asyncio.gather(
        *(api.act(order, f"e{number}", action="accept", version=seen) for number in range(AT_ONCE))
    )

    (winner,) = [f"工程师{number}" for number, answer in enumerate(answers) if answer.status_code == 200]
    losers = [answer for answer in answers if answer.status_code != 200]
    assert [(one.status_code, one.json()["code"]) for one in losers] == [(409, "already_taken")] * (AT_ONCE - 1)
    assert {one.json()["facts"]["by_name"] for one in losers} == {winner}
    assert all(winner in one.json()["message"] for one in losers)
    shown = await api.page(order)
    assert (shown["assignee_name"], shown["offers"][0]["mode"]) == (winner, "taken")
    assert await api.get("/dispatch/waiting", api.desk) == []


async def test_what_nobody_takes_is_given_out_by_name_in_the_end_and_by_hand_or_in_turns_where_a_site_wants_it(
    api: Api,
) -> None:
    town = api.town
    await staff_up(town)
    await town.hire("second", "周杰", Duty.ENGINEER, Skill.PUMP, Skill.PLUMBING)
    await town.set_site(dispatch={"modes": {"home_repair": "manual"}})
    by_hand, left = [
        (await town.report(space_id=town.spaces[room], category=Category.WATER_LEAK)).report.work_order_id
        for room in ("3-1-502", "3-2-502")
    ]
    assert await town.told("dispatcher") == ["staff.to_dispatch"] * 2
    assert [one["mode"] for one in await api.get("/dispatch/waiting", api.desk)] == ["manual"] * 2
    assert await api.get("/dispatch/waiting", api.headers("second")) == []
    await town.hire("meant", "冯前台", Duty.DISPATCHER)
    async with town.database.transaction() as session:
        (about,) = [one for one in await town.orders() if one.id == left]
        await add_subjects(session, about, [town.person["meant"]], named_by=None, at=town.clock.now())
    (seen,) = await api.get("/dispatch/waiting", api.headers("meant", Role.DISPATCHER))
    assert seen["work_order_id"] == str(by_hand)
    best = (await api.get(f"/work-orders/{by_hand}/suggestions", api.desk))[0]
    assigned = await api.post(f"/work-orders/{by_hand}/assign", api.desk, assignee_id=best["person_id"])
    assert (assigned.status_code, assigned.json()["offers"][0]["mode"]) == (200, "manual")
    await town.sweep(seconds=16 * 60)
    assert (await api.page(left))["offers"][0]["mode"] == "auto"
    # Whom customer service chose did not answer: it is theirs to give out again, and nobody else has it meanwhile.
    (again,) = await api.get("/dispatch/waiting", api.desk)
    shown = await api.page(by_hand)
    assert (again["work_order_id"], shown["state"], shown["assignee_name"]) == (str(by_hand), "new", None)
    assert [one["outcome"] for one in shown["offers"]] == ["no_answer"]
    assert (await town.told("dispatcher")).count("staff.to_dispatch") == 3
    await town.sweep(seconds=16 * 60)
    shown = await api.page(by_hand)
    assert [one["mode"] for one in shown["offers"]] == ["manual", "auto"]
    assert shown["offers"][1]["person_id"] != best["person_id"]
    assert await api.get("/dispatch/waiting", api.desk) == []

    await town.set_site(dispatch={"modes": {"home_repair": "rotate"}})
    turns: list[Any] = []
    for room in ("3-1-502", "3-2-502", "3-2-602"):
        reported = await town.report(space_id=town.spaces[room], category=Category.DRAINAGE)
        turns += (await api.page(reported.report.work_order_id))["offers"]
        town.clock.advance(seconds=1)
    assert {one["mode"] for one in turns} == {"rotate"}
    assert len({one["person_id"] for one in turns}) == 3  # both plumbers and the handyman, whatever they have in hand


async def test_a_plan_for_all_orders_is_proposed_and_applied_where_nothing_changed_meanwhile(api: Api) -> None:
    town = api.town
    await town.hire("busy", "张伟", Duty.ENGINEER, Skill.PLUMBING)
    await town.hire("dispatcher", "钱进", Duty.DISPATCHER)
    await town.hire("manager", "孙丽", Duty.MANAGER)
    for room in ("3-1-502", "3-2-502", "3-2-602"):
        await town.report(space_id=town.spaces[room], category=Category.WATER_LEAK)
    await town.report(text="灯坏了", category=Category.LIGHTING, building_id=town.buildings["B05"])
    await town.hire("fresh", "周杰", Duty.ENGINEER, Skill.PLUMBING)
    await town.hire("electrician", "韩电", Duty.ENGINEER, Skill.ELECTRICAL)
    # Not in it: what somebody complains of, and what the desk is to give out by hand.
    await town.set_site(dispatch={"modes": {"public_repair": "manual"}})
    await town.report(text="漏水", category=Category.WATER_LEAK, building_id=town.buildings["B05"])
    complaint = await town.report(text="投诉", category=Category.COMPLAINT)
    await api.post(f"/work-orders/{complaint.report.work_order_id}/actions", api.desk, action="admit")

    plan = await api.post("/dispatch/plans", api.desk, site_id=str(town.site_id))
    assert plan.status_code == 201, plan.text
    proposed = plan.json()
    assert (proposed["orders"], proposed["people"]) == (4, 5)
    moves = {one["number"]: (one["before_name"], one["person_name"]) for one in proposed["items"]}
    assert set(moves.values()) <= {("张伟", "周杰"), ("孙丽", "韩电")}
    assert ("孙丽", "韩电") in moves.values()
    assert ("张伟", "周杰") in moves.values()
    others = {None, town.person["dispatcher"]}
    assert {one.assignee_id for one in await town.orders()} - others == {town.person["busy"], town.person["manager"]}

    # One of them is accepted before the plan is applied: it stays.
    taken = next(one for one in proposed["items"] if one["before_name"] == "张伟")
    assert (await api.act(taken["work_order_id"], "busy", action="accept")).status_code == 200
    path = f"/dispatch/plans/{proposed['id']}"
    applied = (await api.post(f"{path}/apply", api.desk, limit=1)).json()
    assert applied["left"] == proposed["changes"] - 1
    applied = (await api.post(f"{path}/apply", api.desk)).json()
    assert applied["left"] == 0
    outcomes = {one["number"]: one["outcome"] for one in (await api.get(path, api.desk))["items"]}
    assert outcomes.pop(taken["number"]) == "changed"
    assert set(outcomes.values()) == {"applied"}
    now = {order.number: order.assignee_id for order in await town.orders()}
    assert now[taken["number"]] == town.person["busy"]
    shown = await api.page(next(one["work_order_id"] for one in proposed["items"] if one["person_name"] == "韩电"))
    assert (shown["offers"][-1]["mode"], shown["offers"][-1]["person_name"]) == ("plan", "韩电")

    stranger = api.headers("", Role.DISPATCHER, site_id=town.equipment["PUMP-01"])
    assert (await api.post(f"{path}/apply", stranger)).status_code == 404
    assert (await api.post("/dispatch/plans", stranger, site_id=str(town.site_id))).status_code == 404
    assert (await api.post(f"{path}/apply", api.headers("busy"))).status_code == 403
    assert (await api.post(f"{path}/apply", api.desk, limit=0)).status_code == 422
