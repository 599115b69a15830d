"""The demo's people: every duty covered at every hour, owners reachable, a second start the same."""

import tomllib
from datetime import timedelta
from pathlib import Path

import pytest

from building.declaration import parse_site
from catalog.loader import apply_declaration
from kit.access import Role, Scope
from kit.clock import FakeClock
from people.contractors.service import ContractorService
from people.demo import DemoAccount, DemoPeople
from people.kinds import Duty, PersonKind, Skill
from people.repository import PersonFilter
from tests.people.room import PeopleRoom

DEMO = Path(__file__).parents[2] / "hub" / "demo"


@pytest.fixture
async def accounts(room: PeopleRoom) -> list[DemoAccount]:
    async with room.database.transaction() as session:
        raw = tomllib.loads((DEMO / "site.toml").read_text("utf-8"))
        raw["equipment"] = []
        await apply_declaration(session, parse_site(raw), {})
    return await load(room)


async def load(room: PeopleRoom) -> list[DemoAccount]:
    demo = DemoPeople(
        catalog=room.catalog, people=room.people, editor=room.editor, rostering=room.rostering,
        contractors=ContractorService(room.catalog),
        password_of=lambda username: f"{username}-Pa55word!",
    )  # fmt: skip
    async with room.database.transaction() as session:
        return await demo.load(session, tomllib.loads((DEMO / "people.toml").read_text("utf-8")), "yunqi")


async def test_every_duty_is_covered_at_every_hour_of_the_coming_fortnight(
    room: PeopleRoom, accounts: list[DemoAccount], clock: FakeClock
):
    async with room.database.transaction() as session:
        site = (await room.catalog.sites(session, Scope.everywhere()))[0]
        for hour in range(0, 13 * 24, 5):
            at = clock.now() + timedelta(hours=hour)
            on_shift = await room.people.candidates(session, site_id=site.id, at=at)
            assert {candidate.duty for candidate in on_shift} == set(Duty), at
            skills = {skill for candidate in on_shift for skill in candidate.skills}
            assert skills == set(Skill), at
            contractors = [one for one in on_shift if one.duty is Duty.CONTRACTOR]
            assert all(Skill.ELEVATOR in one.certified_skills for one in contractors)


async def test_each_role_has_a_login_that_works(room: PeopleRoom, accounts: list[DemoAccount]):
    main = {account.username: account for account in accounts if account.is_main}
    assert set(main) == {
        "admin", "tester", "manager", "dispatcher", "engineer", "control", "guard", "contractor",
    }  # fmt: skip
    async with room.database.transaction() as session:
        for account in main.values():
            token = await room.real_logins.log_in(
                session, username=account.username, password=account.password, address="here"
            )
            caller = await room.real_logins.authenticate(session, token.text)
            assert (caller.name, caller.has(account.role)) == (account.name, True)
        admin = main["admin"]
        assert admin.role is Role.ADMIN


async def test_owners_are_bound_to_homes_and_some_to_wechat(room: PeopleRoom, accounts: list[DemoAccount]):
    async with room.database.transaction() as session:
        owner = await room.people.person_by_openid(session, "owner-3-2-502")
        assert owner is not None
        homes = await room.people.homes(session, owner.id)
        assert [(home.building_name, home.unit_name, home.room_name) for home in homes] == [("3栋", "2单元", "502")]
        wanted = PersonFilter(kind=PersonKind.OWNER)
        _, total = await room.people.find(session, Scope.everywhere(), wanted, sort="name", limit=1, offset=0)
        assert total == 60
        unit = homes[0]
        assert unit.building_id is not None
        assert len(await room.people.residents(session, building_id=unit.building_id)) == 5


async def test_a_second_start_changes_nobody(room: PeopleRoom, accounts: list[DemoAccount]):
    assert await load(room) == accounts
    async with room.database.transaction() as session:
        _, total = await room.people.find(session, Scope.everywhere(), PersonFilter(), sort="name", limit=1, offset=0)
    assert total == 60 + len(accounts)


async def test_the_elevators_contractor_is_there_once_with_its_people_however_often_it_is_loaded(
    room: PeopleRoom, accounts: list[DemoAccount]
):
    await load(room)
    contractors = ContractorService(room.catalog)
    async with room.database.transaction() as session:
        (company,) = await contractors.contractors(session, Scope.everywhere(), None)
        assert [one.name for one in company.people] == ["姜师傅（迅达维保）", "陶师傅（迅达维保）"]
        assert [one.name for one in company.contacts] == ["陶建国", "值班室"]
