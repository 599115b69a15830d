"""The store line: from the bus into the store, acknowledged after commit. It knows no rule, so none can stop it."""

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from building.reading import ReadingBatch
from catalog.directory import LiveDirectory
from kit.backoff import Backoff
from kit.cancellation import raise_if_cancelled
from kit.clock import to_ms
from kit.crash_points import CrashPoint, crash_here
from kit.logs import logger
from telemetry.admission import Refused, admit, admit_all
from telemetry.dead_letter import dead_letters, unreadable, unstorable
from telemetry.errors import UnstorableBatch
from telemetry.letter_desk import LetterDesk, Refuse
from telemetry.store import TelemetryStore

log = logger(__name__)

DURABLE = "store"
_MAX_MESSAGES = 512
# The first message after a pause is stored at once. After that messages gather so long: a store's commit costs the same
# for one as for thousands, and nobody waits for it.
GATHER_S = 0.25
_MAX_WAIT_S = 1.0
_FIRST_BACKOFF_S = 0.5
_LONGEST_BACKOFF_S = 10.0
_APPEND_DEADLINE_S = 60.0


class StoreDelivery(Protocol):
    """What the store line needs of a `bus.client.Delivery`."""

    @property
    def batch(self) -> ReadingBatch: ...
    @property
    def sequence(self) -> int: ...
    @property
    def arrived_at(self) -> datetime: ...
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
        gathers: bool = ...,
        on_poison: Callable[[bytes, str], Awaitable[None]] | None = None,
    ) -> AsyncGenerator[Sequence[StoreDelivery], None]: ...


