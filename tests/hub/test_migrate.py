"""Migrations lead to what the models say, from empty, twice, and from two processes at once."""

import asyncio
from collections.abc import Iterator

import psycopg
import pytest

from hub.migrate import differences, upgrade
from kit.ids import new_id

# The migration after it gives `work_order` a stored column.
BEFORE_WORK_ORDERS_ARE_REWRITTEN = "202611221210"


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


def test_a_table_that_a_migration_rewrote_is_vacuumed_and_no_other(empty_database_url: str) -> None:
    upgrade(empty_database_url, revision=BEFORE_WORK_ORDERS_ARE_REWRITTEN)
    assert vacuumed(empty_database_url) == set()
    upgrade(empty_database_url)
    assert vacuumed(empty_database_url) == {"work_order"}


def vacuumed(database_url: str) -> set[str]:
    """Tables that somebody has vacuumed by hand. A server process tells what it did when it ends at the latest."""
    with psycopg.connect(database_url) as connection:
        rows = connection.execute("SELECT relname FROM pg_stat_user_tables WHERE last_vacuum IS NOT NULL")
        return {name for (name,) in rows}


async def test_two_hubs_that_start_at_once_migrate_one_after_the_other(empty_database_url: str) -> None:
    await asyncio.gather(*(asyncio.to_thread(upgrade, empty_database_url) for _ in range(3)))
    with psycopg.connect(empty_database_url) as connection:
        assert connection.execute("SELECT count(*) FROM alembic_version").fetchone() == (1,)
        assert connection.execute("SELECT count(*) FROM procrastinate_schema").fetchone() == (1,)
