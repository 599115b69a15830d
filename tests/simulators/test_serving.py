"""The command as people and the hub start it: a process of its own."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from simulators.physics.faults import FaultName
from tests.simulators.conftest import Simulator, wait_until


def command(simulator: Simulator, *arguments: str, language: str = "en") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "simulators", *arguments, "--simulator", simulator.control, "--language", language],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["TERM", "INT"])
def test_it_ends_in_order_when_it_is_told_to(simulator, mosquitto, number):
    simulator.mqtt_port = mosquitto.port
    simulator.start()
    simulator.wait_ready()
    assert simulator.process is not None
    simulator.process.send_signal(number)
    assert simulator.process.wait(10) == 0
    assert "Traceback" not in simulator.log.read_text()


def test_it_ends_in_order_while_the_broker_is_away(simulator):
    simulator.start()
    simulator.wait_ready()
    assert httpx.get(f"{simulator.control}/healthz").json()["status"] == "connecting"
    assert simulator.process is not None
    simulator.process.terminate()
    assert simulator.process.wait(10) == 0


def test_it_dies_with_its_parent(simulator):
    parent = subprocess.Popen(["sleep", "60"])
    simulator.environment["HUB_SIM_PARENT_PID"] = str(parent.pid)
    simulator.start()
    simulator.wait_ready()
    parent.kill()
    parent.wait()
    assert simulator.process is not None
    assert simulator.process.wait(10) == 0


@pytest.mark.parametrize(
    ("setting", "port_of"),
    [
        ("HUB_SIM_HTTP_PORT", lambda simulator: int(simulator.control.rsplit(":", 1)[1])),
        ("HUB_SIM_PLATFORM_PORT", lambda simulator: int(simulator.platform.rsplit(":", 1)[1])),
        ("HUB_SIM_MODBUS_PORT", lambda simulator: simulator.modbus_port),
    ],
)
def test_a_taken_port_is_one_clear_line_with_the_setting_that_moves_it(simulator, setting, port_of):
    with socket.socket() as other:
        other.bind(("127.0.0.1", port_of(simulator)))
        other.listen()
        simulator.start()
        assert simulator.process is not None
        assert simulator.process.wait(30) == 1
    said = simulator.log.read_text()
    assert setting in said
    assert str(port_of(simulator)) in said
    assert "Traceback" not in said


def test_only_the_parts_asked_for_run(simulator):
    simulator.start("--no-fleet")
    wait_until(lambda: simulator._answers(simulator.platform), what="the platform answers")
    with pytest.raises(httpx.ConnectError):
        httpx.get(simulator.control)


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    simulator = Simulator(tmp_path_factory.mktemp("shared") / "simulator.log")
    simulator.start()
    simulator.wait_ready()
    yield simulator
    simulator.stop()


@pytest.fixture
def running(shared):
    """A running simulator without faults."""
    httpx.delete(f"{shared.control}/faults")
    return shared


def test_faults_are_started_listed_and_ended_by_command(running):
    started = command(running, "fault", "levelling-error", "--device", "LIFT-02", "--for", "10m", "--with", "mm=40")
    assert started.returncode == 0, started.stderr
    fault_id = started.stdout.split()[0]
    listed = command(running, "faults").stdout
    assert fault_id in listed
    assert "LIFT-02" in listed
    fault = httpx.get(f"{running.control}/faults").json()[0]
    assert (fault["parameters"], fault["ends_at"] is not None) == ({"mm": 40.0}, True)
    wait_until(
        lambda: httpx.get(f"{running.control}/devices/LIFT-02").json()["values"]["levelling_error_mm"] > 30,
        what="the fault shows",
    )
    assert command(running, "end", fault_id).returncode == 0
    assert httpx.get(f"{running.control}/faults").json() == []


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("fault", "smok", "-d", "SMOKE-001"), "passenger-trapped"),
        (("fault", "smoke", "-d", "SMOKE-01"), "SMOKE-001"),
        (("fault", "smoke", "-d", "LIFT-01"), "door-stuck"),
        (("fault", "smoke", "-d", "SMOKE-001", "--for", "soon"), "10m"),
        (("fault", "smoke", "-d", "SMOKE-001", "--with", "x=1"), "growth_s"),
        (("fault", "smoke", "-d", "SMOKE-001", "--with", "growth_s"), "parameter=value"),
        (("end", "0199c0ff-ee00-7000-8000-0000000000aa"), "GET /faults"),
        (("end", "--device", "LIFT-99"), "LIFT-0"),
    ],
    ids=" ".join,
)
def test_a_mistake_is_answered_with_what_would_be_right(running, arguments, says):
    done = command(running, *arguments)
    assert done.returncode == 1
    assert says in done.stderr
    assert "Traceback" not in done.stderr


def test_without_a_simulator_the_command_says_how_to_start_one(simulator):
    done = command(simulator, "faults")
    assert done.returncode == 1
    assert "python -m simulators serve" in done.stderr
    assert "模拟器" in command(simulator, "faults", language="zh-CN").stderr


def test_the_devices_and_kinds_of_faults_can_be_read(running):
    page = httpx.get(f"{running.control}/devices", params={"kind": "elevator", "limit": 1}).json()
    assert (page["total"], page["items"][0]["code"], page["items"][0]["online"]) == (2, "LIFT-01", True)
    assert httpx.get(f"{running.control}/devices", params={"q": "号电梯"}).json()["total"] == 2
    assert httpx.get(f"{running.control}/devices/NOPE-1").status_code == 404
    kinds = {kind["name"]: kind for kind in httpx.get(f"{running.control}/fault-kinds").json()}
    assert kinds.keys() == set(FaultName)
    assert kinds["phase-loss"]["parameters"][0]["choices"] == ["a", "b", "c"]
    assert "bearing-wear" in command(running, "faults", "--kinds").stdout


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{",
        json.dumps({"name": "smoke"}).encode(),
        json.dumps({"name": "smoke", "device": "SMOKE-001", "extra": 1}).encode(),
        json.dumps({"name": "smoke", "device": "SMOKE-001", "for": [1]}).encode(),
        json.dumps({"name": "smoke", "device": "SMOKE-001", "with": {"growth_s": {"a": 1}}}).encode(),
        json.dumps({"name": "smoke\x00", "device": "SMOKE-001"}).encode(),
        json.dumps({"name": "noise", "device": "LIFT-01", "with": {"point": "\ud800"}}).encode(),
    ],
)
def test_bad_input_is_never_a_500(running, body):
    answer = httpx.post(f"{running.control}/faults", content=body, headers={"Content-Type": "application/json"})
    assert 400 <= answer.status_code < 500
    assert answer.json()["message"]
    assert httpx.get(f"{running.control}/faults").json() == []


def test_a_fleet_costs_little(running):
    """Liveness only: the figure is the bench's. A hung loop would burn a whole core."""
    assert running.process is not None
    before = cpu_s(running.process.pid)
    time.sleep(3)
    assert cpu_s(running.process.pid) - before < 1.5


def cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
