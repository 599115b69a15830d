"""Logging in and out by the real door: argon2, signed tokens, epochs, the throttle."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import UUID

import httpx
import jwt
import pytest
from sqlalchemy import select

from kit.access import Grant, NotAuthenticated, Role, Scope
from kit.clock import FakeClock
from kit.db import Database
from kit.deeds import Deeds
from people.kinds import PersonKind
from people.models import Account, LoginFailure
from people.passwords import generated_password
from people.tokens import BadToken, read
from tests.api import client_of
from tests.people.room import PeopleRoom, people_room

PASSWORD = "correct horse 7"


@pytest.fixture
async def person_id(room: PeopleRoom, site_id: UUID) -> UUID:
    everywhere = Scope.everywhere()
    async with room.database.transaction() as session:
        one = await room.editor.create(session, everywhere, site_id=site_id, kind=PersonKind.STAFF, name="李敏")
        await room.editor.set_grants(session, everywhere, one, [Grant(Role.MANAGER, site_id)])
        await room.editor.set_account(session, everywhere, one, username="LiMin", password=PASSWORD)
    return one


@pytest.fixture
async def door(room: PeopleRoom, person_id: UUID) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(room.login_app) as client:
        yield client


async def log_in(door: httpx.AsyncClient, password: str = PASSWORD, *, username: str = "limin") -> httpx.Response:
    return await door.post("/api/v1/auth/login", json={"username": username, "password": password})


def bearer(answer: httpx.Response) -> dict[str, str]:
    return {"authorization": f"Bearer {answer.json()['access_token']}"}


async def test_the_right_password_opens(door: httpx.AsyncClient, person_id: UUID, site_id: UUID):
    answer = await log_in(door, username=" LIMIN ")
    assert (answer.status_code, answer.json()["token_type"], answer.json()["expires_in"]) == (200, "bearer", 43200)
    me = (await door.get("/api/v1/auth/me", headers=bearer(answer))).json()
    assert me == {
        "person_id": str(person_id), "name": "李敏", "grants": [{"role": "manager", "site_id": str(site_id)}],
    }  # fmt: skip


async def test_a_wrong_password_and_an_unknown_name_get_the_same_answer(door: httpx.AsyncClient):
    wrong, unknown = await log_in(door, "wrong"), await log_in(door, username="nobody")
    assert (wrong.status_code, wrong.json()["code"]) == (401, "login_refused")
    assert (unknown.status_code, unknown.json()["message"]) == (401, wrong.json()["message"])


async def test_the_password_is_kept_as_an_argon2_hash(room: PeopleRoom, person_id: UUID):
    async with room.database.transaction() as session:
        account = (await session.scalars(select(Account))).one()
    assert account.password_hash.startswith("$argon2id$")
    assert PASSWORD not in account.password_hash


async def test_five_failures_close_the_door_for_this_place_even_to_the_right_password(
    door: httpx.AsyncClient, clock: FakeClock, room: PeopleRoom
):
    for _ in range(5):
        assert (await log_in(door, "wrong")).status_code == 401
    closed = await log_in(door)
    assert (closed.status_code, closed.json()["code"]) == (429, "too_many_failures")
    assert 0 < closed.json()["facts"]["retry_after_s"] <= 900
    transport = httpx.ASGITransport(app=room.login_app, client=("10.9.8.7", 1))
    async with httpx.AsyncClient(transport=transport, base_url="http://hub") as elsewhere:
        assert (await log_in(elsewhere)).status_code == 200
    clock.advance(seconds=901)
    assert (await log_in(door)).status_code == 200
    assert room.registry.get_sample_value("hub_logins_total", {"outcome": "refused"}) == 5


async def test_twenty_wrong_passwords_at_once_are_all_counted_over_two_connections(
    database_url: str, clock: FakeClock, person_id: UUID
):
    async with Database(database_url, pool_size=1) as database, asyncio.timeout(25):
        app = people_room(database, clock).login_app
        app.add_middleware(Deeds)
        async with client_of(app) as door:
            names = [f"nobody{number}" for number in range(19)]
            answers = await asyncio.gather(*(log_in(door, "wrong", username=name) for name in ["limin", *names]))
        assert {answer.status_code for answer in answers} == {401}
        async with database.transaction() as session:
            # A name from a place, and the name from anywhere.
            assert len((await session.scalars(select(LoginFailure))).all()) == 2 * 20


async def test_names_that_do_not_exist_are_throttled_alike(door: httpx.AsyncClient):
    answers = [(await log_in(door, username="nobody")).status_code for _ in range(6)]
    assert answers == [401] * 5 + [429]


async def test_a_success_forgets_the_failures_before(door: httpx.AsyncClient):
    for _ in range(3):
        for _ in range(4):
            assert (await log_in(door, "wrong")).status_code == 401
        assert (await log_in(door)).status_code == 200


async def test_failures_are_kept_as_digests_and_swept(door: httpx.AsyncClient, room: PeopleRoom, clock: FakeClock):
    await log_in(door, "wrong", username="my-password-by-mistake")
    async with room.database.transaction() as session:
        kept = (await session.scalars(select(LoginFailure))).all()
        assert kept
        assert not any("mistake" in row.key for row in kept)
    clock.advance(seconds=3600)
    async with room.database.transaction() as session:
        await room.throttle.sweep(session)
        assert (await session.scalars(select(LoginFailure))).all() == []


async def test_logging_out_revokes_every_token(door: httpx.AsyncClient):
    first, second = await log_in(door), await log_in(door)
    assert (await door.post("/api/v1/auth/logout", headers=bearer(first))).status_code == 204
    for answer in (first, second):
        assert (await door.get("/api/v1/auth/me", headers=bearer(answer))).status_code == 401
    assert (await door.get("/api/v1/auth/me", headers=bearer(await log_in(door)))).status_code == 200


async def test_a_token_ends(door: httpx.AsyncClient, clock: FakeClock):
    answer = await log_in(door)
    clock.advance(seconds=12 * 3600 - 1)
    assert (await door.get("/api/v1/auth/me", headers=bearer(answer))).status_code == 200
    clock.advance(seconds=1)
    assert (await door.get("/api/v1/auth/me", headers=bearer(answer))).status_code == 401


@pytest.mark.parametrize("token", ["", "x", "a.b.c", "eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIn0."])
async def test_a_forged_token_is_refused(door: httpx.AsyncClient, token: str):
    headers = {"authorization": f"Bearer {token}"}
    assert (await door.get("/api/v1/auth/me", headers=headers)).status_code == 401


@pytest.mark.parametrize(
    "payload",
    [
        {},
        {"sub": "x", "epoch": 0, "use": "access", "exp": 9e9},
        {"sub": str(UUID(int=1)), "epoch": "x", "use": "access", "exp": 9e9},
        {"sub": str(UUID(int=1)), "epoch": 0, "use": "root", "exp": 9e9},
        {"sub": str(UUID(int=1)), "epoch": 0, "use": "access", "exp": 1e300},
        {"sub": str(UUID(int=1)), "epoch": 0, "use": "access", "exp": 1},
    ],
)
def test_a_signed_token_without_sense_is_refused(payload: dict[str, object], clock: FakeClock):
    token = jwt.encode(payload, "s" * 32, algorithm="HS256")
    with pytest.raises(BadToken):
        read(token, secret="s" * 32, now=clock.now())


async def test_a_stream_token_opens_streams_only_and_for_a_minute(
    door: httpx.AsyncClient, room: PeopleRoom, clock: FakeClock, person_id: UUID
):
    answer = await log_in(door)
    token = (await door.post("/api/v1/auth/stream-token", headers=bearer(answer))).json()["stream_token"]
    assert (await door.get("/api/v1/auth/me", headers={"authorization": f"Bearer {token}"})).status_code == 401
    async with room.database.transaction() as session:
        assert (await room.real_logins.authenticate_stream(session, token)).person_id == person_id
        with pytest.raises(NotAuthenticated):
            await room.real_logins.authenticate_stream(session, answer.json()["access_token"])
        clock.advance(seconds=60)
        with pytest.raises(NotAuthenticated):
            await room.real_logins.authenticate_stream(session, token)


async def test_who_left_is_out_at_once(door: httpx.AsyncClient, room: PeopleRoom, person_id: UUID):
    answer = await log_in(door)
    async with room.database.transaction() as session:
        await room.editor.deactivate(session, Scope.everywhere(), person_id)
    assert (await door.get("/api/v1/auth/me", headers=bearer(answer))).status_code == 401
    assert (await log_in(door)).status_code == 401


async def test_a_new_password_needs_the_old_one_and_revokes_tokens(door: httpx.AsyncClient):
    answer = await log_in(door)
    path, headers = "/api/v1/auth/password", bearer(answer)
    weak = await door.post(path, headers=headers, json={"old": PASSWORD, "new": "aaaaaaaaaaaa"})
    assert (weak.status_code, weak.json()["code"]) == (422, "weak_password")
    assert (await door.post(path, headers=headers, json={"old": "x", "new": "battery staple"})).status_code == 401
    assert (await door.post(path, headers=headers, json={"old": PASSWORD, "new": "battery staple"})).status_code == 204
    assert (await door.get("/api/v1/auth/me", headers=headers)).status_code == 401
    assert (await log_in(door, "battery staple")).status_code == 200


@pytest.mark.parametrize(
    "body", [{}, {"username": "a"}, {"username": "a\u0000", "password": "x"}, {"username": "a", "password": "x" * 200}]
)
async def test_a_login_without_sense_is_refused(door: httpx.AsyncClient, body: dict[str, str]):
    assert (await door.post("/api/v1/auth/login", json=body)).status_code == 422


def test_generated_passwords_are_strong_and_differ():
    made = {generated_password() for _ in range(100)}
    assert len(made) == 100
    assert all(len(password) >= 14 for password in made)


async def test_an_expired_window_starts_the_count_anew(door: httpx.AsyncClient, clock: FakeClock):
    for _ in range(4):
        await log_in(door, "wrong")
    clock.advance(seconds=timedelta(minutes=16).total_seconds())
    for _ in range(4):
        assert (await log_in(door, "wrong")).status_code == 401
    assert (await log_in(door)).status_code == 200
