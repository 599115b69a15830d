"""Many rows a statement, past the ORM: for the few places through which floods come.

Rows go and come as JSON documents that the server takes apart and makes by the table's own types, so that thousands
cost the round trip and the planning of one. Used on the session's own connection (`kit.db.driver_connection`), in its
transaction.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeVar

import msgspec
import psycopg
from psycopg import sql
from psycopg.rows import dict_row
from sqlalchemy import JSON

from kit.db import Base

Connection = psycopg.AsyncConnection[Any]
Cursor = psycopg.AsyncCursor[dict[str, Any]]
Row = Mapping[str, Any]
Thing = TypeVar("Thing", bound=Base)


@dataclass(frozen=True)
class Writing:
    """What is to be done to some rows of one table; made by `insertion` and `change`, done by `write`."""

    command: bytes
    document: str


def insertion(table: type[Base], rows: Sequence[Row]) -> Writing:
    """Inserts rows (at least one) of equal keys; columns not named get the database's default."""
    return Writing(_insertion(table, tuple(rows[0])), msgspec.json.encode(rows).decode())


def change(table: type[Base], rows: Sequence[Row], *, key: str = "id") -> Writing:
    """Sets every column that the rows (at least one) name, besides `key`, which says which row is meant, once each."""
    return Writing(_change(table, tuple(rows[0]), key), msgspec.json.encode(rows).decode())


async def write(connection: Connection, *writings: Writing) -> None:
    """Does all in one statement. None sees what another does, and which comes first is not said; foreign keys are
    looked at when all is done."""
    if writings:
        query = _statement(tuple(writing.command for writing in writings))
        await fetch(connection, query, *(writing.document for writing in writings))


async def fetch(connection: Connection, query: bytes, *parameters: Any) -> Cursor:
    """Rows as dictionaries, by column. In a pipeline they have not come yet when this returns."""
    cursor = connection.cursor(row_factory=dict_row)
    await cursor.execute(query, parameters)
    return cursor


def documents(**queries: bytes) -> bytes:
    """One query for the answers of several: a row with a document a query, None where it found nothing."""
    parts = [b"(SELECT json_agg(found) FROM (%b) AS found)::text AS %b" % (q, n.encode()) for n, q in queries.items()]
    return b"SELECT " + b", ".join(parts)


def things(table: type[Thing], document: str | None) -> list[Thing]:
    """The rows of a document (`documents`), which has all the table's columns. They belong to no session."""
    rows = _decoder(table).decode(document) if document is not None else []
    return [table(**msgspec.structs.asdict(row)) for row in rows]


@lru_cache
def _statement(commands: tuple[bytes, ...]) -> bytes:
    *others, last = commands
    named = [b"written_%d AS (%b)" % (number, command) for number, command in enumerate(others)]
    return b"WITH " + b", ".join(named) + b" " + last if named else last


@lru_cache
def _insertion(table: type[Base], columns: tuple[str, ...]) -> bytes:
    query = sql.SQL(
        "INSERT INTO {table} ({columns}) OVERRIDING SYSTEM VALUE"
        " SELECT {columns} FROM json_populate_recordset(NULL::{table}, %s)"
    )
    names = sql.SQL(", ").join(map(sql.Identifier, columns))
    return query.format(table=_name(table), columns=names).as_bytes(None)


@lru_cache
def _change(table: type[Base], columns: tuple[str, ...], key: str) -> bytes:
    changed = [sql.Identifier(column) for column in columns if column != key]
    query = sql.SQL(
        "UPDATE {table} SET {values} FROM json_populate_recordset(NULL::{table}, %s) AS given"
        " WHERE {table}.{key} = given.{key}"
    )
    values = sql.SQL(", ").join(sql.SQL("{0} = given.{0}").format(column) for column in changed)
    return query.format(table=_name(table), values=values, key=sql.Identifier(key)).as_bytes(None)


@lru_cache
def _decoder(table: type[Base]) -> msgspec.json.Decoder[Any]:
    columns = [
        (column.name, Any if isinstance(column.type, JSON) else column.type.python_type | None)
        for column in table.__table__.columns
    ]
    return msgspec.json.Decoder(list[msgspec.defstruct(table.__name__, columns)])  # type: ignore[misc]


def _name(table: type[Base]) -> sql.Identifier:
    return sql.Identifier(str(table.__tablename__))
