"""A Mosquitto of the bench's own, with the configuration that we ship, on a free loopback port."""

import getpass
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.children import started, stop
from benchmarks.line.packets import Login
from kit.supervision.ports import free_port

SHIPPED = Path(__file__).parent.parent / "deploy" / "mosquitto"
PASSWORD = "bench"  # noqa: S105 - on loopback, for the minutes of a bench
# As the shipped access list knows them: the hub, a control room's panel, an operator's platform that speaks for many.
HUB, PANEL, PLATFORM = "hub", "panel", "nbiot-smoke"
# Somebody who may publish where nobody listens: the hub hears the first levels of these topics only.
BYSTANDER, UNHEARD_TOPIC = "zigbee2mqtt", "zigbee2mqtt/bench/device/nobody/hears/this"
START_S = 20.0


class ProgramMissing(RuntimeError):
    """A program that the bench needs is not installed."""

    def __init__(self, program: str, *, package: str) -> None:
        super().__init__(f"{program} is missing: apt-get install {package}, or run scripts/install-test-servers")


@dataclass(frozen=True)
class Mosquitto:
    """A running broker."""

    port: int
    pid: int

    def login(self, username: str, *, client_id: str) -> Login:
        return Login(self.port, username, PASSWORD, client_id)


def program(name: str, *, package: str) -> str:
    """Its path. Raises ProgramMissing."""
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/bin:/usr/local/bin")
    if found is None:
        raise ProgramMissing(name, package=package)
    return found


@contextmanager
def running_mosquitto(home: Path) -> Iterator[Mosquitto]:
    """Raises ProgramMissing; TimeoutError when it does not listen."""
    executable, port = program("mosquitto", package="mosquitto"), free_port()
    _write_files(home, port)
    process = started([executable, "-c", str(home / "mosquitto.conf")], log=home / "log")
    try:
        _wait_for(port)
        yield Mosquitto(port, process.pid)
    finally:
        stop(process)


def _write_files(home: Path, port: int) -> None:
    (home / "data").mkdir(parents=True)
    conf = (SHIPPED / "mosquitto.conf").read_text("utf-8")
    conf = conf.replace("/etc/mosquitto/", f"{home}/").replace("/var/lib/mosquitto/", f"{home}/data/")
    conf = conf.replace("listener 1883 127.0.0.1", f"listener {port} 127.0.0.1")
    (home / "mosquitto.conf").write_text(f"{conf}\nuser {getpass.getuser()}\n", "utf-8")
    shutil.copy(SHIPPED / "acl", home / "zhiwu.acl")
    passwords = home / "zhiwu.passwords"
    passwords.touch(mode=0o600)
    maker = program("mosquitto_passwd", package="mosquitto")
    for user in (HUB, PANEL, PLATFORM, BYSTANDER):
        subprocess.run([maker, "-b", str(passwords), user, PASSWORD], check=True, capture_output=True)


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + START_S
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            if time.monotonic() > deadline:
                raise TimeoutError(f"Mosquitto does not listen on port {port}") from None
            time.sleep(0.02)
        else:
            return
