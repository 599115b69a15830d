"""People over HTTP and for other rooms: scopes, masked phones, rights, homes, WeChat, shifts."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from kit.access import Grant, Role, Scope
from kit.clock import FakeClock
from people.errors import NobodyResponsible
from people.kinds import Duty, PersonKind, Relation, Skill
from tests.api import client_of
from tests.people.room import PeopleRoom


async def person(client: httpx.AsyncClient, site_id: UUID, name: str = "张伟", **fields: Any) -> Any:
    body = {"site_id": str(site_id), "kind": "staff", "name": name, "phone": "13800138000", **fields}
    answer = await client.post("/api/v1/people", json=body)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def home(room: PeopleRoom, site_id: UUID, code: str) -> UUID:
    async with room.database.transaction() as session:
        return next(one.space_id for one in await room.catalog.rooms_of_site(session, site_id) if one.code == code)


# --- who sees whom ------------------------------------------------------------------------------------------------


async def test_lists_mask_phones_and_dispatchers_may_ask_for_them_whole(
    room: PeopleRoom, manager: httpx.AsyncClient, site_id: UUID
):
    made = await person(manager, site_id, phone="+86 138 0013-8000")
    assert made["phone"] == "13800138000"
    listed = (await manager.get("/api/v1/people")).json()["items"]
    assert listed[0]["phone"] == "138****8000"
    whole = (await manager.get("/api/v1/people", params={"whole_phone": True})).json()["items"]
    assert whole[0]["phone"] == "13800138000"
    async with client_of(room.app, token=room.logins.add(Role.ENGINEER, site_id=site_id)) as engineer:
        assert (await engineer.get(f"/api/v1/people/{made['id']}")).json()["phone"] == "138****8000"
        assert (await engineer.get("/api/v1/people", params={"whole_phone": True})).json()["total"] == 0


async def test_people_of_another_site_are_not_found(
    room: PeopleRoom, manager: httpx.AsyncClient, site_id: UUID, elsewhere: UUID
):
    made = await person(manager, site_id)
    space = await home(room, site_id, "1-1-101")
    path = f"/api/v1/people/{made['id']}"
    residence = (await manager.post(f"{path}/residences", json={"space_id": str(space)})).json()["residence_id"]
    shift = {
        "site_id": str(elsewhere), "person_id": made["id"], "duty": "guard", "starts_at": "2026-11-22T00:00:00Z",
        "ends_at": "2026-11-22T12:00:00Z",
    }  # fmt: skip
    attempts: list[tuple[str, str, Any]] = [
        ("GET", path, None),
        ("PATCH", path, {"name": "x"}),
        ("DELETE", path, None),
        ("PUT", f"{path}/skills", []),
        ("PUT", f"{path}/areas", {"building_ids": []}),
        ("PUT", f"{path}/roles", []),
        ("PUT", f"{path}/account", {"username": "thief"}),
        ("DELETE", f"/api/v1/residences/{residence}", None),
        ("POST", "/api/v1/shifts", shift),
        ("POST", "/api/v1/people", {"site_id": str(site_id), "kind": "staff", "name": "x"}),
        ("GET", f"/api/v1/exports/owners.csv?site_id={site_id}", None),
    ]
    token = room.logins.add(Role.MANAGER, Role.ADMIN, site_id=elsewhere)
    async with client_of(room.app, token=token) as stranger:
        for method, address, body in attempts:
            answer = await stranger.request(method, address, json=body)
            assert answer.status_code == 404, (method, address, answer.text)
        assert (await stranger.get("/api/v1/people")).json()["total"] == 0
        own = await person(stranger, elsewhere, "本地人", phone=None)
        answer = await stranger.post(f"/api/v1/people/{own['id']}/residences", json={"space_id": str(space)})
        assert (answer.status_code, answer.json()["code"]) == (422, "space_is_no_home")


async def test_lists_filter_by_kind_skill_home_and_name(room: PeopleRoom, manager: httpx.AsyncClient, site_id: UUID):
    engineer = await person(manager, site_id, "张伟")
    await manager.put(f"/api/v1/people/{engineer['id']}/skills", json=[{"skill": "elevator"}])
    owner = await person(manager, site_id, "王五", kind="owner", phone="13900139000")
    space = await home(room, site_id, "1-1-101")
    await manager.post(f"/api/v1/people/{owner['id']}/residences", json={"space_id": str(space)})
    cases: list[tuple[dict[str, str | int], list[str] | None]] = [
        ({"kind": "owner"}, ["王五"]),
        ({"skill": "elevator"}, ["张伟"]),
        ({"space_id": str(space)}, ["王五"]),
        ({"q": "张"}, ["张伟"]),
        ({"q": "13900139000"}, ["王五"]),
        ({"sort": "-name", "limit": 1}, None),
        ({"q": "%"}, []),
    ]
    for params, names in cases:
        answer = await manager.get("/api/v1/people", params=params)
        found = [one["name"] for one in answer.json()["items"]]
        assert found == names if names is not None else len(found) == 1, params
    assert (await manager.get("/api/v1/people?sort=phone")).status_code == 422


@pytest.mark.parametrize("phone", ["1380013800", "12800138000", "hello", "1.38E+10", "138001380001"])
async def test_what_is_no_phone_number_is_refused(manager: httpx.AsyncClient, site_id: UUID, phone: str):
    body = {"site_id": str(site_id), "kind": "staff", "name": "x", "phone": phone}
    assert (await manager.post("/api/v1/people", json=body)).status_code == 422


async def test_a_wecom_user_belongs_to_one_person(manager: httpx.AsyncClient, site_id: UUID):
    await person(manager, site_id, wecom_user_id="zhangwei")
    body = {"site_id": str(site_id), "kind": "staff", "name": "x", "wecom_user_id": "zhangwei"}
    assert (await manager.post("/api/v1/people", json=body)).json()["code"] == "wecom_user_taken"


# --- rights -------------------------------------------------------------------------------------------------------


async def test_an_admin_gives_a_login_whose_password_is_shown_once(
    room: PeopleRoom, admin: httpx.AsyncClient, site_id: UUID
):
    made = await person(admin, site_id)
    account = (await admin.put(f"/api/v1/people/{made['id']}/account", json={"username": "ZhangWei"})).json()
    assert account["username"] == "zhangwei"
    roles = [{"role": "engineer", "site_id": str(site_id)}]
    assert (await admin.put(f"/api/v1/people/{made['id']}/roles", json=roles)).json() == roles
    async with client_of(room.login_app) as door:
        answer = await door.post("/api/v1/auth/login", json=account)
        assert answer.status_code == 200
        assert (await admin.delete(f"/api/v1/people/{made['id']}/account")).status_code == 204
        headers = {"authorization": f"Bearer {answer.json()['access_token']}"}
        assert (await door.get("/api/v1/auth/me", headers=headers)).status_code == 401
    other = await person(admin, site_id, "李四", phone=None)
    taken = await admin.put(f"/api/v1/people/{other['id']}/account", json={"username": "zhangwei"})
    assert (taken.status_code, taken.json()["code"]) == (409, "username_taken")


async def test_an_admin_of_one_site_cannot_reach_beyond_it(
    room: PeopleRoom, admin: httpx.AsyncClient, site_id: UUID, elsewhere: UUID
):
    chief = await person(admin, site_id, "总管")
    path = f"/api/v1/people/{chief['id']}"
    await admin.put(f"{path}/account", json={"username": "chief"})
    await admin.put(f"{path}/roles", json=[{"role": "admin"}, {"role": "engineer", "site_id": str(site_id)}])
    async with client_of(room.app, token=room.logins.add(Role.ADMIN, site_id=site_id)) as local:
        for method, address, body in [
            ("PUT", f"{path}/roles", [{"role": "admin"}]),
            ("PUT", f"{path}/account", {"username": "chief", "password": "mine now 1"}),
            ("DELETE", f"{path}/account", None),
            ("DELETE", path, None),
        ]:
            answer = await local.request(method, address, json=body)
            assert (answer.status_code, answer.json()["code"]) == (403, "grant_refused"), address
        beyond = await local.put(f"{path}/roles", json=[{"role": "manager", "site_id": str(elsewhere)}])
        assert beyond.status_code == 404
        assert (await local.put(f"{path}/roles", json=[])).status_code == 200
    left = (await admin.get(path)).json()["grants"]
    assert left == [{"role": "admin", "site_id": None}]


async def test_a_manager_gives_no_rights(manager: httpx.AsyncClient, site_id: UUID):
    made = await person(manager, site_id)
    answer = await manager.put(f"/api/v1/people/{made['id']}/roles", json=[{"role": "admin"}])
    assert answer.status_code == 403


# --- homes and WeChat ---------------------------------------------------------------------------------------------


async def test_residents_are_found_by_building_and_unit(room: PeopleRoom, site_id: UUID):
    async with room.database.transaction() as session:
        rooms = {one.code: one for one in await room.catalog.rooms_of_site(session, site_id)}
        people = {}
        for code in ("1-1-101", "1-1-202", "1-2-101", "2-1-101"):
            resident = await room.people.add_resident(session, space_id=rooms[code].space_id, name=code)
            people[code] = resident.id
        one = rooms["1-1-101"]
        assert one.building_id is not None
        in_unit = await room.people.residents(session, building_id=one.building_id, unit_space_id=one.unit_id)
        assert set(in_unit) == {people["1-1-101"], people["1-1-202"]}
        assert len(await room.people.residents(session, building_id=one.building_id)) == 3


async def test_who_has_that_name_and_number_is_that_person(room: PeopleRoom, site_id: UUID):
    first, second = await home(room, site_id, "1-1-101"), await home(room, site_id, "2-1-101")
    async with room.database.transaction() as session:
        a = await room.people.add_resident(session, space_id=first, name="王五", phone="13900139000")
        b = await room.people.add_resident(
            session, space_id=second, name="王五", phone="139 0013 9000", relation=Relation.OWNER
        )
        wife = await room.people.add_resident(session, space_id=first, name="赵六", phone="13900139000")
        assert a.id == b.id != wife.id
        assert [one.room_name for one in await room.people.homes(session, a.id)] == ["101", "101"]
        found = await room.people.person_by_phone(session, "+8613900139000")
        assert found is not None
        assert found.id == a.id
        assert await room.people.person_by_phone(session, "no number") is None


async def test_a_follower_is_bound_unbound_and_reachable(room: PeopleRoom, site_id: UUID):
    space = await home(room, site_id, "1-1-101")
    async with room.database.transaction() as session:
        await room.people.set_subscribed(session, "o-1", True)
        assert await room.people.person_by_openid(session, "o-1") is None
        owner = await room.people.add_resident(session, space_id=space, name="王五", phone="13900139000")
        assert (await room.people.contact(session, owner.id)).openid is None
        await room.people.bind_openid(session, openid="o-1", person_id=owner.id)
        contact = await room.people.contact(session, owner.id)
        assert (contact.openid, contact.follows_wechat, contact.phone) == ("o-1", True, "13900139000")
        await room.people.set_subscribed(session, "o-1", False)
        contact = await room.people.contact(session, owner.id)
        assert (contact.openid, contact.follows_wechat) == ("o-1", False)
        bound = await room.people.person_by_openid(session, "o-1")
        assert bound is not None
        assert bound.id == owner.id


# --- shifts -------------------------------------------------------------------------------------------------------


async def test_nobody_is_on_two_shifts_at_once(manager: httpx.AsyncClient, site_id: UUID):
    made = await person(manager, site_id)

    async def plan(starts: str, ends: str) -> httpx.Response:
        body = {"site_id": str(site_id), "person_id": made["id"], "duty": "guard"}
        times = {"starts_at": f"2026-11-22T{starts}:00Z", "ends_at": f"2026-11-22T{ends}:00Z"}
        return await manager.post("/api/v1/shifts", json=body | times)

    assert (await plan("00:00", "08:00")).status_code == 201
    overlap = await plan("07:59", "12:00")
    assert (overlap.status_code, overlap.json()["code"]) == (409, "shift_overlaps")
    assert "张伟" in overlap.json()["message"]
    assert (await plan("08:00", "12:00")).status_code == 201
    assert (await plan("13:00", "12:00")).json()["code"] == "bad_shift"
    shifts = (await manager.get("/api/v1/shifts", params={"start": "2026-11-22T08:00:00Z"})).json()
    assert (shifts["total"], shifts["items"][0]["person_name"]) == (1, "张伟")
    assert (await manager.delete(f"/api/v1/shifts/{shifts['items'][0]['id']}")).status_code == 204
    assert (await manager.delete(f"/api/v1/shifts/{uuid4()}")).status_code == 404
    naive = {"site_id": str(site_id), "person_id": made["id"], "duty": "guard"}
    times = {"starts_at": "2026-11-23T00:00:00", "ends_at": "2026-11-23T08:00:00"}
    assert (await manager.post("/api/v1/shifts", json=naive | times)).status_code == 422


async def test_a_rota_fills_the_fortnight_and_the_sweep_goes_on_without_doubling(
    room: PeopleRoom, manager: httpx.AsyncClient, site_id: UUID, clock: FakeClock
):
    made = await person(manager, site_id)
    body = {
        "site_id": str(site_id), "person_id": made["id"], "duty": "guard", "first_day": "2026-11-01",
        "every_days": 1, "starts_at": "20:00", "hours": 12,
    }  # fmt: skip
    assert (await manager.post("/api/v1/rotas", json=body)).json()["starts_at"] == "20:00"
    planned = (await manager.get("/api/v1/shifts", params={"limit": 100})).json()
    assert (planned["total"], planned["items"][0]["starts_at"]) == (14, "2026-11-22T12:00:00Z")
    async with room.database.transaction() as session:
        await room.rostering.extend(session)
    assert (await manager.get("/api/v1/shifts")).json()["total"] == 14
    clock.advance(seconds=3 * 86_400)
    async with room.database.transaction() as session:
        await room.rostering.extend(session)
    assert (await manager.get("/api/v1/shifts")).json()["total"] == 17


async def test_candidates_are_who_is_on_shift_with_what_they_can(
    room: PeopleRoom, manager: httpx.AsyncClient, site_id: UUID, clock: FakeClock
):
    made = await person(manager, site_id, kind="contractor")
    certificates = [
        {"skill": "elevator", "certificate_no": "TS6", "valid_until": "2026-11-22"},
        {"skill": "pump", "certificate_no": "P1", "valid_until": "2026-11-21"},
        {"skill": "general"},
    ]
    await manager.put(f"/api/v1/people/{made['id']}/skills", json=certificates)
    async with room.database.transaction() as session:
        building = (await room.catalog.find_buildings(session, site_id))[0]
    await manager.put(f"/api/v1/people/{made['id']}/areas", json={"building_ids": [str(building.id)]})
    now = clock.now()
    async with room.database.transaction() as session:
        await room.rostering.add_shift(
            session, Scope.everywhere(), site_id=site_id, person_id=UUID(made["id"]), duty=Duty.CONTRACTOR,
            starts_at=now - timedelta(hours=1), ends_at=now + timedelta(hours=1),
        )  # fmt: skip
        found = await room.people.candidates(session, site_id=site_id, at=now)
        assert [(one.name, one.kind, one.duty) for one in found] == [("张伟", PersonKind.CONTRACTOR, Duty.CONTRACTOR)]
        assert found[0].skills == {Skill.ELEVATOR, Skill.PUMP, Skill.GENERAL}
        assert found[0].certified_skills == {Skill.ELEVATOR}
        assert found[0].building_ids == {building.id}
        later = now + timedelta(hours=1)
        assert await room.people.candidates(session, site_id=site_id, at=later) == []
        assert await room.people.on_duty(session, site_id=site_id, duty=Duty.GUARD, at=now) == []


async def test_somebody_always_answers_for_a_site(
    room: PeopleRoom, manager: httpx.AsyncClient, site_id: UUID, clock: FakeClock
):
    everywhere = Scope.everywhere()

    async def answers() -> str:
        async with room.database.transaction() as session:
            return (await room.people.duty_manager(session, site_id)).name

    with pytest.raises(NobodyResponsible):
        await answers()
    for name, role, at in (("总管", Role.ADMIN, None), ("集团", Role.MANAGER, None), ("经理", Role.MANAGER, site_id)):
        made = await person(manager, site_id, name, phone=None)
        async with room.database.transaction() as session:
            await room.editor.set_grants(session, everywhere, UUID(made["id"]), [Grant(role, at)])
        assert await answers() == name
    night = await person(manager, site_id, "值班", phone=None)
    async with room.database.transaction() as session:
        await room.rostering.add_shift(
            session, everywhere, site_id=site_id, person_id=UUID(night["id"]), duty=Duty.MANAGER,
            starts_at=clock.now(), ends_at=clock.now() + timedelta(hours=8),
        )  # fmt: skip
    assert await answers() == "值班"


async def test_who_leaves_is_off_the_roster(
    room: PeopleRoom, admin: httpx.AsyncClient, site_id: UUID, clock: FakeClock
):
    made = await person(admin, site_id)
    body = {
        "site_id": str(site_id), "person_id": made["id"], "duty": "guard", "first_day": str(date(2026, 11, 1)),
        "every_days": 1, "starts_at": "00:00", "hours": 24,
    }  # fmt: skip
    await admin.post("/api/v1/rotas", json=body)
    assert (await admin.delete(f"/api/v1/people/{made['id']}")).json()["is_active"] is False
    assert (await admin.get("/api/v1/people")).json()["total"] == 0
    async with room.database.transaction() as session:
        await room.rostering.extend(session)
        assert await room.people.candidates(session, site_id=site_id, at=datetime(2026, 11, 25, tzinfo=UTC)) == []
    assert (await admin.post(f"/api/v1/people/{made['id']}/restore")).json()["is_active"] is True
