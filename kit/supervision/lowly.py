"""Processes of our own program that yield to the hub: of low priority, and gone when it is."""

import asyncio
import ctypes
import os
import signal
from collections.abc import Mapping, Sequence
from typing import Final

from kit.logs import logger

log = logger(__name__)

PR_SET_PDEATHSIG: Final = 1
NICENESS: Final = 10
STOPS_WITHIN_S: Final = 15.0


async def run_lowly(argv: Sequence[str], *, env: Mapping[str, str] | None = None) -> int:
    """Runs a program to its end and says with which code; cancelled, it is told to stop. `env` is added to ours."""
    process = await asyncio.create_subprocess_exec(
        *argv, stdin=asyncio.subprocess.DEVNULL, env={**os.environ, **(env or {})}, preexec_fn=lowly()
    )
    try:
        return await process.wait()
    except asyncio.CancelledError:
        await _stop(process)
        raise


async def _stop(process: asyncio.subprocess.Process) -> None:
    process.terminate()
    try:
        await asyncio.wait_for(process.wait(), STOPS_WITHIN_S)
    except TimeoutError:
        log.warning("a process does not stop and is killed", pid=process.pid)
        process.kill()
        await process.wait()


def lowly() -> "Lowly":
    """For `preexec_fn`."""
    return Lowly(ctypes.CDLL(None, use_errno=True), os.getpid())


class Lowly:
    """What the child does before it is another program; the library is loaded before the fork."""

    def __init__(self, libc: ctypes.CDLL, parent: int) -> None:
        self._libc = libc
        self._parent = parent

    def __call__(self) -> None:
        self._libc.prctl(PR_SET_PDEATHSIG, int(signal.SIGTERM))
        if os.getppid() != self._parent:
            os._exit(1)
        os.setpgid(0, 0)  # Ctrl-C in a terminal reaches the hub only; the hub stops its children in order
        os.nice(NICENESS)
        # Gives the core back at once when the hub wants it; a nice process alone keeps it to the end of its slice.
        os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
