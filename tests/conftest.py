"""Real servers for tests, private and on free ports: one PostgreSQL a session, one database a test."""

import asyncio
import gc
import os
import threading
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
import pytest

from bus.client import Bus, BusSettings
from kit.db import Database
from kit.events import RecordingOutbox
from kit.ids import new_id
from kit.supervision.nats import BUS_USER, NatsConfig, NatsServer, running_nats
from kit.supervision.postgres import running_postgres

# A worker holds every room and every test: looking through all of that for garbage as often as Python would by itself
# takes a sixth of the run.
gc.set_threshold(20_000, 20, 20)

LIVENESS_S = 30.0  # a deadline that only says "alive"; figures are judged by benches

# Begun last, one of these would keep the other workers waiting at the end. Those that wait stand beside busy ones.
LONGEST_FIRST = (
    "torture/test_bad_disk.py", "torture/test_kills.py", "hub/test_backup.py", "stories/test_main_line.py",
    "cluster/test_cluster.py", "stories/test_demo.py", "stories/test_scenarios.py", "contracts/test_telemetry_load.py",
    "contracts/test_telemetry_store.py", "stories/test_desk.py", "device_adapters/modbus/test_adapter.py",
    "simulators/test_serving.py", "faults/test_flood.py", "network/test_faults.py", "hub/test_judge_line.py",
    "simulators/scenario/test_run.py", "contracts/test_telemetry_series.py", "device_adapters/mqtt/test_adapter.py",
    "bus/test_lease.py", "benchmarks/test_line.py", "hub/test_access_matrix.py", "hub/test_schemathesis.py",
)  # fmt: skip


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest modules first, the others as they were found."""
    here = Path(__file__).parent
    places = {here / name: place for place, name in enumerate(LONGEST_FIRST)}
    gone = [str(path) for path in places if not path.is_file()]
    if gone:
        raise pytest.UsageError(f"LONGEST_FIRST in tests/conftest.py names what is not there: {gone}")
    items.sort(key=lambda item: places.get(item.path, len(places)))


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


@dataclass
class DatabasePool:
    """Databases that tests take turns in: emptied after each, which is cheaper than made anew."""

    server_url: str
    template: str
    idle: list[str] = field(default_factory=list)

    def take(self) -> str:
        """The URL of an empty, migrated database of the taker's own."""
        if self.idle:
            return self.idle.pop()
        name = f"t_{new_id().hex[-12:]}"
        with psycopg.connect(self.server_url, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name} TEMPLATE {self.template} STRATEGY FILE_COPY")
        return _sibling(self.server_url, name)

    def give_back(self, url: str) -> None:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
            connection.execute(EMPTY_EVERY_TABLE)
        self.idle.append(url)


# Foreign keys and triggers rest meanwhile, so that the order of tables does not matter. What a migration wrote stays.
EMPTY_EVERY_TABLE = """
SET session_replication_role = replica;
DO $$
DECLARE
    found_table record;
    has_rows boolean;
BEGIN
    FOR found_table IN
        SELECT format('%I', tablename) AS name FROM pg_tables
        WHERE schemaname = 'public' AND tablename NOT IN ('alembic_version', 'procrastinate_schema')
    LOOP
        EXECUTE 'SELECT EXISTS (SELECT FROM ' || found_table.name || ')' INTO has_rows;
        IF has_rows THEN
            EXECUTE 'DELETE FROM ' || found_table.name;
        END IF;
    END LOOP;
END $$
"""


@pytest.fixture(scope="session")
def database_pool(postgres_url: str, template_database: str) -> DatabasePool:
    return DatabasePool(postgres_url, template_database)


@pytest.fixture
def database_url(database_pool: DatabasePool) -> Iterator[str]:
    """The URL of an empty, migrated database of this test's own."""
    url = database_pool.take()
    yield url
    database_pool.give_back(url)


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
