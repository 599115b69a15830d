"""Every route × every role, and every route with an id × another site's id.

Both are read from `access.toml`, generated checks: a route without a row fails, and so does a row without a route.
"""

import asyncio
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from audit.models import AuditRecord
from hub.api import create_app
from hub.texts import load_texts
from kit.access import STAFF, Role
from kit.db import Database
from kit.events import RecordingOutbox
from tests.hub.objects import Objects, objects_at
from tests.hub.requests import Operation, operations
from tests.hub.whole_app import WholeApp, whole_app

TABLE: dict[str, Any] = tomllib.loads((Path(__file__).parent / "access.toml").read_text("utf-8"))
SPEC = create_app(load_texts()).openapi()
ROUTES = {one.name: one for one in operations(SPEC)}
# A stream answers for as long as somebody listens; tests/stories listens to it.
ENDLESS = {"GET /api/v1/live"}
EVERY_ROLE = frozenset(Role)
REFUSED = {401, 403}
# Whoever does it is logged out.
REVOKING = {"POST /api/v1/auth/logout"}
# They change nothing, or (a log-in) the audit hears of them by another name.
UNTOLD = {
    "POST /api/v1/auth/login",
    "POST /api/v1/auth/stream-token",
    "POST /api/v1/rules/check",
    "POST /wechat/callback",
}
# So many routes at least must have done something, for the test to say anything.
SOME_CHANGES = 5
# An outside service that this hub knows nothing of: 503 says so.
NOT_SET_UP = {"callback_not_set_up"}


@dataclass(frozen=True)
class Row:
    """Who is let in, and how a caller of one site is answered who names what is another's."""

    roles: frozenset[Role]
    needs_login: bool
    elsewhere: frozenset[int | str]

    @classmethod
    def of(cls, row: str | Mapping[str, Any]) -> "Row":
        who, there = (row, []) if isinstance(row, str) else (row["who"], row.get("there", []))
        elsewhere = frozenset(there if isinstance(there, list) else [there])
        match who:
            case "anyone":
                return cls(EVERY_ROLE, False, elsewhere)
            case "logged in":
                return cls(EVERY_ROLE, True, elsewhere)
            case "staff":
                return cls(STAFF, True, elsewhere)
        return cls(frozenset(map(Role, who.split())) | {Role.ADMIN}, True, elsewhere)


def test_every_route_has_a_row_and_every_row_a_route() -> None:
    missing = sorted(set(ROUTES) - set(TABLE))
    left_over = sorted(set(TABLE) - set(ROUTES))
    assert not missing, "add to tests/hub/access.toml:\n" + "\n".join(f'"{name}" = "…"' for name in missing)
    assert not left_over, f"no such routes any more, take them out of tests/hub/access.toml: {left_over}"


async def test_every_route_lets_in_whom_the_table_names(
    database: Database, outbox: RecordingOutbox, tmp_path: Path
) -> None:
    async with whole_app(database, outbox, tmp_path) as hub, hub.client() as client:
        tokens = {role: await hub.token(role) for role in Role}
        wrong: list[str] = []
        done: dict[str, Operation] = {}
        for name, operation in asked():
            callers = (None, *Role)
            asking = (ask(client, operation, {}, tokens[role] if role else None) for role in callers)
            for role, answer in zip(callers, await asyncio.gather(*asking), strict=True):
                if words := judged(Row.of(TABLE[name]), role, answer):
                    wrong.append(f"{name} as {role or 'nobody'}: {words}")
                elif operation.method != "get" and answer.status_code < 400 and name not in UNTOLD:
                    done[name] = operation
            if name in REVOKING:
                tokens = {role: await hub.token(role) for role in Role}
        assert not wrong, "\n".join(wrong)
        assert not await untold(hub, done)


async def untold(hub: WholeApp, done: Mapping[str, Operation]) -> list[str]:
    """Which of the changes that were made the audit does not know."""
    async with hub.database.transaction() as session:
        known = {action.split(".")[1] for action in await session.scalars(select(AuditRecord.action).distinct())}
    assert len(done) > SOME_CHANGES
    return [name for name, one in done.items() if not any(one.about["operationId"].startswith(f"{k}_") for k in known)]


