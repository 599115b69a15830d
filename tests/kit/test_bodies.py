"""What a request holds while it comes, and while it is refused."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI, UploadFile
from sqlalchemy import func, literal, select
from sqlalchemy.ext.asyncio import AsyncSession

from kit.access import Authenticator
from kit.answers import AnswerBook
from kit.bodies import MB, BodyLimits
from kit.clock import SystemClock
from kit.db import Database
from kit.deeds import Deeds
from kit.errors import StaleEdit
from kit.http import STATUS, History, Session, add_error_handlers, provide
from kit.i18n import Texts
from tests.api import FakeLogins, client_of

KEY = "Idempotency-Key"


class OneChange:
    """Implements `kit.http.History`, and asks the database as the real one does."""

    async def changes(
        self, session: AsyncSession, kind: str, about: str, *, since_version: int
    ) -> list[dict[str, Any]]:
        return [{"kind": kind, "about": about, "version": await session.scalar(select(literal(since_version + 1)))}]


@pytest.fixture
async def app(database_url: str) -> AsyncIterator[FastAPI]:
    """An app with two connections to its database in all."""
    async with Database(database_url, pool_size=1) as database:
        app = FastAPI()
        limits = BodyLimits(body_mb=1, upload_mb=3, silence_s=30, longest_s=60)
        for service in (database, AnswerBook(SystemClock()), limits):
            provide(app, service)
        provide(app, FakeLogins(), as_type=Authenticator)
        provide(app, OneChange(), as_type=History)
        add_error_handlers(app, texts=Texts.load(["kit"]), status=STATUS)

        @app.put("/kettles/{kettle_id}")
        async def edit(kettle_id: UUID, body: dict[str, int], session: Session) -> None:
            await session.execute(select(func.pg_sleep(0.05)))
            raise StaleEdit(given_version=1, version=2)

        @app.post("/kettles")
        async def make(body: dict[str, int], session: Session) -> int:
            return await session.scalar(select(1)) or 0

        @app.post("/kettles/by-link/{token}/boil")
        async def boil(token: str, session: Session) -> str:
            return str(await session.scalar(select(func.gen_random_uuid())))

        @app.post("/boil")
        async def boil_any(session: Session) -> str:
            return str(await session.scalar(select(func.gen_random_uuid())))

        @app.post("/pictures")
        async def upload(file: UploadFile) -> int:
            return len(await file.read())

        app.add_middleware(Deeds)
        yield app


async def slowly(rest: asyncio.Event) -> AsyncIterator[bytes]:
    """A body whose second half comes when it is said."""
    yield b'{"a":'
    await rest.wait()
    yield b" 1}"


async def test_twenty_stale_edits_at_once_are_told_over_two_connections_what_they_missed(app: FastAPI) -> None:
    async with client_of(app, language="en") as client:
        path = f"/kettles/{UUID(int=7)}"
        async with asyncio.timeout(20):
            answers = await asyncio.gather(
                *(client.put(path, json={"a": 1}, headers={KEY: f"k{n}"}) for n in range(20))
            )
    assert {answer.status_code for answer in answers} == {409}
    (change,) = answers[0].json()["facts"]["changes"]
    assert change == {"kind": "kettle", "about": str(UUID(int=7)), "version": 2}


async def test_twenty_who_send_slowly_hold_no_connection(app: FastAPI) -> None:
    rest = asyncio.Event()
    async with client_of(app) as client, asyncio.timeout(25):
        headers = {"content-type": "application/json"}
        slow = [
            asyncio.create_task(client.post("/kettles", content=slowly(rest), headers=headers | {KEY: f"s{n}"}))
            for n in range(20)
        ]
        await asyncio.sleep(0.05)
        assert (await client.post("/kettles", json={"a": 1}, headers={KEY: "quick"})).status_code == 200
        rest.set()
        assert {answer.status_code for answer in await asyncio.gather(*slow)} == {200}


async def test_who_sends_too_slowly_is_told_so(app: FastAPI) -> None:
    provide(app, BodyLimits(silence_s=1))
    async with client_of(app, language="en") as client:
        answer = await client.post("/kettles", content=slowly(asyncio.Event()))
    assert (answer.status_code, answer.json()["code"]) == (408, "body_too_slow")
    assert answer.headers["connection"] == "close"


@pytest.mark.parametrize("key", [{}, {KEY: "k"}], ids=["without a key", "with a key"])
async def test_a_body_has_a_limit_and_a_form_with_files_a_larger_one(app: FastAPI, key: dict[str, str]) -> None:
    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield b"x" * 65536

    async with client_of(app, language="en") as client:
        for body in (b"x" * (MB + 1), endless()):
            refused = await client.post("/kettles", content=body, headers=key)
            assert (refused.status_code, refused.json()["code"]) == (413, "body_too_large")
            assert refused.json()["facts"] == {"limit_mb": 1}
            assert "1 MB" in refused.json()["message"]
        picture = {"file": ("p.jpg", bytes(2 * MB))}
        first, again = [await client.post("/pictures", files=picture, headers=key) for _ in range(2)]
        assert (first.status_code, first.json()) == (200, 2 * MB)
        assert again.content == first.content
        assert again.headers.get("idempotent-replayed") == ("true" if key else None)
        refused = await client.post("/pictures", files={"file": ("p.jpg", bytes(3 * MB))}, headers=key)
        assert (refused.status_code, refused.json()["facts"]) == (413, {"limit_mb": 3})


async def test_a_link_is_the_same_caller_from_every_network_and_a_stranger_is_not(app: FastAPI) -> None:
    """What was sent from one network and is sent again from another is done once, by whoever holds the link."""

    async def answer(path: str, address: str) -> str:
        transport = httpx.ASGITransport(app, client=(address, 5000))
        async with httpx.AsyncClient(transport=transport, base_url="http://hub") as phone:
            answered = await phone.post(path, headers={KEY: "k"})
        assert answered.status_code == 200, answered.text
        return answered.text

    cellar, street = "192.0.2.7", "203.0.113.9"
    link = "/kettles/by-link/abc/boil"
    assert await answer(link, cellar) == await answer(link, street)
    assert await answer(link, cellar) != await answer("/kettles/by-link/def/boil", cellar)
    assert await answer("/boil", cellar) == await answer("/boil", cellar)
    assert await answer("/boil", cellar) != await answer("/boil", street)
