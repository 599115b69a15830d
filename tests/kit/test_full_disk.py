"""PostgreSQL on a disk that fills up: it refuses, comes back when there is room, and has what it committed."""

import asyncio
from pathlib import Path

import psycopg
import pytest

from kit.supervision.postgres import running_postgres
from tests.conftest import LIVENESS_S
from tests.small_disk import small_disk

ROW = "x" * 100_000


@pytest.mark.long
@pytest.mark.timeout(300)
async def test_a_full_disk_ends_postgresql_and_room_on_it_brings_it_back(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    with small_disk(tmp_path / "small", megabytes=160) as disk:
        async with running_postgres(disk.folder / "postgres", password="test") as url:
            async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
                await connection.execute("CREATE TABLE kept (number int, filler text)")
                # Or the filler would be compressed to nothing.
                await connection.execute("ALTER TABLE kept ALTER filler SET STORAGE EXTERNAL")
            disk.fill(leave_bytes=4 * 1024**2)
            committed = await committed_until_refused(url)
            disk.empty()
            async with asyncio.timeout(LIVENESS_S * 2):
                while (kept := await numbers(url)) is None:
                    await asyncio.sleep(0.2)
            assert kept >= set(range(committed))
            assert await commits(url, committed + 1)


async def committed_until_refused(url: str) -> int:
    """How many rows were committed before the first that was not."""
    for number in range(10_000):
        if not await commits(url, number):
            return number
    raise AssertionError("the disk never was full")


async def commits(url: str, number: int) -> bool:
    try:
        async with await psycopg.AsyncConnection.connect(url, autocommit=True, connect_timeout=5) as connection:
            await connection.execute("INSERT INTO kept VALUES (%s, %s)", (number, ROW))
    except psycopg.Error:
        return False
    return True


async def numbers(url: str) -> set[int] | None:
    """What is kept; None while nobody answers."""
    try:
        async with await psycopg.AsyncConnection.connect(url, autocommit=True, connect_timeout=5) as connection:
            return {number for (number,) in await (await connection.execute("SELECT number FROM kept")).fetchall()}
    except psycopg.Error:
        return None
