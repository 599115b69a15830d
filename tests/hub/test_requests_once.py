"""A request sent again does its work once, and its answer is the first one to the byte."""

import asyncio
from pathlib import Path

import httpx
from sqlalchemy import func, select, text

from catalog.models import Building
from kit.access import Role
from kit.db import Database
from kit.events import RecordingOutbox
from kit.models import AnsweredRequest
from people.models import Person
from tests.hub.whole_app import WholeApp, whole_app

_TRIGGER_THAT_FAILS = (
    text("CREATE FUNCTION fails() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'disk on fire'; END $$"),
    text("CREATE TRIGGER fails BEFORE INSERT ON membership FOR EACH ROW EXECUTE FUNCTION fails()"),
)
_WELL_AGAIN = text("DROP FUNCTION fails CASCADE")


async def test_requests_with_a_key(database: Database, outbox: RecordingOutbox, tmp_path: Path) -> None:
    async with whole_app(database, outbox, tmp_path) as hub, hub.client(await hub.token(Role.ADMIN)) as client:
        await _the_first_answer_again(hub, client)
        await _other_content_is_refused(hub, client)
        await _twenty_at_once_are_one(hub, client)
        await _a_refusal_is_kept_and_its_work_is_not(hub, client)
        await _a_fault_of_ours_may_be_tried_again(hub, client)
        await _what_is_stored_cannot_be_read(hub, client)


async def post(client: httpx.AsyncClient, path: str, key: str, **body: object) -> httpx.Response:
    return await client.post(f"/api/v1{path}", json=body, headers={"Idempotency-Key": key})


async def buildings(hub: WholeApp, code: str) -> int:
    async with hub.database.transaction() as session:
        return await session.scalar(select(func.count()).where(Building.code == code)) or 0


async def _the_first_answer_again(hub: WholeApp, client: httpx.AsyncClient) -> None:
    new = {"site_id": str(hub.here.site_id), "code": "B9", "name": "9栋"}
    first = await post(client, "/buildings", "k1", **new)
    again = await post(client, "/buildings", "k1", **new)
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.content == again.content
    assert "idempotent-replayed" not in first.headers
    assert again.headers["idempotent-replayed"] == "true"
    assert await buildings(hub, "B9") == 1
    async with hub.client(await hub.token(Role.ADMIN)) as other:
        assert (await post(other, "/buildings", "k1", **new)).json()["code"] == "code_taken"  # their key, not ours


async def _other_content_is_refused(hub: WholeApp, client: httpx.AsyncClient) -> None:
    other = await post(client, "/buildings", "k1", site_id=str(hub.here.site_id), code="B10", name="10栋")
    assert (other.status_code, other.json()["code"]) == (422, "key_reused")
    bad = await post(client, "/buildings", "a b", site_id=str(hub.here.site_id), code="B10", name="10栋")
    assert (bad.status_code, bad.json()["code"]) == (422, "key_invalid")
    assert await buildings(hub, "B10") == 0


async def _twenty_at_once_are_one(hub: WholeApp, client: httpx.AsyncClient) -> None:
    new = {"site_id": str(hub.here.site_id), "code": "B20", "name": "20栋"}
    answers = await asyncio.gather(*(post(client, "/buildings", "k20", **new) for _ in range(20)))
    made = {answer.content for answer in answers if answer.status_code == 201}
    waiting = {answer.json()["code"] for answer in answers if answer.status_code != 201}
    assert len(made) == 1
    assert waiting <= {"still_being_done"}
    assert await buildings(hub, "B20") == 1
    assert (await post(client, "/buildings", "k20", **new)).content in made


async def _a_refusal_is_kept_and_its_work_is_not(hub: WholeApp, client: httpx.AsyncClient) -> None:
    taken = {"site_id": str(hub.here.site_id), "code": "B20", "name": "again"}
    first = await post(client, "/buildings", "k-taken", **taken)
    again = await post(client, "/buildings", "k-taken", **taken)
    assert (first.status_code, first.json()["code"]) == (409, "code_taken")
    assert (again.status_code, again.content) == (409, first.content)
    nobody = await client.post(
        "/api/v1/buildings", json=taken, headers={"Idempotency-Key": "k-x", "authorization": "Bearer nonsense"}
    )
    assert nobody.status_code == 401


async def _a_fault_of_ours_may_be_tried_again(hub: WholeApp, client: httpx.AsyncClient) -> None:
    new = {"site_id": str(hub.here.site_id), "kind": "staff", "name": "李四", "phone": "13900009999"}

    async def people() -> int:
        async with hub.database.transaction() as session:
            return await session.scalar(select(func.count()).where(Person.name == "李四")) or 0

    async with hub.database.transaction() as session:
        await session.execute(_TRIGGER_THAT_FAILS[0])
        await session.execute(_TRIGGER_THAT_FAILS[1])
    assert (await post(client, "/people", "k-500", **new)).status_code == 500
    assert await people() == 0
    async with hub.database.transaction() as session:
        await session.execute(_WELL_AGAIN)
    done = await post(client, "/people", "k-500", **new)
    assert done.status_code == 201, done.text
    assert (await post(client, "/people", "k-500", **new)).content == done.content
    assert await people() == 1


async def _what_is_stored_cannot_be_read(hub: WholeApp, client: httpx.AsyncClient) -> None:
    async with hub.database.transaction() as session:
        rows = (await session.scalars(select(AnsweredRequest))).all()
        assert rows
        for row in rows:
            assert "李四".encode() not in row.sealed
            assert b"13900009999" not in row.sealed
            assert "k1" not in (row.name, row.what)
        await hub.rooms.answers.sweep(session)
        assert await session.scalar(select(func.count(AnsweredRequest.name))) == len(rows)
