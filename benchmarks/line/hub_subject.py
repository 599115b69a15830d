"""This hub as a user runs it: `hub serve` on an empty folder, a declared site, a rule given over the API."""

import asyncio
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path

import httpx
import numpy as np
import numpy.typing as npt

from benchmarks.broker import HUB, PASSWORD
from benchmarks.children import started, stop
from benchmarks.line import workload
from benchmarks.line.subject import Place, StoredReadings, Subject, SubjectUnavailable
from building.reading import ReadingBatch
from bus.client import Bus, BusSettings
from catalog.loader import load_directory
from hub.infrastructure import Infrastructure, beside
from hub.settings import HubSettings
from kit.db import Database
from kit.secrets import SecretStore
from kit.supervision.ports import free_port
from telemetry.remote import RemoteTelemetry

ROOT = Path(__file__).parent.parent.parent
START_S, STOP_S = 120.0, 60.0
# The store answers a question in pages of 40,000 readings: a question of about that size is the cheapest.
_READINGS_AT_ONCE = 30_000
_FIRST_WINDOW_MS = 1_000
_LIMIT = 1_000_000


class HubDidNotStart(SubjectUnavailable):
    """The hub under test ended or did not answer; the message holds the end of its log."""


@dataclass
class RunningHub:
    """A hub in processes of its own. `point_nos[device, point]` are its numbers of the workload's points."""

    settings: HubSettings
    process: subprocess.Popen[bytes]
    log: Path
    fleet: workload.Fleet
    point_nos: npt.NDArray[np.int64] = field(default_factory=lambda: np.zeros((0, 0), np.int64))

    @property
    def pids(self) -> list[int]:
        return [self.process.pid]

    def newest_ms(self) -> npt.NDArray[np.int64]:
        return asyncio.run(self._newest_ms())

    def stored(self, *, start_ms: int, end_ms: int) -> StoredReadings:
        return asyncio.run(self._stored(start_ms, end_ms))

    def wait_until_ready(self) -> None:
        """Raises HubDidNotStart."""
        deadline = time.monotonic() + START_S
        while not self._answers():
            if self.process.poll() is not None or time.monotonic() > deadline:
                tail = "\n".join(self.log.read_text("utf-8", errors="replace").splitlines()[-30:])
                raise HubDidNotStart(f"the hub did not become ready:\n{tail}")
            time.sleep(0.1)

    def learn_points(self) -> None:
        self.point_nos = asyncio.run(self._point_nos())

    def _answers(self) -> bool:
        try:
            return httpx.get(f"{self.settings.local_url}/readyz", timeout=5).status_code == httpx.codes.OK
        except httpx.TransportError:
            return False

    async def _point_nos(self) -> npt.NDArray[np.int64]:
        found = np.zeros((self.fleet.devices, len(workload.POINTS)), np.int64)
        numbers = {code: number for number, code in enumerate(self.fleet.codes)}
        async with Database(self._infrastructure.database_url) as database, database.transaction() as session:
            directory = await load_directory(session)
        for equipment, point in directory.by_point.values():
            found[numbers[equipment.code], workload.POINTS.index(point.key)] = point.point_no
        return found

    async def _newest_ms(self) -> npt.NDArray[np.int64]:
        last_points = self.point_nos[:, -1]
        async with self._bus() as bus:
            batch = await RemoteTelemetry(bus).latest([int(number) for number in last_points])
        newest = dict(zip(batch.point_no.tolist(), batch.ts_ms.tolist(), strict=True))
        return np.array([newest.get(int(number), 0) for number in last_points], np.int64)

    async def _stored(self, start_ms: int, end_ms: int) -> StoredReadings:
        points = [int(number) for number in self.point_nos.ravel()]
        parts: list[StoredReadings] = []
        begin_ms, window_ms = start_ms, _FIRST_WINDOW_MS
        async with self._bus() as bus:
            queries = RemoteTelemetry(bus)
            while begin_ms < end_ms:
                until_ms = min(begin_ms + window_ms, end_ms)
                batch = await queries.raw(points, start_ms=begin_ms, end_ms=until_ms, limit=_LIMIT)
                if len(batch) == _LIMIT and window_ms > 1:
                    window_ms //= 2  # there may be more than that: asked again in parts
                    continue
                parts.append(self._readings(batch))
                begin_ms = until_ms
                # At most twice as long as the last: a moment of silence says nothing of what comes after it.
                wanted_ms = window_ms * _READINGS_AT_ONCE // max(1, len(batch))
                window_ms = max(1, min(60_000, 2 * window_ms, wanted_ms))
        return StoredReadings.concat(parts)

    def _readings(self, batch: ReadingBatch) -> StoredReadings:
        where = np.full(int(self.point_nos.max()) + 1, -1, np.int64)
        where[self.point_nos.ravel()] = np.arange(self.point_nos.size)
        device, point = np.divmod(where[batch.point_no], len(workload.POINTS))
        return StoredReadings(device, point, batch.ts_ms.astype(np.int64), batch.value)

    @property
    def _infrastructure(self) -> Infrastructure:
        return beside(self.settings, SecretStore(self.settings.var / "secrets.json"))

    def _bus(self) -> Bus:
        infra = self._infrastructure
        return Bus(BusSettings(infra.nats_url, infra.nats_user or "", infra.nats_password or ""))


