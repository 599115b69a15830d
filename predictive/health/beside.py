"""The leading point of an equipment beside the same point of its like, at the same load, out of the store."""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

import numpy as np

from catalog.directory import EquipmentEntry, PointEntry
from kit.clock import to_ms
from kit.errors import DomainError
from kit.logs import logger
from predictive.health.standing import Comparison, Floats, compare, load_point
from telemetry.buckets import HOUR_MS
from telemetry.store import SeriesQuery, TelemetryQueries

log = logger(__name__)

HOURS: Final = 72
MOST_PEERS: Final = 24
_PATIENCE_S: Final = 15.0


class Beside:
    def __init__(self, queries: TelemetryQueries) -> None:
        self._queries = queries

    async def compare(
        self, entry: EquipmentEntry, point_key: str, peers: Sequence[EquipmentEntry], *, now: datetime
    ) -> Comparison | None:
        """None where the store is slow or away, too: a comparison is told beside a figure, the figure stands."""
        point = entry.points.get(point_key)
        others = [peer for peer in peers if peer is not entry and point_key in peer.points][:MOST_PEERS]
        if point is None or not others:
            return None
        try:
            async with asyncio.timeout(_PATIENCE_S):
                return await self._compared(entry, point, others, now)
        except (DomainError, TimeoutError) as error:
            log.warning("not compared", equipment_id=str(entry.equipment_id), error=repr(error))
            return None

    async def _compared(
        self, entry: EquipmentEntry, point: PointEntry, others: Sequence[EquipmentEntry], now: datetime
    ) -> Comparison | None:
        load = load_point(entry, besides=point.key)
        mine = await self._hours(point, now)
        theirs = np.stack([await self._hours(peer.points[point.key], now) for peer in others])
        if load is None or any(load.key not in peer.points for peer in others):
            return compare(point.key, mine=mine, my_load=None, theirs=theirs, their_load=None, load_key=None)
        my_load = await self._hours(load, now)
        their_load = np.stack([await self._hours(peer.points[load.key], now) for peer in others])
        return compare(
            point.key, mine=mine, my_load=my_load, theirs=theirs, their_load=their_load, load_key=load.key
        )  # fmt: skip

    async def _hours(self, point: PointEntry, now: datetime) -> Floats:
        """float64[HOURS]: the mean of each hour, the newest last; NaN where nothing was read."""
        end_ms = to_ms(now) // HOUR_MS * HOUR_MS
        start_ms = to_ms(now - timedelta(hours=HOURS)) // HOUR_MS * HOUR_MS
        query = SeriesQuery(point_no=point.point_no, start_ms=start_ms, end_ms=end_ms, bucket_ms=HOUR_MS)
        series = await self._queries.series(query)
        hours = np.full(HOURS, np.nan)
        hours[(series.ts_ms - start_ms) // HOUR_MS] = series.avg
        return hours
