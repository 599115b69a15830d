"""Migrations lead to what the models say, from empty, twice, and from two processes at once."""

import asyncio
from collections.abc import Iterator

import psycopg
import pytest

from hub.migrate import differences, upgrade
from hub.schema import bring_up_to_date, is_up_to_date, newest
from kit.ids import new_id
from kit.supervision.process import ChildFailed

# The migration after it gives `work_order` a stored column.
BEFORE_WORK_ORDERS_ARE_REWRITTEN = "202611221210"
BEFORE_JOBS_OF_SWEEPS_ARE_DROPPED = "202611221215"


@pytest.fixture
def empty_database_url(postgres_url: str) -> Iterator[str]:
    name = f"empty_{new_id().hex[-12:]}"
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    yield postgres_url.rsplit("/", 1)[0] + f"/{name}"
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


def test_a_migrated_database_is_what_the_models_say_and_is_known_to_be(empty_database_url: str) -> None:
    assert not is_up_to_date(empty_database_url)
    bring_up_to_date(empty_database_url)
    assert is_up_to_date(empty_database_url)
    assert differences(empty_database_url) == []


def test_a_database_of_another_release_is_refused_with_the_reason(empty_database_url: str) -> None:
    with psycopg.connect(empty_database_url) as connection:
        connection.execute(
            "CREATE TABLE alembic_version (version_num text); INSERT INTO alembic_version VALUES ('2999')"
        )
    with pytest.raises(ChildFailed, match="2999"):
        bring_up_to_date(empty_database_url)


def test_the_newest_migration_is_the_one_that_none_follows() -> None:
    sources = ['revision = "b"\ndown_revision = "a"\n', 'revision: str = "c"\ndown_revision: str = "b"\n']
    assert newest([*sources, 'revision = "a"\ndown_revision = None\n']) == "c"


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


def test_jobs_of_sweeps_are_gone_after_an_upgrade_and_no_others(empty_database_url: str) -> None:
    upgrade(empty_database_url, revision=BEFORE_JOBS_OF_SWEEPS_ARE_DROPPED)
    with psycopg.connect(empty_database_url) as connection:
        for queue in ("sweeps", "default"):
            connection.execute(
                "INSERT INTO procrastinate_jobs (queue_name, task_name, args) VALUES (%s, %s, '{}')", (queue, queue)
            )
        connection.execute(
            "INSERT INTO procrastinate_periodic_defers (task_name, job_id) "
            "SELECT task_name, id FROM procrastinate_jobs WHERE queue_name = 'sweeps'"
        )
    upgrade(empty_database_url)
    with psycopg.connect(empty_database_url) as connection:
        assert connection.execute("SELECT queue_name FROM procrastinate_jobs").fetchall() == [("default",)]
        assert connection.execute("SELECT count(*) FROM procrastinate_periodic_defers").fetchone() == (0,)
