"""The store's questions over the bus: the process that owns the store serves them, every other asks the same protocol.

One subject, one request at a time: a kind, its arguments, and the answer's columns as bytes.
"""

from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Protocol

import msgspec
import numpy as np

from building.reading import ReadingBatch
from bus import codec
from bus.errors import NobodyAnswers, RequestFailed
from telemetry.errors import QueryTooSlow, StoreUnavailable
from telemetry.store import Series, SeriesQuery, StoreStats, TelemetryQueries

SUBJECT = "telemetry.query"
ANSWER_TIMEOUT_S = 25.0
SNAPSHOT_TIMEOUT_S = 1800.0
# Of 21 bytes each; the bus carries messages of 1 MiB.
MAX_READINGS_AN_ANSWER = 40_000

Columns = dict[str, bytes]
# Copies the whole store to a folder that is not there yet.
Copy = Callable[[Path], Awaitable[None]]


class RequestingBus(Protocol):
    async def request(self, subject: str, payload: bytes, *, timeout_s: float) -> bytes: ...


class ServingBus(Protocol):
    async def serve(self, subject: str, handler: Callable[[bytes], Awaitable[bytes]]) -> None: ...


class LatestAsked(msgspec.Struct, tag="latest", frozen=True):
    point_nos: list[int]


class SeriesAsked(msgspec.Struct, tag="series", frozen=True):
    query: SeriesQuery


class RawAsked(msgspec.Struct, tag="raw", frozen=True):
    point_nos: list[int]
    start_ms: int
    end_ms: int
    limit: int


class StatsAsked(msgspec.Struct, tag="stats", frozen=True):
    pass


class SnapshotAsked(msgspec.Struct, tag="snapshot", frozen=True):
    folder: str


class SeriesAnswer(msgspec.Struct, tag="series", frozen=True):
    start_ms: int
    bucket_ms: int
    columns: Columns


class ReadingsAnswer(msgspec.Struct, tag="readings", frozen=True):
    batch: bytes


class StatsAnswer(msgspec.Struct, tag="stats", frozen=True):
    stats: StoreStats


class SnapshotAnswer(msgspec.Struct, tag="snapshot", frozen=True):
    pass


class UnavailableAnswer(msgspec.Struct, tag="unavailable", frozen=True):
    pass


class TooSlowAnswer(msgspec.Struct, tag="too_slow", frozen=True):
    deadline_s: float


Asked = LatestAsked | SeriesAsked | RawAsked | StatsAsked | SnapshotAsked
Answer = SeriesAnswer | ReadingsAnswer | StatsAnswer | SnapshotAnswer | TooSlowAnswer | UnavailableAnswer

_SERIES_TYPES = {"ts_ms": "<i8", "avg": "<f8", "min": "<f8", "max": "<f8", "count": "<i8", "bad": "<i8"}


class TelemetryServer:
    """Answers for a store; `copy` is for one that can be copied. `run` serves until cancelled."""

    def __init__(self, *, bus: ServingBus, store: TelemetryQueries, copy: Copy | None = None) -> None:
        self._bus = bus
        self._store = store
        self._copy = copy

    async def run(self) -> None:
        await self._bus.serve(SUBJECT, self.answer)

    async def answer(self, payload: bytes) -> bytes:
        """Raises msgspec.DecodeError for a payload that asks nothing known; the bus tells the asker."""
        asked = msgspec.msgpack.decode(payload, type=Asked)
        try:
            return msgspec.msgpack.encode(await self._answered(asked))
        except QueryTooSlow as slow:
            return msgspec.msgpack.encode(TooSlowAnswer(slow.deadline_s))
        except StoreUnavailable:
            return msgspec.msgpack.encode(UnavailableAnswer())

    async def _answered(self, asked: Asked) -> Answer:
        match asked:
            case LatestAsked():
                return ReadingsAnswer(codec.encode(await self._store.latest(asked.point_nos)))
            case SeriesAsked():
                return _packed(await self._store.series(asked.query))
            case RawAsked():
                limit = min(asked.limit, MAX_READINGS_AN_ANSWER)
                batch = await self._store.raw(
                    asked.point_nos, start_ms=asked.start_ms, end_ms=asked.end_ms, limit=limit
                )
                return ReadingsAnswer(codec.encode(batch))
            case StatsAsked():
                return StatsAnswer(await self._store.stats())
            case SnapshotAsked():
                if self._copy is None:
                    raise StoreUnavailable
                await self._copy(Path(asked.folder))
                return SnapshotAnswer()


