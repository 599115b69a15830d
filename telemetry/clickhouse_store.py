"""The ClickHouse engine. Its tables, and how the highest sequence wins: `telemetry.clickhouse_schema`."""

# ruff: noqa: S608 - what goes into SQL is numbers of ours and quoted names

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from building.quality import Quality
from building.reading import ReadingBatch
from kit.logs import logger
from telemetry.buckets import DAY_MS, snap
from telemetry.clickhouse_connection import ClickHouseConnection, Columns
from telemetry.clickhouse_schema import (
    NEWEST,
    READINGS,
    database_statement,
    local_name,
    on_cluster,
    quoted,
    table_name,
    table_names,
    table_statements,
)
from telemetry.columns import SequencedReadings
from telemetry.engine_url import ClickHouseUrl
from telemetry.latest import latest_by_pages
from telemetry.outage import Outage
from telemetry.store import Series, SeriesQuery, StoreStats

log = logger(__name__)

POINTS_A_QUERY = 10_000
_VALUED = f"quality <= {Quality.STALE.value}"


@dataclass(frozen=True, kw_only=True)
class ClickHouseLimits:
    query_deadline_s: float = 20.0


class ClickHouseStore:
    """A TelemetryStore on a ClickHouse server or cluster, which any number of processes may share.

    `async with` opens it whether or not the server answers: readings then wait on the bus, questions are refused.
    """

    def __init__(self, url: ClickHouseUrl, *, limits: ClickHouseLimits | None = None) -> None:
        self._url = url
        self._server = ClickHouseConnection(url, query_deadline_s=(limits or ClickHouseLimits()).query_deadline_s)
        self._readings = table_name(url, READINGS)
        self._newest = table_name(url, NEWEST)
        self._insert_settings = _insert_settings(url)
        self._outage = Outage()
        self._is_prepared = False
        self._dropped_before_ms = 0

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._server.close()

    async def check(self) -> str:
        """Says what answers. Raises StoreUnreachable or StoreRefused with what to do."""
        await self._prepare()
        version = await self._server.command("SELECT version()")
        return f"{self._server.name}, version {version}"

    async def append(self, batches: Sequence[tuple[int, ReadingBatch]]) -> None:
        if not batches:
            return
        readings = SequencedReadings.of(batches)
        await self._prepare()
        columns: Columns = {
            "point_no": readings.point_no,
            "ts_ms": readings.ts_ms,
            "value": readings.value,
            "quality": readings.quality,
            "sequence": readings.seq.astype(np.uint64),
        }
        await self._server.insert(READINGS, columns, settings=self._insert_settings)

    async def latest(self, point_nos: Sequence[int]) -> ReadingBatch:
        return await latest_by_pages(point_nos, self._newest_of, points=POINTS_A_QUERY)

    async def series(self, query: SeriesQuery) -> Series:
        found = await self._ask(f"""
            SELECT intDiv(ts_ms, {query.bucket_ms}) * {query.bucket_ms} AS bucket,
                   avgIf(value, {_VALUED}) AS avg, minIf(value, {_VALUED}) AS min, maxIf(value, {_VALUED}) AS max,
                   toInt64(countIf({_VALUED})) AS count, toInt64(countIf(NOT {_VALUED})) AS bad
            FROM {self._readings} FINAL
            WHERE {_wanted([query.point_no], start_ms=query.start_ms, end_ms=query.end_ms)}
            GROUP BY bucket ORDER BY bucket""")
        count = found["count"].astype(np.int64)
        return Series(
            start_ms=snap(query.start_ms, query.bucket_ms),
            bucket_ms=query.bucket_ms,
            ts_ms=found["bucket"].astype(np.int64),
            avg=np.where(count > 0, found["avg"], np.nan),
            min=np.where(count > 0, found["min"], np.nan),
            max=np.where(count > 0, found["max"], np.nan),
            count=count,
            bad=found["bad"].astype(np.int64),
        )

    async def raw(self, point_nos: Sequence[int], *, start_ms: int, end_ms: int, limit: int) -> ReadingBatch:
        if not point_nos:
            return ReadingBatch.empty()
        return _batch(
            await self._ask(f"""
            SELECT point_no, ts_ms, value, quality FROM {self._readings} FINAL
            WHERE {_wanted(point_nos, start_ms=start_ms, end_ms=end_ms)}
            ORDER BY ts_ms, point_no LIMIT {limit}""")
        )

    async def stats(self) -> StoreStats:
        """`recent_rows` counts versions that are not merged yet; of a cluster, one replica a shard."""
        parts = f"cluster({quoted(self._url.cluster)}, system.parts)" if self._url.cluster else "system.parts"
        table = local_name(self._url, READINGS).rpartition(".")[2]
        found = await self._ask(f"""
            SELECT toInt64(sum(rows)) AS rows, toInt64(count()) AS parts, toInt64(sum(bytes_on_disk)) AS bytes,
                   (SELECT toInt64(uniqExact(point_no)) FROM {self._newest}) AS points
            FROM {parts} WHERE database = '{self._url.database}' AND table = '{table}' AND active""")
        return StoreStats(
            recent_rows=int(found["rows"][0]), segment_rows=0, segments=int(found["parts"][0]),
            bytes=int(found["bytes"][0]), points=int(found["points"][0]),
        )  # fmt: skip

    async def compact(self) -> int:
        """ClickHouse merges by itself."""
        return 0

    async def drop_before(self, ts_ms: int) -> None:
        """Whole months as partitions, which costs nothing; the days of the month that begins later one by one."""
        first_kept_ms = snap(ts_ms, DAY_MS)
        if first_kept_ms <= self._dropped_before_ms:
            return  # hardly anything older arrives
        await self._prepare()
        readings, newest = local_name(self._url, READINGS), local_name(self._url, NEWEST)
        everywhere = on_cluster(self._url)
        months = await self._server.query(
            f"""SELECT DISTINCT toYYYYMM(fromUnixTimestamp64Milli(ts_ms, 'UTC')) AS month
            FROM {self._readings} WHERE ts_ms < {first_kept_ms} AND month < {_month(first_kept_ms)} ORDER BY month"""
        )
        for month in months["month"].tolist():
            await self._server.command(f"ALTER TABLE {readings}{everywhere} DROP PARTITION {month}")
        for table, condition in (
            (readings, f"ts_ms < {first_kept_ms}"),
            (newest, f"newest.ts_ms < {first_kept_ms}"),
        ):
            sql = f"DELETE FROM {table}{everywhere} WHERE {condition}"
            await self._server.command(sql, settings={"lightweight_deletes_sync": 2})
        self._dropped_before_ms = first_kept_ms

    async def _prepare(self) -> None:
        """Makes what is missing, which an account that may only read and write need not be allowed to."""
        if self._is_prepared:
            return
        found = await self._server.query(f"SELECT name FROM system.tables WHERE database = '{self._url.database}'")
        if not table_names() <= set(found["name"].tolist()):
            for statement in (database_statement(self._url), *table_statements(self._url)):
                await self._server.command(statement)
        self._is_prepared = True

    async def _newest_of(self, point_nos: Sequence[int]) -> ReadingBatch:
        return _batch(
            await self._ask(f"""
            SELECT point_no, found.1 AS ts_ms, found.3 AS value, found.4 AS quality
            FROM (SELECT point_no, max(newest) AS found FROM {self._newest}
                  WHERE point_no IN ({_listed(point_nos)}) GROUP BY point_no)""")
        )

    async def _ask(self, sql: str) -> dict[str, Any]:
        with self._outage.refused():
            await self._prepare()
            return await self._server.query(sql, settings=_QUERY_SETTINGS)


