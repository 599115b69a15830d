"""What is InfluxDB's own: accounts, refusals and whose fault they are, kills of the server, the client's v2 writes."""

import asyncio
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from building.quality import Quality
from building.reading import Reading, ReadingBatch
from kit.clock import FakeClock, to_ms
from kit.supervision.ports import free_port
from telemetry.columns import SequencedReadings
from telemetry.engine_url import InfluxUrl, parse_engine_url
from telemetry.errors import StoreRefused, StoreUnavailable, StoreUnreachable, UnstorableBatch
from telemetry.influx_connection import refusal
from telemetry.influx_lines import Versions, line_bodies
from telemetry.influx_store import InfluxLimits, InfluxStore
from telemetry.store import SeriesQuery
from tests.contracts.engines import NOW
from tests.telemetry.influx_server import HOST, InfluxServer
from tests.telemetry.path_shim import v2_writes_to
from tests.telemetry.victoria_server import exported, running_victoria_metrics

NOW_MS = to_ms(NOW)
HOUR_MS = 3_600_000
ADMIN = ("root", "correct horse")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InfluxServer]:
    server = InfluxServer(tmp_path_factory.mktemp("influxdb"))
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InfluxServer]:
    server = InfluxServer(tmp_path_factory.mktemp("guarded"), admin=ADMIN)
    server.start()
    yield server
    server.stop()


def store_at(url: str, **limits: int) -> InfluxStore:
    parsed = parse_engine_url(url)
    assert isinstance(parsed, InfluxUrl)
    return InfluxStore(parsed, clock=FakeClock(NOW), limits=InfluxLimits(**limits))


def said(server: InfluxServer, statement: str, *, auth: tuple[str, str] | None = None) -> str:
    answer = httpx.post(f"http://{HOST}:{server.port}/query", data={"q": statement}, auth=auth, trust_env=False)
    assert answer.is_success, answer.text
    return answer.text


def message(number: int, *, points: int = 50) -> tuple[int, ReadingBatch]:
    """All points at an instant of their own; the value is the number."""
    at = np.full(points, NOW_MS - HOUR_MS + number * 1_000, np.int64)
    numbers = np.arange(1, points + 1, dtype=np.int32)
    return number, ReadingBatch(numbers, at, np.full(points, float(number)), np.zeros(points, np.uint8))


# --- accounts and refusals ------------------------------------------------------------------------------------------


async def test_the_check_says_what_answers_and_never_the_account(guarded: InfluxServer) -> None:
    async with store_at(guarded.url("checked", account="root:correct%20horse@")) as store:
        words = await store.check()
    assert words == f"InfluxDB at {HOST}:{guarded.port}, database checked"


@pytest.mark.parametrize("account", ["", "root:wrong@", "nobody:wrong@"])
async def test_a_wrong_account_is_refused_in_words(guarded: InfluxServer, account: str) -> None:
    async with store_at(guarded.url("refused", account=account)) as store:
        for work in (store.check(), store.append([message(1)])):
            with pytest.raises(StoreRefused, match="refuses the account in HUB_TELEMETRY_URL") as refused:
                await work
            assert "wrong" not in str(refused.value)
        with pytest.raises(StoreUnavailable):
            await store.latest([1])


async def test_an_account_that_may_only_read_and_write_its_database_is_enough(guarded: InfluxServer) -> None:
    for statement in (
        "CREATE DATABASE granted",
        "CREATE USER hub WITH PASSWORD 'pw'",
        "GRANT ALL ON granted TO hub",
    ):
        said(guarded, statement, auth=ADMIN)
    async with store_at(guarded.url("granted", account="hub:pw@")) as store:
        await store.append([message(1)])
        assert len(await store.latest([1, 2, 3])) == 3
        assert (await store.stats()).recent_rows == 50
    async with store_at(guarded.url("elsewhere", account="hub:pw@")) as store:
        with pytest.raises(StoreRefused, match=r"does not let the account|is not there"):
            await store.append([message(1)])


async def test_a_server_that_is_away_keeps_readings_on_the_bus_and_questions_refused() -> None:
    async with store_at(f"influxdb://{HOST}:{free_port()}/hub") as store:
        for work in (store.append([message(1)]), store.check()):
            with pytest.raises(StoreUnreachable, match="does not answer"):
                await work
        for question in (store.latest([1]), store.raw([1], start_ms=0, end_ms=NOW_MS, limit=1), store.stats()):
            with pytest.raises(StoreUnavailable):
                await question


async def test_something_else_under_our_name_is_no_fault_of_the_readings(server: InfluxServer) -> None:
    said(server, "CREATE DATABASE taken")
    lines = 'readings,point=1 value="text",stamp=1.5 1'
    httpx.post(f"http://{HOST}:{server.port}/write", params={"db": "taken"}, content=lines, trust_env=False)
    async with store_at(server.url("taken")) as store:
        with pytest.raises(StoreRefused, match="holds other things"):
            await store.check()
        with pytest.raises(StoreRefused, match="a database of its own"):
            await store.append([(1, ReadingBatch.of([Reading(1, 0, 1.0)]))])


