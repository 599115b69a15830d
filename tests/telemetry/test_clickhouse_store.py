"""What is ClickHouse's own: its tables with and without a cluster, partitions, kills of the server, refusals.

The replicated tables are made by `chdb` with ClickHouse's in-memory stand-in for Keeper. That they replicate is seen
only on a cluster of yours: HUB_TEST_CLICKHOUSE_URL runs the contract suite there.
"""

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from clickhouse_connect.driver.exceptions import DatabaseError, OperationalError

from building.reading import Reading, ReadingBatch
from kit.clock import to_ms
from kit.supervision.ports import free_port
from telemetry.clickhouse_connection import ClickHouseConnection
from telemetry.clickhouse_schema import database_statement, table_statements
from telemetry.clickhouse_store import ClickHouseLimits, ClickHouseStore
from telemetry.engine_url import ClickHouseUrl, parse_engine_url
from telemetry.errors import QueryTooSlow, StoreRefused, StoreUnavailable, StoreUnreachable
from tests.contracts.engines import NOW
from tests.telemetry.chdb_server import HOST, ChdbServer

NOW_MS = to_ms(NOW)
DAY_MS = 86_400_000
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ChdbServer]:
    server = ChdbServer(tmp_path_factory.mktemp("chdb"))
    server.start()
    yield server
    server.stop()


def url_of(text: str) -> ClickHouseUrl:
    url = parse_engine_url(text)
    assert isinstance(url, ClickHouseUrl)
    return url


async def asked(server: ChdbServer, sql: str) -> list[str]:
    connection = ClickHouseConnection(url_of(server.url("default")), query_deadline_s=20.0)
    try:
        answer = await connection.query(sql)
        return [str(value) for value in next(iter(answer.values()))]
    finally:
        await connection.close()


def message(number: int) -> tuple[int, ReadingBatch]:
    numbers = np.arange(1, 51, dtype=np.int32)
    at = np.full(50, NOW_MS - DAY_MS + number * 1_000, np.int64)
    return number, ReadingBatch(numbers, at, np.full(50, float(number)), np.zeros(50, np.uint8))


# --- tables ---------------------------------------------------------------------------------------------------------


async def test_the_tables_are_made_once_and_say_how_readings_lie(server: ChdbServer) -> None:
    for _ in range(2):
        async with ClickHouseStore(url_of(server.url("made"))) as store:
            assert "database made, version " in await store.check()
    (engine,) = await asked(
        server, "SELECT engine_full FROM system.tables WHERE database = 'made' AND name = 'readings'"
    )
    for part in ("ReplacingMergeTree(sequence)", "ORDER BY (point_no, ts_ms)", "fsync_after_insert = 1"):
        assert part in engine


@pytest.mark.long
async def test_an_insert_of_more_than_a_hundred_months_is_kept_and_forgotten_by_partitions(server: ChdbServer) -> None:
    moments = [NOW_MS - 30 * DAY_MS * back for back in range(110)]
    async with ClickHouseStore(url_of(server.url("months"))) as store:
        await store.append([(1, ReadingBatch.of([Reading(1, at, float(at)) for at in moments]))])
        assert len(await store.raw([1], start_ms=0, end_ms=NOW_MS + 1, limit=1_000)) == 110
        cut_ms = NOW_MS - 3_000 * DAY_MS
        await store.drop_before(cut_ms)
        kept = await store.raw([1], start_ms=0, end_ms=NOW_MS + 1, limit=1_000)
    assert kept.ts_ms.tolist() == sorted(at for at in moments if at >= cut_ms - cut_ms % DAY_MS)
    parts = await asked(
        server, "SELECT partition FROM system.parts WHERE database = 'months' AND table = 'readings' AND active"
    )
    assert min(parts) == "201809"


async def test_a_view_that_saw_only_half_an_insert_is_put_right_by_its_repetition(server: ChdbServer) -> None:
    async with ClickHouseStore(url_of(server.url("half"))) as store:
        await store.append([message(1)])
        connection = ClickHouseConnection(url_of(server.url("half")), query_deadline_s=20.0)
        await connection.command("TRUNCATE TABLE half.newest")  # as if the server had died between table and view
        await connection.close()
        assert len(await store.latest([1])) == 0
        await store.append([message(1)])
        assert list(await store.latest([1])) == list(await store.raw([1], start_ms=0, end_ms=NOW_MS, limit=9))


CLUSTERED = url_of(f"clickhouse://hub:secret@{HOST}/hub?cluster=main&quorum=2")

KEEPER_IN_MEMORY = """<clickhouse>
  <macros><shard>01</shard><replica>a</replica></macros>
  <zookeeper><implementation>testkeeper</implementation></zookeeper>
  <remote_servers><main><shard><internal_replication>true</internal_replication>
    <replica><host>127.0.0.1</host><port>9000</port></replica></shard></main></remote_servers>
</clickhouse>"""

# A process of its own: chdb reads its configuration once. It leaves at once, for replicas wait for a Keeper to leave.
MAKE_TABLES = """
import os, sys, chdb
connection = chdb.connect(f"file:{sys.argv[1]}/data?config-file={sys.argv[1]}/config.xml")
for statement in sys.stdin.read().split("\\0"):
    connection.query(statement)
print(connection.query("SELECT name, engine_full FROM system.tables WHERE database = 'hub' ORDER BY name", "TSV"))
print(connection.query("SELECT table, zookeeper_path, replica_name FROM system.replicas ORDER BY table", "TSV"))
sys.stdout.flush()
os._exit(0)
"""