# A reading's time decides its partition, so no two partitions hold the same one; a point lies on one shard.
_QUERY_SETTINGS: Mapping[str, Any] = {
    "do_not_merge_across_partitions_select_final": 1,
    "optimize_skip_unused_shards": 1,
}


def _insert_settings(url: ClickHouseUrl) -> Mapping[str, Any]:
    settings: dict[str, Any] = {
        "async_insert": 0,
        # A message that comes again is resolved by its sequence. ClickHouse's own way would leave out a repeated block,
        # also where the first try broke off between the table and its view.
        "insert_deduplicate": 0,
        # Devices with wrong clocks send times of many months at once.
        "max_partitions_per_insert_block": 0,
    }
    if url.cluster:
        settings |= {"distributed_foreground_insert": 1, "insert_quorum": url.quorum, "insert_quorum_timeout": 20_000}
    return settings


def _wanted(point_nos: Sequence[int], *, start_ms: int, end_ms: int) -> str:
    points = f"point_no = {int(point_nos[0])}" if len(point_nos) == 1 else f"point_no IN ({_listed(point_nos)})"
    return f"{points} AND ts_ms >= {start_ms} AND ts_ms < {end_ms}"


def _listed(point_nos: Sequence[int]) -> str:
    return ", ".join(str(int(point)) for point in point_nos)


def _batch(columns: Columns) -> ReadingBatch:
    return ReadingBatch(
        columns["point_no"].astype(np.int32), columns["ts_ms"].astype(np.int64),
        columns["value"].astype(np.float64), columns["quality"].astype(np.uint8),
    )  # fmt: skip


def _month(ts_ms: int) -> int:
    at = np.datetime64(ts_ms, "ms").astype("datetime64[M]").item()
    return int(at.year * 100 + at.month)
