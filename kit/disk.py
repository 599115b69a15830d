"""What the hub asks of a disk: whether it can be written, and that a file outlives a power cut."""

import asyncio
import contextlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Generic, TypeVar

T = TypeVar("T")


def can_write(folder: Path, *, size_bytes: int = 4096) -> bool:
    """Whether a file of that size reaches the disk. Waits for the disk: not for the event loop."""
    trial = folder / f".trial-{os.getpid()}"
    try:
        with trial.open("wb") as file:
            file.write(b"\0" * size_bytes)
            file.flush()
            os.fsync(file.fileno())
    except OSError:
        return False
    finally:
        with contextlib.suppress(OSError):
            trial.unlink()
    return True


def sync_to_disk(*paths: Path) -> None:
    """Makes finished files, or the names in folders, outlive a power cut. Waits for the disk."""
    for path in paths:
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


class DiskLook(Generic[T]):
    """Looks at a disk again and again, in a thread, because a mount that hangs lets a look never end.

    One at a time: while a look hangs there is no answer, and no second thread that hangs with it.
    """

    def __init__(self, look: Callable[[], T], *, within_s: float) -> None:
        self._look = look
        self._within_s = within_s
        self._under_way: asyncio.Task[T] | None = None

    async def __call__(self) -> T | None:
        """What the look says; None when it did not end within `within_s`. Raises what it raises."""
        if self._under_way is None:
            self._under_way = asyncio.create_task(asyncio.to_thread(self._look), name="look at a disk")
        done, _ = await asyncio.wait({self._under_way}, timeout=self._within_s)
        if not done:
            return None
        ended, self._under_way = self._under_way, None
        return ended.result()
