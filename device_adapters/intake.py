"""What every adapter hands its readings to: grouped by partition, a short wait for company, done once on the bus.

Life-safety readings never linger and never wait for ordinary ones. What cannot be used goes on the refusal line.
"""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, Self
from uuid import UUID

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from building.reading import Reading, ReadingBatch
from catalog.directory import EquipmentEntry
from device_adapters.refusals import Done, RefusalLine, UnknownMessage
from device_adapters.values import Reason
from kit.crash_points import CrashPoint, crash_here

Entries = Sequence[tuple[EquipmentEntry, Sequence[Reading]]]


class ReadingBus(Protocol):
    """The part of `bus.client.Bus` that takes batches."""

    async def publish(self, partition: int, batch: ReadingBatch, *, life_safety: bool = False) -> int: ...


@dataclass(frozen=True)
class Linger:
    """How long readings wait for company before they go to the bus.

    While it is quiet (the last flush is `quiet_s` ago) a reading waits `alone_s` only. Under load a flush waits up to
    `limit_s`, less when `lull_s` brings nothing new (a broker that waits for our acknowledgements will send no more),
    or when `enough` readings wait.
    """

    alone_s: float = 0.001
    lull_s: float = 0.004
    limit_s: float = 0.020
    quiet_s: float = 0.1
    enough: int = 4_000


# One bus message holds so many at most: 210 KB, well below what any NATS server takes.
MAX_BATCH = 10_000

# Readings that may wait or be under way to the bus before `submit` itself waits: back-pressure to the adapters.
MAX_WAITING = 200_000

GOODBYE_S = 5.0


class Flush:
    """Readings that go to the bus together, and a future that is done once they are there."""

    def __init__(self) -> None:
        self.by_partition: dict[int, list[Reading]] = defaultdict(list)
        self.count = 0
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def add(self, groups: dict[int, list[Reading]]) -> None:
        for partition, readings in groups.items():
            self.by_partition[partition] += readings
            self.count += len(readings)


class Intake:
    """`async with Intake(bus, refusals) as intake: await intake.submit([(equipment, readings), …])`"""

    def __init__(
        self,
        bus: ReadingBus,
        refusals: RefusalLine,
        *,
        linger: Linger | None = None,
        registry: CollectorRegistry | None = None,
    ) -> None:
        registry = registry or CollectorRegistry()
        self._bus = bus
        self._refusals = refusals
        self._linger = linger or Linger()
        self._flushes: set[asyncio.Task[None]] = set()
        self._current: Flush | None = None
        self._flushed_at = float("-inf")
        self._waiting = 0
        self._room = asyncio.Condition()
        self._life_safety: dict[UUID, tuple[EquipmentEntry, frozenset[int]]] = {}
        self._accepted = Counter("hub_intake_readings", "Readings handed to the bus", ["line"], registry=registry)
        self._waiting_gauge = Gauge("hub_intake_waiting_readings", "Readings not yet on the bus", registry=registry)
        self._batch_sizes = Histogram(
            "hub_intake_batch_readings", "Readings a bus message", buckets=(1, 3, 10, 30, 100, 300, 1000, 3000),
            registry=registry,
        )  # fmt: skip

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        """Lets what is under way arrive; what the bus does not take in time was never acknowledged to its sender."""
        if self._flushes:
            await asyncio.wait(self._flushes, timeout=GOODBYE_S)
        for flush in self._flushes:
            flush.cancel()
        await asyncio.gather(*self._flushes, return_exceptions=True)

    async def submit(self, entries: Entries) -> None:
        """Returns once the bus has every reading on file. Waits while the bus is away or too much is under way."""
        ordinary, urgent = self._split(entries)
        if urgent:
            await self._publish(urgent, life_safety=True)
        if ordinary:
            await self._make_room()
            await asyncio.shield(self._join(ordinary).done)

    def unknown(self, message: UnknownMessage, *, done: Done | None = None) -> None:
        """A message of a device the catalog does not know. `done()` is called once it is kept."""
        self._refusals.unknown(message, done=done)

    def refuse(
        self,
        *,
        raw: bytes,
        reason: Reason,
        detail: str,
        source: str,
        site_id: UUID | None = None,
        done: Done | None = None,
    ) -> None:
        """Input that cannot be used, for the dead letters. `done()` is called once it is kept."""
        self._refusals.refuse(raw=raw, reason=reason, detail=detail, source=source, site_id=site_id, done=done)

    def _split(self, entries: Entries) -> tuple[dict[int, list[Reading]], dict[int, list[Reading]]]:
        ordinary: dict[int, list[Reading]] = defaultdict(list)
        urgent: dict[int, list[Reading]] = defaultdict(list)
        for equipment, readings in entries:
            partition, life_safety = equipment.partition, self._life_safety_points(equipment)
            for reading in readings:
                (urgent if reading.point_no in life_safety else ordinary)[partition].append(reading)
        return ordinary, urgent

    def _life_safety_points(self, equipment: EquipmentEntry) -> frozenset[int]:
        known = self._life_safety.get(equipment.equipment_id)
        if known is None or known[0] is not equipment:
            numbers = frozenset(point.point_no for point in equipment.points.values() if point.life_safety)
            known = self._life_safety[equipment.equipment_id] = equipment, numbers
        return known[1]

    async def _make_room(self) -> None:
        if self._waiting >= MAX_WAITING:
            async with self._room:
                await self._room.wait_for(lambda: self._waiting < MAX_WAITING)

    def _join(self, groups: dict[int, list[Reading]]) -> Flush:
        if self._current is None:
            self._current = Flush()
            flushing = asyncio.create_task(self._send(self._current), name="intake flush")
            self._flushes.add(flushing)
            flushing.add_done_callback(self._flushes.discard)
        before = self._current.count
        self._current.add(groups)
        self._waiting += self._current.count - before
        self._waiting_gauge.set(self._waiting)
        return self._current

    async def _send(self, flush: Flush) -> None:
        try:
            await self._let_gather(flush)
            self._current = None
            await self._publish(flush.by_partition, life_safety=False)
            flush.done.set_result(None)
        finally:
            if self._current is flush:
                self._current = None
            flush.done.cancel()  # does nothing to a future that is done
            self._waiting -= flush.count
            self._waiting_gauge.set(self._waiting)
            async with self._room:
                self._room.notify_all()

    async def _let_gather(self, flush: Flush) -> None:
        now = asyncio.get_running_loop().time
        is_quiet = now() - self._flushed_at > self._linger.quiet_s
        step_s = self._linger.alone_s if is_quiet else self._linger.lull_s
        deadline = now() + (step_s if is_quiet else self._linger.limit_s)
        seen = 0
        while seen != flush.count < self._linger.enough and now() < deadline:
            seen = flush.count
            await asyncio.sleep(step_s)
        self._flushed_at = now()

    async def _publish(self, groups: dict[int, list[Reading]], *, life_safety: bool) -> None:
        line = "life_safety" if life_safety else "readings"
        batches = [
            (partition, ReadingBatch.of(readings[start : start + MAX_BATCH]))
            for partition, readings in groups.items()
            for start in range(0, len(readings), MAX_BATCH)
        ]
        await asyncio.gather(
            *(self._bus.publish(partition, batch, life_safety=life_safety) for partition, batch in batches)
        )
        crash_here(CrashPoint.INTAKE_PUBLISHED)
        for _, batch in batches:
            self._accepted.labels(line).inc(len(batch))
            self._batch_sizes.observe(len(batch))
