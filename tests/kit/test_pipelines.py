"""Connections for pipelines on a real PostgreSQL."""

import asyncio
from contextlib import AsyncExitStack

import psycopg
import pytest

from kit.db import plain_url
from kit.pipelines import KEPT, Pipelines

OTHERS_OF_THIS_DATABASE = (
    "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
    "WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
)


async def backend(pipelines: Pipelines) -> int:
    """The server's process that a transaction has."""
    async with pipelines.transaction() as (connection, _):
        row = await (await connection.execute("SELECT pg_backend_pid()")).fetchone()
    assert row is not None
    return int(row[0])


async def test_a_restart_of_the_server_costs_one_attempt_however_many_connections_were_idle(database_url: str) -> None:
    pipelines = Pipelines(plain_url(database_url))
    async with AsyncExitStack() as several:
        for _ in range(KEPT):
            await several.enter_async_context(pipelines.transaction())
    async with await psycopg.AsyncConnection.connect(plain_url(database_url), autocommit=True) as server:
        ended = await (await server.execute(OTHERS_OF_THIS_DATABASE)).fetchall()
    assert len(ended) == KEPT
    with pytest.raises(psycopg.OperationalError):
        await backend(pipelines)
    assert await asyncio.wait_for(backend(pipelines), 30)
    await pipelines.close()


async def test_a_statement_that_is_refused_costs_no_other_connection(database_url: str) -> None:
    pipelines = Pipelines(plain_url(database_url))
    async with pipelines.transaction(), pipelines.transaction():
        pass
    with pytest.raises(psycopg.errors.DivisionByZero):
        async with pipelines.transaction() as (connection, _):
            await (await connection.execute("SELECT 1 / 0")).fetchone()
    assert len(pipelines._idle) == 1
    await pipelines.close()
