"""The store line: from the bus into the store, acknowledged after commit. It knows no rule, so none can stop it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from prometheus_client import CollectorRegistry, Counter, Histogram

from building.reading import ReadingBatch
from catalog.directory import LiveDirectory
from kit.backoff import Backoff
from kit.clock import Clock, to_ms
from kit.logs import logger
from telemetry.admission import Refused, admit
from telemetry.dead_letter import DeadLetter, Refuse, dead_letters, unreadable, unstorable
from telemetry.errors import UnstorableBatch
from telemetry.store import TelemetryStore

log = logger(__name__)

DURABLE = "store"
_MAX_MESSAGES = 256
_MAX_WAIT_S = 1.0
_FIRST_BACKOFF_S = 0.5
_LONGEST_BACKOFF_S = 60.0
_APPEND_DEADLINE_S = 60.0


class StoreDelivery(Protocol):
    """What the store line needs of a `bus.client.Delivery`."""

    @property
    def batch(self) -> ReadingBatch: ...
    @property
    def sequence(self) -> int: ...
    async def ack(self) -> None: ...
    async def nak(self, delay_s: float) -> None: ...
    async def term(self) -> None: ...


class ReadingSource(Protocol):
    """What the store line needs of a `bus.client.Bus`."""

    def consume(
        self,
        *,
        durable: str,
        partitions: Sequence[int] | None,
        life_safety: bool = False,
        max_messages: int = ...,
        max_wait_s: float = ...,
        on_poison: Callable[[bytes, str], Awaitable[None]] | None = None,
    ) -> AsyncIterator[Sequence[StoreDelivery]]: ...


class StoreLine:
    """Two consumers, ordinary and life safety, into one store.

    Several messages become one append. A message whose own data is the reason it cannot be kept goes to the dead
    letters and is terminated; any other failure gives the messages back to the bus with a growing, jittered delay:
    nothing is dropped because a disk or a database is away.
    """

    def __init__(
        self,
        *,
        bus: ReadingSource,
        store: TelemetryStore,
        directory: LiveDirectory,
        refuse: Refuse,
        clock: Clock,
        registry: CollectorRegistry,
    ) -> None:
        self._bus = bus
        self._store = store
        self._directory = directory
        self._refuse = refuse
        self._clock = clock
        self._metrics = StoreLineMetrics(registry)

    async def run(self) -> None:
        """Until cancelled. Raises when the bus does; its supervisor starts it again."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._consume(life_safety=False), name="store line")
            group.create_task(self._consume(life_safety=True), name="store line, life safety")

    async def _consume(self, *, life_safety: bool) -> None:
        backoff = Backoff(first_s=_FIRST_BACKOFF_S, longest_s=_LONGEST_BACKOFF_S)
        source = self._bus.consume(
            durable=DURABLE, partitions=None, life_safety=life_safety, max_messages=_MAX_MESSAGES,
            max_wait_s=_MAX_WAIT_S, on_poison=self._refuse_unreadable,
        )  # fmt: skip
        async for deliveries in source:
            if deliveries:
                await self._keep(deliveries, backoff)

    async def _keep(self, deliveries: Sequence[StoreDelivery], backoff: Backoff) -> None:
        """Admits, appends, writes dead letters, acknowledges: in this order, so that a crash anywhere only repeats."""
        work = _Work()
        try:
            self._admit(deliveries, work)
            await self._append(work.admitted, work)
            await self._write_dead_letters(work)
        except Exception as error:
            await self._give_back(deliveries, backoff.next_s(), error)
            return
        if backoff.reset():
            log.info("store line works again")
        for delivery in work.stored:
            await delivery.ack()
        for delivery, _ in work.poison:
            await delivery.term()

    def _admit(self, deliveries: Sequence[StoreDelivery], work: "_Work") -> None:
        directory, now_ms = self._directory.current, to_ms(self._clock.now())
        for delivery in deliveries:
            try:
                admission = admit(delivery.batch, directory, now_ms)
            except (ValueError, IndexError) as error:  # columns of unequal length or of a wrong type
                work.poison.append((delivery, error))
                continue
            work.admitted.append((delivery, admission.batch))
            work.refused += admission.refused

    async def _append(self, admitted: Sequence[tuple[StoreDelivery, ReadingBatch]], work: "_Work") -> None:
        try:
            await self._append_all(admitted)
        except UnstorableBatch as error:
            if len(admitted) == 1:
                work.poison.append((admitted[0][0], error))
                return
            # One of them is poison: halves find it without giving up the speed of big appends for the others.
            middle = len(admitted) // 2
            await self._append(admitted[:middle], work)
            await self._append(admitted[middle:], work)
        else:
            work.stored += [delivery for delivery, _ in admitted]

    async def _append_all(self, admitted: Sequence[tuple[StoreDelivery, ReadingBatch]]) -> None:
        batches = [(delivery.sequence, batch) for delivery, batch in admitted if len(batch)]
        if not batches:
            return
        with self._metrics.append_seconds.time():
            async with asyncio.timeout(_APPEND_DEADLINE_S):
                await self._store.append(batches)
        self._metrics.stored.inc(sum(len(batch) for _, batch in batches))

    async def _write_dead_letters(self, work: "_Work") -> None:
        for one in work.refused:
            for letter in dead_letters(one, self._directory.current):
                await self._refuse_one(letter)
            self._metrics.refused.labels(one.reason.value).inc(len(one.readings))
        for delivery, error in work.poison:
            log.error("poison batch", sequence=delivery.sequence, error=str(error))
            await self._refuse_one(unstorable(delivery.batch, error=error, sequence=delivery.sequence))
            self._metrics.poison.inc()

    async def _refuse_unreadable(self, raw: bytes, reason: str) -> None:
        await self._refuse_one(unreadable(raw, reason))
        self._metrics.poison.inc()

    async def _refuse_one(self, letter: DeadLetter) -> None:
        await self._refuse(
            raw=letter.raw, reason=letter.reason, detail=letter.detail, source=letter.source, site_id=letter.site_id
        )

    async def _give_back(self, deliveries: Sequence[StoreDelivery], delay_s: float, error: Exception) -> None:
        self._metrics.failures.inc()
        log.warning("append failed; messages stay on the bus", error=repr(error), retry_in_s=round(delay_s, 1))
        for delivery in deliveries:
            await delivery.nak(delay_s)
        # What is still on the bus would fail likewise: wait, rather than hand all of it back and forth.
        await asyncio.sleep(delay_s)


@dataclass
class _Work:
    """What becomes of the messages of one round."""

    admitted: list[tuple[StoreDelivery, ReadingBatch]] = field(default_factory=list)
    stored: list[StoreDelivery] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)
    poison: list[tuple[StoreDelivery, Exception]] = field(default_factory=list)


class StoreLineMetrics:
    def __init__(self, registry: CollectorRegistry) -> None:
        self.stored = Counter("hub_store_readings", "Readings appended to the store", registry=registry)
        self.refused = Counter("hub_store_refused_readings", "Readings refused", ["reason"], registry=registry)
        self.poison = Counter("hub_store_poison_batches", "Bus messages that can never be stored", registry=registry)
        self.failures = Counter("hub_store_append_failures", "Appends given back to the bus", registry=registry)
        self.append_seconds = Histogram(
            "hub_store_append_seconds", "Time to a committed append", registry=registry,
            buckets=(0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 5, 30),
        )  # fmt: skip
