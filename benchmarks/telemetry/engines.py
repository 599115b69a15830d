"""The engines of the telemetry store side by side: the same readings, the same questions while more are written."""

import asyncio
import contextlib
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import SecretStr

from benchmarks.part import Aim, Context, Details, Figure, PartUnavailable
from benchmarks.telemetry.asking import LATE_AIM, LATE_WORDS, LATEST_POINTS, Timed, Writer, timed
from benchmarks.telemetry.private_influx import private_influx
from building.reading import ReadingBatch
from kit.clock import FakeClock, to_ms
from telemetry.buckets import DAY_MS
from telemetry.engine_url import ClickHouseUrl, parse_engine_url
from telemetry.engines import Engine, open_engine
from telemetry.settings import TelemetrySettings
from telemetry.store import SeriesQuery

CLICKHOUSE_URL = "HUB_TEST_CLICKHOUSE_URL"
TODAY = datetime(2026, 11, 22, tzinfo=UTC)
MINUTE_MS = 60_000
POINTS = 400
READINGS_AN_APPEND = 10_000


@dataclass(frozen=True, kw_only=True)
class EnginesPart:
    """`days` of 400 points a minute each lie in the store before 5,000 points a second are written beside questions."""

    name: str = "engines"
    words: str = "Telemetry engines: appends, latest values, 24 hours of a point"
    days: int = 3
    questions: int = 50

    def measure(self, context: Context) -> Details:
        days, questions = (1, 20) if context.is_quick else (self.days, self.questions)
        found: Details = {}
        for name in ("DuckDB", "InfluxDB", "ClickHouse"):
            try:
                with _engine(name, context.folder / name) as engine:
                    context.say(f"{name}: {days * 1_440 * POINTS:,} readings, then questions")
                    found[name] = asyncio.run(measured(engine, days=days, questions=questions))
            except PartUnavailable as error:
                found[name] = {"unavailable": str(error)}
                context.say(f"{name}: {error}")
        return {"engines": found}

    def figures(self, details: Mapping[str, Any]) -> Sequence[Figure]:
        return [figure for name, found in details["engines"].items() for figure in _figures(name, found)]


async def measured(engine: Engine, *, days: int, questions: int) -> Details:
    today_ms = to_ms(TODAY)
    async with engine as store:
        begun = time.perf_counter()
        rows = await _fill(store, days=days, today_ms=today_ms)
        appended_s = time.perf_counter() - begun
        await store.compact()
        size = (await store.stats()).bytes
        writer = Writer(store, today_ms=today_ms)
        await writer.write(seconds=LATEST_POINTS / 5_000)
        writing = asyncio.create_task(writer.run())
        try:
            series = await timed(lambda: _day(store, today_ms, days), times=questions, pause_s=0.05)
            latest = await timed(lambda: _latest(store), times=questions, pause_s=0.05)
        finally:
            writing.cancel()
            await asyncio.gather(writing, return_exceptions=True)
    assert latest.rows == questions * LATEST_POINTS
    return {
        "readings": rows, "append_per_s": rows / appended_s, "bytes_per_reading": None if size is None else size / rows,
        "series": _spread(series), "latest": _spread(latest), "writer_late_s": writer.late_s,
    }  # fmt: skip


async def _fill(store: Engine, *, days: int, today_ms: int) -> int:
    """Every point once a minute, in order of time, as devices say it: a slow wave with noise, one decimal."""
    chance = np.random.default_rng(1)
    points = np.arange(1, POINTS + 1, dtype=np.int32)
    minutes_an_append = READINGS_AN_APPEND // POINTS
    for number, first in enumerate(range(0, days * 1_440, minutes_an_append), start=1):
        minutes = np.arange(first, min(first + minutes_an_append, days * 1_440))
        at_ms = (
            today_ms - days * DAY_MS + minutes[:, None] * MINUTE_MS + chance.integers(0, 900, (len(minutes), POINTS))
        )
        value = np.round(40 + 6 * np.sin(at_ms / 1.4e7) + chance.normal(0, 0.2, at_ms.shape), 1)
        count = at_ms.size
        batch = ReadingBatch(np.tile(points, len(minutes)), at_ms.ravel(), value.ravel(), np.zeros(count, np.uint8))
        await store.append([(number, batch)])
    return days * 1_440 * POINTS


