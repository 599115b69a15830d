"""Who did what when, from where, before and after; and what becomes of a chain that somebody lays hands on."""

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from typer.testing import CliRunner

from audit import erasing
from audit.chain import Head
from audit.verification import Damage, Verdict, verify
from automation import repository as automation_repository
from automation.models import OrderRule, OrderRuleVersion
from automation.schemas import DOCUMENT
from hub.cli import app
from kit.access import Role, Scope
from kit.db import Database, plain_url
from kit.events import RecordingOutbox
from kit.ids import new_id
from tests.hub.whole_app import WholeApp, whole_app
from ticketing import repository
from ticketing.journal import Entry, record

PHONE = "13700001234"


async def test_a_day_at_the_desk_is_written_down(
    database: Database, outbox: RecordingOutbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with whole_app(database, outbox, tmp_path) as hub, hub.client(await hub.token(Role.ADMIN)) as admin:
        person = await _a_person_before_and_after(hub, admin)
        await _logins_and_failed_ones(hub, admin, person)
        await _a_phone_shown_and_an_export(hub, admin, person)
        await _an_order_by_the_desk_and_by_the_hub_itself(hub, admin)
        await _what_was_refused_is_not_there(hub, admin)
        await _managers_see_their_sites_only(hub)
        await _a_person_of_two_sites_is_of_both(hub, admin, person)
        await _who_is_complained_about_sees_none_of_it(hub, admin)
        await _what_is_erased_leaves_the_chain_whole(hub, admin, person, monkeypatch)


async def test_whoever_changes_the_chain_is_found(database: Database, outbox: RecordingOutbox, tmp_path: Path) -> None:
    async with whole_app(database, outbox, tmp_path) as hub, hub.client(await hub.token(Role.ADMIN)) as admin:
        for number in range(6):
            body = {"site_id": str(hub.here.site_id), "code": f"C{number}", "name": f"{number}栋"}
            assert (await admin.post("/api/v1/buildings", json=body)).status_code == 201
            await hub.seal()
        whole = await verdict(hub)
        assert (whole.is_whole, whole.head.position) == (True, 6)
        await _nobody_changes_a_row_by_the_ordinary_way(hub)
        for damage, statement in DAMAGES:
            await _is_named(hub, damage, statement, whole.head)
        await _the_command_ends_with_1_and_names_it(hub)


async def _the_command_ends_with_1_and_names_it(hub: WholeApp) -> None:
    def command(*more: str) -> tuple[int, str]:
        environment = {"HUB_DATABASE_URL": plain_url(hub.database.url), "HUB_LOG_LEVEL": "ERROR"}
        done = CliRunner().invoke(app, ["audit", "verify", *more], env=environment)
        return done.exit_code, done.output

    code, said = await asyncio.to_thread(command)
    assert (code, "the chain is whole" in said) == (0, True), said
    async with await psycopg.AsyncConnection.connect(plain_url(hub.database.url), autocommit=True) as connection:
        await connection.execute("SET session_replication_role = replica")
        await connection.execute("UPDATE audit_record SET action = 'x' WHERE id = " + at(3))
    code, said = await asyncio.to_thread(command)
    assert (code, "✗ position 3, record" in said, "the record was changed" in said) == (1, True, True), said
    assert (await asyncio.to_thread(command, "--head", "nonsense"))[0] == 1


# --- a day ---------------------------------------------------------------------------------------------------------


async def audited(client: httpx.AsyncClient, **narrowed: Any) -> list[dict[str, Any]]:
    answer = await client.get("/api/v1/audit", params=narrowed)
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


async def _a_person_before_and_after(hub: WholeApp, admin: httpx.AsyncClient) -> str:
    body = {"site_id": str(hub.here.site_id), "kind": "staff", "name": "钱进", "phone": PHONE}
    person: str = (await admin.post("/api/v1/people", json=body, headers={"user-agent": "desk"})).json()["id"]
    account = await admin.put(
        f"/api/v1/people/{person}/account", json={"username": "qian", "password": "correct-horse-7"}
    )
    assert account.status_code == 200
    await admin.patch(f"/api/v1/people/{person}", json={"name": "钱进宝"})
    await admin.put(f"/api/v1/people/{person}/roles", json=[{"role": "manager", "site_id": str(hub.here.site_id)}])

    roles, renamed, given, made = await audited(admin, object_id=person)
    assert [one["action"] for one in (roles, renamed, given, made)] == [
        "people.set_roles", "people.change_person", "people.set_account", "people.create_person",
    ]  # fmt: skip
    (change,) = renamed["facts"]["rows"]
    assert (change["before"], change["after"]) == ({"name": "•••", "version": 2}, {"name": "•••", "version": 3})
    assert renamed["actor_name"] == "某人"
    assert (renamed["roles"], renamed["object_kind"], renamed["object_id"]) == (["admin"], "person", person)
    assert (renamed["origin"]["address"], renamed["origin"]["method"]) == ("10.1.2.3", "PATCH")
    assert len(made["origin"]["agent"]) == 16  # a digest
    assert made["site_id"] == str(hub.here.site_id)
    told = json.dumps([roles, renamed, given, made], ensure_ascii=False)
    assert PHONE not in told
    assert "钱进" not in json.dumps([one["facts"] for one in (renamed, made)], ensure_ascii=False)
    assert "argon2" not in told
    assert "correct-horse" not in told
    return person


async def _logins_and_failed_ones(hub: WholeApp, admin: httpx.AsyncClient, person: str) -> None:
    async with hub.client() as nobody:
        wrong = {"username": "qian", "password": "wrong-horse-7"}
        assert (await nobody.post("/api/v1/auth/login", json=wrong)).status_code == 401
        unknown = {"username": "my-secret-password", "password": "x"}
        assert (await nobody.post("/api/v1/auth/login", json=unknown)).status_code == 401
        right = {"username": "qian", "password": "correct-horse-7"}
        assert (await nobody.post("/api/v1/auth/login", json=right)).status_code == 200
    refused = await audited(admin, action="people.login_refused")
    assert [one["object_id"] for one in refused] == [None, person]
    assert refused[1]["origin"]["address"] == "10.1.2.3"
    assert "my-secret-password" not in json.dumps(refused)
    (granted,) = await audited(admin, action="people.logged_in")
    assert (granted["actor_id"], granted["object_id"]) == (person, person)


async def _a_phone_shown_and_an_export(hub: WholeApp, admin: httpx.AsyncClient, person: str) -> None:
    shown = await admin.get(f"/api/v1/people/{person}")
    assert shown.json()["phone"] == PHONE
    (seen,) = await audited(admin, action="people.get_person")
    assert seen["object_id"] == person
    exported = await admin.get("/api/v1/exports/staff.csv", params={"site_id": str(hub.here.site_id)})
    assert exported.status_code == 200
    (export,) = await audited(admin, action="catalog.export_sheet")
    assert export["facts"]["asked"] == {"site_id": str(hub.here.site_id)}
    assert export["site_id"] == str(hub.here.site_id)


async def _an_order_by_the_desk_and_by_the_hub_itself(hub: WholeApp, admin: httpx.AsyncClient) -> None:
    body = {
        "site_id": str(hub.here.site_id), "channel": "phone", "category": "water_leak", "text": "漏水",
        "space_id": str(hub.here.rooms["3-2-502"]), "contact_phone": PHONE,
    }  # fmt: skip
    made = await admin.post("/api/v1/work-orders", json=body)
    assert made.status_code == 201, made.text
    order, report = made.json()["work_order_id"], made.json()["report_id"]
    assert (await admin.post(f"/api/v1/work-orders/{order}/reports/{report}/phone")).json() == {"phone": PHONE}
    edit = await admin.patch(f"/api/v1/work-orders/{order}", json={"priority": 1, "reason": "整栋停水"})
    assert edit.status_code == 200, edit.text
    async with hub.database.transaction() as session:
        row = await repository.lock_order(session, Scope.everywhere(), UUID(order))
        assert row is not None
        record(session, row, Entry.ESCALATED, at=hub.clock.now(), after={"to": "manager"})
    found = await audited(admin, object_id=order)
    assert [one["action"] for one in found] == [
        "work_order.escalated", "ticketing.edit_work_order", "ticketing.reveal_reporter_phone",
        "ticketing.create_work_order",
    ]  # fmt: skip
    assert found[0]["actor_id"] is None
    token = hub.rooms.ticketing.links.path(UUID(report)).rsplit("/", 1)[1]
    async with hub.client() as owner:
        urged = await owner.post(f"/api/v1/reports/by-link/{token}/urge", json={})
        assert urged.status_code == 200, urged.text
    by_link = (await audited(admin, object_id=order))[0]
    assert "/reports/by-link/•••/urge" in by_link["origin"]["path"]
    assert token not in json.dumps(by_link)
    order_row = next(row for row in found[1]["facts"]["rows"] if row["table"] == "work_order")
    assert order_row["after"]["priority"] == 1


async def _what_was_refused_is_not_there(hub: WholeApp, admin: httpx.AsyncClient) -> None:
    before = (await admin.get("/api/v1/audit")).json()["total"]
    taken = {"site_id": str(hub.here.site_id), "code": "B3", "name": "again"}
    assert (await admin.post("/api/v1/buildings", json=taken)).status_code == 409
    assert (await admin.post("/api/v1/rules/check", json={"expression": "1", "profile": None})).status_code in (
        200,
        422,
    )
    assert (await admin.get("/api/v1/audit")).json()["total"] == before


async def _managers_see_their_sites_only(hub: WholeApp) -> None:
    async with hub.client(await hub.token(Role.MANAGER)) as manager:
        here = await audited(manager)
        # What an administrator of every site does to a person is of no site but the person's own.
        assert {one["object_kind"] for one in here if one["site_id"] is None} == {"person"}
        assert {one["site_id"] for one in here} == {str(hub.here.site_id), None}
        assert await audited(manager, site_id=str(hub.there.site_id)) == []
        assert await audited(manager, actor_id=str(new_id())) == []
        assert await audited(manager, since="2999-01-01T00:00:00Z") == []
    async with hub.client(await hub.token(Role.MANAGER, site_id=hub.there.site_id)) as stranger:
        assert await audited(stranger) == []
    async with hub.client(await hub.token(Role.ENGINEER)) as engineer:
        assert (await engineer.get("/api/v1/audit")).status_code == 403


async def _a_person_of_two_sites_is_of_both(hub: WholeApp, admin: httpx.AsyncClient, person: str) -> None:
    sites = [str(hub.here.site_id), str(hub.there.site_id)]
    grants = [{"role": "manager", "site_id": site} for site in sites]
    assert (await admin.put(f"/api/v1/people/{person}/roles", json=grants)).status_code == 200
    assert (await admin.patch(f"/api/v1/people/{person}", json={"language": "en"})).status_code == 200
    for own, other in (sites, sites[::-1]):
        async with hub.client(await hub.token(Role.MANAGER, site_id=UUID(own))) as manager:
            renamed, roles = (await audited(manager, object_id=person, site_id=own))[:2]
            assert (renamed["action"], roles["action"]) == ("people.change_person", "people.set_roles")
            assert own in json.dumps(roles["facts"])
            assert other not in json.dumps(roles["facts"])
            assert roles["facts"]["elsewhere"] >= 1


async def _who_is_complained_about_sees_none_of_it(hub: WholeApp, admin: httpx.AsyncClient) -> None:
    site = str(hub.here.site_id)
    document = DOCUMENT | {"trigger": "opened", "condition": {"field": "priority", "operator": "<=", "value": 9}}
    async with hub.client(await hub.token(Role.MANAGER, name="胡经理")) as accused:
        body = {"site_id": site, "channel": "phone", "category": "complaint", "text": "胡经理态度恶劣"}
        made = await admin.post("/api/v1/work-orders", json=body)
        assert made.status_code == 201, made.text
        order, report = made.json()["work_order_id"], made.json()["report_id"]
        async with hub.client() as owner:
            # Neither its path nor the first row that it touches is the order's.
            token = hub.rooms.ticketing.links.path(UUID(report)).rsplit("/", 1)[1]
            assert (await owner.post(f"/api/v1/reports/by-link/{token}/urge", json={})).status_code == 200
        firing = await a_firing(hub, UUID(order))
        async with hub.client(await hub.token(Role.MANAGER)) as other:
            assert len(await audited(other, object_id=order)) >= 2
            shown = (await other.get("/api/v1/automation/firings", params={"work_order": order})).json()["items"]
            assert [one["id"] for one in shown] == [firing]
            orders = (await rehearsed(other, document, site))["orders"]
        assert await audited(accused, object_id=order) == []
        assert order not in json.dumps(await audited(accused, limit=500))
        assert (await accused.get("/api/v1/automation/firings")).json()["items"] == []
        assert (await accused.get("/api/v1/automation/deliveries")).json()["items"] == []
        assert (await rehearsed(accused, document, site))["orders"] == orders - 1


async def rehearsed(client: httpx.AsyncClient, document: dict[str, Any], site: str) -> dict[str, Any]:
    body = {"site_id": site, "document": document, "since": "2020-01-01T00:00:00Z", "until": "2999-01-01T00:00:00Z"}
    answer = await client.post("/api/v1/automation/rules/rehearsal", json=body)
    assert answer.status_code == 200, answer.text
    rehearsal: dict[str, Any] = answer.json()
    return rehearsal


async def a_firing(hub: WholeApp, order: UUID) -> str:
    """A rule of the company set off by the order, as the room's own job writes it."""
    async with hub.database.transaction() as session:
        now, site = hub.clock.now(), hub.here.site_id
        rule = OrderRule(
            site_id=site, name="投诉", trigger="opened", version=1, is_enabled=True, created_at=now, changed_at=now
        )
        session.add(rule)
        await session.flush()
        session.add(OrderRuleVersion(rule_id=rule.id, version=1, document={}, saved_at=now))
        await session.flush()
        firing = await automation_repository.add_firing(
            session, id=new_id(), site_id=site, rule_id=rule.id, rule_version=1, work_order_id=order, event_id=new_id(),
            trigger="opened", event_facts={}, causes=[], state="done", happened_at=now, due_at=now, outcomes=[],
        )  # fmt: skip
    return str(firing)


async def _what_is_erased_leaves_the_chain_whole(
    hub: WholeApp, admin: httpx.AsyncClient, person: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await hub.seal()
    async with hub.database.transaction() as session:
        erased = await hub.rooms.audit.eraser.erase_person(session, UUID(person))
    assert erased > 0
    await hub.seal()
    after = await verdict(hub)
    assert (list(after.findings), after.erased) == ([], erased)
    made = next(one for one in await audited(admin, object_id=person) if one["action"] == "people.create_person")
    assert (made["facts"], made["action"]) == (None, "people.create_person")
    async with hub.database.transaction() as session:
        left = (await session.execute(text("SELECT facts FROM audit_detail WHERE facts LIKE '%钱进%'"))).all()
        assert left == []
        monkeypatch.setattr(erasing, "AT_ONCE", 2)
        forget, now = hub.rooms.audit.eraser.forget_origins, hub.clock.now()
        assert [await forget(session, before=now, limit=limit) for limit in (2, 3)] == [2, 3]
        assert await forget(session, before=now, limit=10_000) > 0
        assert await forget(session, before=now, limit=10_000) == 0, "in one run"
    await hub.seal()
    assert (await verdict(hub)).is_whole


# --- hands on the chain ---------------------------------------------------------------------------------------------


async def verdict(hub: WholeApp, known: Head | None = None) -> Verdict:
    async with hub.database.transaction() as session:
        return await verify(session, hub.clock, known=known)


async def _nobody_changes_a_row_by_the_ordinary_way(hub: WholeApp) -> None:
    for statement in (
        "UPDATE audit_record SET action = 'x'", "DELETE FROM audit_record", "TRUNCATE audit_record",
        "UPDATE audit_seal SET digest = 'x'", "DELETE FROM audit_seal", "TRUNCATE audit_seal",
    ):  # fmt: skip
        with pytest.raises(DBAPIError, match="append-only"):
            async with hub.database.transaction() as session:
                await session.execute(text(statement))


def at(position: int) -> str:
    return f"(SELECT record_id FROM audit_seal WHERE position = {position})"


# What an owner of the database may do who takes the triggers away first, and by what it shows.
DAMAGES: Sequence[tuple[Damage, str]] = (
    (Damage.RECORD_CHANGED, f"UPDATE audit_record SET actor_id = gen_random_uuid() WHERE id = {at(3)}"),
    (Damage.RECORD_CHANGED, f"UPDATE audit_record SET at = at - interval '1 day' WHERE id = {at(3)}"),
    (Damage.RECORD_CHANGED, f"UPDATE audit_record SET also_at = '[\"5\"]' WHERE id = {at(3)}"),
    (Damage.RECORD_REMOVED, f"DELETE FROM audit_record WHERE id = {at(3)}"),
    (Damage.FACTS_CHANGED, f"UPDATE audit_detail SET facts = replace(facts, '栋', '幢') WHERE record_id = {at(3)}"),
    (Damage.ORIGIN_CHANGED, f"UPDATE audit_detail SET origin = '{{}}' WHERE record_id = {at(3)}"),
    (Damage.DETAIL_REMOVED, f"DELETE FROM audit_detail WHERE record_id = {at(3)}"),
    (Damage.ERASED_UNTOLD, f"UPDATE audit_detail SET facts = NULL WHERE record_id = {at(3)}"),
    (Damage.LINK_REMOVED, "DELETE FROM audit_seal WHERE position = 3"),
    (
        Damage.LINK_CHANGED,
        "UPDATE audit_seal SET position = CASE position WHEN 3 THEN -3 ELSE 3 END WHERE position IN (3, 4);"
        "UPDATE audit_seal SET position = 4 WHERE position = -3",
    ),
    (Damage.CUT_SHORT, "DELETE FROM audit_seal WHERE position > 5"),
    (Damage.NEVER_SEALED, f"UPDATE audit_record SET at = at - interval '1 day' WHERE id = {at(6)};"
                          "DELETE FROM audit_seal WHERE position = 6"),
)  # fmt: skip


async def _is_named(hub: WholeApp, damage: Damage, statement: str, head: Head) -> None:
    """Does the damage, looks, and lays the three tables back as they were."""
    tables = ("audit_record", "audit_detail", "audit_seal")
    async with await psycopg.AsyncConnection.connect(plain_url(hub.database.url), autocommit=True) as connection:
        await connection.execute("SET session_replication_role = replica")
        for table in tables:
            await connection.execute(f"CREATE TABLE kept_{table} AS TABLE {table}".encode())
        for part in statement.split(";"):
            await connection.execute(part.encode())
        found = await verdict(hub, known=head)
        for table in tables:
            await connection.execute(f"DELETE FROM {table}".encode())
            await connection.execute(f"INSERT INTO {table} TABLE kept_{table}".encode())
            await connection.execute(f"DROP TABLE kept_{table}".encode())
    assert damage in {one.damage for one in found.findings}, (damage, found)
    assert not found.is_whole
    about = {one.position for one in found.findings}
    assert about & {3, 4, 6, None}, found
    assert (await verdict(hub, known=head)).is_whole
