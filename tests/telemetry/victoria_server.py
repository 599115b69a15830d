"""A real VictoriaMetrics (Debian's), which takes the writes of InfluxDB's clients, on a free port and in a folder."""

import json
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from kit.supervision.ports import free_port
from tests.conftest import LIVENESS_S, need

HOST = "127.0.0.1"


@contextmanager
def running_victoria_metrics(home: Path) -> Iterator[int]:
    """Its port."""
    program, port = need("victoria-metrics", package="victoria-metrics"), free_port()
    command = [program, f"-storageDataPath={home / 'data'}", f"-httpListenAddr={HOST}:{port}", "-retentionPeriod=100y"]
    with (home / "log").open("ab") as log, subprocess.Popen(command, stdout=log, stderr=log) as process:
        try:
            _wait_until_it_answers(process, port, home / "log")
            yield port
        finally:
            process.terminate()
            process.wait(LIVENESS_S)


def exported(port: int, name: str) -> dict[str, dict[int, float]]:
    """Every value of a metric there is, by point and time in milliseconds."""
    httpx.get(f"http://{HOST}:{port}/internal/force_flush", trust_env=False)
    answer = httpx.get(f"http://{HOST}:{port}/api/v1/export", params={"match[]": name}, trust_env=False)
    rows = [json.loads(line) for line in answer.text.splitlines()]
    return {row["metric"]["point"]: dict(zip(row["timestamps"], row["values"], strict=True)) for row in rows}


def _wait_until_it_answers(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    end = time.monotonic() + LIVENESS_S
    while time.monotonic() < end:
        assert process.poll() is None, log.read_text()
        try:
            httpx.get(f"http://{HOST}:{port}/health", trust_env=False)
            return
        except httpx.TransportError:
            time.sleep(0.05)
    raise AssertionError("VictoriaMetrics did not start")
