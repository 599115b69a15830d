"""The process in which a hub trains: of low priority, ended with the hub that started it."""

import asyncio
import ctypes
import os
import signal
import sys
from collections.abc import Sequence
from typing import Final

from kit.logs import logger

log = logger(__name__)

PR_SET_PDEATHSIG: Final = 1
NICENESS: Final = 10
COMMAND: Final = (sys.executable, "-m", "hub", "train", "--waiting")
_STOPS_WITHIN_S: Final = 10.0


class TrainingProcessFailed(RuntimeError):
    """It ended otherwise than by itself."""


async def train_in_process(command: Sequence[str] = COMMAND) -> None:
    """Runs it to its end; cancelled, it is told to stop. Raises TrainingProcessFailed."""
    process = await asyncio.create_subprocess_exec(
        *command, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL, preexec_fn=_entering()
    )
    try:
        code = await process.wait()
    except asyncio.CancelledError:
        await _stop(process)
        raise
    if code:
        raise TrainingProcessFailed(f"the training process ended with {code}; what is left is taken up within a minute")


async def _stop(process: asyncio.subprocess.Process) -> None:
    process.terminate()
    try:
        await asyncio.wait_for(process.wait(), _STOPS_WITHIN_S)
    except TimeoutError:
        log.warning("the training process does not stop and is killed", pid=process.pid)
        process.kill()
        await process.wait()


def _entering() -> "_Entering":
    return _Entering(ctypes.CDLL(None, use_errno=True), os.getpid())


class _Entering:
    """What the child does before it is another program; its library is loaded before the fork."""

    def __init__(self, libc: ctypes.CDLL, parent: int) -> None:
        self._libc = libc
        self._parent = parent

    def __call__(self) -> None:
        self._libc.prctl(PR_SET_PDEATHSIG, int(signal.SIGTERM))
        if os.getppid() != self._parent:
            os._exit(1)
        os.nice(NICENESS)
