"""Alarms over HTTP."""

from typing import Any
from uuid import UUID

import pytest
from fastapi import FastAPI

from alarms.endpoints import STATUS, router
from kit.access import Role
from kit.db import Database
from kit.ids import new_id
from people.models import Person
from tests.alarms.place import Place
from tests.api import FakeLogins, client_of, make_app


@pytest.fixture
def logins() -> FakeLogins:
    return FakeLogins()


@pytest.fixture
def app(database: Database, place: Place, logins: FakeLogins) -> FastAPI:
    return make_app(database, routers=[router], rooms=["alarms"], services=[place.alarms], status=STATUS, logins=logins)


@pytest.fixture
async def engineer(database: Database, place: Place, logins: FakeLogins) -> str:
    person = Person(id=new_id(), kind="staff", name="张工")
    async with database.transaction() as session:
        session.add(person)
    return logins.add(Role.ENGINEER, site_id=place.site_id, person_id=person.id)


@pytest.fixture
async def raised(database: Database, place: Place) -> list[UUID]:
    """A pump's alarm and, ten seconds later, smoke."""
    async with database.transaction() as session:
        transitions = await place.alarms.apply(session, [place.detection(), place.smoke(onset_s=10)])
    return [transition.message.alarm_id for transition in transitions]


async def test_a_list_shows_the_newest_first_and_filters(app: FastAPI, engineer: str, raised: list[UUID]) -> None:
    async with client_of(app, token=engineer) as client:
        page = (await client.get("/api/v1/alarms", params={"active": "true"})).json()
        assert (page["total"], [item["equipment_code"] for item in page["items"]]) == (2, ["SMOKE-001", "PUMP-01"])
        wanted = {"state": ["UNACKED", "ACKED"], "severity": "major", "since": "2026-11-22T12:00:00+08:00"}
        page = (await client.get("/api/v1/alarms", params=wanted)).json()
        assert [item["id"] for item in page["items"]] == [str(raised[0])]


async def test_an_alarm_is_acknowledged_cleared_and_its_history_kept(
    app: FastAPI, engineer: str, raised: list[UUID]
) -> None:
    address = f"/api/v1/alarms/{raised[0]}"
    async with client_of(app, token=engineer) as client:
        assert (await client.get(address)).json()["state"] == "UNACKED"
        too_early = await client.post(f"{address}/clear", json={"note": "误报"})
        assert (too_early.status_code, too_early.json()["code"]) == (409, "alarm_action_not_possible")
        assert (await client.post(f"{address}/acknowledge", json={"note": "已派人"})).json()["state"] == "ACKED"
        assert (await client.post(f"{address}/clear", json={"note": "探头松动"})).json()["state"] == "NORMAL"
        lines = (await client.get(f"{address}/history")).json()
    assert [(line["kind"], line["note"]) for line in lines] == [
        ("raised", ""), ("acknowledged", "已派人"), ("cleared", "探头松动"),
    ]  # fmt: skip


async def test_a_nuisance_is_shelved_and_taken_off_again(app: FastAPI, engineer: str, raised: list[UUID]) -> None:
    address = f"/api/v1/alarms/{raised[0]}"
    async with client_of(app, token=engineer) as client:
        shelved = (await client.post(f"{address}/shelve", json={"minutes": 90, "note": "接触不良"})).json()
        assert (shelved["suppressed_by"], shelved["shelved_until"]) == ("shelved", "2026-11-22T05:30:00Z")
        off = (await client.post(f"{address}/unshelve", json={"note": "已更换"})).json()
        assert (off["suppressed_by"], off["shelved_until"]) == (None, None)
        twice = await client.post(f"{address}/unshelve", json={})
        assert (twice.status_code, twice.json()["code"]) == (409, "alarm_not_shelved")
        smoke = await client.post(f"/api/v1/alarms/{raised[1]}/shelve", json={"minutes": 5, "note": "x"})
        assert (smoke.status_code, smoke.json()["code"]) == (409, "life_safety_not_shelved")


async def test_smoke_that_lasts_cannot_be_cleared_and_the_answer_says_what_to_do(
    app: FastAPI, engineer: str, raised: list[UUID]
) -> None:
    async with client_of(app, token=engineer) as client:
        await client.post(f"/api/v1/alarms/{raised[1]}/acknowledge", json={})
        refused = await client.post(f"/api/v1/alarms/{raised[1]}/clear", json={"note": "误报"})
    assert refused.status_code == 409
    assert "到现场处理" in refused.json()["message"]


async def test_another_sites_alarm_is_not_found(app: FastAPI, logins: FakeLogins, raised: list[UUID]) -> None:
    stranger = logins.add(Role.MANAGER, site_id=new_id())
    async with client_of(app, token=stranger) as client:
        assert (await client.get("/api/v1/alarms")).json()["total"] == 0
        asked: list[tuple[str, str, Any]] = [
            ("GET", "", None), ("GET", "/history", None), ("POST", "/acknowledge", {}),
            ("POST", "/clear", {"note": "x"}), ("POST", "/shelve", {"minutes": 5, "note": "x"}),
            ("POST", "/unshelve", {}),
        ]  # fmt: skip
        for method, path, body in asked:
            answer = await client.request(method, f"/api/v1/alarms/{raised[0]}{path}", json=body)
            assert answer.status_code == 404, path


async def test_owners_see_no_alarms_and_testers_only_look(
    app: FastAPI, logins: FakeLogins, place: Place, raised: list[UUID]
) -> None:
    async with client_of(app, token=logins.add(Role.OWNER, site_id=place.site_id)) as client:
        assert (await client.get("/api/v1/alarms")).status_code == 403
    async with client_of(app, token=logins.add(Role.TESTER, site_id=place.site_id)) as client:
        assert (await client.get(f"/api/v1/alarms/{raised[0]}")).status_code == 200
        assert (await client.post(f"/api/v1/alarms/{raised[0]}/acknowledge", json={})).status_code == 403


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/api/v1/alarms?sort=colour", None),
        ("GET", "/api/v1/alarms?state=RED", None),
        ("GET", "/api/v1/alarms?since=2026-11-22T00:00:00", None),
        ("GET", "/api/v1/alarms?fault_mode=%00", None),
        ("GET", "/api/v1/alarms?limit=0", None),
        ("GET", "/api/v1/alarms/not-an-id", None),
        ("POST", "/api/v1/alarms/{id}/acknowledge", {"note": "a\x00b"}),
        ("POST", "/api/v1/alarms/{id}/acknowledge", {"note": "x" * 501}),
        ("POST", "/api/v1/alarms/{id}/acknowledge", {"colour": "red"}),
        ("POST", "/api/v1/alarms/{id}/clear", {"note": "  "}),
        ("POST", "/api/v1/alarms/{id}/clear", None),
        ("POST", "/api/v1/alarms/{id}/shelve", {"minutes": 5}),
        ("POST", "/api/v1/alarms/{id}/shelve", {"minutes": 0, "note": "x"}),
        ("POST", "/api/v1/alarms/{id}/shelve", {"minutes": 1441, "note": "x"}),
    ],
)
async def test_bad_requests_are_refused(
    app: FastAPI, engineer: str, raised: list[UUID], method: str, path: str, body: Any
) -> None:
    async with client_of(app, token=engineer) as client:
        answer = await client.request(method, path.replace("{id}", str(raised[0])), json=body)
    assert answer.status_code == 422, answer.text
