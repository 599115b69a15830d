"""The two ways a hub is run, and what may be killed in each.

Whole: `hub serve`, its own PostgreSQL and nats-server as children, which it starts again itself. Split: every role a
process on servers that stand apart, as on many machines; those servers are kept up by `kit.supervision`, as the hub
keeps its own, and the MQTT broker is a server of its own.
"""

import asyncio
import json
import random
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import assert_never

from kit.crash_points import CrashPoint
from kit.supervision.nats import BUS_USER, MQTT_USER, MqttUser, NatsConfig, hash_password, running_nats
from kit.supervision.postgres import running_postgres
from torture.ground import PYTHON, START_S, Ground, answering
from torture.processes import Service, family, pid_in, some_child

# Process → role. Two judges, so that there is somebody to take over; DuckDB has one store.
PROCESSES = {
    "adapters": "adapters", "store": "store", "judge": "judge", "judge 2": "judge", "api": "api", "jobs": "jobs",
}  # fmt: skip
BROKER = "site"


class LayoutName(StrEnum):
    WHOLE = "whole"
    SPLIT = "split"


Pid = Callable[[], int | None]


@dataclass(frozen=True)
class Layout:
    """A running hub. `targets` finds the process of each name that may be killed; None while it is down."""

    name: LayoutName
    services: Mapping[str, Service]
    targets: Mapping[str, Pid]
    roots: tuple[Pid, ...]

    def place_of(self, point: CrashPoint) -> str:
        """The service that comes to that place."""
        if self.name is LayoutName.WHOLE:
            return "hub"
        room = point.value.partition(".")[0]
        return {"intake": "adapters", "alarms": "judge", "notify": "jobs", "wechat": "api"}.get(room, room)

    def processes(self) -> Iterator[int]:
        """Every process of the hub and its servers, the publisher not."""
        for root in self.roots:
            pid = root()
            if pid is not None:
                yield from family(pid)


@asynccontextmanager
async def running(name: LayoutName, ground: Ground, *, rate: float, chance: random.Random) -> AsyncIterator[Layout]:
    """The hub, up and answering, and the publisher, which is not started yet: somebody must listen first."""
    match name:
        case LayoutName.WHOLE:
            opened = _whole(ground, chance)
        case LayoutName.SPLIT:
            opened = _split(ground, chance)
        case _:
            assert_never(name)
    async with opened as layout:
        publisher = _publisher(ground, rate=rate)
        yield Layout(
            layout.name,
            {**layout.services, publisher.name: publisher},
            {**layout.targets, publisher.name: lambda: publisher.pid},
            layout.roots,
        )


def _publisher(ground: Ground, *, rate: float) -> Service:
    argv = [*PYTHON, "torture.publisher", str(ground.ledger), "--port", str(ground.ports.mqtt), "--rate", str(rate)]
    account = "yunqi/nbiot-smoke"
    ground.ledger.mkdir(exist_ok=True)
    login = {"username": account, "password": ground.mqtt_passwords()[account]}
    (ground.ledger / "account.json").write_text(json.dumps(login), "utf-8")
    return Service("publisher", argv, env={}, log=ground.folder / "publisher.log")


@asynccontextmanager
async def _whole(ground: Ground, chance: random.Random) -> AsyncIterator[Layout]:
    hub = ground.service("hub", "hub", "serve")
    postgres, nats = _pid_file(ground.var / "postgres", "postgres"), _pid_file(ground.var / "nats", "nats")
    targets: dict[str, Pid] = {
        "hub": lambda: hub.pid,
        "postgres": postgres,
        "postgres backend": lambda: _backend(postgres(), chance),
        "nats": nats,
    }
    async with hub.kept():
        await answering(f"{ground.hub_url}/readyz")
        # PostgreSQL and nats-server are the hub's children; those of a hub just killed may live a moment longer.
        yield Layout(LayoutName.WHOLE, {"hub": hub}, targets, (targets["hub"],))


@asynccontextmanager
async def _split(ground: Ground, chance: random.Random) -> AsyncIterator[Layout]:
    postgres, nats = _pid_file(ground.var / "postgres", "postgres"), _pid_file(ground.var / "nats", "nats")
    broker = _pid_file(ground.folder / "broker", "nats")
    targets: dict[str, Pid] = {
        "postgres": postgres,
        "postgres backend": lambda: _backend(postgres(), chance),
        "nats": nats,
        "mqtt broker": broker,
    }
    async with AsyncExitStack() as stack:
        variables = await _servers(ground, stack)
        services = {name: ground.service(name, "hub", "run", role) for name, role in PROCESSES.items()}
        for name, service in services.items():
            service.always(variables)
            await stack.enter_async_context(service.kept())
            targets[name] = _pid_of(service)
        await answering(f"{ground.hub_url}/readyz")
        await _subscribed(ground.folder / "adapters.log")
        roots = (postgres, nats, *(targets[name] for name in PROCESSES))
        yield Layout(LayoutName.SPLIT, services, targets, roots)


async def _servers(ground: Ground, stack: AsyncExitStack) -> dict[str, str]:
    """Starts PostgreSQL, the bus and the broker; what the roles must be told to find them."""
    secrets, ports = ground.secrets, ground.ports
    url = await stack.enter_async_context(
        running_postgres(
            ground.var / "postgres", password=secrets.get("postgres_password"), port=ports.postgres
        )
    )  # fmt: skip
    bus = NatsConfig(
        bus_password=secrets.get("bus_password"), mqtt_password=secrets.get("mqtt_password"), port=ports.nats
    )
    await stack.enter_async_context(running_nats(ground.var / "nats", bus))
    # The accounts that the hub's own listener would know, at a broker that the hub does not run.
    users = [
        MqttUser(name, hash_password(password), publish=("site/#",), subscribe=("site/#",))
        for name, password in {**ground.mqtt_passwords(), "panel": "panel"}.items()
    ]
    broker = NatsConfig(bus_password="broker", mqtt_password="broker", mqtt_port=ports.mqtt, mqtt_users=users)  # noqa: S106
    await stack.enter_async_context(running_nats(ground.folder / "broker", broker))
    found = {"name": BROKER, "host": "127.0.0.1", "port": ports.mqtt, "username": MQTT_USER, "password": "broker"}
    return {
        "HUB_DATABASE_URL": url,
        "HUB_NATS_URL": f"nats://{BUS_USER}:{bus.bus_password}@127.0.0.1:{ports.nats}",
        "HUB_MQTT_BROKERS": json.dumps([found]),
    }


async def _subscribed(log: Path) -> None:
    """Returns once the adapters were at the broker, which keeps nothing for those it has never seen.

    Raises TimeoutError.
    """
    async with asyncio.timeout(START_S):
        while b"broker session is up" not in log.read_bytes():  # noqa: ASYNC110 - no event tells of it
            await asyncio.sleep(0.1)


def _pid_of(service: Service) -> Pid:
    return lambda: service.pid


def _pid_file(home: Path, name: str) -> Pid:
    return lambda: pid_in(home / f"{name}.hub-pid")


def _backend(postmaster: int | None, chance: random.Random) -> int | None:
    return None if postmaster is None else some_child(postmaster, chance, title="postgres: hub hub")