def test_the_tables_of_a_cluster_are_made_by_clickhouse_itself(tmp_path: Path) -> None:
    (tmp_path / "config.xml").write_text(KEEPER_IN_MEMORY)
    # Only who carries a statement out everywhere is left out: that takes a running server.
    statements = [
        statement.replace(" ON CLUSTER `main`", "")
        for statement in (database_statement(CLUSTERED), *table_statements(CLUSTERED))
    ]
    made = subprocess.run(
        [sys.executable, "-c", MAKE_TABLES, str(tmp_path)],
        input="\0".join(statements * 2), capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert made.returncode == 0, made.stderr
    lines = {name: rest for name, _, rest in (line.partition("\t") for line in made.stdout.splitlines() if line)}
    assert lines["readings"].startswith("Distributed(\\'main\\', \\'hub\\', \\'readings_local\\', intHash64(point_no))")
    assert lines["newest"].startswith("Distributed(\\'main\\', \\'hub\\', \\'newest_local\\', intHash64(point_no))")
    assert lines["readings_local"] == "/clickhouse/tables/01/hub/readings_local\ta"
    assert lines["newest_local"] == "/clickhouse/tables/01/hub/newest_local\ta"
    assert "ReplicatedReplacingMergeTree" in made.stdout
    assert "ReplicatedAggregatingMergeTree" in made.stdout


async def test_clickhouse_reads_every_statement_that_is_for_the_whole_cluster(server: ChdbServer) -> None:
    for statement in (database_statement(CLUSTERED), *table_statements(CLUSTERED)):
        (tree,) = await asked(server, f"SELECT formatQuerySingleLine($${statement}$$) AS text")
        assert " ON CLUSTER main" in tree


# --- refusals and a server that dies --------------------------------------------------------------------------------


async def test_a_server_that_is_away_keeps_readings_on_the_bus_and_questions_refused() -> None:
    async with ClickHouseStore(url_of(f"clickhouse://hub:s3cr@{HOST}:{free_port()}/hub")) as store:
        for work in (store.append([message(1)]), store.check()):
            with pytest.raises(StoreUnreachable, match="does not answer") as refused:
                await work
            assert "s3cr" not in str(refused.value)
        for question in (store.latest([1]), store.raw([1], start_ms=0, end_ms=NOW_MS, limit=1), store.stats()):
            with pytest.raises(StoreUnavailable):
                await question


@pytest.mark.parametrize(
    ("error", "meaning", "words"),
    [
        (DatabaseError("Code: 516. Authentication failed", code=516), StoreRefused, "refuses the account"),
        (DatabaseError("Code: 497. Not enough privileges", code=497), StoreRefused, "does not let the account"),
        (DatabaseError("Code: 81. Database hub does not exist", code=81), StoreRefused, "lacks something"),
        (DatabaseError("Code: 701. Requested cluster not found", code=701), StoreRefused, "lacks something"),
        (DatabaseError("Code: 159. Timeout exceeded", code=159), QueryTooSlow, ""),
        (DatabaseError("Code: 285. Too few live replicas", code=285), StoreUnreachable, "Too few live replicas"),
        (DatabaseError("Code: 252. Too many parts", code=252), StoreUnreachable, "Too many parts"),
        (OperationalError("Connection refused"), StoreUnreachable, "does not answer"),
    ],
)
def test_a_refusal_of_the_server_is_told_by_its_number(error: Exception, meaning: type[Exception], words: str) -> None:
    connection = ClickHouseConnection(url_of("clickhouse://hub:s3cr@db/hub"), query_deadline_s=1.0)
    with pytest.raises(meaning) as told, connection.told_apart():
        raise error
    assert words in str(told.value)
    assert "s3cr" not in str(told.value)


async def test_a_question_that_takes_too_long_is_ended_by_the_server(server: ChdbServer) -> None:
    url = url_of(server.url("slow"))
    async with ClickHouseStore(url, limits=ClickHouseLimits(query_deadline_s=0.5)) as store:
        await store.append([message(1)])
        connection = ClickHouseConnection(url, query_deadline_s=0.5)
        with pytest.raises(QueryTooSlow):
            await connection.query("SELECT sum(sipHash64(number)) AS a FROM numbers(100000000000)")
        await connection.close()


async def test_kills_of_the_server_lose_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    server = ChdbServer(tmp_path)
    server.start()
    acknowledged, failed = 0, 0

    async def appending(store: ClickHouseStore) -> None:
        nonlocal acknowledged, failed
        while acknowledged < 60:
            try:
                await store.append([message(acknowledged + 1)])
                acknowledged += 1
            except StoreUnreachable:
                failed += 1
                await asyncio.sleep(0.05)

    async def killing() -> None:
        while acknowledged < 30:
            await asyncio.sleep(0.005)
        await asyncio.to_thread(server.kill)
        await asyncio.to_thread(server.start)

    try:
        async with ClickHouseStore(url_of(server.url("hub"))) as store:
            await asyncio.gather(appending(store), killing())
            kept = await store.raw(range(1, 51), start_ms=0, end_ms=NOW_MS, limit=100_000)
            newest = await store.latest(range(1, 51))
    finally:
        server.stop()
    assert failed
    sequences, counts = np.unique(kept.value, return_counts=True)
    assert sequences.tolist() == list(range(1, 61))
    assert set(counts.tolist()) == {50}
    assert set(newest.value.tolist()) == {60.0}
