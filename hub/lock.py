"""One hub a data folder: a kernel lock that a killed hub cannot leave behind."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class AlreadyRunning(RuntimeError):
    """Another hub works on this data folder."""


@contextmanager
def folder_lock(var: Path) -> Iterator[None]:
    """Holds `var/hub.lock` until the block ends. Raises AlreadyRunning, naming the other's pid."""
    var.mkdir(parents=True, exist_ok=True)
    with (var / "hub.lock").open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            raise AlreadyRunning(
                f"another hub (pid {file.read().strip() or '?'}) already works on {var}: "
                "stop it, or set HUB_VAR to another folder"
            ) from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield


def is_locked(var: Path) -> bool:
    """Whether a hub works on that folder right now."""
    try:
        with folder_lock(var):
            return False
    except AlreadyRunning:
        return True
