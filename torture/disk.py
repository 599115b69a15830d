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
    """Returns once every process is watched. Raises CannotTrace."""
    fresh = [pid for pid in pids() if _tracer(pid) == 0]
    if not fresh:
        return
    argv = [program, "-f", "-qq", "-o", "/dev/null", "-e", f"trace={WRITES}", "-e", f"inject={WRITES}:error={error}"]
    argv += [part for pid in fresh for part in ("-p", str(pid))]
    tracer = await asyncio.create_subprocess_exec(*argv, stderr=asyncio.subprocess.DEVNULL)
    tracers.append(tracer)
    try:
        async with asyncio.timeout(ATTACH_S):
            await _until_watched(fresh, tracer)
    except TimeoutError:
        raise CannotTrace(f"strace does not come to watch {fresh} within {ATTACH_S:.0f} s") from None


async def _until_watched(pids: Iterable[int], tracer: asyncio.subprocess.Process) -> None:
    while any(_tracer(pid) == 0 for pid in pids):
        if tracer.returncode is not None:
            raise CannotTrace(f"strace may not watch other processes here (status {tracer.returncode})")
        await asyncio.sleep(0.01)


def _tracer(pid: int) -> int | None:
    """Who watches the process; 0: nobody. None when it is gone."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return int(status.split("TracerPid:")[1].split()[0])
