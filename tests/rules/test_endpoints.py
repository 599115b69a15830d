"""Rules over HTTP."""

from typing import Any

import pytest
from fastapi import FastAPI

from kit.access import Role
from kit.db import Database
from kit.ids import new_id
from people.models import Person
from rules.endpoints import STATUS, router
from rules.schemas import EXAMPLE
from rules.service import RuleService
from tests.alarms.place import Place
from tests.api import FakeLogins, client_of, make_app

RULE: dict[str, Any] = EXAMPLE | {"key": "my-rule"}


@pytest.fixture
async def manager(database: Database, logins: FakeLogins) -> str:
    person = Person(id=new_id(), kind="staff", name="王经理")
    async with database.transaction() as session:
        session.add(person)
    return logins.add(Role.MANAGER, person_id=person.id)


@pytest.fixture
def logins() -> FakeLogins:
    return FakeLogins()


@pytest.fixture
def app(database: Database, rules: RuleService, place: Place, logins: FakeLogins) -> FastAPI:
    return make_app(
        database, routers=[router], rooms=["rules"], services=[rules], status=STATUS, logins=logins
    )  # fmt: skip


async def test_a_rule_is_made_read_changed_switched_and_removed(app: FastAPI, manager: str) -> None:
    async with client_of(app, token=manager) as client:
        made = await client.post("/api/v1/rules", json={"definition": RULE})
        assert (made.status_code, made.json()["version"]) == (201, 1)
        assert made.json()["definition"]["for"] == "2m"
        assert (await client.post("/api/v1/rules", json={"definition": RULE})).status_code == 409
        changed = await client.put(
            "/api/v1/rules/my-rule", json={"definition": RULE | {"severity": "minor"}, "version": 1}
        )
        assert (changed.status_code, changed.json()["version"]) == (200, 2)
        stale = await client.put("/api/v1/rules/my-rule", json={"definition": RULE, "version": 1})
        assert (stale.status_code, stale.json()["code"]) == (409, "rule_changed_meanwhile")
        off = await client.post("/api/v1/rules/my-rule/disable", json={"version": 2})
        assert off.json()["enabled"] is False
        listed = await client.get("/api/v1/rules", params={"enabled": "false"})
        assert [item["definition"]["key"] for item in listed.json()["items"]] == ["my-rule"]
        assert (await client.delete("/api/v1/rules/my-rule", params={"version": 3})).status_code == 204
        assert (await client.get("/api/v1/rules/my-rule")).status_code == 404


async def test_a_bad_expression_is_refused_with_its_column_in_the_callers_language(app: FastAPI, manager: str) -> None:
    body = {"definition": RULE | {"when": "bearing_temp_c > 75 and vibration > 4.5"}}
    for language, words in (("zh-CN", "第 25 列"), ("en", "Column 25")):
        async with client_of(app, token=manager, language=language) as client:
            refused = await client.post("/api/v1/rules", json=body)
        assert refused.status_code == 422
        assert words in refused.json()["message"]
        assert refused.json()["facts"]["column"] == 25


async def test_an_expression_can_be_tried_while_it_is_typed(app: FastAPI, manager: str) -> None:
    async with client_of(app, token=manager) as client:
        body = {"expression": "bearing_temp > limit", "profile": "grundfos-cim-pump", "params": ["limit"]}
        answer = (await client.post("/api/v1/rules/check", json=body)).json()
        assert answer["ok"] is False
        assert answer["problem"]["column"] == 1
        assert "bearing_temp_c" in answer["problem"]["message"]["zh-CN"]
        assert {"key": "bearing_temp_c", "unit": "°C"}.items() <= {
            key: value for point in answer["points"] if point["key"] == "bearing_temp_c" for key, value in point.items()
        }.items()
        good = await client.post("/api/v1/rules/check", json=body | {"expression": "bearing_temp_c > limit"})
        assert (good.json()["ok"], good.json()["problem"]) == (True, None)
        for_a_kind = {"expression": "passenger_trapped", "kind": "elevator", "life_safety": True}
        assert (await client.post("/api/v1/rules/check", json=for_a_kind)).json()["ok"] is True


