"""What a bench started must not outlive it: an orphan would disturb every later measurement."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from benchmarks.broker import running_mosquitto
from benchmarks.processes import stat_of
from tests.conftest import LIVENESS_S, need

BENCH = """
import sys, time
from pathlib import Path
from benchmarks.broker import running_mosquitto
from benchmarks.children import end_in_order_when_told
end_in_order_when_told()
with running_mosquitto(Path(sys.argv[1])) as broker:
    print(broker.pid, flush=True)
    time.sleep(60)
"""


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL, signal.SIGINT])
def test_what_was_started_ends_with_the_bench(tmp_path: Path, how: signal.Signals) -> None:
    need("mosquitto", package="mosquitto")
    bench = subprocess.Popen(
        [sys.executable, "-c", BENCH, str(tmp_path / "home")], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    assert bench.stdout is not None
    pid = int(bench.stdout.readline())
    assert _is_alive(pid)
    bench.send_signal(how)
    bench.wait(LIVENESS_S)
    deadline = time.monotonic() + LIVENESS_S
    while _is_alive(pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not _is_alive(pid)


def test_a_broker_is_gone_after_its_block(tmp_path: Path) -> None:
    need("mosquitto", package="mosquitto")
    with running_mosquitto(tmp_path / "home") as broker:
        assert _is_alive(broker.pid)
    assert not _is_alive(broker.pid)


def _is_alive(pid: int) -> bool:
    found = stat_of(pid)
    return found is not None and found.name == "mosquitto"
