"""A network namespace with one cable to this one, to be cut and mended. Making it needs root and iproute2; without, a
test says so and skips (in CI: fails)."""

import os
import random
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest

from tests.conftest import need


@dataclass(frozen=True)
class Namespace:
    """`here` is this side's address, reachable from inside."""

    name: str
    here: str
    cable: str

    @property
    def enter(self) -> list[str]:
        """What a command line begins with to run inside."""
        return ["ip", "netns", "exec", self.name]

    def cut(self) -> None:
        """Packets are lost both ways, and nobody is told."""
        _ip("link", "set", self.cable, "down")

    def mend(self) -> None:
        _ip("link", "set", self.cable, "up")


@contextmanager
def namespace() -> Iterator[Namespace]:
    need("ip", package="iproute2")
    number = random.randrange(1, 16_000)
    name, cable, inside = f"hub-test-{number}", f"hubt{number}", f"hubi{number}"
    net = f"10.231.{number // 64}.{number % 64 * 4}"
    first, second = _after(net, 1), _after(net, 2)
    if os.geteuid() != 0 or subprocess.run(["ip", "netns", "add", name], check=False).returncode != 0:
        words = "a network namespace needs root (and a container with CAP_SYS_ADMIN and CAP_NET_ADMIN)"
        if os.environ.get("CI") == "true":
            pytest.fail(words)
        pytest.skip(words)
    try:
        _ip("link", "add", cable, "type", "veth", "peer", "name", inside, "netns", name)
        _ip("addr", "add", f"{first}/30", "dev", cable)
        _ip("link", "set", cable, "up")
        for arguments in (("addr", "add", f"{second}/30", "dev", inside), ("link", "set", inside, "up")):
            _ip("-n", name, *arguments)
        yield Namespace(name, first, cable)
    finally:
        subprocess.run(["ip", "link", "del", cable], check=False)
        subprocess.run(["ip", "netns", "del", name], check=False)


def _after(net: str, steps: int) -> str:
    head, _, last = net.rpartition(".")
    return f"{head}.{int(last) + steps}"


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True)
