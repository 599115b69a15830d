"""What every adapter hands its readings to: grouped by partition, a short wait for company, done once on the bus.

Life-safety readings never linger and never wait for ordinary ones. What cannot be used goes on the refusal line.
"""

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from typing import Protocol, Self
from uuid import UUID

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from building.reading import Reading, ReadingBatch
from catalog.directory import EquipmentEntry
from device_adapters.columns import Columns
from device_adapters.linger import Linger
from device_adapters.refusals import Done, RefusalLine, UnknownMessage
from device_adapters.values import Reason
from kit.crash_points import CrashPoint, crash_here

Readings = Sequence[Reading] | ReadingBatch
Entries = Sequence[tuple[EquipmentEntry, Readings]]
Groups = list[tuple[int, Readings]]


class ReadingBus(Protocol):
    """The part of `bus.client.Bus` that takes batches."""

    async def publish_all(
        self, batches: Sequence[tuple[int, ReadingBatch]], *, life_safety: bool = False
    ) -> list[int]: ...


# One bus message holds so many at most: 210 KB, well below what any NATS server takes.
MAX_BATCH = 10_000

# Readings that may wait or be under way to the bus before the adapters have to: back-pressure.
MAX_WAITING = 200_000

# How finely a wait for company is looked at: whoever waits for our acknowledgements will send no more.
LOOKS_A_WAIT = 4
SHORTEST_LOOK_S = 0.002

GOODBYE_S = 5.0


class Flush:
    """Readings that go to the bus together, and a future that is done once they are there."""

    def __init__(self, *, life_safety: bool) -> None:
        self.life_safety = life_safety
        self.by_partition: dict[int, Columns] = {}
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    @property
    def count(self) -> int:
        return sum(map(len, self.by_partition.values()))

    def columns(self, partition: int) -> Columns:
        found = self.by_partition.get(partition)
        if found is None:
            found = self.by_partition[partition] = Columns()
        return found

    def batches(self) -> list[tuple[int, ReadingBatch]]:
        return [
            (partition, batch)
            for partition, columns in self.by_partition.items()
            if len(columns)
            for batch in columns.batches(most=MAX_BATCH)
        ]