@contextmanager
def running_hub(place: Place, *, extra: Mapping[str, str] | None = None) -> Iterator[RunningHub]:
    """A fresh hub on the place's broker with the bench's site and rule. Raises HubDidNotStart."""
    folder = place.folder
    workload.write_files(folder, place.fleet)
    for shipped in (ROOT / "device_adapters" / "profiles").glob("*.toml"):
        shutil.copy(shipped, folder / "profiles")
    settings = _settings(folder)
    environment = _environment(settings, place) | dict(extra or {})
    log = folder / "hub.log"
    process = started(_hub("serve"), log=log, cwd=ROOT, env=environment)
    hub = RunningHub(settings, process, log, place.fleet)
    try:
        hub.wait_until_ready()
        _command(["load-site", str(folder / "site.toml")], environment)
        _give_rule(settings, _command(["create-admin", "bench"], environment))
        hub.learn_points()
        yield hub
    finally:
        stop(process, within_s=STOP_S)


def command(hub: RunningHub, place: Place, words: Sequence[str]) -> str:
    """Runs a `hub` command beside the running hub; what it printed. Raises HubDidNotStart."""
    return _command(words, _environment(hub.settings, place))


def subject(extra: Mapping[str, str] | None = None) -> Subject:
    return Subject("hub", lambda: version("zhiwu-hub"), lambda place: running_hub(place, extra=extra))


def _settings(folder: Path) -> HubSettings:
    return HubSettings(
        var=folder / "var", postgres_port=free_port(), nats_port=free_port(), mqtt_port=free_port(),
        http_port=free_port(), profiles_dir=folder / "profiles",
    )  # fmt: skip


def _environment(settings: HubSettings, place: Place) -> dict[str, str]:
    broker = {
        "name": "bench", "host": "127.0.0.1", "port": place.broker.port, "username": HUB, "password": PASSWORD,
    }  # fmt: skip
    return {
        **os.environ,
        "HUB_VAR": str(settings.var),
        "HUB_POSTGRES_PORT": str(settings.postgres_port),
        "HUB_NATS_PORT": str(settings.nats_port),
        "HUB_MQTT_PORT": str(settings.mqtt_port),
        "HUB_HTTP_PORT": str(settings.http_port),
        "HUB_PROFILES_DIR": str(settings.profiles_dir),
        "HUB_MQTT_BROKERS": json.dumps([broker]),
        "HUB_LOG_LEVEL": "INFO",
        "COLUMNS": "300",
    }


def _hub(*words: str) -> list[str]:
    return [sys.executable, "-m", "hub", *words]


def _command(words: Sequence[str], environment: Mapping[str, str]) -> str:
    """Runs a `hub` command beside the running hub; what it printed. Raises HubDidNotStart."""
    done = subprocess.run(_hub(*words), env=environment, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise HubDidNotStart(f"`hub {' '.join(words)}` failed:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return done.stdout


def _give_rule(settings: HubSettings, printed: str) -> None:
    found = re.search(r"password (\S+)", printed)
    assert found is not None, printed
    with httpx.Client(base_url=f"{settings.local_url}/api/v1", timeout=30) as client:
        answer = client.post("/auth/login", json={"username": "bench", "password": found[1]}).raise_for_status()
        client.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
        client.post("/rules", json={"definition": workload.rule()}).raise_for_status()
