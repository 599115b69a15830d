"""Restarts a nats-server that could not write, once it could again."""

import asyncio
import contextlib
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from kit.disk import DiskLook, can_write
from kit.logs import logger
from kit.supervision.process import Child

log = logger(__name__)

# What nats-server says of a stream that it cannot write.
CANNOT_WRITE = "failed to store a msg"
NO_ROOM_BYTES = 1024**2
ROOM_AGAIN_BYTES = 16 * 1024**2
MEND_EVERY_S = 2.0
LOOK_WITHIN_S = 10.0


def mending_task(child: Child, home: Path, *, saw_failure: Callable[[], None]) -> asyncio.Task[None]:
    """`mend`, to be cancelled; should it end otherwise, the log says so."""
    task = asyncio.create_task(mend(child, home, saw_failure=saw_failure), name="mend nats")
    task.add_done_callback(_tell_how_it_ended)
    return task


async def mend(child: Child, home: Path, *, saw_failure: Callable[[], None]) -> None:
    """Restarts a server that once could not write, as soon as it could again; runs until cancelled.

    nats-server (2.11 to 2.15) does not take up a stream again by itself after its disk was full or broken: what is
    published is neither stored nor answered, for good. A restart finds everything that was acknowledged.
    """
    words = LogTail(child.log_path, read_bytes=await asyncio.to_thread(_size_bytes, child.log_path))
    look = DiskLook(partial(look_for_failure, home, words), within_s=LOOK_WITHIN_S)
    is_ill = False
    while True:
        await asyncio.sleep(MEND_EVERY_S)
        seen = await look()
        if seen is None:
            continue  # a disk that hangs has refused nothing yet, and no restart would help
        if seen.has_failed:
            is_ill = True
            saw_failure()
        if is_ill and seen.has_room:
            log.warning("nats-server could not write and perhaps can again: restarting it", home=str(home))
            child.restart()
            is_ill = False


@dataclass(frozen=True)
class WriteSigns:
    """Whether a server could not write since the last look, and whether it could now."""

    has_failed: bool
    has_room: bool


def look_for_failure(home: Path, words: "LogTail") -> WriteSigns:
    """What the disk and the server's log say. Waits for the disk, and takes what that refuses for a failure."""
    try:
        is_writable, free = can_write(home), shutil.disk_usage(home).free
        # Where nothing can be written, the log cannot say so either.
        has_failed = not is_writable or free < NO_ROOM_BYTES
        has_failed = any(CANNOT_WRITE in line for line in words.new_lines()) or has_failed
    except OSError:
        return WriteSigns(has_failed=True, has_room=False)
    return WriteSigns(has_failed=has_failed, has_room=is_writable and free >= ROOM_AGAIN_BYTES)


class LogTail:
    """What a log file got since the last look; `read_bytes` of it are old. One that is gone says nothing."""

    def __init__(self, path: Path, *, read_bytes: int) -> None:
        self._path = path
        self._read_bytes = read_bytes

    def new_lines(self) -> list[str]:
        """At most a megabyte of them a look; the rest is left out. Raises OSError."""
        with contextlib.suppress(FileNotFoundError):
            return self._read()
        return []

    def _read(self) -> list[str]:
        with self._path.open("rb") as file:
            file.seek(self._read_bytes)
            fresh = file.read(1024 * 1024)
            self._read_bytes = file.seek(0, os.SEEK_END)
        return fresh.decode("utf-8", "replace").splitlines()


def _size_bytes(path: Path) -> int:
    with contextlib.suppress(OSError):
        return path.stat().st_size
    return 0


def _tell_how_it_ended(mending: asyncio.Task[None]) -> None:
    if not mending.cancelled():
        log.error("nobody mends nats-server any more", error=repr(mending.exception()))
