"""Processes as systemd would keep them: started again a second after they end, by whatever hand."""

import asyncio
import contextlib
import ctypes
import os
import random
import signal
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import IO

from kit.memory import proportional_bytes

PR_SET_PDEATHSIG = 1
RESTART_S = 1.0
STOP_S = 40.0


class Service:
    """One program, kept running until the end of the `kept` block."""

    def __init__(self, name: str, argv: Sequence[str], *, env: Mapping[str, str], log: Path) -> None:
        self.name = name
        self.starts = 0
        self.killed = 0
        self._argv = list(argv)
        self._env = dict(env)
        self._log = log
        self._once: Mapping[str, str] = {}
        self._process: asyncio.subprocess.Process | None = None
        self._keeping: asyncio.Task[None] | None = None

    @property
    def pid(self) -> int | None:
        """None while it is down."""
        return None if self._process is None or self._process.returncode is not None else self._process.pid

    @property
    def own_ends(self) -> int:
        """How often it ended without having been killed by us."""
        return max(0, self.starts - 1 - self.killed)

    def always(self, variables: Mapping[str, str]) -> None:
        """These are in its environment from the next start on."""
        self._env |= variables

    def tell_once(self, variables: Mapping[str, str]) -> None:
        """These are in the environment of the next start only."""
        self._once = variables

    async def _start(self, log: IO[bytes]) -> asyncio.subprocess.Process:
        once, self._once = self._once, {}
        self.starts += 1
        return await asyncio.create_subprocess_exec(
            *self._argv, env={**os.environ, **self._env, **once}, stdin=asyncio.subprocess.DEVNULL, stdout=log,
            stderr=log, start_new_session=True, preexec_fn=_die_with_us,
        )  # fmt: skip

    async def _keep(self) -> None:
        with self._log.open("ab") as log:
            while True:
                self._process = await self._start(log)
                await self._process.wait()
                await asyncio.sleep(RESTART_S)

    @asynccontextmanager
    async def kept(self) -> AsyncIterator["Service"]:
        """Running, and started again whenever it ends; ended in order at the end of the block."""
        self._keeping = asyncio.create_task(self._keep(), name=f"keep {self.name}")
        try:
            yield self
        finally:
            await self.end()

    async def end(self) -> None:
        """Ends it in order, for good."""
        if self._keeping is not None:
            self._keeping.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._keeping
        process = self._process
        if process is None or process.returncode is not None:
            return
        process.send_signal(signal.SIGCONT)
        process.terminate()
        try:
            await asyncio.wait_for(process.wait(), STOP_S)
        except TimeoutError:
            process.kill()
            await process.wait()


def _die_with_us() -> None:
    """A torture that is killed itself leaves no hub behind."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, int(signal.SIGTERM))


def pid_in(path: Path) -> int | None:
    """The pid that the hub wrote down of an embedded server, if that process lives."""
    try:
        pid = int(path.read_text())
        os.kill(pid, 0)
    except (OSError, ValueError):
        return None
    return pid


def children(pid: int) -> Iterator[int]:
    """Direct children of a process that lives."""
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            yield from map(int, task.read_text().split())


def family(pid: int) -> Iterator[int]:
    """A process and all below it."""
    yield pid
    for child in children(pid):
        yield from family(child)


def some_child(pid: int, chance: random.Random, *, title: str) -> int | None:
    """One of the children whose command line contains `title`, e.g. a backend of PostgreSQL."""
    found = []
    for child in children(pid):
        with contextlib.suppress(OSError):
            if title in Path(f"/proc/{child}/cmdline").read_bytes().decode("utf-8", "replace"):
                found.append(child)
    return chance.choice(sorted(found)) if found else None


def memory_mb(pids: Iterator[int]) -> float:
    """What these processes take of the machine together, MB."""
    return sum(map(proportional_bytes, pids)) / 1024**2
