"""A real InfluxDB (Debian's 1.x) with the configuration we ship, on free ports and folders of the test's own."""

import os
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from kit.supervision.ports import free_port
from tests.conftest import LIVENESS_S, need

SHIPPED = Path(__file__).parents[2] / "deploy" / "influxdb" / "influxdb.conf"
HOST = "127.0.0.1"


@dataclass
class InfluxServer:
    """`stop`, `kill` and `start` as often as you like: the data stays.

    With `admin` (name, password) it asks for an account.
    """

    home: Path
    admin: tuple[str, str] | None = None
    port: int = field(default_factory=free_port)
    backup_port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    def url(self, database: str, *, account: str = "") -> str:
        return f"influxdb://{account}{HOST}:{self.port}/{database}"

    def start(self) -> None:
        program = need("influxd", package="influxdb")
        # Standard variables of influxd, which win over its file.
        moved = {
            "INFLUXDB_BIND_ADDRESS": f"{HOST}:{self.backup_port}",
            "INFLUXDB_HTTP_BIND_ADDRESS": f"{HOST}:{self.port}",
            "INFLUXDB_META_DIR": str(self.home / "meta"),
            "INFLUXDB_DATA_DIR": str(self.home / "data"),
            "INFLUXDB_DATA_WAL_DIR": str(self.home / "wal"),
            "INFLUXDB_HTTP_AUTH_ENABLED": "true" if self.admin else "false",
        }
        with (self.home / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [program, "-config", str(SHIPPED)], env=os.environ | moved, stdout=log, stderr=log
            )
        self._wait_until_it_answers()
        if self.admin:
            self._create_admin(*self.admin)

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            self.process.wait(LIVENESS_S)

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait(LIVENESS_S)

    def _wait_until_it_answers(self) -> None:
        assert self.process is not None
        end = time.monotonic() + LIVENESS_S
        while time.monotonic() < end:
            assert self.process.poll() is None, (self.home / "log").read_text()
            try:
                httpx.get(f"http://{HOST}:{self.port}/ping", trust_env=False)
                return
            except httpx.TransportError:
                time.sleep(0.05)
        raise AssertionError("InfluxDB did not start")

    def _create_admin(self, name: str, password: str) -> None:
        statement = f"CREATE USER {name} WITH PASSWORD '{password}' WITH ALL PRIVILEGES"
        httpx.post(f"http://{HOST}:{self.port}/query", data={"q": statement}, auth=(name, password), trust_env=False)
