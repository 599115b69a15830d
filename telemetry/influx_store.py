"""The InfluxDB engine. How readings lie there, and how the highest sequence wins: `telemetry.influx_lines`."""

# ruff: noqa: S608 - InfluxQL has no parameters; what goes into its text is numbers of ours and a checked name

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from building.reading import ReadingBatch
from kit.clock import Clock, to_ms
from kit.logs import logger
from telemetry.buckets import DAY_MS, snap
from telemetry.columns import SequencedReadings
from telemetry.engine_url import InfluxUrl
from telemetry.errors import QueryTooSlow, StoreRefused
from telemetry.influx_connection import InfluxConnection, Result
from telemetry.influx_lines import MEASUREMENT, NS_A_MS, Versions, check_storable, line_bodies
from telemetry.latest import latest_by_pages
from telemetry.outage import Outage
from telemetry.rollup import empty_series, roll_up, with_buckets_replaced
from telemetry.store import Series, SeriesQuery, StoreStats

log = logger(__name__)

HOUR_MS = 3_600_000
POINTS_A_QUERY = 5_000
# Of a point that is not silent one of the first two holds its newest reading; each looks through fewer shards.
LATEST_WITHIN_MS = (HOUR_MS, DAY_MS)


@dataclass(frozen=True, kw_only=True)
class InfluxLimits:
    """`rows_a_page`: readings in one answer. `rolled_up_here`: a series of at most so many readings is fetched and
    rolled up by us, which is faster than asking for many buckets; a longer one is rolled up by the server."""

    query_deadline_s: float = 20.0
    rows_a_page: int = 50_000
    rolled_up_here: int = 20_000


