"""However the harm of a disk ends, nobody's writes fail afterwards."""

import asyncio
from collections.abc import AsyncIterator

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
    monkeypatch.setattr(disk, "ATTACH_S", 0.0)
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
