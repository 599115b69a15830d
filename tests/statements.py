"""Counting what is asked of the database."""

import contextlib
from collections.abc import Iterator
from typing import Any, Self

import psycopg


@contextlib.contextmanager
def statements_of(connection: psycopg.AsyncConnection[Any]) -> Iterator[list[object]]:
    """What is executed on the connection inside the block."""
    statements: list[object] = []

    class Counting(psycopg.AsyncCursor[Any]):
        async def execute(self, query: Any, *arguments: Any, **options: Any) -> Self:
            statements.append(query)
            return await super().execute(query, *arguments, **options)

    before, connection.cursor_factory = connection.cursor_factory, Counting
    try:
        yield statements
    finally:
        connection.cursor_factory = before
