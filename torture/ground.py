"""Where a trial takes place: a folder of its own, free ports, the demo's site and people, a fake WeChat."""

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from hub.demo.environment import DemoFiles, DemoPorts, demo_environment
from hub.settings import HubSettings
from kit.secrets import SecretStore
from kit.supervision.ports import free_port
from kit.supervision.postgres import DATABASE, SUPERUSER
from torture.processes import Service

START_S = 180.0
PYTHON = [sys.executable, "-m"]


@dataclass(frozen=True)
class Ports:
    http: int = field(default_factory=free_port)
    mqtt: int = field(default_factory=free_port)
    nats: int = field(default_factory=free_port)
    postgres: int = field(default_factory=free_port)
    simulators: int = field(default_factory=free_port)
    platform: int = field(default_factory=free_port)


@dataclass(frozen=True)
class Ground:
    """`folder` holds everything; `var` in it is the hub's data folder."""

    folder: Path
    ports: Ports = field(default_factory=Ports)
    tokens: dict[str, str] = field(default_factory=dict)
    """Logins of the demo's accounts that were made already; they outlive the hub."""

    @property
    def var(self) -> Path:
        return self.folder / "var"

    @property
    def ledger(self) -> Path:
        return self.folder / "ledger"

    @property
    def hub_url(self) -> str:
        return f"http://127.0.0.1:{self.ports.http}"

    @property
    def platform_url(self) -> str:
        return f"http://127.0.0.1:{self.ports.platform}"

    @property
    def secrets(self) -> SecretStore:
        return SecretStore(self.var / "secrets.json")

    @property
    def database_url(self) -> str:
        password = self.secrets.get("postgres_password")
        return f"postgresql://{SUPERUSER}:{password}@127.0.0.1:{self.ports.postgres}/{DATABASE}"

    @property
    def environment(self) -> dict[str, str]:
        """What every process of the trial is told. No Modbus: nothing answers there."""
        ports = self.ports
        own = {
            "HUB_VAR": str(self.var),
            "HUB_HTTP_PORT": str(ports.http),
            "HUB_MQTT_PORT": str(ports.mqtt),
            "HUB_NATS_PORT": str(ports.nats),
            "HUB_POSTGRES_PORT": str(ports.postgres),
            "HUB_SIM_HTTP_PORT": str(ports.simulators),
            "HUB_SIM_PLATFORM_PORT": str(ports.platform),
            "HUB_MODBUS_ENABLED": "false",
            "HUB_TELEMETRY_UPKEEP_INTERVAL_S": "5",
            "HUB_LOG_LEVEL": "INFO",
            "HUB_LOG_JSON": "true",
        }
        settings = HubSettings(
            var=self.var, http_port=ports.http, mqtt_port=ports.mqtt, nats_port=ports.nats,
            postgres_port=ports.postgres,
        )  # fmt: skip
        demo_ports = DemoPorts(http_port=ports.simulators, platform_port=ports.platform)
        files = DemoFiles(self.var / "demo")
        return demo_environment(settings, demo_ports, self.secrets, files) | own

    def password(self, username: str) -> str:
        """Of an account of the demo."""
        found: dict[str, str] = json.loads((self.var / "demo" / "accounts.json").read_text("utf-8"))
        return found[username]

    def mqtt_passwords(self) -> dict[str, str]:
        """Of every device's account, by name."""
        found: dict[str, str] = json.loads((self.var / "demo" / "mqtt.json").read_text("utf-8"))
        return found

    def service(self, name: str, *argv: str) -> Service:
        """A Python module of ours as a process that is kept running."""
        return Service(name, [*PYTHON, *argv], env=self.environment, log=self.folder / f"{name}.log")

    async def prepare(self) -> None:
        """Fills the data folder with the demo's site, people and accounts. Raises RuntimeError when that fails."""
        self.folder.mkdir(parents=True, exist_ok=True)
        if (self.var / "demo" / "accounts.json").exists():
            return
        log_path = self.folder / "prepare.log"
        with log_path.open("ab") as log:
            process = await asyncio.create_subprocess_exec(
                *PYTHON, "hub", "demo", "--no-fleet", env={**os.environ, **self.environment}, stdout=log, stderr=log
            )
            try:
                await answering(f"{self.hub_url}/readyz", process)
            finally:
                if process.returncode is None:
                    process.send_signal(signal.SIGINT)
                await process.wait()

    @asynccontextmanager
    async def platform(self) -> AsyncIterator[None]:
        """The fake WeChat, WeCom, SMS and voice, which are never harmed."""
        service = self.service("platform", "simulators", "serve", "--no-fleet")
        async with service.kept():
            await answering(f"{self.platform_url}/healthz")
            yield


async def answering(url: str, process: asyncio.subprocess.Process | None = None) -> None:
    """Returns once the address answers 200. Raises RuntimeError when the process ends, TimeoutError at last."""
    async with asyncio.timeout(START_S), httpx.AsyncClient(timeout=5.0, trust_env=False) as client:
        while True:
            if process is not None and process.returncode is not None:
                raise RuntimeError(f"the hub ended while it was being prepared, status {process.returncode}")
            with contextlib.suppress(httpx.TransportError):
                if (await client.get(url)).status_code == httpx.codes.OK:
                    return
            await asyncio.sleep(0.1)
