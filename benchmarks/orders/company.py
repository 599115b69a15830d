"""A hub on a database with years of orders: made once, kept, and served as a user would serve it."""

import asyncio
import http.client
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

from benchmarks.orders.history import HistoryPlan, make_history, settle
from benchmarks.part import PartUnavailable
from hub.installing import make_admin
from hub.migrate import upgrade
from hub.settings import HubSettings
from kit.db import Database
from kit.secrets import SecretStore
from kit.supervision.ports import free_port
from kit.supervision.postgres import running_postgres
from ticketing.measuring.repository import take

# Entries measured in one transaction.
_AT_ONCE = 20_000

ROOT = Path(__file__).parent.parent.parent
_USERNAME = "bench-orders"
_MADE = "orders.json"
_START_S, _STOP_S = 120.0, 30.0


@dataclass(frozen=True)
class Company:
    """A running hub. `get` asks it as an administrator, on one connection that stays open."""

    port: int
    token: str
    plan: HistoryPlan
    pid: int

    def ask(self, connection: http.client.HTTPConnection, path: str) -> dict[str, Any]:
        """Raises RuntimeError for anything but 200."""
        connection.request("GET", path, headers={"Authorization": f"Bearer {self.token}"})
        response = connection.getresponse()
        body = response.read()
        if response.status != http.client.OK:
            raise RuntimeError(f"GET {path} answered {response.status}: {body[:300]!r}")
        answer: dict[str, Any] = json.loads(body)
        return answer

    def connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)


def id_of(kind: int, number: int) -> UUID:
    """As `benchmarks.orders.history` numbers what it makes: 1 sites, 2 buildings, 3 equipment, 4 staff, 16 orders."""
    return UUID(f"{kind:08x}-0000-7000-8000-{number:012x}")


@contextmanager
def running_company(folder: Path, plan: HistoryPlan, *, say: Callable[[str], None]) -> Iterator[Company]:
    """The hub of `folder`, which is filled on first use. Raises PartUnavailable when it does not start."""
    settings = HubSettings(
        var=folder / "var", postgres_port=free_port(), nats_port=free_port(), mqtt_port=free_port(),
        http_port=free_port(), database_url="", nats_url="",
    )  # fmt: skip
    password = asyncio.run(_made(folder, settings, plan, say))
    with _served(folder, settings) as process:
        yield Company(settings.http_port, _logged_in(settings.http_port, password), plan, process.pid)


async def _made(folder: Path, settings: HubSettings, plan: HistoryPlan, say: Callable[[str], None]) -> str:
    """The administrator's password."""
    made = folder / _MADE
    kept = json.loads(made.read_text("utf-8")) if made.exists() else None
    if kept is not None and kept["plan"] != asdict(plan):
        raise PartUnavailable(f"{folder} holds another history: delete it, and it is made anew")
    folder.mkdir(parents=True, exist_ok=True)
    secret = SecretStore(settings.var / "secrets.json").get("postgres_password")
    async with running_postgres(settings.var / "postgres", password=secret, port=settings.postgres_port) as url:
        # Also what is kept: a migration of so many orders takes longer than a hub is waited for.
        await asyncio.to_thread(upgrade, url)
        if kept is None:
            await asyncio.to_thread(make_history, url, plan, say=say)
        await _measured(url, say)
        await asyncio.to_thread(settle, url)
        if kept is not None:
            return str(kept["password"])
        password = await make_admin(settings.model_copy(update={"database_url": url}), _USERNAME)
    made.write_text(json.dumps({"plan": asdict(plan), "password": password}), "utf-8")
    return password


async def _measured(url: str, say: Callable[[str], None]) -> None:
    """All orders at once, as the hub does some a turn: it shall have nothing to do but to answer."""
    say("measures of orders")
    async with Database(url) as database:
        while True:
            async with database.transaction() as session:
                if not await take(session, limit=_AT_ONCE):
                    return


@contextmanager
def _served(folder: Path, settings: HubSettings) -> Iterator["subprocess.Popen[bytes]"]:
    log = folder / "hub.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "hub", "serve"], env=_environment(settings), cwd=ROOT, stdout=output, stderr=output
        )
    try:
        _wait_until_ready(process, settings.http_port, log)
        yield process
    finally:
        process.terminate()
        try:
            process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _environment(settings: HubSettings) -> Mapping[str, str]:
    others = {name: value for name, value in os.environ.items() if not name.startswith("HUB_")}
    return others | {
        "HUB_VAR": str(settings.var.resolve()),
        "HUB_POSTGRES_PORT": str(settings.postgres_port),
        "HUB_NATS_PORT": str(settings.nats_port),
        "HUB_MQTT_PORT": str(settings.mqtt_port),
        "HUB_HTTP_PORT": str(settings.http_port),
        "HUB_LOG_LEVEL": "WARNING",
    }


def _wait_until_ready(process: "subprocess.Popen[bytes]", port: int, log: Path) -> None:
    deadline = time.monotonic() + _START_S
    while process.poll() is None and time.monotonic() < deadline:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        try:
            connection.request("GET", "/readyz")
            if connection.getresponse().status == http.client.OK:
                return
        except OSError:
            pass
        finally:
            connection.close()
        time.sleep(0.2)
    tail = "\n".join(log.read_text("utf-8", errors="replace").splitlines()[-20:])
    raise PartUnavailable(f"the hub did not become ready:\n{tail}")


def _logged_in(port: int, password: str) -> str:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    body = json.dumps({"username": _USERNAME, "password": password})
    connection.request("POST", "/api/v1/auth/login", body, {"Content-Type": "application/json"})
    answer: dict[str, Any] = json.loads(connection.getresponse().read())
    connection.close()
    return str(answer["access_token"])
