"""Connections for transactions that are pipelines from end to end: for the few writers that cannot wait.

Past SQLAlchemy's pool, whose way to a connection and back costs as much as a statement or two.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import psycopg

# Connections kept: few write that way, one transaction after the other.
KEPT = 3
# Writers look up by key and never rest between two statements. So plans are made once, for any number of rows, and by
# the indexes even while a table is too small to need one: re-planning costs more than the statement. And the server
# ends the transaction of a process that is paused or gone, so that what it has locked is not kept from others.
PLANS = "-c plan_cache_mode=force_generic_plan -c enable_seqscan=off -c enable_hashjoin=off -c enable_mergejoin=off"
IDLE_IN_TRANSACTION = "5s"


class Pipelines:
    """`transaction` as often as wanted, `close` in the end. `url` is libpq's."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._idle: list[psycopg.AsyncConnection[Any]] = []

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[tuple[psycopg.AsyncConnection[Any], psycopg.AsyncPipeline]]:
        """BEGIN goes out with the first statements and COMMIT with the last; raises the driver's errors.

        A connection that the server closed meanwhile is found out by the first answer waited for.
        """
        connection = self._idle.pop() if self._idle else await self._connect()
        try:
            async with connection.pipeline() as pipeline:
                await connection.execute(b"BEGIN")
                yield connection, pipeline
                # After a statement that failed the server skips this one, and the end of the pipeline raises.
                await connection.execute(b"COMMIT")
        except BaseException as error:
            # Whatever it was at, the server takes it back.
            await connection.close()
            if isinstance(error, psycopg.OperationalError):
                await self.close()  # a server that has gone took the idle ones with it: each would cost an attempt
            raise
        if len(self._idle) < KEPT:
            self._idle.append(connection)
        else:
            await connection.close()

    async def close(self) -> None:
        while self._idle:
            await self._idle.pop().close()

    async def _connect(self) -> psycopg.AsyncConnection[Any]:
        given = psycopg.conninfo.conninfo_to_dict(self._url).get("options", "")
        options = f"{given} {PLANS} -c idle_in_transaction_session_timeout={IDLE_IN_TRANSACTION}"
        # Prepared the first time: all that is said here is said again.
        return await psycopg.AsyncConnection.connect(self._url, autocommit=True, prepare_threshold=0, options=options)
