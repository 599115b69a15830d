"""A store of readings that a test made."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from building.reading import ReadingBatch
from telemetry.errors import QueryTooSlow, StoreUnavailable
from telemetry.store import Series, SeriesQuery, StoreStats, TelemetryQueries


class Store(TelemetryQueries):
    """`slow`: a point whose readings never come in time. `is_away`: it answers nobody."""

    def __init__(self, readings: ReadingBatch) -> None:
        self._readings = readings
        self.slow: int | None = None
        self.is_away = False

    async def raw(self, point_nos: Sequence[int], *, start_ms: int, end_ms: int, limit: int) -> ReadingBatch:
        if self.is_away:
            raise StoreUnavailable
        if self.slow in point_nos:
            raise QueryTooSlow(deadline_s=10)
        ts_ms = self._readings.ts_ms
        asked = (ts_ms >= start_ms) & (ts_ms < end_ms) & np.isin(self._readings.point_no, point_nos)
        found = self._readings.where(asked)
        return found.where(np.arange(len(found)) < limit)

    async def latest(self, point_nos: Sequence[int]) -> ReadingBatch:
        raise AssertionError("days are made of readings")

    async def series(self, query: SeriesQuery) -> Series:
        raise AssertionError("days are made of readings")

    async def stats(self) -> StoreStats:
        raise AssertionError("days are made of readings")


def batch(number: NDArray[np.int32], ts_ms: NDArray[np.int64], values: NDArray[np.float64]) -> ReadingBatch:
    return ReadingBatch(number, ts_ms.astype(np.int64), values.astype(np.float64), np.zeros(len(number), np.uint8))
