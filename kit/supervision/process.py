"""One foreground child: started, watched, restarted when it dies, stopped at exit, and never outliving its parent.

The child is checked by pid *and* identity (a token in its environment, read back from /proc), so that a stale pid file
that now names another program is never trusted and never signalled.
"""

import asyncio
import contextlib
import ctypes
import os
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from kit.logs import logger

log = logger(__name__)

PR_SET_PDEATHSIG = 1
CAP_DAC_READ_SEARCH = 2
IDENTITY = "HUB_CHILD_IDENTITY"


class ChildFailed(RuntimeError):
    """An embedded server did not start, or did not stay up."""


class PackageMissing(ChildFailed):
    """The package that brings an embedded server is not installed."""

    def __init__(self, package: str, *, instead: str) -> None:
        super().__init__(f"the package {package} is missing: run `make venv`, or set {instead}")
        self.package = package
        self.instead = instead


class NoServiceUser(ChildFailed):
    """The hub is root, the server refuses to be, and there is no account for it."""

    def __init__(self, server: str, *, users: Sequence[str]) -> None:
        names = " or ".join(f"'{user}'" for user in users)
        super().__init__(f"{server} refuses to run as root and there is no user {names}: add one")
        self.users = tuple(users)


@dataclass(frozen=True)
class Command:
    """How to run one server: its arguments, the signal that ends it in order, and where it may write.

    `stop_signal` is sent at exit and by the kernel when the hub dies. `hard_signal` ends at once one that does not
    obey it in time, and still loses nothing that was acknowledged.
    """

    name: str
    argv: Sequence[str]
    home: Path
    stop_signal: signal.Signals = signal.SIGTERM
    hard_signal: signal.Signals = signal.SIGKILL
    env: Mapping[str, str] = field(default_factory=dict)
    user: "ServiceUser | None" = None


@dataclass(frozen=True)
class ServiceUser:
    """The account a server runs as when the hub runs as root (PostgreSQL refuses to be root)."""

    uid: int
    gid: int

    def wrap(self, argv: Sequence[str], *, death_signal: signal.Signals) -> list[str]:
        """`argv` under this account. The one capability left lets it reach its own folder below a private parent
        (a clone in /root), which spares the hub from opening up folders that are not its own."""
        reach = "dac_read_search" if _in_bounding_set(CAP_DAC_READ_SEARCH) else "dac_override"
        only = f"-all,+{reach}"
        return [
            "setpriv", f"--reuid={self.uid}", f"--regid={self.gid}", "--clear-groups",
            f"--bounding-set={only}", f"--inh-caps={only}", f"--ambient-caps={only}",
            f"--pdeathsig={death_signal.name.removeprefix('SIG')}", *argv,
        ]  # fmt: skip


class Child:
    """A running server. `async with running_child(command, ready)` keeps it up until the block ends."""

    def __init__(self, command: Command, ready: Callable[[], Awaitable[bool]]) -> None:
        self._command = command
        self._ready = ready
        self._process: asyncio.subprocess.Process | None = None
        self.restarts = 0

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    async def start(self, *, timeout_s: float = 60.0) -> None:
        """Returns when the server answers. Raises ChildFailed with the end of its log when it does not."""
        await end_leftover(self._command)
        log_path = self.log_path
        with log_path.open("ab") as log_file:
            self._process = await asyncio.create_subprocess_exec(
                *_argv(self._command),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log_file,
                stderr=log_file,
                cwd=self._command.home,
                env={**os.environ, **self._command.env, IDENTITY: identity(self._command)},
                preexec_fn=_enter_child(self._command),
            )
        _pid_file(self._command).write_text(str(self._process.pid))
        deadline = time.monotonic() + timeout_s
        while not await self._ready():
            if self._process.returncode is not None or time.monotonic() > deadline:
                raise ChildFailed(f"{self._command.name} did not start; the end of {log_path}:\n{_tail(log_path)}")
            await asyncio.sleep(0.05)

    async def watch(self) -> None:
        """Restarts the server whenever it dies, backing off up to 10 s; runs until cancelled."""
        backoff_s = 0.1
        while True:
            assert self._process is not None
            started = time.monotonic()
            code = await self._process.wait()
            self.restarts += 1
            log.error("embedded server died", server=self._command.name, code=code, restarts=self.restarts)
            backoff_s = 0.1 if time.monotonic() - started > 60 else min(backoff_s * 2, 10.0)
            await asyncio.sleep(backoff_s)
            try:
                await self.start()
            except (ChildFailed, OSError) as error:  # a full disk too; it is tried again when this one has ended
                log.error("embedded server did not start again", server=self._command.name, error=str(error)[-500:])
            else:
                log.info("embedded server restarted", server=self._command.name)

    def restart(self) -> None:
        """Ends the server in order; `watch` starts it again."""
        if self._process is not None and self._process.returncode is None:
            self._process.send_signal(self._command.stop_signal)

    @property
    def log_path(self) -> Path:
        return self._command.home / f"{self._command.name}.log"

    async def stop(self, *, timeout_s: float = 15.0) -> None:
        process = self._process
        if process is None or process.returncode is not None:
            return
        process.send_signal(self._command.stop_signal)
        for stronger in (self._command.hard_signal, signal.SIGKILL):
            try:
                await asyncio.wait_for(process.wait(), timeout_s)
                break
            except TimeoutError:
                process.send_signal(stronger)
        await process.wait()
        _pid_file(self._command).unlink(missing_ok=True)


