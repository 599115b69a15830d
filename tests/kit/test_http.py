"""Refusals at the edge: a stable code, a sentence in the caller's language, no stack trace."""

from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

import httpx
import pytest
from fastapi import Depends, FastAPI, Query
from structlog.testing import capture_logs

from kit.access import Authenticator, Grant, NotAuthenticated, Principal, Role
from kit.db import Database
from kit.errors import DomainError
from kit.http import STATUS, Caller, Paging, add_error_handlers, allow, provide
from kit.i18n import Language, Texts
from kit.ids import new_id


@dataclass(eq=False)
class KettleNotFound(DomainError):
    kettle_id: int


class OneTokenARole:
    async def authenticate(self, session: object, token: str) -> Principal:
        if token not in set(Role):
            raise NotAuthenticated
        return Principal(new_id(), token, frozenset({Grant(Role(token), None)}))


@pytest.fixture
async def client(database: Database) -> httpx.AsyncClient:
    app = FastAPI()
    provide(app, database)
    provide(app, OneTokenARole(), as_type=Authenticator)
    base = Texts.load(["kit"])
    own = {"errors.kettle_not_found": "没有水壶 {kettle_id}"}, {"errors.kettle_not_found": "no kettle {kettle_id}"}
    texts = Texts(
        {
            language: {key: base._texts[language][key] for key in base.keys(language)} | extra
            for language, extra in zip((Language.ZH, Language.EN), own, strict=True)
        }
    )
    add_error_handlers(app, texts=texts, status=STATUS | {KettleNotFound: 404})

    @app.get("/kettles/{kettle_id}")
    async def kettle(kettle_id: int) -> None:
        raise KettleNotFound(kettle_id)

    @app.get("/boom")
    async def boom() -> None:
        raise ZeroDivisionError("secret detail")

    @app.get("/by-link/{token}")
    async def by_link(token: str) -> None:
        raise ZeroDivisionError

    @app.get("/desk", dependencies=[Depends(allow(Role.DISPATCHER))])
    async def desk(caller: Caller) -> str:
        return caller.name

    @app.get("/pages")
    async def pages(paging: Paging, site: Annotated[UUID | None, Query()] = None) -> int:
        return paging.limit

    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://hub")


async def test_a_domain_error_speaks_the_callers_language(client: httpx.AsyncClient) -> None:
    chinese = await client.get("/kettles/7")
    english = await client.get("/kettles/7", headers={"Accept-Language": "en-GB,en;q=0.8"})
    assert chinese.status_code == english.status_code == 404
    assert chinese.json()["message"] == "没有水壶 7"
    assert english.json() | {"request_id": ""} == {
        "code": "kettle_not_found",
        "message": "no kettle 7",
        "facts": {"kettle_id": 7},
        "request_id": "",
    }


async def test_an_unexpected_failure_shows_no_detail(client: httpx.AsyncClient) -> None:
    answer = await client.get("/boom")
    assert answer.status_code == 500
    assert answer.json()["code"] == "internal"
    assert "secret" not in answer.text


async def test_a_failure_is_logged_with_the_route_and_not_with_what_a_link_carries(client: httpx.AsyncClient) -> None:
    with capture_logs() as lines:
        assert (await client.get("/by-link/s3cret")).status_code == 500
    assert [line["path"] for line in lines if line["event"] == "request failed"] == ["/by-link/{token}"]


@pytest.mark.parametrize(
    ("token", "status"), [(None, 401), ("forged", 401), ("engineer", 403), ("dispatcher", 200), ("admin", 200)]
)
async def test_a_gate_lets_its_roles_through(client: httpx.AsyncClient, token: str | None, status: int) -> None:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    assert (await client.get("/desk", headers=headers)).status_code == status


@pytest.mark.parametrize("query", ["limit=0", "limit=501", "offset=-1", "site=x", "limit=abc"])
async def test_bad_parameters_are_named(client: httpx.AsyncClient, query: str) -> None:
    answer = await client.get(f"/pages?{query}")
    assert answer.status_code == 422
    assert query.split("=")[0] in answer.json()["message"]
