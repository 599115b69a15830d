"""Real servers for the simulators' tests: a private Mosquitto, and a small site."""

import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from building.declaration import SiteDeclaration, parse_site
from kit.supervision.ports import free_port
from tests.conftest import LIVENESS_S, need

MODBUS_PORT = 15020  # declared; tests shift it


def wait_until(condition: Callable[[], object], *, what: str, timeout_s: float = LIVENESS_S) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, f"never happened: {what}"
        time.sleep(0.02)


@dataclass
class Mosquitto:
    """A broker of this test's own. `stop` and `start` play an outage; the port stays."""

    port: int
    home: Path
    settings: str = "allow_anonymous true"
    process: subprocess.Popen[bytes] | None = field(default=None, init=False)

    def start(self) -> None:
        config = self.home / "mosquitto.conf"
        # As root Mosquitto would become another user, who may not read this folder; otherwise `user` means nothing.
        config.write_text(
            f"listener {self.port} 127.0.0.1\nuser root\n{self.settings}\npersistence false\nlog_dest none\n"
        )
        program = need("mosquitto", package="mosquitto")
        self.process = subprocess.Popen([program, "-c", str(config)], stderr=subprocess.DEVNULL)
        wait_until(self._listens, what="mosquitto listens")

    def stop(self) -> None:
        if self.process is not None:
            self.process.terminate()
            self.process.wait(10)
            self.process = None

    def _listens(self) -> bool:
        with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=1):
            return True
        return False


@pytest.fixture
def mosquitto(tmp_path: Path) -> Iterator[Mosquitto]:
    broker = Mosquitto(free_port(), tmp_path)
    broker.start()
    yield broker
    broker.stop()


class Listener:
    """A paho subscriber that keeps what it hears."""

    def __init__(self, port: int, topic: str) -> None:
        self.heard: list[tuple[str, bytes, bool]] = []
        subscribed = threading.Event()
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2)
        self._client.on_message = lambda client, data, m: self.heard.append((m.topic, m.payload, m.retain))
        self._client.on_subscribe = lambda *_: subscribed.set()
        self._client.connect("127.0.0.1", port)
        self._client.subscribe(topic, qos=1)
        self._client.loop_start()
        assert subscribed.wait(LIVENESS_S)

    def on(self, topic: str) -> list[bytes]:
        return [payload for heard, payload, _ in self.heard if heard == topic]

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


@pytest.fixture
def listen(mosquitto: Mosquitto) -> Iterator[Callable[[str], Listener]]:
    listeners: list[Listener] = []

    def start(topic: str) -> Listener:
        listeners.append(Listener(mosquitto.port, topic))
        return listeners[-1]

    yield start
    for listener in listeners:
        listener.close()


@pytest.fixture(scope="session")
def small_site() -> SiteDeclaration:
    """Two elevators, one pump room of three, one building's meters, ten detectors, twelve water meters."""
    return parse_site(
        {
            "site": {"code": "probe", "name": "试验小区", "timezone": "Asia/Shanghai"},
            "buildings": [{"code": "B01", "name": "1栋"}],
            "equipment": [
                {"for": {"n0": "1..2"}, "code": "LIFT-{n:02}", "kind": "elevator", "profile": "gb24476-elevator"},
                {"code": "PWR-1", "kind": "power_supply"},
                {"code": "PGW-1", "kind": "gateway", "parent": "PWR-1"},
                {
                    "for": {"p": "1..3"}, "code": "PUMP-{p:02}", "kind": "pump", "profile": "grundfos-cim-pump",
                    "parent": "PGW-1", "address": {"host": "127.0.0.1", "port": MODBUS_PORT, "unit": "{p}"},
                },
                {"code": "RISER-01", "kind": "riser", "parent": "PUMP-01"},
                {"code": "MGW-01", "kind": "gateway"},
                {
                    "for": {"u": "1..4"}, "code": "EM-{u:02}", "kind": "electricity_meter", "parent": "MGW-01",
                    "profile": "eastron-sdm630", "address": {"host": "127.0.0.1", "port": 15030, "unit": "{u}"},
                },
                {"for": {"n0": "1..10"}, "code": "SMOKE-{n:03}", "kind": "smoke_detector", "profile": "nbiot-smoke"},
                {
                    "for": {"n0": "1..12"}, "code": "WM-{n:04}", "kind": "water_meter",
                    "profile": "nbiot-water-meter", "parent": "RISER-01",
                },
            ],
        }
    )  # fmt: skip