async def _day(store: Engine, today_ms: int, days: int) -> int:
    """24 hours of any point at 1-minute buckets, of the days that are closed."""
    start_ms = today_ms - days * DAY_MS + int(np.random.default_rng().integers(0, (days - 1) * 1_440 + 1)) * MINUTE_MS
    point = int(np.random.default_rng().integers(1, POINTS + 1))
    query = SeriesQuery(point_no=point, start_ms=start_ms, end_ms=start_ms + DAY_MS, bucket_ms=MINUTE_MS)
    found = len(await store.series(query))
    assert found >= 1_430
    return found


async def _latest(store: Engine) -> int:
    return len(await store.latest(range(1, LATEST_POINTS + 1)))


@contextlib.contextmanager
def _engine(name: str, folder: Path) -> Iterator[Engine]:
    clock = FakeClock(TODAY)
    with contextlib.ExitStack() as stack:
        match name:
            case "DuckDB":
                url = "duckdb:"
            case "InfluxDB":
                url = stack.enter_context(private_influx(folder))
            case _:
                url = stack.enter_context(_clickhouse_database())
        yield open_engine(TelemetrySettings(url=SecretStr(url)), folder=folder, clock=clock)


@contextlib.contextmanager
def _clickhouse_database() -> Iterator[str]:
    """A database of the bench's own on the server that was given, dropped afterwards. Raises PartUnavailable."""
    from telemetry.clickhouse_connection import ClickHouseConnection
    from telemetry.clickhouse_schema import on_cluster, quoted

    text = os.environ.get(CLICKHOUSE_URL, "")
    given = parse_engine_url(text)
    if not isinstance(given, ClickHouseUrl):
        raise PartUnavailable(f"no server: name one in {CLICKHOUSE_URL}, as HUB_TELEMETRY_URL would")
    own = replace(given, database="hub_bench")

    async def drop() -> None:
        server = ClickHouseConnection(own, query_deadline_s=60.0)
        await server.command(f"DROP DATABASE IF EXISTS {quoted(own.database)}{on_cluster(own)} SYNC")
        await server.close()

    asyncio.run(drop())
    try:
        yield text.replace(f"/{given.database}", f"/{own.database}")
    finally:
        asyncio.run(drop())


def _spread(found: Timed) -> dict[str, float]:
    return {"p50_ms": found.percentile(50), "p99_ms": found.percentile(99)}


def _figures(name: str, found: Mapping[str, Any]) -> Iterator[Figure]:
    note = found.get("unavailable", "")
    key = name.lower()

    def value(*path: str) -> float | None:
        at: Any = found
        for step in path:
            at = at.get(step) if at is not None else None
        return None if at is None else float(at)

    # The aims are those of the embedded engine, which most sites run.
    embedded = name == "DuckDB"
    for words, figure, path, unit, aim in (
        ("appended, in batches of 10,000", "append", ("append_per_s",), "readings/s", None),
        ("24 h of a point at 1 min, p50", "series_p50", ("series", "p50_ms"), "ms", None),
        ("24 h of a point at 1 min, p99", "series_p99", ("series", "p99_ms"), "ms", Aim(at_most=50)),
        ("newest value of 5,000 points, p50", "latest_p50", ("latest", "p50_ms"), "ms", Aim(at_most=20)),
        ("newest value of 5,000 points, p99", "latest_p99", ("latest", "p99_ms"), "ms", None),
        (LATE_WORDS, "writer_late", ("writer_late_s",), "s", LATE_AIM),
        ("on disk", "bytes", ("bytes_per_reading",), "bytes a reading", None),
    ):
        yield Figure(
            name=f"{key}.{figure}", words=words, column=name, value=value(*path), unit=unit,
            aim=aim if embedded else None, note=note,
        )  # fmt: skip
