"""Many rows a statement, past the ORM: for the few places through which floods come.

Rows go as one JSON document that the server takes apart by the table's own types, so that thousands cost the round
trip and the planning of one. Used on the session's own connection (`kit.db.driver_connection`), in its transaction.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import msgspec
import psycopg
from psycopg import sql
from psycopg.rows import dict_row

from kit.db import Base

Connection = psycopg.AsyncConnection[Any]
Cursor = psycopg.AsyncCursor[dict[str, Any]]
Row = Mapping[str, Any]


async def insert_rows(connection: Connection, table: type[Base], rows: Sequence[Row]) -> None:
    """Inserts rows of equal keys; columns not named get the database's default."""
    await fetch(connection, _insertion(table, tuple(rows[0])), _document(rows))


async def update_rows(connection: Connection, table: type[Base], rows: Sequence[Row], *, key: str = "id") -> None:
    """Sets every column that the rows name, besides `key`, which says which row is meant and is given once each."""
    await fetch(connection, _change(table, tuple(rows[0]), key), _document(rows))


async def fetch(connection: Connection, query: bytes, *parameters: Any) -> Cursor:
    """Rows as dictionaries, by column. In a pipeline they have not come yet when this returns."""
    cursor = connection.cursor(row_factory=dict_row)
    await cursor.execute(query, parameters)
    return cursor


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


def _document(rows: Sequence[Row]) -> str:
    return msgspec.json.encode(rows).decode()


def _name(table: type[Base]) -> sql.Identifier:
    return sql.Identifier(str(table.__tablename__))
