"""A cable between a process and its database and bus is cut and mended: it notices, goes on, and loses nothing."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
import pytest

from bus.client import Bus
from kit.db import plain_url
from kit.supervision.nats import NatsServer
from tests.conftest import LIVENESS_S
from tests.fault_proxy import fault_proxy
from tests.network.namespace import Namespace, namespace

ROOT = Path(__file__).parents[2]
# Longer than a dead connection may go unnoticed.
CUT_S = 20.0


@dataclass
class Inhabitant:
    """What the process behind the cable said."""

    written: list[int] = field(default_factory=list)
    published: list[int] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    async def listen(self, lines: asyncio.StreamReader) -> None:
        while line := (await lines.readline()).decode().strip():
            kind, _, what = line.partition(" ")
            match kind:
                case "database":
                    self.written.append(int(what))
                case "bus":
                    self.published.append(int(what))
                case _:
                    self.errors.append(line)

    async def goes_on(self) -> None:
        """Returns once both have done something new."""
        written, published = len(self.written), len(self.published)
        async with asyncio.timeout(LIVENESS_S * 2):
            while len(self.written) <= written or len(self.published) <= published:
                await asyncio.sleep(0.05)


@asynccontextmanager
async def inhabitant(place: Namespace, *, database_url: str, bus_url: str) -> AsyncIterator[Inhabitant]:
    process = await asyncio.create_subprocess_exec(
        *place.enter, sys.executable, "-m", "tests.network.inhabitant", database_url, bus_url, "bus",
        stdout=asyncio.subprocess.PIPE, cwd=ROOT,
    )  # fmt: skip
    assert process.stdout is not None
    found = Inhabitant()
    listening = asyncio.create_task(found.listen(process.stdout))
    try:
        yield found
    finally:
        process.kill()
        await process.wait()
        await listening


def moved(url: str, *, host: str, port: int) -> str:
    """The URL of the same database by another way."""
    from sqlalchemy.engine import make_url

    return make_url(url).set(host=host, port=port).render_as_string(hide_password=False)


@pytest.mark.long
@pytest.mark.timeout(180)
async def test_a_cut_cable_is_noticed_and_mended_nothing_is_lost(
    database_url: str, nats_server: NatsServer, bus: Bus
) -> None:
    with psycopg.connect(plain_url(database_url), autocommit=True) as connection:
        connection.execute("CREATE TABLE note (number int)")
        port = connection.info.port
    with namespace() as place:
        async with (
            fault_proxy(port, host=place.here) as to_database,
            fault_proxy(nats_server.config.port, host=place.here) as to_bus,
            inhabitant(
                place,
                database_url=moved(database_url, host=place.here, port=to_database.port),
                bus_url=f"nats://{place.here}:{to_bus.port}",
            ) as behind,
        ):
            await behind.goes_on()
            place.cut()
            await asyncio.sleep(CUT_S)
            assert behind.errors, "whoever waits for the database is told that it is gone"
            place.mend()
            await behind.goes_on()
        assert await on_the_bus(bus, len(behind.published)) >= set(map(float, behind.published))
    with psycopg.connect(plain_url(database_url), autocommit=True) as connection:
        kept = {number for (number,) in connection.execute("SELECT number FROM note").fetchall()}
        connection.execute("DROP TABLE note")
    assert kept >= set(behind.written)


async def on_the_bus(bus: Bus, count: int) -> set[float]:
    """The values of at least so many readings, each of which is there once."""
    found: list[float] = []
    async with asyncio.timeout(LIVENESS_S), aclosing(bus.consume(durable="test", partitions=None)) as pages:
        async for page in pages:
            found += [reading.value for delivery in page for reading in delivery.batch]
            if len(found) >= count:
                break
    assert len(found) == len(set(found)), "a batch is there twice"
    return set(found)
