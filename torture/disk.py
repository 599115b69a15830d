"""A disk that cannot be written, for any program and without a mount: strace answers writes to files with an error.

Sockets are spared, as programs write to those with other calls. What a program began before goes to the disk as ever.
"""

import asyncio
import contextlib
import shutil
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from enum import StrEnum
from pathlib import Path

WRITES = "pwrite64,pwritev,pwritev2,fsync,fdatasync,ftruncate,fallocate"
LOOK_EVERY_S = 0.1
ATTACH_S = 20.0


class DiskError(StrEnum):
    """What the programs are told."""

    EIO = "EIO"  # the disk is broken
    EROFS = "EROFS"  # the file system has been made read-only
    ENOSPC = "ENOSPC"  # no room


class CannotTrace(RuntimeError):
    """strace is missing, or may not watch other processes here."""


@asynccontextmanager
async def failing_disk(pids: Callable[[], Iterable[int]], error: DiskError) -> AsyncIterator[None]:
    """Within the block the writes of these processes fail, and those of processes that come in their place.

    Raises CannotTrace.
    """
    program = shutil.which("strace")
    if program is None:
        raise CannotTrace("strace is missing: apt-get install strace")
    tracers: list[asyncio.subprocess.Process] = []
    keeping: list[asyncio.Task[None]] = []
    try:
        await _attach(program, pids, error, tracers)
        keeping.append(asyncio.create_task(_keep(program, pids, error, tracers), name="failing disk"))
        yield
    finally:
        await _end(keeping, tracers)


async def _end(keeping: list[asyncio.Task[None]], tracers: list[asyncio.subprocess.Process]) -> None:
    """The tracers at once, before anything is waited for: as long as one lives, writes fail. Then raises what the
    keeping failed of."""
    for task in keeping:
        task.cancel()
    for tracer in tracers:
        with contextlib.suppress(ProcessLookupError):
            tracer.terminate()
    await asyncio.gather(*(tracer.wait() for tracer in tracers))
    for task in keeping:
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def _keep(
    program: str, pids: Callable[[], Iterable[int]], error: DiskError, tracers: list[asyncio.subprocess.Process]
) -> None:
    while True:
        await asyncio.sleep(LOOK_EVERY_S)
        with contextlib.suppress(CannotTrace):  # it ended while we were looking
            await _attach(program, pids, error, tracers)


async def _attach(
    program: str, pids: Callable[[], Iterable[int]], error: DiskError, tracers: list[asyncio.subprocess.Process]
) -> None:
    """Returns once every thread of every process is watched: one that is not still writes. Raises CannotTrace."""
    while fresh := _unwatched(pids()):
        await _watch(program, fresh, error, tracers)


async def _watch(program: str, threads: list[int], error: DiskError, tracers: list[asyncio.subprocess.Process]) -> None:
    argv = [program, "-f", "-qq", "-o", "/dev/null", "-e", f"trace={WRITES}", "-e", f"inject={WRITES}:error={error}"]
    argv += [part for thread in threads for part in ("-p", str(thread))]
    tracer = await asyncio.create_subprocess_exec(*argv, stderr=asyncio.subprocess.DEVNULL)
    tracers.append(tracer)
    try:
        async with asyncio.timeout(ATTACH_S):
            await _until_watched(threads, tracer)
    except TimeoutError:
        raise CannotTrace(f"strace does not come to watch {threads} within {ATTACH_S:.0f} s") from None


async def _until_watched(threads: Iterable[int], tracer: asyncio.subprocess.Process) -> None:
    while any(_tracer(thread) == 0 for thread in threads):
        if tracer.returncode is not None:
            raise CannotTrace(f"strace may not watch other processes here (status {tracer.returncode})")
        await asyncio.sleep(0.01)


def _unwatched(pids: Iterable[int]) -> list[int]:
    """Their threads that nobody watches. A thread that begins while strace attaches to the others may be missed by it;
    those of one that is watched are followed by themselves."""
    threads: list[int] = []
    for pid in pids:
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            threads += [int(entry.name) for entry in Path(f"/proc/{pid}/task").iterdir()]
    return [thread for thread in threads if _tracer(thread) == 0]


def _tracer(thread: int) -> int | None:
    """Who watches the thread; 0: nobody. None when it is gone."""
    try:
        status = Path(f"/proc/{thread}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return int(status.split("TracerPid:")[1].split()[0])