class InfluxStore:
    """A TelemetryStore on an InfluxDB server, which any number of processes may share.

    `async with` opens it whether or not the server answers: readings then wait on the bus, questions are refused.
    """

    def __init__(self, url: InfluxUrl, *, clock: Clock, limits: InfluxLimits | None = None) -> None:
        self._url = url
        self._clock = clock
        self._limits = limits or InfluxLimits()
        self._server = InfluxConnection(url, query_deadline_s=self._limits.query_deadline_s)
        self._outage = Outage()
        self._is_prepared = False
        self._dropped_before_ms = 0

    async def __aenter__(self) -> Self:
        await self._server.__aenter__()
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._server.__aexit__(*exc)

    async def check(self) -> str:
        """Says what answers. Raises StoreUnreachable or StoreRefused with what to do."""
        (fields,) = await self._ask(f"SHOW FIELD KEYS FROM {MEASUREMENT}")
        found = {name: kind for name, kind, *_ in fields.rows}
        if found.get("stamp", "integer") != "integer" or found.get("value", "float") != "float":
            raise StoreRefused(f"{self._server.name} holds other things under `{MEASUREMENT}`: give the hub its own")
        return self._server.name

    async def append(self, batches: Sequence[tuple[int, ReadingBatch]]) -> None:
        if not batches:
            return
        readings = SequencedReadings.of(batches)
        check_storable(readings)
        await self._prepare()
        bodies = line_bodies(readings)
        while (body := await asyncio.to_thread(next, bodies, None)) is not None:
            await self._server.write(body)

    async def latest(self, point_nos: Sequence[int]) -> ReadingBatch:
        with self._outage.refused():
            return await latest_by_pages(point_nos, self._newest, points=POINTS_A_QUERY)

    async def series(self, query: SeriesQuery) -> Series:
        with self._outage.refused():
            rows = self._limits.rolled_up_here
            if rows:
                page, rest_ms = await self._page(
                    [query.point_no], start_ms=query.start_ms, end_ms=query.end_ms, rows=rows
                )
                if rest_ms is None:
                    return roll_up(page.resolved(), query)
            return await self._rolled_up_by_the_server(query)

    async def raw(self, point_nos: Sequence[int], *, start_ms: int, end_ms: int, limit: int) -> ReadingBatch:
        parts: list[ReadingBatch] = []
        left, next_ms = limit, start_ms if point_nos else None
        with self._outage.refused():
            while left > 0 and next_ms is not None:
                rows = min(left + 1, self._limits.rows_a_page)
                page, next_ms = await self._page(point_nos, start_ms=next_ms, end_ms=end_ms, rows=rows)
                parts.append(page.resolved())
                left -= len(parts[-1])
        if not parts:
            return ReadingBatch.empty()
        found = ReadingBatch.concat(parts)
        return ReadingBatch(found.point_no[:limit], found.ts_ms[:limit], found.value[:limit], found.quality[:limit])

    async def stats(self) -> StoreStats:
        """`recent_rows` counts versions, for which InfluxDB reads them all: unknown where that takes too long."""
        rows: int | None = None
        points: int | None = None
        with self._outage.refused():
            try:
                (counted,) = await self._ask(
                    "SELECT sum(rows), count(rows) FROM "
                    f"(SELECT count(stamp) AS rows FROM {MEASUREMENT} GROUP BY point)"
                )
                _, rows, points = counted.rows[0] if counted.rows else (0, 0, 0)
            except QueryTooSlow:
                log.info("too many readings to be counted within the deadline of a query")
            size = await self._bytes()
        return StoreStats(recent_rows=rows, segment_rows=0, segments=0, bytes=size, points=points)

    async def compact(self) -> int:
        """InfluxDB compacts by itself."""
        return 0

    async def drop_before(self, ts_ms: int) -> None:
        first_kept_ms = snap(ts_ms, DAY_MS)
        if first_kept_ms <= self._dropped_before_ms:
            return  # hardly anything older arrives, and a delete looks through every shard
        await self._prepare()
        if self._url.version < 3:
            await self._server.delete_before(first_kept_ms)
        else:
            log.info("InfluxDB 3 forgets by the retention period of its database", before_ms=first_kept_ms)
        self._dropped_before_ms = first_kept_ms

    async def _prepare(self) -> None:
        """Makes the database where an account may; where it may not, whoever writes or asks is told what is missing."""
        if self._is_prepared:
            return
        if self._url.version == 1:
            await self._server.create_database()
        self._is_prepared = True

    async def _ask(self, *statements: str) -> list[Result]:
        await self._prepare()
        return await self._server.ask(*statements)

    async def _newest(self, point_nos: Sequence[int]) -> ReadingBatch:
        now_ms = to_ms(self._clock.now())
        missing, parts = list(point_nos), [Versions.of([], point_no=0)]
        for start_ms in (*(now_ms - width_ms for width_ms in LATEST_WITHIN_MS), None):
            found = await self._newest_since(missing, start_ms)
            parts.append(found)
            missing = sorted(set(missing) - set(found.point_no.tolist()))
            if not missing:
                break
        newest = Versions.concat(parts).resolved()
        # Of each point the two newest versions came: mostly two readings, of which the later counts.
        is_last = np.ones(len(newest), np.bool_)
        order = np.lexsort((newest.ts_ms, newest.point_no))
        is_last[:-1] = newest.point_no[order][1:] != newest.point_no[order][:-1]
        kept = order[is_last]
        return ReadingBatch(newest.point_no[kept], newest.ts_ms[kept], newest.value[kept], newest.quality[kept])

    async def _newest_since(self, point_nos: Sequence[int], start_ms: int | None) -> Versions:
        found = await self._newest_rows(point_nos, start_ms, limit=2)
        parts = [Versions.of([], point_no=0)]
        for point_no, rows in found.items():
            if len(rows) == 2 and rows[0][0] == rows[1][0]:
                # Two versions of the newest reading: there may be more.
                rows = await self._rows([point_no], start_ms=rows[0][0], end_ms=rows[0][0] + 1)
            parts.append(Versions.of(rows, point_no=point_no))
        whole = Versions.concat(parts)
        unfinished = sorted(set(found) - set(whole.point_no.tolist()))
        if not unfinished:
            return whole
        # A message of many readings of a point, which is being written: what was there before it counts.
        deeper = await self._newest_rows(unfinished, start_ms, limit=_READINGS_BEING_WRITTEN)
        return Versions.concat([whole, *(Versions.of(rows, point_no=point) for point, rows in deeper.items())])

    async def _newest_rows(
        self, point_nos: Sequence[int], start_ms: int | None, *, limit: int
    ) -> dict[int, list[list[Any]]]:
        """Of each point that has any, newest first."""
        since = "" if start_ms is None else f" AND time >= {start_ms * NS_A_MS}"
        (result,) = await self._ask(
            f"SELECT stamp, value FROM {MEASUREMENT} WHERE {_of_points(point_nos)}{since} "
            f"GROUP BY point ORDER BY time DESC LIMIT {limit}"
        )
        return {int(series.tags["point"]): series.values for series in result.series}

    async def _rolled_up_by_the_server(self, query: SeriesQuery) -> Series:
        """The server's own aggregates count every version. Where a millisecond holds several, the bucket is fetched and
        rolled up here; looked for after the aggregates were made, so that none is missed."""
        where = f"{_of_points([query.point_no])} AND {_within(query.start_ms, query.end_ms)}"
        rolled, doubled = await self._ask(
            f"SELECT mean(value), min(value), max(value), count(value), count(stamp) FROM {MEASUREMENT} "
            f"WHERE {where} GROUP BY time({query.bucket_ms}ms) fill(none)",
            f"SELECT gap FROM (SELECT elapsed(stamp, 1ms) AS gap FROM {MEASUREMENT} WHERE {where}) WHERE gap < 1",
        )
        series = _series_of(rolled, query)
        for start_ms, end_ms in _runs({snap(row[0], query.bucket_ms) for row in doubled.rows}, query.bucket_ms):
            start_ms, end_ms = max(start_ms, query.start_ms), min(end_ms, query.end_ms)
            fresh = await self.raw([query.point_no], start_ms=start_ms, end_ms=end_ms, limit=_ALL)
            series = with_buckets_replaced(series, roll_up(fresh, query))
        return series

    async def _page(
        self, point_nos: Sequence[int], *, start_ms: int, end_ms: int, rows: int
    ) -> tuple[Versions, int | None]:
        """About `rows` versions of whole instants, oldest first, and where to go on; None: nothing is left."""
        found = await self._rows(point_nos, start_ms=start_ms, end_ms=end_ms, limit=rows)
        if len(found) < rows:
            return _versions(found, point_nos), None
        last_ms = int(found[-1][0])
        # The limit may have cut the last instant in two.
        last = await self._rows(point_nos, start_ms=last_ms, end_ms=last_ms + 1)
        return _versions([row for row in found if row[0] < last_ms] + last, point_nos), last_ms + 1

    async def _rows(
        self, point_nos: Sequence[int], *, start_ms: int, end_ms: int, limit: int | None = None
    ) -> list[list[Any]]:
        columns = "stamp, value" if len(point_nos) == 1 else "stamp, value, point"
        cut = "" if limit is None else f" LIMIT {limit}"
        (result,) = await self._ask(
            f"SELECT {columns} FROM {MEASUREMENT} WHERE {_of_points(point_nos)} AND {_within(start_ms, end_ms)}{cut}"
        )
        return result.rows

    async def _bytes(self) -> int | None:
        if self._url.version != 1:
            return None
        try:
            (shards,) = await self._ask("SHOW STATS FOR 'shard'")
        except StoreRefused:  # for administrators only
            return None
        of_ours = [series for series in shards.series if series.tags.get("database") == self._url.database]
        return sum(int(row[series.columns.index("diskBytes")]) for series in of_ours for row in series.values)