@asynccontextmanager
async def running_child(command: Command, ready: Callable[[], Awaitable[bool]]) -> AsyncIterator[Child]:
    """Starts the server, watches it, and stops it at the end of the block, whatever happened inside."""
    child = Child(command, ready)
    try:
        await child.start()
        watcher = asyncio.create_task(child.watch(), name=f"watch {command.name}")
        try:
            yield child
        finally:
            watcher.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await watcher
    finally:
        await child.stop()


def identity(command: Command) -> str:
    return f"{command.name}@{command.home.resolve()}"


async def end_leftover(command: Command, *, patience_s: float = 5.0) -> None:
    """Ends a server that an earlier hub of this very folder left behind: asks, after `patience_s` insists, and as long
    after that kills.

    Mostly it is on its way out already. A PostgreSQL that is told to stop just as it recovers from a killed backend
    may do neither (seen with 18.6), and would hold up the start for good.
    """
    pid = leftover_pid(command)
    if pid is None:
        return
    log.warning("ending a server left by an earlier start", server=command.name, pid=pid)
    for stronger in (command.stop_signal, command.hard_signal, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, stronger)
        if await _is_gone(command, within_s=patience_s):
            break
    else:
        raise ChildFailed(f"{command.name} (pid {pid}) of an earlier start cannot be ended: end it, then start again")
    _pid_file(command).unlink(missing_ok=True)


async def _is_gone(command: Command, *, within_s: float) -> bool:
    deadline = time.monotonic() + within_s
    while leftover_pid(command) is not None:
        if time.monotonic() > deadline:
            return False
        await asyncio.sleep(0.05)
    return True


def leftover_pid(command: Command) -> int | None:
    """The pid in the pid file, if that process is alive and really is this server of this folder."""
    try:
        pid = int(_pid_file(command).read_text())
        environ = Path(f"/proc/{pid}/environ").read_bytes()
    except (OSError, ValueError):
        return None
    return pid if f"{IDENTITY}={identity(command)}".encode() in environ.split(b"\0") else None


def _pid_file(command: Command) -> Path:
    return command.home / f"{command.name}.hub-pid"


def _argv(command: Command) -> list[str]:
    if command.user is None:
        return list(command.argv)
    return command.user.wrap(command.argv, death_signal=command.stop_signal)


def _in_bounding_set(capability: int) -> bool:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("CapBnd:"):
            return bool(int(line.split()[1], 16) >> capability & 1)
    return False


def _enter_child(command: Command) -> Callable[[], None]:
    libc = ctypes.CDLL(None, use_errno=True)
    parent = os.getpid()

    def enter() -> None:
        os.setpgid(0, 0)  # Ctrl-C in a terminal reaches the hub only; the hub stops its children in order
        libc.prctl(PR_SET_PDEATHSIG, int(command.stop_signal))
        if os.getppid() != parent:
            os._exit(1)

    return enter


def _tail(path: Path, *, lines: int = 15) -> str:
    return "\n".join(path.read_text("utf-8", errors="replace").splitlines()[-lines:])
