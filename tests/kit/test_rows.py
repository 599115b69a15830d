"""Many rows a statement, on a real PostgreSQL."""

import psycopg
import pytest
from sqlalchemy import select

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
