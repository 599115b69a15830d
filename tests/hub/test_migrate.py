"""Migrations lead to what the models say, from empty, twice, and from two processes at once."""

import asyncio
from collections.abc import Iterator

import psycopg
import pytest

from hub.migrate import differences, upgrade
from kit.ids import new_id


@pytest.fixture
def empty_database_url(postgres_url: str) -> Iterator[str]:
    name = f"empty_{new_id().hex[-12:]}"
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    yield postgres_url.rsplit("/", 1)[0] + f"/{name}"
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


def test_a_migrated_database_is_what_the_models_say(empty_database_url: str) -> None:
    upgrade(empty_database_url)
    assert differences(empty_database_url) == []


async def test_two_hubs_that_start_at_once_migrate_one_after_the_other(empty_database_url: str) -> None:
    await asyncio.gather(*(asyncio.to_thread(upgrade, empty_database_url) for _ in range(3)))
    with psycopg.connect(empty_database_url) as connection:
        assert connection.execute("SELECT count(*) FROM alembic_version").fetchone() == (1,)
        assert connection.execute("SELECT count(*) FROM procrastinate_schema").fetchone() == (1,)
