"""An InfluxDB 1.x of the bench's own, with the configuration we ship, on free loopback ports."""

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from benchmarks.part import PartUnavailable
from kit.supervision.ports import free_port

SHIPPED = Path(__file__).parents[2] / "deploy" / "influxdb" / "influxdb.conf"
HOST = "127.0.0.1"
STARTS_WITHIN_S = 30.0


@contextmanager
def private_influx(home: Path) -> Iterator[str]:
    """The address of its database, as HUB_TELEMETRY_URL takes it. Raises PartUnavailable."""
    program = shutil.which("influxd")
    if program is None:
        raise PartUnavailable("influxd is missing: apt-get install influxdb")
    home.mkdir(parents=True)
    port, backup_port = free_port(), free_port()
    moved = {
        "INFLUXDB_BIND_ADDRESS": f"{HOST}:{backup_port}",
        "INFLUXDB_HTTP_BIND_ADDRESS": f"{HOST}:{port}",
        "INFLUXDB_META_DIR": str(home / "meta"),
        "INFLUXDB_DATA_DIR": str(home / "data"),
        "INFLUXDB_DATA_WAL_DIR": str(home / "wal"),
    }
    command = [program, "-config", str(SHIPPED)]
    with (
        (home / "log").open("ab") as log,
        subprocess.Popen(command, env=os.environ | moved, stdout=log, stderr=log) as process,
    ):
        try:
            _wait_until_it_answers(port)
            yield f"influxdb://{HOST}:{port}/hub"
        finally:
            process.terminate()


def _wait_until_it_answers(port: int) -> None:
    end = time.monotonic() + STARTS_WITHIN_S
    while time.monotonic() < end:
        try:
            httpx.get(f"http://{HOST}:{port}/ping", trust_env=False)
            return
        except httpx.TransportError:
            time.sleep(0.05)
    raise PartUnavailable("influxd does not start; its log is in the folder of the bench")
