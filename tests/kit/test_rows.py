"""Many rows a statement, on a real PostgreSQL."""

from datetime import UTC, datetime

import psycopg
import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import OperationalError

from kit.db import Database, driver_connection, pipelined
from kit.ids import new_id
from kit.rows import change, documents, fetch, insertion, things, write
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
        await write(connection, insertion(Person, rows))
        await write(connection, change(Person, [{"id": rows[0]["id"], "name": "王工"}]))
    assert await names(database) == ['O\'Brien \\ "quoted" %s', "李工", "王工"]


async def test_what_is_written_in_one_statement_comes_back_as_the_tables_own_types(database: Database) -> None:
    rows = people("张工", 'O\'Brien "%s"')
    when = datetime(2026, 11, 22, 4, 0, 0, 123456, tzinfo=UTC)
    [known] = people("李工")
    async with database.transaction() as session:
        connection = await driver_connection(session)
        await write(connection, insertion(Person, [known]))
        await write(connection, insertion(Person, rows), change(Person, [{"id": known["id"], "created_at": when}]))
        both = documents(everybody=b"SELECT * FROM person ORDER BY name", nobody=b"SELECT * FROM person WHERE false")
        found = await (await fetch(connection, both)).fetchone()
    assert found is not None
    everybody = things(Person, found["everybody"])
    assert [person.name for person in everybody] == ['O\'Brien "%s"', "张工", "李工"]
    assert {person.id for person in everybody} == {row["id"] for row in [*rows, known]}
    assert [person.created_at for person in everybody if person.id == known["id"]] == [when]
    assert things(Person, found["nobody"]) == []


async def test_a_pipeline_tells_the_first_failure_and_keeps_nothing(database: Database) -> None:
    rows = people("张工")
    with pytest.raises(psycopg.errors.UniqueViolation):
        async with database.transaction() as session, pipelined(session):
            connection = await driver_connection(session)
            await write(connection, insertion(Person, rows))
            await write(connection, insertion(Person, rows))
            await (await fetch(connection, b"SELECT 1")).fetchall()
    assert await names(database) == []


async def test_a_pipelined_transaction_is_kept_as_a_whole(database: Database) -> None:
    async with database.pipelined_transaction() as session:
        await write(await driver_connection(session), insertion(Person, people("张工")))
        async with pipelined(session):  # a pipeline inside is part of it
            await write(await driver_connection(session), insertion(Person, people("李工")))
        assert await names(database) == []
    assert set(await names(database)) == {"张工", "李工"}


async def test_a_pipelined_transaction_that_fails_at_its_end_keeps_nothing(database: Database) -> None:
    rows = people("张工")
    with pytest.raises(psycopg.Error):
        async with database.pipelined_transaction() as session:
            connection = await driver_connection(session)
            await write(connection, insertion(Person, people("李工")))
            await write(connection, insertion(Person, rows))
            await write(connection, insertion(Person, rows))
    assert await names(database) == []


async def test_a_pipelined_transaction_that_its_writer_gives_up_keeps_nothing(database: Database) -> None:
    with pytest.raises(LookupError):
        async with database.pipelined_transaction() as session:
            connection = await driver_connection(session)
            await write(connection, insertion(Person, people("张工")))
            await (await fetch(connection, b"SELECT 1")).fetchall()
            raise LookupError
    assert await names(database) == []
    async with database.pipelined_transaction() as session:  # the connection is as good as new
        await write(await driver_connection(session), insertion(Person, people("李工")))
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
            await write(await driver_connection(session), insertion(Person, people("张工")))
    async with database.pipelined_transaction() as session:
        await write(await driver_connection(session), insertion(Person, people("李工")))
    assert await names(database) == ["李工"]
