"""A hub in many processes, as on many machines: one `hub run` a role, each with a health port, on servers apart."""

import asyncio
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import numpy as np
import numpy.typing as npt
import psycopg

from benchmarks.broker import HUB
from benchmarks.broker import PASSWORD as BROKER_PASSWORD
from benchmarks.line import workload
from benchmarks.line.subject import Place, StoredReadings
from bus.client import Bus, BusSettings
from catalog.loader import load_directory
from kit.clock import SystemClock
from kit.db import Database
from kit.supervision.ports import free_port
from telemetry.engines import open_server
from telemetry.remote import RemoteTelemetry
from telemetry.settings import TelemetrySettings
from telemetry.store import TelemetryQueries
from telemetry.store_line import DURABLE as STORE_DURABLE

ROOT = Path(__file__).parents[2]
START_S = 120.0
STOP_S = 30.0
POINTS_AT_ONCE = 8_000
WINDOW_MS = 20_000
PAGE = 2_000_000


@dataclass(frozen=True)
class Servers:
    """Where everything is. Without `telemetry_url` the one store process keeps readings in DuckDB."""

    database_url: str
    nats_url: str
    telemetry_url: str = ""


@dataclass
class RoleProcess:
    """One `hub run`."""

    name: str
    roles: Sequence[str]
    health_port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    def is_ready(self) -> bool:
        try:
            return httpx.get(f"http://127.0.0.1:{self.health_port}/readyz", timeout=5, trust_env=False).is_success
        except httpx.TransportError:
            return False


