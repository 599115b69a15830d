"""The servers that many hub processes share, on loopback: three nats-servers by the shipped file, one PostgreSQL."""

import asyncio
import os
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.request import urlopen

import nats

from kit.supervision.nats import binary
from kit.supervision.ports import free_port
from kit.supervision.postgres import running_postgres
from tests.conftest import LIVENESS_S

SHIPPED = Path(__file__).parents[2] / "deploy" / "nats" / "cluster.conf"
PASSWORD = "cluster"
NODES = 3


@dataclass
class Node:
    """One nats-server of the cluster."""

    name: str
    home: Path
    port: int = field(default_factory=free_port)
    cluster_port: int = field(default_factory=free_port)
    monitor_port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def route(self) -> str:
        return f"nats-route://hub-cluster:{PASSWORD}@127.0.0.1:{self.cluster_port}"

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait(LIVENESS_S)


class NatsCluster:
    """`start`, then `url` is what HUB_NATS_URL says."""

    def __init__(self, home: Path) -> None:
        self.nodes = [Node(f"nats-{number}", home / str(number)) for number in range(1, NODES + 1)]

    @property
    def url(self) -> str:
        first, *others = (f"127.0.0.1:{node.port}" for node in self.nodes)
        return ",".join([f"nats://hub-bus:{PASSWORD}@{first}", *(f"nats://{each}" for each in others)])

    def start(self) -> None:
        for node in self.nodes:
            self.start_node(node)
        deadline = time.monotonic() + LIVENESS_S
        for node in self.nodes:
            while not _is_healthy(node):
                assert time.monotonic() < deadline, (node.home / "log").read_text()[-2000:]
                time.sleep(0.1)

    def start_node(self, node: Node) -> None:
        node.home.mkdir(parents=True, exist_ok=True)
        routes = {f"HUB_NATS_ROUTE_{n}": each.route for n, each in enumerate(self.nodes, start=1)}
        own = {
            "HUB_NATS_NAME": node.name,
            "HUB_NATS_HOST": "127.0.0.1",
            "HUB_NATS_PORT": str(node.port),
            "HUB_NATS_CLUSTER_PORT": str(node.cluster_port),
            "HUB_NATS_MONITOR": f'"127.0.0.1:{node.monitor_port}"',
            "HUB_NATS_STORE": str(node.home / "streams"),
            "HUB_NATS_PASSWORD": PASSWORD,
            "HUB_NATS_CLUSTER_PASSWORD": PASSWORD,
        }
        with (node.home / "log").open("ab") as log:
            node.process = subprocess.Popen(
                [binary(), "--config", str(SHIPPED)], env=os.environ | own | routes, stdout=log, stderr=log
            )

    def stop(self) -> None:
        for node in self.nodes:
            if node.process is not None and node.process.poll() is None:
                node.process.terminate()
        for node in self.nodes:
            if node.process is not None:
                node.process.wait(LIVENESS_S)

    def leader_of(self, stream: str) -> Node:
        name = asyncio.run(self._leader_of(stream))
        return next(node for node in self.nodes if node.name == name)

    async def _leader_of(self, stream: str) -> str:
        servers = [f"nats://127.0.0.1:{node.port}" for node in self.nodes]
        client = await nats.connect(servers, user="hub-bus", password=PASSWORD)
        try:
            info = await client.jetstream().stream_info(stream)
            assert info.cluster is not None
            assert info.cluster.leader is not None
            return info.cluster.leader
        finally:
            await client.close()


def _is_healthy(node: Node) -> bool:
    try:
        with urlopen(f"http://127.0.0.1:{node.monitor_port}/healthz", timeout=2) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


@contextmanager
def running_cluster(home: Path) -> Iterator[NatsCluster]:
    cluster = NatsCluster(home)
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.stop()


@contextmanager
def postgres(home: Path) -> Iterator[str]:
    """The URL of a PostgreSQL that is nobody's child but this test's."""
    ready, stop = threading.Event(), threading.Event()
    found: list[str] = []

    async def run() -> None:
        async with running_postgres(home, password="test") as url:
            found.append(url)
            ready.set()
            while not stop.is_set():
                await asyncio.sleep(0.05)

    thread = threading.Thread(target=lambda: asyncio.run(run()), name="postgres")
    thread.start()
    try:
        assert ready.wait(LIVENESS_S), "PostgreSQL did not start"
        yield found[0]
    finally:
        stop.set()
        thread.join(LIVENESS_S)