class StoreLine:
    """Two consumers, ordinary and life safety, into one store; a third task writes the dead letters.

    Several messages become one append. A message whose own data is the reason it cannot be kept goes to the dead
    letters and is terminated; any other failure gives the messages back to the bus with a growing, jittered delay:
    nothing is dropped because a disk is away. A message with refused readings is acknowledged once its dead letters are
    kept; storing never waits for them.
    """

    def __init__(
        self,
        *,
        bus: ReadingSource,
        store: TelemetryStore,
        directory: LiveDirectory,
        refuse: Refuse,
        registry: CollectorRegistry,
    ) -> None:
        self._bus = bus
        self._store = store
        self._directory = directory
        self._metrics = StoreLineMetrics(registry)
        self._letters = LetterDesk(refuse, self._metrics.letters_waiting)
        self._failing_since: float | None = None

    async def run(self) -> None:
        """Until cancelled. Raises when the bus does; its supervisor starts it again."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._letters.run(), name="store line, dead letters")
            group.create_task(self._consume(life_safety=False), name="store line")
            group.create_task(self._consume(life_safety=True), name="store line, life safety")

    @property
    def refusing_for_s(self) -> float:
        """How long nothing could be stored; 0 while it can."""
        return 0.0 if self._failing_since is None else time.monotonic() - self._failing_since

    async def _consume(self, *, life_safety: bool) -> None:
        backoff = Backoff(first_s=_FIRST_BACKOFF_S, longest_s=_LONGEST_BACKOFF_S)
        source = self._bus.consume(
            durable=DURABLE, partitions=None, life_safety=life_safety, max_messages=_MAX_MESSAGES,
            max_wait_s=_MAX_WAIT_S, gathers=True, on_poison=self._refuse_unreadable,
        )  # fmt: skip
        async with aclosing(source):
            async for deliveries in source:
                raise_if_cancelled()
                if deliveries:
                    started = time.monotonic()
                    await self._keep(deliveries, backoff)
                    if len(deliveries) < _MAX_MESSAGES:
                        await asyncio.sleep(GATHER_S - (time.monotonic() - started))

    async def _keep(self, deliveries: Sequence[StoreDelivery], backoff: Backoff) -> None:
        """Admits, appends, acknowledges: in this order, so that a crash anywhere only repeats."""
        work = self._admit(deliveries)
        try:
            await self._append(work)
        except Exception as error:  # whatever the store fails of, the messages are still on the bus
            await self._give_back(deliveries, backoff.next_s(), error)
            return
        crash_here(CrashPoint.STORE_APPENDED)
        self._failing_since = None
        if backoff.reset():
            log.info("store line works again")
        for item in work:
            await self._settle(item)

    def _admit(self, deliveries: Sequence[StoreDelivery]) -> list["_Item"]:
        directory = self._directory.current
        arrivals = [to_ms(delivery.arrived_at) for delivery in deliveries]
        going = admit_all([delivery.batch for delivery in deliveries], directory, arrivals)
        if going is not None:  # nothing is wrong with any, as nearly always
            return [_Item(delivery, batch=batch) for delivery, batch in zip(deliveries, going, strict=True)]
        work: list[_Item] = []
        for delivery in deliveries:
            try:
                # By the time of arrival, so that a message that comes again is admitted alike.
                admission = admit(delivery.batch, directory, to_ms(delivery.arrived_at))
            except (ValueError, IndexError) as error:  # columns of unequal length or of a wrong type
                work.append(_Item(delivery, poison=error))
            else:
                work.append(_Item(delivery, batch=admission.batch, refused=admission.refused))
        return work

    async def _append(self, work: Sequence["_Item"]) -> None:
        try:
            await self._append_all([item for item in work if item.poison is None])
        except UnstorableBatch as error:
            if len(work) == 1:
                work[0].poison = error
                return
            # One of them is poison: halves find it without giving up the speed of big appends for the others.
            middle = len(work) // 2
            await self._append(work[:middle])
            await self._append(work[middle:])

    async def _append_all(self, work: Sequence["_Item"]) -> None:
        batches = [(item.delivery.sequence, item.batch) for item in work if len(item.batch)]
        if not batches:
            return
        with self._metrics.append_seconds.time():
            async with asyncio.timeout(_APPEND_DEADLINE_S):
                await self._store.append(batches)
        self._metrics.stored.inc(sum(len(batch) for _, batch in batches))

    async def _settle(self, item: "_Item") -> None:
        for refused in item.refused:
            self._metrics.refused.labels(refused.reason.value).inc(len(refused.readings))
        if item.poison is not None:
            self._metrics.poison.inc()
            log.error("poison batch", sequence=item.delivery.sequence, error=str(item.poison))
            letter = unstorable(item.delivery.batch, error=item.poison, sequence=item.delivery.sequence)
            await self._letters.put([letter], then=item.delivery.term, else_=item.delivery.nak)
        elif item.refused:
            letters = [letter for one in item.refused for letter in dead_letters(one, self._directory.current)]
            await self._letters.put(letters, then=item.delivery.ack, else_=item.delivery.nak)
        else:
            await item.delivery.ack()

    async def _refuse_unreadable(self, raw: bytes, reason: str) -> None:
        self._metrics.poison.inc()
        await self._letters.write(unreadable(raw, reason))

    async def _give_back(self, deliveries: Sequence[StoreDelivery], delay_s: float, error: Exception) -> None:
        self._metrics.failures.inc()
        self._failing_since = self._failing_since or time.monotonic()
        log.warning("append failed; messages stay on the bus", error=repr(error), retry_in_s=round(delay_s, 1))
        for delivery in deliveries:
            await delivery.nak(delay_s)
        # What is still on the bus would fail likewise: wait, rather than hand all of it back and forth.
        await asyncio.sleep(delay_s)


@dataclass
class _Item:
    """One message and what became of it: `poison` is why it can never be kept."""

    delivery: StoreDelivery
    batch: ReadingBatch = field(default_factory=ReadingBatch.empty)
    refused: tuple[Refused, ...] = ()
    poison: Exception | None = None


class StoreLineMetrics:
    def __init__(self, registry: CollectorRegistry) -> None:
        self.stored = Counter("hub_store_readings", "Readings appended to the store", registry=registry)
        self.refused = Counter("hub_store_refused_readings", "Readings refused", ["reason"], registry=registry)
        self.poison = Counter("hub_store_poison_batches", "Bus messages that can never be stored", registry=registry)
        self.failures = Counter("hub_store_append_failures", "Appends given back to the bus", registry=registry)
        self.letters_waiting = Gauge("hub_store_letters_waiting", "Dead letters not yet kept", registry=registry)
        self.append_seconds = Histogram(
            "hub_store_append_seconds", "Time to a committed append", registry=registry,
            buckets=(0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 5, 30),
        )  # fmt: skip