def asked() -> list[tuple[str, Operation]]:
    """What is in both tables; what is in one only is another test's business."""
    return [(name, operation) for name, operation in ROUTES.items() if name in TABLE and name not in ENDLESS]


def judged(row: Row, role: Role | None, answer: httpx.Response) -> str:
    """What is wrong with an answer; nothing when it is as the table says."""
    if answer.status_code >= 500 and answer.json()["code"] not in NOT_SET_UP:
        return f"{answer.status_code}: {answer.text[:200]}"
    refused = answer.status_code in REFUSED and answer.json()["code"] in ("not_authenticated", "not_allowed")
    if role is None:
        wanted = row.needs_login
        return "" if refused is wanted else f"{answer.status_code}, wanted {401 if wanted else 'to be let in'}"
    if (role in row.roles) is refused:
        return f"{answer.status_code}, wanted {403 if not refused else 'to be let in'}"
    return ""


async def test_nobody_reaches_what_is_another_sites(
    database: Database, outbox: RecordingOutbox, tmp_path: Path
) -> None:
    async with whole_app(database, outbox, tmp_path) as hub, hub.client() as client:
        there = await objects_at(hub, hub.there, ROUTES)
        # Every right there is, but at this site only; admin of it included.
        token = await hub.token(*Role, site_id=hub.here.site_id)
        wrong: list[str] = []
        for _, operation in asked():
            if not names_something(operation, there):
                continue
            wrong += await strangers_answers(hub, client, operation, there, token)
        assert not wrong, "\n".join(wrong)


def names_something(operation: Operation, there: Objects) -> bool:
    named = {*operation.path_parameters, *operation.query_parameters}
    body = operation.arguments({}).get("json")
    return bool(named & set(there.ids)) or (isinstance(body, dict) and bool(set(body) & set(there.ids)))


async def strangers_answers(
    hub: WholeApp, client: httpx.AsyncClient, operation: Operation, there: Objects, token: str
) -> list[str]:
    row = Row.of(TABLE[operation.name])
    asked = tuple(name for name in operation.query_parameters if name in there.ids)
    tries = [asked] if operation.path_parameters or not asked else [(one,) for one in asked]
    wrong = []
    for query in tries:
        answer = await ask(client, operation, there.ids, token, query=query)
        if not is_closed(answer, row):
            wrong.append(f"{operation.name} {list(query) or ''}: {answer.status_code} {answer.text[:160]}")
    return wrong


def is_closed(answer: httpx.Response, row: Row) -> bool:
    """404, or a list of nothing; else what the table says for this route."""
    if answer.status_code == 404 or answer.status_code in row.elsewhere:
        return True
    return answer.status_code == 200 and ("open" in row.elsewhere or is_empty(answer))


def is_empty(answer: httpx.Response) -> bool:
    if "json" not in answer.headers.get("content-type", ""):
        return False
    body = answer.json()
    if isinstance(body, dict) and "items" in body:
        return not body["items"] and not body["total"]
    return is_nothing(body)


def is_nothing(value: Any) -> bool:
    """Zeros and emptiness all the way down."""
    match value:
        case dict():
            return all(is_nothing(one) for one in value.values())
        case list():
            return all(is_nothing(one) for one in value)
    return not value


async def ask(
    client: httpx.AsyncClient, operation: Operation, ids: Mapping[str, Any], token: str | None,
    *, query: tuple[str, ...] = (),
) -> httpx.Response:  # fmt: skip
    headers = {"authorization": f"Bearer {token}"} if token else {}
    return await client.request(**operation.arguments(ids, query=query), headers=headers)


@pytest.mark.parametrize("who", ["anyone", "logged in", "staff", "manager dispatcher"])
def test_a_row_is_read_as_it_is_meant(who: str) -> None:
    row = Row.of(who)
    assert Role.ADMIN in row.roles
    assert (Role.OWNER in row.roles) is (who in ("anyone", "logged in"))
    assert row.needs_login is (who != "anyone")