class RemoteTelemetry:
    """TelemetryQueries of the store that another process owns. Raises StoreUnavailable when it does not answer."""

    def __init__(self, bus: RequestingBus) -> None:
        self._bus = bus

    async def latest(self, point_nos: Sequence[int]) -> ReadingBatch:
        parts = [
            await self._readings(LatestAsked(list(point_nos[at : at + MAX_READINGS_AN_ANSWER])))
            for at in range(0, len(point_nos), MAX_READINGS_AN_ANSWER)
        ]
        return ReadingBatch.concat(parts) if parts else ReadingBatch.empty()

    async def series(self, query: SeriesQuery) -> Series:
        answer = await self._ask(SeriesAsked(query))
        assert isinstance(answer, SeriesAnswer)
        columns = {name: np.frombuffer(answer.columns[name], dtype) for name, dtype in _SERIES_TYPES.items()}
        return Series(start_ms=answer.start_ms, bucket_ms=answer.bucket_ms, **columns)

    async def raw(self, point_nos: Sequence[int], *, start_ms: int, end_ms: int, limit: int) -> ReadingBatch:
        """Asks in pages that fit a message; an instant that a page may have cut in two is asked for again whole."""
        assert len(point_nos) < MAX_READINGS_AN_ANSWER  # so that a full page holds two instants at least
        parts: list[ReadingBatch] = []
        while limit > MAX_READINGS_AN_ANSWER:
            page = await self._readings(RawAsked(list(point_nos), start_ms, end_ms, MAX_READINGS_AN_ANSWER))
            if len(page) < MAX_READINGS_AN_ANSWER:
                return ReadingBatch.concat([*parts, page])
            start_ms = int(page.ts_ms[-1])
            parts.append(page.where(page.ts_ms < start_ms))
            limit -= len(parts[-1])
        parts.append(await self._readings(RawAsked(list(point_nos), start_ms, end_ms, limit)))
        return ReadingBatch.concat(parts)

    async def stats(self) -> StoreStats:
        answer = await self._ask(StatsAsked())
        assert isinstance(answer, StatsAnswer)
        return answer.stats

    async def snapshot(self, target: Path) -> None:
        """Lets the process that owns the store copy it to a folder of its machine."""
        await self._ask(SnapshotAsked(str(target)), timeout_s=SNAPSHOT_TIMEOUT_S)

    async def _readings(self, asked: Asked) -> ReadingBatch:
        answer = await self._ask(asked)
        assert isinstance(answer, ReadingsAnswer)
        return codec.decode(answer.batch)

    async def _ask(self, asked: Asked, *, timeout_s: float = ANSWER_TIMEOUT_S) -> Answer:
        try:
            raw = await self._bus.request(SUBJECT, msgspec.msgpack.encode(asked), timeout_s=timeout_s)
        except (NobodyAnswers, RequestFailed) as error:
            raise StoreUnavailable from error
        answer: Answer = msgspec.msgpack.decode(raw, type=Answer)
        if isinstance(answer, TooSlowAnswer):
            raise QueryTooSlow(deadline_s=answer.deadline_s)
        if isinstance(answer, UnavailableAnswer):
            raise StoreUnavailable
        return answer


def _packed(series: Series) -> SeriesAnswer:
    columns = {name: getattr(series, name).astype(dtype, copy=False).tobytes() for name, dtype in _SERIES_TYPES.items()}
    return SeriesAnswer(series.start_ms, series.bucket_ms, columns)
