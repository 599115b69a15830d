"""Real servers for the simulators' tests: a private Mosquitto, and a small site."""

import os
import socket
import subprocess
import sys
import threading
import time
import tomllib
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from building.declaration import SiteDeclaration, parse_site
from kit.supervision.ports import free_port
from tests.conftest import LIVENESS_S, need


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
        self._client.on_message = lambda client, data, m: self.heard.append((m.topic, bytes(m.payload), m.retain))
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


SMALL_SITE = Path(__file__).with_name("small_site.toml")


@pytest.fixture(scope="session")
def small_site() -> SiteDeclaration:
    return parse_site(tomllib.loads(SMALL_SITE.read_text("utf-8")))


@dataclass
class Simulator:
    """`python -m simulators serve` on free ports, with the small site and no broker unless one is named."""

    log: Path
    mqtt_port: int = 1
    environment: dict[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        self.control = f"http://127.0.0.1:{free_port()}"
        self.platform = f"http://127.0.0.1:{free_port()}"
        self.modbus_port = free_modbus_ports()

    def settings(self) -> dict[str, str]:
        return os.environ | {
            "HUB_SIM_SITE_FILE": str(SMALL_SITE),
            "HUB_SIM_MQTT_PORT": str(self.mqtt_port),
            "HUB_SIM_MODBUS_PORT": str(self.modbus_port),
            "HUB_SIM_HTTP_PORT": self.control.rsplit(":", 1)[1],
            "HUB_SIM_PLATFORM_PORT": self.platform.rsplit(":", 1)[1],
            **self.environment,
        }

    def start(self, *arguments: str) -> None:
        with self.log.open("wb") as log:
            command = [sys.executable, "-m", "simulators", "serve", *arguments]
            self.process = subprocess.Popen(command, env=self.settings(), stdout=log, stderr=log)

    def wait_ready(self) -> None:
        wait_until(lambda: self._answers(self.control) and self._answers(self.platform), what="the simulator answers")

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait(10)

    def _answers(self, url: str) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, self.log.read_text()
        with suppress(httpx.HTTPError):
            return httpx.get(f"{url}/healthz", trust_env=False).status_code == 200
        return False


def free_modbus_ports() -> int:
    """A port that is free and whose neighbour is, too: the small site has two gateways."""
    while True:
        port = free_port()
        with suppress(OSError), socket.socket() as neighbour:
            neighbour.bind(("127.0.0.1", port + 1))
            return port


@pytest.fixture
def simulator(tmp_path: Path) -> Iterator[Simulator]:
    """Not started yet."""
    made = Simulator(tmp_path / "simulator.log")
    yield made
    made.stop()