@dataclass
class SpreadHub:
    """What the bench's rig puts under load, and what may be killed in it."""

    servers: Servers
    place: Place
    processes: Sequence[RoleProcess]
    http_port: int = field(default_factory=free_port)
    point_nos: npt.NDArray[np.int64] = field(default_factory=lambda: np.zeros((0, 0), np.int64))

    @property
    def pids(self) -> list[int]:
        return [each.pid for each in self.processes if each.process is not None and each.process.poll() is None]

    def named(self, name: str) -> RoleProcess:
        return next(each for each in self.processes if each.name == name)

    def newest_ms(self) -> npt.NDArray[np.int64]:
        return asyncio.run(self._newest_ms())

    def stored(self, *, start_ms: int, end_ms: int) -> StoredReadings:
        return asyncio.run(self._stored(start_ms, end_ms))

    def owners(self) -> dict[int, tuple[str, float]]:
        """Partition → who judges it, and since when (seconds since 1970)."""
        with psycopg.connect(self.servers.database_url) as connection:
            rows = connection.execute("SELECT partition, owner, extract(epoch FROM taken_at) FROM partition_lease")
            return {partition: (owner, float(since)) for partition, owner, since in rows}

    def start(self) -> None:
        folder = self.place.folder
        workload.write_files(folder, self.place.fleet)
        for shipped in (ROOT / "device_adapters" / "profiles").glob("*.toml"):
            shutil.copy(shipped, folder / "profiles")
        self.command("load-site", str(folder / "site.toml"))
        password = re.search(r"password (\S+)", self.command("create-admin", "bench"))
        assert password is not None
        for each in self.processes:
            self.launch(each)
        deadline = time.monotonic() + START_S
        for each in self.processes:
            while not each.is_ready():
                assert each.process is not None
                assert each.process.poll() is None, f"{each.name} ended:\n{self.log_tail(each)}"
                assert time.monotonic() < deadline, f"{each.name} is not ready:\n{self.log_tail(each)}"
                time.sleep(0.1)
        self._give_rule(password[1])
        self.point_nos = asyncio.run(self._point_nos())

    def launch(self, each: RoleProcess) -> None:
        serves_api = "api" in each.roles
        if serves_api:
            each.health_port = self.http_port
        own = {} if serves_api else {"HUB_HEALTH_PORT": str(each.health_port)}
        with (self.place.folder / f"{each.name}.log").open("ab") as log:
            each.process = subprocess.Popen(
                [sys.executable, "-m", "hub", "run", *each.roles], env=self._environment() | own, cwd=ROOT,
                stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip

    def stop(self) -> None:
        running = [each.process for each in self.processes if each.process is not None and each.process.poll() is None]
        for process in running:
            process.terminate()
        for process in running:
            try:
                process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(STOP_S)

    def command(self, *words: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "hub", *words], env=self._environment(), cwd=ROOT, capture_output=True, text=True,
            check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def log_tail(self, each: RoleProcess, lines: int = 30) -> str:
        path = self.place.folder / f"{each.name}.log"
        return "\n".join(path.read_text("utf-8", errors="replace").splitlines()[-lines:])

    def _environment(self) -> dict[str, str]:
        broker = {
            "name": "bench", "host": "127.0.0.1", "port": self.place.broker.port, "username": HUB,
            "password": BROKER_PASSWORD,
        }  # fmt: skip
        return {
            **os.environ,
            "HUB_VAR": str(self.place.folder / "var"),
            "HUB_DATABASE_URL": self.servers.database_url,
            "HUB_NATS_URL": self.servers.nats_url,
            "HUB_TELEMETRY_URL": self.servers.telemetry_url,
            "HUB_HTTP_PORT": str(self.http_port),
            "HUB_PROFILES_DIR": str(self.place.folder / "profiles"),
            "HUB_MQTT_BROKERS": json.dumps([broker]),
            "HUB_LOG_LEVEL": "INFO",
            "COLUMNS": "300",
        }

    def _give_rule(self, password: str) -> None:
        with httpx.Client(base_url=f"http://127.0.0.1:{self.http_port}/api/v1", timeout=30, trust_env=False) as client:
            login = {"username": "bench", "password": password}
            answer = client.post("/auth/login", json=login).raise_for_status()
            client.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
            client.post("/rules", json={"definition": workload.rule()}).raise_for_status()

    # --- what is stored ------------------------------------------------------------------------------------------

    async def _bus(self, stack: AsyncExitStack) -> Bus:
        return await stack.enter_async_context(Bus(BusSettings(self.servers.nats_url, "", "", replicas=3)))

    async def _queries(self, stack: AsyncExitStack) -> TelemetryQueries:
        if self.servers.telemetry_url:
            settings = TelemetrySettings(url=self.servers.telemetry_url)
            return await stack.enter_async_context(open_server(settings, clock=SystemClock()))
        return RemoteTelemetry(await self._bus(stack))

    async def _newest_ms(self) -> npt.NDArray[np.int64]:
        last_points = [int(number) for number in self.point_nos[:, -1]]
        async with AsyncExitStack() as stack:
            if await (await self._bus(stack)).pending(durable=STORE_DURABLE):
                # What a killed store had taken is given out again after half a minute: not everything is there yet.
                return np.zeros(len(last_points), np.int64)
            batch = await (await self._queries(stack)).latest(last_points)
        newest = dict(zip(batch.point_no.tolist(), batch.ts_ms.tolist(), strict=True))
        return np.array([newest.get(number, 0) for number in last_points], np.int64)

    async def _stored(self, start_ms: int, end_ms: int) -> StoredReadings:
        points = [int(number) for number in self.point_nos.ravel()]
        where = np.full(int(self.point_nos.max()) + 1, -1, np.int64)
        where[self.point_nos.ravel()] = np.arange(self.point_nos.size)
        parts = []
        async with AsyncExitStack() as stack:
            queries = await self._queries(stack)
            for begin in range(start_ms, end_ms, WINDOW_MS):
                end = min(begin + WINDOW_MS, end_ms)
                for at in range(0, len(points), POINTS_AT_ONCE):
                    asked = points[at : at + POINTS_AT_ONCE]
                    batch = await queries.raw(asked, start_ms=begin, end_ms=end, limit=PAGE)
                    device, point = np.divmod(where[batch.point_no], len(workload.POINTS))
                    parts.append(StoredReadings(device, point, batch.ts_ms.astype(np.int64), batch.value))
        return StoredReadings.concat(parts)

    async def _point_nos(self) -> npt.NDArray[np.int64]:
        found = np.zeros((self.place.fleet.devices, len(workload.POINTS)), np.int64)
        numbers = {code: number for number, code in enumerate(self.place.fleet.codes)}
        async with Database(self.servers.database_url) as database, database.transaction() as session:
            directory = await load_directory(session)
        for equipment, point in directory.by_point.values():
            found[numbers[equipment.code], workload.POINTS.index(point.key)] = point.point_no
        return found


@contextmanager
def running_spread(servers: Servers, place: Place, layout: Mapping[str, Sequence[str]]) -> Iterator[SpreadHub]:
    """`layout` names each process and its roles."""
    hub = SpreadHub(servers, place, [RoleProcess(name, roles) for name, roles in layout.items()])
    try:
        hub.start()
        yield hub
    finally:
        hub.stop()
