"""A whole hub in processes of its own, as `hub demo` starts it, and the doors through which a story enters."""

import asyncio
import contextlib
import json
import os
import random
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import httpx

from kit.supervision.ports import free_port

START_S = 120.0
STOP_S = 40.0
LIVENESS_S = 60.0

T = TypeVar("T")


@dataclass
class Ports:
    """Free ports for everything a demo listens on. Modbus takes a run of 40 from its first."""

    http: int = field(default_factory=free_port)
    mqtt: int = field(default_factory=free_port)
    nats: int = field(default_factory=free_port)
    postgres: int = field(default_factory=free_port)
    simulators: int = field(default_factory=free_port)
    platform: int = field(default_factory=free_port)
    modbus: int = field(default_factory=lambda: free_run(40))


@dataclass
class Demo:
    """A running `hub demo` on a folder of its own."""

    folder: Path
    ports: Ports = field(default_factory=Ports)
    fleet: bool = False
    process: subprocess.Popen[bytes] | None = None

    @property
    def hub_url(self) -> str:
        return f"http://127.0.0.1:{self.ports.http}"

    @property
    def platform_url(self) -> str:
        return f"http://127.0.0.1:{self.ports.platform}"

    @property
    def simulators_url(self) -> str:
        return f"http://127.0.0.1:{self.ports.simulators}"

    @property
    def environment(self) -> dict[str, str]:
        ports = self.ports
        return {
            **os.environ,
            "HUB_VAR": str(self.folder / "var"),
            "HUB_HTTP_PORT": str(ports.http),
            "HUB_MQTT_PORT": str(ports.mqtt),
            "HUB_NATS_PORT": str(ports.nats),
            "HUB_POSTGRES_PORT": str(ports.postgres),
            "HUB_SIM_HTTP_PORT": str(ports.simulators),
            "HUB_SIM_PLATFORM_PORT": str(ports.platform),
            "HUB_SIM_MODBUS_PORT": str(ports.modbus),
        }

    async def start(self) -> None:
        """Returns when the hub is ready and the services beside it answer."""
        argv = [sys.executable, "-m", "hub", "demo", "--fleet" if self.fleet else "--no-fleet"]
        with (self.folder / "demo.log").open("ab") as log:
            self.process = subprocess.Popen(
                argv, env=self.environment, stdout=log, stderr=log,
                start_new_session=True,
            )  # fmt: skip
        fleet = [f"{self.simulators_url}/healthz"] if self.fleet else []
        async with httpx.AsyncClient() as client:
            for url in (f"{self.hub_url}/readyz", f"{self.platform_url}/healthz", *fleet):
                await self._answers(client, url)

    async def _answers(self, client: httpx.AsyncClient, url: str) -> None:
        async with asyncio.timeout(START_S):
            while True:
                assert self.process is not None
                assert self.process.poll() is None, f"the demo ended:\n{self.log_tail()}"
                with contextlib.suppress(httpx.TransportError):
                    if (await client.get(url)).status_code == 200:
                        return
                await asyncio.sleep(0.1)

    def kill(self) -> None:
        """What `kill -9` does to the hub; its children are left to their parent-death signal."""
        assert self.process is not None
        self.process.kill()
        self.process.wait(STOP_S)

    def stop(self) -> int:
        """Ctrl-C, and the exit status."""
        assert self.process is not None
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        return self.process.wait(STOP_S)

    def log_tail(self, lines: int = 40) -> str:
        return "\n".join((self.folder / "demo.log").read_text("utf-8", errors="replace").splitlines()[-lines:])

    def accounts(self) -> dict[str, str]:
        """Username → password, as the demo wrote them down for the person who started it."""
        found: dict[str, str] = json.loads((self.folder / "var" / "demo" / "accounts.json").read_text("utf-8"))
        return found

    def mqtt_credentials(self) -> dict[str, str]:
        found: dict[str, str] = json.loads((self.folder / "var" / "demo" / "mqtt.json").read_text("utf-8"))
        return found

    @asynccontextmanager
    async def logged_in(self, username: str) -> AsyncIterator[httpx.AsyncClient]:
        """A client of the API as that account."""
        async with httpx.AsyncClient(base_url=f"{self.hub_url}/api/v1", timeout=LIVENESS_S) as client:
            body = {"username": username, "password": self.accounts()[username]}
            answer = await client.post("/auth/login", json=body)
            answer.raise_for_status()
            client.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
            yield client


async def until(ask: Callable[[], Awaitable[T | None]], *, within_s: float = LIVENESS_S, what: str = "it") -> T:
    """The first answer of `ask` that is not None or empty. Fails after a generous deadline."""
    try:
        async with asyncio.timeout(within_s):
            while True:
                if found := await ask():
                    return found
                await asyncio.sleep(0.1)
    except TimeoutError:
        raise AssertionError(f"{what} did not happen within {within_s:.0f} s") from None


async def items(client: httpx.AsyncClient, path: str, **params: Any) -> list[dict[str, Any]]:
    answer = await client.get(path, params=params)
    answer.raise_for_status()
    found: list[dict[str, Any]] = answer.json()["items"]
    return found


def free_run(count: int) -> int:
    """The first of `count` neighbouring free ports. From somewhere at random: two demos must not meet."""
    begin = random.randrange(20_000, 30_000)
    for first in range(begin, begin + 2_000, count):
        sockets = []
        try:
            for port in range(first, first + count):
                probe = socket.socket()
                sockets.append(probe)
                probe.bind(("127.0.0.1", port))
            return first
        except OSError:
            continue
        finally:
            for probe in sockets:
                probe.close()
    raise AssertionError("no run of free ports")
