"""However the harm of a disk ends, nobody's writes fail afterwards."""

import asyncio
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.conftest import need
from torture import disk
from torture.disk import CannotTrace, DiskError, failing_disk


@pytest.fixture
async def victim() -> AsyncIterator[int]:
    """The pid of a process that may be harmed."""
    need("strace", package="strace")
    process = await asyncio.create_subprocess_exec("sleep", "60")
    yield process.pid
    process.kill()
    await process.wait()


async def test_a_tracer_that_does_not_come_in_time_is_ended(victim: int, monkeypatch: pytest.MonkeyPatch) -> None:
    async def never(*_: object) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(disk, "ATTACH_S", 0.1)
    monkeypatch.setattr(disk, "_until_watched", never)
    with pytest.raises(CannotTrace, match="within 0 s"):
        async with failing_disk(lambda: [victim], DiskError.EIO):
            raise AssertionError("nobody waited for it")
    await asyncio.sleep(1)  # a tracer that was left would be there by now
    assert disk._tracer(victim) == 0


async def test_a_harm_that_cannot_be_kept_up_ends_and_says_so(victim: int) -> None:
    looks = 0

    def pids() -> list[int]:
        nonlocal looks
        looks += 1
        if looks > 1:
            raise OSError("nobody can look")
        return [victim]

    with pytest.raises(OSError, match="nobody can look"):
        async with failing_disk(pids, DiskError.EIO):
            assert disk._tracer(victim)
            await asyncio.sleep(3 * disk.LOOK_EVERY_S)
    assert disk._tracer(victim) == 0


BUSY = """
import os, threading, time

def write(number):
    with open(f"file-{number}", "wb") as file:
        while True:
            try:
                os.pwrite(file.fileno(), b"x", 0)
            except OSError:
                return
            time.sleep(0.001)

writers = [threading.Thread(target=write, args=(number,)) for number in range(24)]
for writer in writers:
    writer.start()
print("writing", flush=True)
for writer in writers:
    writer.join()
"""


async def test_no_thread_still_writes_when_the_harm_has_begun(tmp_path: Path) -> None:
    """A program of many threads is watched only when all of them are."""
    need("strace", package="strace")
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", BUSY, cwd=tmp_path, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout
    await process.stdout.readline()
    async with failing_disk(lambda: [process.pid], DiskError.EIO):
        assert disk._unwatched([process.pid]) == []
        await asyncio.wait_for(process.wait(), 20)
    assert process.returncode == 0, "each of them was told that the disk is broken"
