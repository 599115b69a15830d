"""The tables readings lie in on ClickHouse, pure text. Every statement may run again and changes nothing then.

`readings` keeps the highest sequence of each (point, time): ReplacingMergeTree drops the others when it merges, and
queries say FINAL for what is not merged yet. `newest` holds each point's newest reading, fed by a view on every insert,
so that latest values need not look through history. With a cluster each shard has replicated `…_local` tables, and
distributed ones of the plain name in front: a point lies on one shard, so that FINAL is right there.
"""

from collections.abc import Sequence

from telemetry.engine_url import ClickHouseUrl

READINGS = "readings"
NEWEST = "newest"
_VIEW = "newest_of_readings"

_READINGS_COLUMNS = """(
    point_no Int32 CODEC(Delta, ZSTD),
    ts_ms Int64 CODEC(DoubleDelta, ZSTD),
    value Float64 CODEC(Gorilla, ZSTD),
    quality UInt8 CODEC(ZSTD),
    sequence UInt64 CODEC(Delta, ZSTD),
    at DateTime64(3, 'UTC') ALIAS fromUnixTimestamp64Milli(ts_ms, 'UTC')
)"""
_NEWEST_COLUMNS = """(
    point_no Int32,
    newest SimpleAggregateFunction(max, Tuple(ts_ms Int64, sequence UInt64, value Float64, quality UInt8))
)"""
# An insert is answered when it has reached the disk: what the hub then acknowledges survives a power cut.
_DURABLE = "SETTINGS fsync_after_insert = 1, fsync_part_directory = 1"


def table_names() -> frozenset[str]:
    """Of the tables that queries name; where all are there, nothing is to be made."""
    return frozenset({READINGS, NEWEST})


def local_name(url: ClickHouseUrl, table: str) -> str:
    """The table that holds the data on each server, qualified."""
    return f"{quoted(url.database)}.{table}_local" if url.cluster else f"{quoted(url.database)}.{table}"


def table_name(url: ClickHouseUrl, table: str) -> str:
    """The table that is written to and asked, qualified."""
    return f"{quoted(url.database)}.{table}"


def on_cluster(url: ClickHouseUrl) -> str:
    return f" ON CLUSTER {quoted(url.cluster)}" if url.cluster else ""


def database_statement(url: ClickHouseUrl) -> str:
    return f"CREATE DATABASE IF NOT EXISTS {quoted(url.database)}{on_cluster(url)}"


def table_statements(url: ClickHouseUrl) -> Sequence[str]:
    """In this order: the view comes before anything can be inserted by way of a distributed table."""
    readings, newest = local_name(url, READINGS), local_name(url, NEWEST)
    local = (
        f"CREATE TABLE IF NOT EXISTS {readings}{on_cluster(url)} {_READINGS_COLUMNS}\n"
        f"ENGINE = {_engine(url, 'ReplacingMergeTree', 'sequence')}\n"
        "PARTITION BY toYYYYMM(fromUnixTimestamp64Milli(ts_ms, 'UTC'))\n"
        f"ORDER BY (point_no, ts_ms)\n{_DURABLE}",
        f"CREATE TABLE IF NOT EXISTS {newest}{on_cluster(url)} {_NEWEST_COLUMNS}\n"
        f"ENGINE = {_engine(url, 'AggregatingMergeTree')}\n"
        f"ORDER BY point_no\n{_DURABLE}",
        f"CREATE MATERIALIZED VIEW IF NOT EXISTS {quoted(url.database)}.{_VIEW}{on_cluster(url)} TO {newest} AS\n"
        f"SELECT point_no, max(tuple(ts_ms, sequence, value, quality)) AS newest FROM {readings} GROUP BY point_no",
    )
    if not url.cluster:
        return local
    return (*local, _distributed(url, READINGS), _distributed(url, NEWEST))


def _engine(url: ClickHouseUrl, name: str, *arguments: str) -> str:
    if not url.cluster:
        return f"{name}({', '.join(arguments)})"
    # The macros are the servers' own: which shard and replica each of them is.
    path = "'/clickhouse/tables/{shard}/{database}/{table}'"
    return f"Replicated{name}({', '.join((path, repr('{replica}'), *arguments))})"


def _distributed(url: ClickHouseUrl, table: str) -> str:
    return (
        f"CREATE TABLE IF NOT EXISTS {table_name(url, table)}{on_cluster(url)} AS {local_name(url, table)}\n"
        f"ENGINE = Distributed({_text(url.cluster)}, {_text(url.database)}, {table}_local, intHash64(point_no))"
    )


def quoted(name: str) -> str:
    """An identifier."""
    return "`" + name.replace("\\", "\\\\").replace("`", "\\`") + "`"


def _text(value: str) -> str:
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"
