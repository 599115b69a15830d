"""Readings and the days they are from, for the contract of the engines."""

from collections.abc import Sequence

from building.quality import Quality
from building.reading import Reading, ReadingBatch
from kit.clock import to_ms
from telemetry.store import TelemetryStore
from tests.contracts.engines import NOW

NOW_MS = to_ms(NOW)
DAY_MS = 86_400_000
TODAY_MS = NOW_MS - NOW_MS % DAY_MS
YESTERDAY_MS = TODAY_MS - DAY_MS


def batch(*readings: tuple[int, int, float] | tuple[int, int, float, Quality]) -> ReadingBatch:
    return ReadingBatch.of([Reading(*reading) for reading in readings])


async def everything(store: TelemetryStore, *points: int) -> list[Reading]:
    return list(await store.raw(points or [1], start_ms=NOW_MS - 900 * DAY_MS, end_ms=NOW_MS + DAY_MS, limit=100_000))


def rows_of(readings: Sequence[Reading]) -> list[tuple[int, int, float, Quality]]:
    return [(r.point_no, r.ts_ms, r.value, r.quality) for r in readings]
