"""GET /api/v1/notifications, over HTTP on a real database."""

from collections.abc import AsyncIterator
from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy.ext.asyncio import AsyncSession

from connectors.errors import PermanentFailure
from kit.access import Authenticator, Grant, NotAuthenticated, Principal, Role
from kit.db import Database
from kit.http import STATUS as KIT_STATUS
from kit.http import add_error_handlers, provide
from kit.i18n import Texts
from kit.ids import new_id
from notify import endpoints
from notify.board import NotificationBoard
from notify.policy import NotifyChannel
from tests.notify.conftest import Desk


class ByName:
    """`Bearer dispatcher@<site>` is a dispatcher of that site."""

    async def authenticate(self, session: AsyncSession, token: str) -> Principal:
        role, _, site = token.partition("@")
        if role not in set(Role):
            raise NotAuthenticated
        return Principal(new_id(), role, frozenset({Grant(Role(role), UUID(site) if site else None)}))


@pytest.fixture
async def http(desk: Desk) -> AsyncIterator[httpx.AsyncClient]:
    app = FastAPI()
    app.include_router(endpoints.router)
    add_error_handlers(app, texts=Texts.load(["kit", "notify"]), status=KIT_STATUS | endpoints.STATUS)
    provide(app, desk.database, as_type=Database)
    provide(app, ByName(), as_type=Authenticator)
    provide(app, NotificationBoard(notify=desk.notify, templates=desk.templates, composer=desk.composer))
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://hub") as client:
        client.headers["Authorization"] = f"Bearer dispatcher@{desk.site.site_id}"
        yield client


async def test_staff_see_what_was_said_and_what_failed_and_no_address(desk: Desk, http: httpx.AsyncClient) -> None:
    desk.wechat.answers = [PermanentFailure("wechat", "43004", "13800001111 require subscribe")]
    await desk.tell(await desk.site.resident("3-2-502", openid="o-wang"))
    await desk.run_jobs()
    answer = await http.get("/api/v1/notifications", params={"state": "failed"})
    assert answer.status_code == 200
    assert answer.json()["total"] == 1
    [shown] = answer.json()["items"]
    assert shown["error_code"] == "43004"
    assert shown["title"] == "已派工程师"
    assert "张工" in shown["body"]
    everything = (await http.get("/api/v1/notifications")).text
    assert "o-wang" not in everything
    assert "13800001111" not in everything
    assert "138****1111" in everything


async def test_the_words_are_in_the_language_of_the_reader(desk: Desk, http: httpx.AsyncClient) -> None:
    await desk.tell(await desk.site.resident("3-2-502", openid="o-wang"))
    answer = await http.get("/api/v1/notifications", headers={"Accept-Language": "en"})
    assert answer.json()["items"][0]["title"] == "Engineer assigned"


async def test_a_verification_code_is_shown_to_nobody(desk: Desk, http: httpx.AsyncClient) -> None:
    owner = await desk.site.resident("3-2-502")
    facts = {"code": "493817", "minutes": "10"}
    await desk.tell(owner, template="verification.code", facts=facts, channel=NotifyChannel.SMS)
    answer = await http.get("/api/v1/notifications", params={"template": "verification.code"})
    assert answer.json()["total"] == 1
    assert "493817" not in answer.text


async def test_another_site_sees_nothing(desk: Desk, http: httpx.AsyncClient) -> None:
    await desk.tell(await desk.site.resident("3-2-502", openid="o-wang"))
    elsewhere = {"Authorization": f"Bearer manager@{new_id()}"}
    params = {"site_id": str(desk.site.site_id)}
    assert (await http.get("/api/v1/notifications", headers=elsewhere, params=params)).json()["total"] == 0


@pytest.mark.parametrize(("token", "status"), [("owner", 403), ("engineer", 403), ("nobody", 401), ("manager", 200)])
async def test_only_those_who_answer_for_telling_may_look(http: httpx.AsyncClient, token: str, status: int) -> None:
    answer = await http.get("/api/v1/notifications", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == status


@pytest.mark.parametrize(
    "query", ["sort=facts", "state=lost", "channel=fax", "limit=0", "offset=-1", "person_id=7", "key=%00"]
)
async def test_bad_filters_are_refused(http: httpx.AsyncClient, query: str) -> None:
    assert (await http.get(f"/api/v1/notifications?{query}")).status_code == 422


async def test_pages_are_newest_first_and_can_be_turned_round(desk: Desk, http: httpx.AsyncClient) -> None:
    owner = await desk.site.resident("3-2-502", openid="o-wang")
    for number in range(3):
        await desk.tell(owner, key=f"order/{number}")
        desk.clock.advance(seconds=1)
    first = await http.get("/api/v1/notifications", params={"limit": 2})
    assert [item["key"] for item in first.json()["items"]] == ["order/2", "order/1"]
    turned = await http.get("/api/v1/notifications", params={"sort": "created_at", "limit": 1, "offset": 1})
    assert [item["key"] for item in turned.json()["items"]] == ["order/1"]