async def test_older_than_the_database_keeps_is_the_fault_of_the_readings(server: InfluxServer) -> None:
    said(server, "CREATE DATABASE short WITH DURATION 2h")
    old, fresh = Reading(1, NOW_MS - 800 * 24 * HOUR_MS, 1.0), Reading(1, NOW_MS + 400 * 24 * HOUR_MS, 2.0)
    async with store_at(server.url("short")) as store:
        with pytest.raises(UnstorableBatch, match="keeps nothing as old as this"):
            await store.append([(1, ReadingBatch.of([old, fresh]))])
        await store.append([(2, ReadingBatch.of([fresh]))])
        assert list(await store.latest([1])) == [fresh]


@pytest.mark.parametrize(
    "reading",
    [
        Reading(1, NOW_MS, math.nan),
        Reading(1, NOW_MS, math.inf, Quality.STALE),
        Reading(1, 2**62, 1.0),
        Reading(1, -(2**62), 1.0),
    ],
)
async def test_what_influxdb_cannot_say_is_unstorable_before_anything_is_sent(reading: Reading) -> None:
    async with store_at(f"influxdb://{HOST}:{free_port()}/hub") as store:
        with pytest.raises(UnstorableBatch):
            await store.append([(1, ReadingBatch.of([reading]))])


@pytest.mark.parametrize(
    ("status", "words", "meaning"),
    [
        (400, "partial write: points beyond retention policy dropped=3", UnstorableBatch),
        (422, "failure writing points: partial write: points beyond retention policy dropped=3", UnstorableBatch),
        (400, "unable to parse 'readings,point=': missing tag value", UnstorableBatch),
        (400, 'partial write: field type conflict: input field "value" is type float, already exists', StoreRefused),
        (400, "partial write: max-values-per-tag limit exceeded (100000/100000)", StoreRefused),
        (400, "partial write: max-series-per-database limit exceeded: (1000000)", StoreRefused),
        (401, "authorization failed", StoreRefused),
        (403, '"hub" user is not authorized to write to database "x"', StoreRefused),
        (404, 'database not found: "hub"', StoreRefused),
        (413, "Request Entity Too Large", StoreRefused),
        (429, "too many requests", StoreUnreachable),
        (500, "timeout", StoreUnreachable),
        (503, "cache-max-memory-size exceeded", StoreUnreachable),
    ],
)
def test_only_a_reading_that_never_can_be_kept_is_a_dead_letter(
    status: int, words: str, meaning: type[Exception]
) -> None:
    assert type(refusal(status, words, name="InfluxDB")).__mro__[:-1].count(meaning) == 1


# --- versions of a reading ------------------------------------------------------------------------------------------


def test_messages_with_the_same_reading_never_write_the_same_place() -> None:
    reading = ReadingBatch.of([Reading(7, NOW_MS, 1.5), Reading(7, NOW_MS + 1, math.nan, Quality.DOWN)])
    lines = [
        line
        for sequence in (41, 1_000_040)
        for body in line_bodies(SequencedReadings.of([(sequence, reading)]))
        for line in body.decode().split("\n")
    ]
    assert lines == [
        f"readings,point=7 value=1.5,stamp=328i {NOW_MS}000041",
        f"readings,point=7 stamp=331i {NOW_MS + 1}000041",
        f"readings,point=7 value=1.5,stamp=8000320i {NOW_MS}000040",
        f"readings,point=7 stamp=8000323i {NOW_MS + 1}000040",
    ]


def test_a_row_that_is_being_written_is_not_there_yet() -> None:
    stamp, down = 7 * 8 + Quality.OK, 7 * 8 + Quality.DOWN
    rows: list[list[Any]] = [[1, None, 2.0], [2, stamp, None], [3, down, None], [4, stamp, 0], [5, None, None]]
    found = list(Versions.of(rows, point_no=9).resolved())
    assert [(r.ts_ms, r.quality) for r in found] == [(3, Quality.DOWN), (4, Quality.OK)]


@pytest.mark.parametrize("rolled_up_here", [0, 20_000])
async def test_many_versions_of_the_newest_reading_are_one_reading(server: InfluxServer, rolled_up_here: int) -> None:
    # The highest lies between lower ones, and its nanosecond is the lowest of all.
    sequences = [999_998, 5, 1_000_000, 77, 999_999]
    async with store_at(server.url(f"versions{rolled_up_here}"), rolled_up_here=rolled_up_here) as store:
        for sequence in sequences:
            await store.append([(sequence, ReadingBatch.of([Reading(1, NOW_MS, float(sequence))]))])
        await store.append([(1, ReadingBatch.of([Reading(1, NOW_MS - 1, -1.0)]))])
        assert list(await store.latest([1])) == [Reading(1, NOW_MS, 1_000_000.0)]
        assert list(await store.raw([1], start_ms=0, end_ms=NOW_MS + 1, limit=1)) == [Reading(1, NOW_MS - 1, -1.0)]
        assert len(await store.raw([1], start_ms=0, end_ms=NOW_MS + 1, limit=10)) == 2
        query = SeriesQuery(point_no=1, start_ms=NOW_MS - 1, end_ms=NOW_MS + 1, bucket_ms=HOUR_MS)
        assert [(row.avg, row.count) for row in (await store.series(query)).rows] == [(-1.0, 1), (1_000_000.0, 1)]