async def test_other_equipment_is_looked_at_where_it_stands_and_who_is_left_out_is_told_why(
    app: FastAPI, manager: str, rules: RuleService, database: Database
) -> None:
    async with database.transaction() as session:
        await rules.load_shipped(session)
    asked = {"profile": "grundfos-cim-pump"}
    async with client_of(app, token=manager) as client:
        for text, problem in (
            ("other['PUMP-02'].head_bar - head_bar > 1", None),
            ("other['PUMP-02'].head_bar > bearing_temp_c", "units_disagree"),
            ("other['PUMP-03'].head_bar > 1", "unknown_other"),
            ("other['PUMP-02'].head > 1", "unknown_point_of_other"),
            ("parent.head_bar > 1", "no_parent"),
        ):
            answer = (await client.post("/api/v1/rules/check", json=asked | {"expression": text})).json()
            assert (answer["problem"] or {}).get("code") == problem, text
            wanted = {"key": "mine", "when": text, "clear": None, "message": {"zh-CN": "异常", "en": "abnormal"}}
            saved = await client.post("/api/v1/rules", json={"definition": RULE | wanted})
            assert saved.json().get("code") == problem, text
        left_out = (await client.get("/api/v1/rules/pump-tank-low/left-out")).json()
        assert [(one["equipment_code"], one["reason"]) for one in left_out["items"]] == [
            ("PUMP-01", "no_parent"), ("PUMP-02", "no_parent"),
        ]  # fmt: skip
        assert "上级设备" in left_out["items"][0]["message"]["zh-CN"]
        assert (await client.get("/api/v1/rules/mine/left-out")).json()["total"] == 0


@pytest.mark.parametrize(
    "expression",
    ["\x00", "a" * 5000, "\ud800".encode("utf-16", "surrogatepass").decode("utf-16", "replace"), "(" * 900],
)
async def test_no_expression_makes_the_hub_stumble(app: FastAPI, manager: str, expression: str) -> None:
    async with client_of(app, token=manager) as client:
        body = {"expression": expression, "profile": "grundfos-cim-pump"}
        answer = await client.post("/api/v1/rules/check", json=body)
        assert (answer.status_code, answer.json()["ok"]) == (200, False)
        refused = await client.post("/api/v1/rules", json={"definition": RULE | {"when": expression}})
        assert refused.status_code == 422


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/api/v1/rules?sort=colour", None),
        ("GET", "/api/v1/rules?profile=%00", None),
        ("GET", "/api/v1/rules/%00", None),
        ("POST", "/api/v1/rules", {"definition": RULE | {"profile": "x"}}),
        ("POST", "/api/v1/rules", {"definition": RULE | {"fault_mode": "a\x00b"}}),
        ("POST", "/api/v1/rules", {"definition": RULE | {"site_id": str(new_id())}}),
        ("POST", "/api/v1/rules/check", {"expression": "a"}),
        ("PUT", "/api/v1/rules/nothing", {"definition": RULE, "version": 1}),
    ],
)
async def test_bad_requests_are_refused(app: FastAPI, manager: str, method: str, path: str, body: Any) -> None:
    async with client_of(app, token=manager) as client:
        answer = await client.request(method, path, json=body)
    assert 400 <= answer.status_code < 500, answer.text


async def test_who_may_do_what(app: FastAPI, logins: FakeLogins, place: Place) -> None:
    async with client_of(app) as client:
        assert (await client.get("/api/v1/rules")).status_code == 401
    async with client_of(app, token=logins.add(Role.OWNER, site_id=place.site_id)) as client:
        assert (await client.get("/api/v1/rules")).status_code == 403
    async with client_of(app, token=logins.add(Role.ENGINEER, site_id=place.site_id)) as client:
        assert (await client.get("/api/v1/rules")).status_code == 200
        assert (await client.post("/api/v1/rules", json={"definition": RULE})).status_code == 403
    async with client_of(app, token=logins.add(Role.MANAGER, site_id=place.site_id)) as client:
        refused = await client.post("/api/v1/rules", json={"definition": RULE})
        assert (refused.status_code, refused.json()["code"]) == (403, "company_rule")
