"""The generators and parsers behind the bench of store and desk."""

import asyncio
from pathlib import Path

import pytest

from benchmarks.orders.part import parse_wrk
from benchmarks.telemetry.year import Kind, YearPlan, make_year
from kit.clock import FakeClock, from_ms
from telemetry.buckets import DAY_MS
from telemetry.duckdb_store import DuckDbStore
from telemetry.store import SeriesQuery

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
    with pytest.raises(ValueError, match="neither"):
        parse_wrk("unable to connect")