class Intake:
    """`async with Intake(bus, refusals) as intake: await intake.submit([(equipment, readings), …])`

    Who reads fast adds to the columns of `gathering()` instead and is told by that flush's `done`.
    """

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
        self._sending: set[asyncio.Task[None]] = set()
        self._gathering: Flush | None = None
        self._urgent: Flush | None = None
        self._under_way = 0
        self._on_room: list[Callable[[], None]] = []
        self._life_safety: dict[UUID, tuple[EquipmentEntry, frozenset[int]]] = {}
        accepted = Counter("hub_intake_readings", "Readings handed to the bus", ["line"], registry=registry)
        self._accepted, self._accepted_life_safety = accepted.labels("readings"), accepted.labels("life_safety")
        self._waiting_gauge = Gauge("hub_intake_waiting_readings", "Readings not yet on the bus", registry=registry)
        self._batch_sizes = Histogram(
            "hub_intake_batch_readings", "Readings a bus message", buckets=(1, 3, 10, 30, 100, 300, 1000, 3000),
            registry=registry,
        )  # fmt: skip

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        """Lets what is under way arrive; what the bus does not take in time was never acknowledged to its sender."""
        for flush in (self._urgent, self._gathering):
            if flush is not None:
                self._seal(flush)
        if self._sending:
            await asyncio.wait(self._sending, timeout=GOODBYE_S)
        for sending in self._sending:
            sending.cancel()
        await asyncio.gather(*self._sending, return_exceptions=True)

    # --- readings ----------------------------------------------------------------------------------------------------

    async def submit(self, entries: Entries) -> None:
        """Returns once the bus has every reading on file. Waits while the bus is away or too much is under way."""
        ordinary, urgent = self._split(entries)
        flushes = [self._add(self.urgent(), urgent)] if urgent else []
        if ordinary:
            await self._make_room()
            flushes.append(self._add(self.gathering(), ordinary))
        for flush in flushes:
            await asyncio.shield(flush.done)

    def add(self, entries: Entries) -> list[Flush]:
        """Puts readings where they belong; all is on the bus when these flushes are done. Mind `is_full`."""
        ordinary, urgent = self._split(entries)
        flushes = [self._add(self.urgent(), urgent)] if urgent else []
        return [*flushes, self._add(self.gathering(), ordinary)] if ordinary else flushes

    def gathering(self) -> Flush:
        """The flush that ordinary readings join now. Add to it at once: after the next `await` it may be another."""
        if self._gathering is None:
            loop = asyncio.get_running_loop()
            self._gathering = Flush(life_safety=False)
            wait_s = self._linger.wait_s(loop.time())
            if wait_s:
                self._look_later(self._gathering, loop.time() + wait_s, step_s=wait_s / LOOKS_A_WAIT)
            else:
                loop.call_soon(self._seal, self._gathering)
        return self._gathering

    def urgent(self) -> Flush:
        """The flush of this turn of the event loop's life-safety readings: it waits for nothing else."""
        if self._urgent is None:
            self._urgent = Flush(life_safety=True)
            asyncio.get_running_loop().call_soon(self._seal, self._urgent)
        return self._urgent

    def send_if_enough(self) -> None:
        """Whoever has added much at once says so: no timer need come before it goes."""
        if self._gathering is not None and self._gathering.count >= self._linger.enough:
            self._seal(self._gathering)

    @property
    def is_full(self) -> bool:
        """So much is under way that whoever can should stop reading until `when_room`."""
        waiting = 0 if self._gathering is None else self._gathering.count
        return self._under_way + waiting >= MAX_WAITING

    def when_room(self, tell: Callable[[], None]) -> None:
        """Calls `tell` once, when much less is under way."""
        self._on_room.append(tell)

    # --- what cannot be used ----------------------------------------------------------------------------------------

    def unknown(self, message: UnknownMessage, *, done: Done | None = None) -> None:
        """A message of a device the catalog does not know. `done()` is called once it is kept."""
        self._refusals.unknown(message, done=done)

    def only_counts_unknown(self, device: tuple[str, str, str, str]) -> bool:
        """As `RefusalLine.only_counts_unknown`."""
        return self._refusals.only_counts_unknown(device)

    def only_counts(self, reason: Reason, *, source: str, about: str) -> bool:
        """As `RefusalLine.only_counts`."""
        return self._refusals.only_counts(reason, source=source, about=about)

    def refuse(
        self,
        *,
        raw: bytes,
        reason: Reason,
        detail: str,
        source: str,
        about: str = "",
        site_id: UUID | None = None,
        done: Done | None = None,
    ) -> None:
        """Input that cannot be used, for the dead letters. `done()` is called once it is kept.

        `about` tells senders of one source apart: a topic, a device.
        """
        self._refusals.refuse(
            raw=raw, reason=reason, detail=detail, source=source, about=about, site_id=site_id, done=done
        )

    # --- inside ------------------------------------------------------------------------------------------------------

    def _split(self, entries: Entries) -> tuple[Groups, Groups]:
        """(partition, readings) of ordinary points, and of those of life safety."""
        ordinary: Groups = []
        urgent: Groups = []
        for equipment, readings in entries:
            life_safety = self._life_safety_points(equipment)
            if not life_safety:
                ordinary.append((equipment.partition, readings))
                continue
            usual = [reading for reading in readings if reading.point_no not in life_safety]
            if usual:
                ordinary.append((equipment.partition, usual))
            if len(usual) < len(readings):
                dire = [reading for reading in readings if reading.point_no in life_safety]
                urgent.append((equipment.partition, dire))
        return [group for group in ordinary if len(group[1])], urgent

    def _life_safety_points(self, equipment: EquipmentEntry) -> frozenset[int]:
        known = self._life_safety.get(equipment.equipment_id)
        if known is None or known[0] is not equipment:
            numbers = frozenset(point.point_no for point in equipment.points.values() if point.life_safety)
            known = self._life_safety[equipment.equipment_id] = equipment, numbers
        return known[1]

    def _add(self, flush: Flush, groups: Groups) -> Flush:
        for partition, readings in groups:
            columns = flush.columns(partition)
            if isinstance(readings, ReadingBatch):
                columns.add_batch(readings)
            else:
                columns.add(readings)
        return flush

    async def _make_room(self) -> None:
        while self.is_full:
            has_room = asyncio.Event()
            self.when_room(has_room.set)
            await has_room.wait()

    def _look_later(self, flush: Flush, deadline: float, *, step_s: float, seen: int = 0) -> None:
        look = partial(self._look, flush, deadline, step_s=max(SHORTEST_LOOK_S, step_s), seen=seen)
        asyncio.get_running_loop().call_later(max(SHORTEST_LOOK_S, step_s), look)

    def _look(self, flush: Flush, deadline: float, *, step_s: float, seen: int) -> None:
        """Waits on, unless it is time, or enough, or nothing came since the last look."""
        count = flush.count
        is_time = asyncio.get_running_loop().time() + SHORTEST_LOOK_S / 2 > deadline
        if is_time or count == seen or count >= self._linger.enough:
            self._seal(flush)
        else:
            self._look_later(flush, deadline, step_s=step_s, seen=count)

    def _seal(self, flush: Flush) -> None:
        """Sends it on its way; what comes from now on joins the next."""
        if flush not in (self._gathering, self._urgent):
            return  # sealed already, on the way out
        if flush.life_safety:
            self._urgent = None
        else:
            self._gathering = None
            self._linger.flushed(asyncio.get_running_loop().time(), readings=flush.count)
        if not flush.count:
            flush.done.set_result(None)
            return
        self._under_way += flush.count
        self._waiting_gauge.set(self._under_way)
        sending = asyncio.create_task(self._publish(flush), name="intake flush")
        self._sending.add(sending)
        sending.add_done_callback(partial(self._sent, flush))

    def _sent(self, flush: Flush, sending: asyncio.Task[None]) -> None:
        self._sending.discard(sending)
        self._under_way -= flush.count
        self._waiting_gauge.set(self._under_way)
        if sending.cancelled():
            flush.done.cancel()
        elif error := sending.exception():
            flush.done.set_exception(error)
        else:
            flush.done.set_result(None)
        if self._under_way <= MAX_WAITING // 2:
            told, self._on_room = self._on_room, []
            for tell in told:
                tell()

    async def _publish(self, flush: Flush) -> None:
        batches = flush.batches()
        await self._bus.publish_all(batches, life_safety=flush.life_safety)
        crash_here(CrashPoint.INTAKE_PUBLISHED)
        (self._accepted_life_safety if flush.life_safety else self._accepted).inc(flush.count)
        for _, batch in batches:
            self._batch_sizes.observe(len(batch))
