"""Real servers for tests, private and on free ports: one PostgreSQL a session, one database a test."""

import asyncio
import os
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import psycopg
import pytest

from bus.client import Bus, BusSettings
from kit.db import Base, Database
from kit.events import RecordingOutbox
from kit.ids import new_id
from kit.supervision.nats import BUS_USER, NatsConfig, NatsServer, running_nats
from kit.supervision.postgres import running_postgres

LIVENESS_S = 30.0  # a deadline that only says "alive"; figures are judged by benches


def need(program: str, *, package: str) -> str:
    """The path of a program from Debian. Absent: a failure in CI, a skip that says what to install elsewhere."""
    import shutil

    path = shutil.which(program) or shutil.which(program, path="/usr/sbin:/usr/bin:/usr/local/bin")
    if path is None:
        message = f"{program} is missing: apt-get install {package}"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    return path


@pytest.fixture(scope="session")
def postgres_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The superuser URL of a PostgreSQL that lives as long as the test session."""
    home: Path = tmp_path_factory.mktemp("postgres")
    ready, stop = threading.Event(), threading.Event()
    found: list[str] = []

    async def run() -> None:
        async with running_postgres(home, password="test", durable=False) as url:
            found.append(url)
            ready.set()
            while not stop.is_set():
                await asyncio.sleep(0.05)

    thread = threading.Thread(target=lambda: asyncio.run(run()), name="postgres")
    thread.start()
    try:
        assert ready.wait(60), "PostgreSQL did not start"
        yield found[0]
    finally:
        stop.set()
        thread.join(30)


@pytest.fixture(scope="session")
def template_database(postgres_url: str) -> str:
    """A database with the whole schema, from which each test's own is copied."""
    from hub.migrate import upgrade

    name = "hub_template"
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    upgrade(_sibling(postgres_url, name))
    return name


@pytest.fixture
def database_url(postgres_url: str, template_database: str) -> Iterator[str]:
    """The URL of an empty, migrated database of this test's own."""
    name = f"t_{new_id().hex[-12:]}"
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {template_database} STRATEGY FILE_COPY")
    yield _sibling(postgres_url, name)
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


@pytest.fixture
def outbox() -> RecordingOutbox:
    return RecordingOutbox()


@pytest.fixture
async def database(database_url: str, outbox: RecordingOutbox) -> AsyncIterator[Database]:
    """A database whose published events are kept in `outbox`."""
    async with Database(database_url) as database:
        database.use_outbox(outbox)
        yield database


@pytest.fixture
async def nats_server(tmp_path: Path) -> AsyncIterator[NatsServer]:
    """A nats-server (bus and MQTT listener) of this test's own, on free ports."""
    async with running_nats(tmp_path / "nats", NatsConfig(bus_password="bus", mqtt_password="mqtt")) as server:
        yield server


@pytest.fixture
def bus_settings(nats_server: NatsServer) -> BusSettings:
    return BusSettings(url=nats_server.url, user=BUS_USER, password="bus")


@pytest.fixture
async def bus(bus_settings: BusSettings) -> AsyncIterator[Bus]:
    """A connection to the bus of this test's own nats-server."""
    async with Bus(bus_settings) as bus:
        yield bus


def _sibling(url: str, name: str) -> str:
    return url.rsplit("/", 1)[0] + f"/{name}"


assert Base is not None
