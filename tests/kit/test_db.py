"""The pool of connections on a real PostgreSQL."""

from contextlib import AsyncExitStack

from sqlalchemy import text

from kit.db import Database


async def test_one_connection_does_the_work_while_one_thing_is_asked_at_a_time(database_url: str) -> None:
    backend = text("SELECT pg_backend_pid()")
    async with Database(database_url) as database:
        async with AsyncExitStack() as several:
            sessions = [await several.enter_async_context(database.transaction()) for _ in range(3)]
            at_once = {await session.scalar(backend) for session in sessions}
        one_by_one = set()
        for _ in range(6):
            async with database.transaction() as session:
                one_by_one.add(await session.scalar(backend))
    assert len(at_once) == 3
    assert len(one_by_one) == 1
