"""The generators and parsers behind the bench of store and desk."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import cast

import pytest

from benchmarks.orders.part import OrdersPart, parse_wrk
from benchmarks.telemetry.asking import Writer
from benchmarks.telemetry.disk_part import DiskPart
from benchmarks.telemetry.year import Kind, YearPlan, make_year
from building.reading import ReadingBatch
from kit.clock import FakeClock, from_ms
from telemetry.buckets import DAY_MS
from telemetry.duckdb_store import DuckDbStore
from telemetry.store import SeriesQuery, TelemetryStore

PLAN = YearPlan(
    days=3, end_day=20_779, seed=4, kinds=(Kind(points=3, interval_s=600, decimals=1, wave=5.0, noise=0.5),)
)  # fmt: skip


def test_a_generated_year_is_a_store_like_any_other_and_is_made_once(tmp_path: Path) -> None:
    folder, said = tmp_path / "year", list[str]()
    make_year(folder, PLAN, say=said.append)
    made = {path: path.stat().st_mtime_ns for path in (folder / "segments").iterdir()}
    make_year(folder, PLAN, say=said.append)
    assert {path: path.stat().st_mtime_ns for path in (folder / "segments").iterdir()} == made

    async def look() -> tuple[int, int, int]:
        async with DuckDbStore(folder, clock=FakeClock(from_ms(PLAN.end_day * DAY_MS))) as store:
            start_ms, end_ms = (PLAN.end_day - 3) * DAY_MS, PLAN.end_day * DAY_MS
            raw = await store.raw([1, 2, 3], start_ms=start_ms, end_ms=end_ms, limit=10_000)
            query = SeriesQuery(point_no=2, start_ms=start_ms, end_ms=end_ms, bucket_ms=3_600_000)
            series = await store.series(query)
            return len(raw), len(series), int(series.count.sum())

    assert asyncio.run(look()) == (PLAN.readings, 72, PLAN.readings // 3)


def test_rate_latency_and_failures_are_read_from_what_wrk_prints() -> None:
    latency = "  Latency Distribution\n     50%   12.10ms\n     99%    1.20s\n"
    printed = f"{latency}  Non-2xx or 3xx responses: 3\nRequests/sec:    321.5\n"
    assert parse_wrk(printed) == {"rate": 321.5, "p99": 1200.0, "failed": 3.0}
    unanswered = "  Socket errors: connect 1, read 2, write 0, timeout 4\n"
    assert parse_wrk(unanswered + printed)["failed"] == 10.0
    assert parse_wrk(f"{latency}Requests/sec:    321.5\n")["failed"] == 0.0
    with pytest.raises(ValueError, match="neither"):
        parse_wrk("unable to connect")


def test_requests_that_were_answered_by_an_error_miss_an_aim() -> None:
    load = {"site_open": {"rate": 9_000.0, "p99": 1.0, "failed": 9_000.0}}
    by_name = {figure.name: figure for figure in OrdersPart().figures({"questions": {}, "load": load})}
    assert by_name["orders.site_open.errors"].is_met is False
    assert by_name["orders.order.errors"].value is None


class SlowStore:
    """Takes its time for each append."""

    def __init__(self, *, append_s: float) -> None:
        self._append_s = append_s

    async def append(self, batches: Sequence[tuple[int, ReadingBatch]]) -> None:
        await asyncio.sleep(self._append_s)


@pytest.mark.parametrize("append_s", [0.15, 60.0], ids=["slower than its pace", "never returning"])
async def test_a_writer_that_cannot_keep_its_pace_is_late(append_s: float) -> None:
    writer = Writer(cast("TelemetryStore", SlowStore(append_s=append_s)), today_ms=0)
    writing = asyncio.create_task(writer.run())
    await asyncio.sleep(0.5)
    writing.cancel()
    await asyncio.gather(writing, return_exceptions=True)
    assert writer.late_s > 0.04


def test_the_disk_part_says_how_many_days_were_played() -> None:
    details = {"hours": 72, "readings": 1, "bytes": 2, "database_mb": 1.0, "by_kind": {}}
    assert "3 day(s) played" in DiskPart().figures(details)[0].words
    assert "2 hours played" in DiskPart().figures(details | {"hours": 2})[0].words
