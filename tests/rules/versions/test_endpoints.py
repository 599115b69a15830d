"""Versions of rules over HTTP: the way of a change from the draft to the judge and back, and rules as a document."""

import pytest
from fastapi import FastAPI
from sqlalchemy import select

from kit.access import Role
from kit.db import Database
from kit.i18n import Texts
from rules.endpoints import STATUS, router
from rules.models import RuleRow
from rules.schemas import EXAMPLE
from rules.service import RuleService
from rules.versions.endpoints import STATUS as VERSION_STATUS
from rules.versions.endpoints import router as version_router
from rules.versions.room import build_versioning
from tests.alarms.place import Place
from tests.api import FakeLogins, client_of, make_app
from tests.rules.test_endpoints import logins, manager

__all__ = ["logins", "manager"]

RULES = "/api/v1/rules"


@pytest.fixture
def app(database: Database, rules: RuleService, place: Place, logins: FakeLogins) -> FastAPI:
    versioning = build_versioning(rules, Texts.load(["kit", "rules"]), place.clock)
    return make_app(
        database, routers=[version_router, router], rooms=["rules"], services=[rules, *versioning.provided],
        status=STATUS | VERSION_STATUS, logins=logins,
    )  # fmt: skip


async def test_a_change_is_drafted_compared_put_in_force_and_taken_back(app: FastAPI, manager: str) -> None:
    async with client_of(app, token=manager, language="en") as client:
        await client.post(RULES, json={"definition": EXAMPLE, "reason": "from the pump's manual"})
        hotter = EXAMPLE | {"params": {"hot_c": 80}, "clear_for": "5m"}
        draft = (await client.post(f"{RULES}/drafts", json={"definition": hotter, "reason": "too many"})).json()
        assert (draft["number"], draft["state"], draft["based_on"]) == (2, "draft", 1)
        of_draft = f"{RULES}/{draft['rule_key']}/versions/2"
        compared = (await client.get(f"{of_draft}/differences")).json()
        assert [(one["field"], one["label"]["en"], one["before"], one["after"]) for one in compared["differences"]] == [
            ("params.hot_c", "Parameter hot_c", 75.0, 80.0), ("clear_for", "Ended for", None, "5m"),
        ]  # fmt: skip
        unseen = await client.post(f"{of_draft}/activate", json={"version": 1})
        assert (unseen.status_code, unseen.json()["code"]) == (409, "other_version_in_force")
        assert (await client.post(f"{of_draft}/activate", json={"version": 1, "in_force": 1})).status_code == 200
        again = await client.post(f"{of_draft}/activate", json={"version": 2, "in_force": 2})
        assert again.status_code == 409
        back = await client.post(f"{of_draft[:-1]}1/roll-back", json={"in_force": 2, "reason": "missed one"})
        assert (back.json()["number"], back.json()["restores"]) == (3, 1)
        rule = (await client.get(f"{RULES}/{draft['rule_key']}")).json()
        assert (rule["number"], rule["offered"], rule["definition"]["params"]) == (3, None, {"hot_c": 75.0})
        listed = (await client.get(of_draft[:-2])).json()["items"]
        assert [(one["number"], one["state"], one["reason"]) for one in listed] == [
            (3, "in_force", "missed one"), (2, "past", "too many"), (1, "past", "from the pump's manual"),
        ]  # fmt: skip
        assert (await client.get(f"{of_draft[:-1]}9")).status_code == 404


async def test_a_kept_text_that_is_no_rule_any_more_hides_no_other(
    app: FastAPI, manager: str, database: Database
) -> None:
    async with client_of(app, token=manager) as client:
        for key in ("mine", "old"):
            await client.post(RULES, json={"definition": EXAMPLE | {"key": key}})
        async with database.transaction() as session:
            old = (await session.scalars(select(RuleRow).where(RuleRow.key == "old"))).one()
            old.definition = old.definition | {"colour": "red", "severity": "worst"}
        listed = (await client.get(RULES)).json()["items"]
        assert [(one["definition"]["key"], one["is_readable"]) for one in listed] == [("mine", True), ("old", False)]
        assert listed[1]["definition"]["when"] == EXAMPLE["when"]
        assert (await client.get(f"{RULES}/old")).status_code == 200
        assert (await client.get(f"{RULES}/old/left-out")).json()["code"] == "rule_of_other_release"
        exported = (await client.get(f"{RULES}.toml")).text
        assert "# old:" in exported


async def test_rules_leave_as_a_document_and_come_back_as_drafts(
    app: FastAPI, manager: str, logins: FakeLogins
) -> None:
    async with client_of(app, token=manager) as client:
        await client.post(RULES, json={"definition": EXAMPLE})
        document = (await client.get(f"{RULES}.toml", params={"kind": "pump"})).text
        assert document == ""
        exported = await client.get(f"{RULES}.toml")
        assert exported.headers["content-type"].startswith("application/toml")
        same = (await client.post(f"{RULES}/import", json={"toml": exported.text, "reason": "r"})).json()
        assert same == {"drafts": [], "unchanged": [EXAMPLE["key"]], "problems": []}
        other = exported.text.replace("hot_c = 75", "hot_c = 80") + '\n[[rules]]\nkey = "bad"\nname = 5\n'
        other += exported.text.partition("\n\n")[2].replace('"pump-bearing-wear"', '"third"').replace("4.5", "hot")
        checked = {"toml": other, "reason": "r", "only_check": True}
        found = (await client.post(f"{RULES}/import", json=checked)).json()
        assert found["drafts"] == [{"line": 3, "rule": EXAMPLE["key"], "number": None}]
        made = (await client.post(f"{RULES}/import", json=checked | {"only_check": False})).json()
        assert made["drafts"] == [{"line": 3, "rule": EXAMPLE["key"], "number": 2}]
        lines = other.split("\n")
        where = {(one["rule"], lines[one["line"] - 1].split(" ")[0]) for one in made["problems"]}
        assert {("bad", "name"), ("bad", "[[rules]]"), ("third", "when")} == where
        [unknown] = [one for one in made["problems"] if one["rule"] == "third"]
        assert (
            unknown["column"]
            == lines[unknown["line"] - 1].index('hot"') - lines[unknown["line"] - 1].index("bearing") + 1
        )
        assert "hot_c" in unknown["message"]["zh-CN"]
        again = (await client.post(f"{RULES}/import", json=checked | {"only_check": False})).json()
        assert (again["drafts"], again["unchanged"]) == ([], [EXAMPLE["key"]])
        assert (await client.get(f"{RULES}/{EXAMPLE['key']}")).json()["number"] == 1
    async with client_of(app, token=logins.add(Role.ENGINEER)) as client:
        refused = await client.post(f"{RULES}/import", json=checked)
        assert refused.status_code == 403