_ALL = 2**62
_READINGS_BEING_WRITTEN = 1_000


def _versions(rows: Sequence[Sequence[Any]], point_nos: Sequence[int]) -> Versions:
    return Versions.of(rows, point_no=point_nos[0] if len(point_nos) == 1 else None)


def _of_points(point_nos: Sequence[int]) -> str:
    if len(point_nos) == 1:
        return f"point = '{int(point_nos[0])}'"
    # Sorted as text, neighbours share their beginnings: the server's pattern is then ten times as fast.
    return f"point =~ /^({'|'.join(sorted(str(int(point)) for point in point_nos))})$/"


def _within(start_ms: int, end_ms: int) -> str:
    return f"time >= {start_ms * NS_A_MS} AND time < {end_ms * NS_A_MS}"


def _series_of(rolled: Result, query: SeriesQuery) -> Series:
    if not rolled.rows:
        return empty_series(query)
    ts_ms, avg, low, high, count, every = zip(*rolled.rows, strict=True)
    counted = np.array([number or 0 for number in count], np.int64)
    return Series(
        start_ms=snap(query.start_ms, query.bucket_ms),
        bucket_ms=query.bucket_ms,
        ts_ms=np.array(ts_ms, np.int64),
        avg=_floats(avg),
        min=_floats(low),
        max=_floats(high),
        count=counted,
        bad=np.array([number or 0 for number in every], np.int64) - counted,
    )


def _floats(column: Iterable[Any]) -> "np.ndarray[Any, np.dtype[np.float64]]":
    return np.array([np.nan if number is None else number for number in column], np.float64)


def _runs(buckets: Iterable[int], bucket_ms: int) -> Iterator[tuple[int, int]]:
    """Periods that cover the buckets, neighbours joined."""
    start_ms = end_ms = None
    for bucket in sorted(buckets):
        if end_ms is not None and bucket > end_ms:
            assert start_ms is not None
            yield start_ms, end_ms
            start_ms = None
        start_ms = bucket if start_ms is None else start_ms
        end_ms = bucket + bucket_ms
    if start_ms is not None and end_ms is not None:
        yield start_ms, end_ms
