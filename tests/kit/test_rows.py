"""Many rows a statement, on a real PostgreSQL."""

import psycopg
import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import OperationalError

from kit.db import Database, driver_connection, pipelined
from kit.ids import new_id
from kit.rows import fetch, insert_rows, update_rows
from people.models import Person


def people(*names: str) -> list[dict[str, object]]:
    return [{"id": new_id(), "kind": "staff", "name": name} for name in names]


async def names(database: Database) -> list[str]:
    async with database.transaction() as session:
        return list((await session.scalars(select(Person.name).order_by(Person.name))).all())


async def test_rows_go_in_and_are_changed_by_their_key(database: Database) -> None:
    rows = people("张工", "李工", 'O\'Brien \\ "quoted" %s')
    async with database.transaction() as session:
        connection = await driver_connection(session)
        await insert_rows(connection, Person, rows)
        await update_rows(connection, Person, [{"id": rows[0]["id"], "name": "王工"}])
    assert await names(database) == ['O\'Brien \\ "quoted" %s', "李工", "王工"]


async def test_a_pipeline_tells_the_first_failure_and_keeps_nothing(database: Database) -> None:
    rows = people("张工")
    with pytest.raises(psycopg.errors.UniqueViolation):
        async with database.transaction() as session, pipelined(session):
            connection = await driver_connection(session)
            await insert_rows(connection, Person, rows)
            await insert_rows(connection, Person, rows)
            await (await fetch(connection, b"SELECT 1")).fetchall()
    assert await names(database) == []


async def test_a_pipelined_transaction_is_kept_as_a_whole(database: Database) -> None:
    async with database.pipelined_transaction() as session:
        await insert_rows(await driver_connection(session), Person, people("张工"))
        async with pipelined(session):  # a pipeline inside is part of it
            await insert_rows(await driver_connection(session), Person, people("李工"))
        assert await names(database) == []
    assert set(await names(database)) == {"张工", "李工"}


async def test_a_pipelined_transaction_that_fails_at_its_end_keeps_nothing(database: Database) -> None:
    rows = people("张工")
    with pytest.raises(psycopg.Error):
        async with database.pipelined_transaction() as session:
            connection = await driver_connection(session)
            await insert_rows(connection, Person, people("李工"))
            await insert_rows(connection, Person, rows)
            await insert_rows(connection, Person, rows)
    assert await names(database) == []


async def test_a_pipelined_transaction_that_its_writer_gives_up_keeps_nothing(database: Database) -> None:
    with pytest.raises(LookupError):
        async with database.pipelined_transaction() as session:
            connection = await driver_connection(session)
            await insert_rows(connection, Person, people("张工"))
            await (await fetch(connection, b"SELECT 1")).fetchall()
            raise LookupError
    assert await names(database) == []
    async with database.pipelined_transaction() as session:  # the connection is as good as new
        await insert_rows(await driver_connection(session), Person, people("李工"))
    assert await names(database) == ["李工"]


async def test_after_the_server_closed_its_connection_the_second_pipelined_transaction_works(
    database: Database,
) -> None:
    async with database.pipelined_transaction() as session:
        pid = (await driver_connection(session)).info.backend_pid
    async with database.transaction() as session:
        await session.execute(text("SELECT pg_terminate_backend(:pid, 10000)"), {"pid": pid})
    with pytest.raises((psycopg.OperationalError, OperationalError)):
        async with database.pipelined_transaction() as session:
            await insert_rows(await driver_connection(session), Person, people("张工"))
    async with database.pipelined_transaction() as session:
        await insert_rows(await driver_connection(session), Person, people("李工"))
    assert await names(database) == ["李工"]