async def test_a_point_that_is_silent_for_months_still_has_its_newest_reading(server: InfluxServer) -> None:
    ages_ms = {1: 0, 2: 5 * HOUR_MS, 3: 100 * 24 * HOUR_MS, 4: -24 * HOUR_MS}
    async with store_at(server.url("silent")) as store:
        readings = [Reading(point, NOW_MS - age_ms - back, 1.0) for point, age_ms in ages_ms.items() for back in (0, 9)]
        await store.append([(1, ReadingBatch.of(readings))])
        found = list(await store.latest([3, 4, 9, 1, 2]))
    assert [(r.point_no, NOW_MS - r.ts_ms) for r in found] == [(point, ages_ms[point]) for point in (3, 4, 1, 2)]


# --- a server that dies ---------------------------------------------------------------------------------------------


async def test_kills_of_the_server_lose_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    server = InfluxServer(tmp_path)
    server.start()
    acknowledged, failed = 0, 0

    async def appending(store: InfluxStore) -> None:
        nonlocal acknowledged, failed
        while acknowledged < 300:
            try:
                await store.append([message(acknowledged + 1)])
                acknowledged += 1
            except StoreUnreachable:
                failed += 1
                await asyncio.sleep(0.02)

    async def killing() -> None:
        for after in (60, 160):
            while acknowledged < after:
                await asyncio.sleep(0.005)
            await asyncio.to_thread(server.kill)
            await asyncio.sleep(0.2)
            await asyncio.to_thread(server.start)

    try:
        async with store_at(server.url("hub")) as store:
            await asyncio.gather(appending(store), killing())
            kept = await store.raw(range(1, 51), start_ms=0, end_ms=NOW_MS, limit=100_000)
    finally:
        server.stop()
    assert failed
    sequences, counts = np.unique(kept.value, return_counts=True)
    assert sequences.tolist() == list(range(1, 301))
    assert set(counts.tolist()) == {50}


# --- the client's v2 writes -----------------------------------------------------------------------------------------


async def test_the_v2_client_writes_what_the_v1_path_reads(server: InfluxServer) -> None:
    said(server, "CREATE DATABASE bucket")
    with v2_writes_to(f"http://{HOST}:{server.port}") as port:
        async with store_at(f"influxdb://:token@{HOST}:{port}/bucket?version=2&org=acme") as store:
            await store.append([message(3), message(1)])
            await store.append([(2, ReadingBatch.of([Reading(1, NOW_MS - HOUR_MS + 3_000, 99.0)]))])
            await store.append([(4, ReadingBatch.of([Reading(9, NOW_MS, math.nan, Quality.DOWN)]))])
            (newest,) = await store.latest([1])
            (down,) = (await store.raw([9], start_ms=NOW_MS, end_ms=NOW_MS + 1, limit=5)).quality.tolist()
    assert newest == Reading(1, NOW_MS - HOUR_MS + 3_000, 3.0)
    assert down == Quality.DOWN


async def test_the_v2_client_s_refusals_mean_the_same(server: InfluxServer) -> None:
    with v2_writes_to(f"http://{HOST}:{server.port}") as port:
        async with store_at(f"influxdb://:token@{HOST}:{port}/nowhere?version=2&org=acme") as store:
            with pytest.raises(StoreRefused, match="is not there"):
                await store.append([message(1)])
    async with store_at(f"influxdb://:token@{HOST}:{free_port()}/bucket?version=3") as store:
        with pytest.raises(StoreUnreachable):
            await store.append([message(1)])


async def test_victoria_metrics_takes_the_v2_client_s_writes(tmp_path: Path) -> None:
    batch = ReadingBatch.of([
        Reading(point, NOW_MS + at, point + at / 4) for point in (1, 2) for at in range(0, 10_000, 1_000)
    ])  # fmt: skip
    with running_victoria_metrics(tmp_path) as port:
        async with store_at(f"influxdb://:token@{HOST}:{port}/hub?version=2&org=acme") as store:
            await store.append([(7, batch)])
        values, stamps = exported(port, "readings_value"), exported(port, "readings_stamp")
    assert values == {str(point): {NOW_MS + at: point + at / 4 for at in range(0, 10_000, 1_000)} for point in (1, 2)}
    assert {stamp for of_point in stamps.values() for stamp in of_point.values()} == {7 * 8.0}
