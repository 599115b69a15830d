"""The bus in memory, for models that need hundreds of steps a second and a clock they can move.

It keeps what `tests/contracts/test_bus.py` asks of the real one. What is in flight comes again when `lose_answers` says
that the answers' time ran out, before or amid what is new and in whatever order `chance` says, as JetStream does; what
is given out for the first time is always in order.
"""

import random
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field

from building.reading import ReadingBatch
from bus.delivery import Delivery
from kit.clock import Clock, to_ms


@dataclass(frozen=True)
class Kept:
    """A batch as the bus has it on file."""

    sequence: int
    partition: int
    arrived_ms: int
    batch: ReadingBatch


@dataclass
class Consumer:
    """What a durable consumer knows: what it gave out and what was answered."""

    partition: int | None
    after: int = 0
    given_out: int = 0
    in_flight: set[int] = field(default_factory=set)
    done: set[int] = field(default_factory=set)
    known: set[int] = field(default_factory=set)

    def wants(self, kept: Kept) -> bool:
        ours = self.partition is None or kept.partition == self.partition
        return ours and kept.sequence > self.after and kept.sequence not in self.done | self.in_flight


@dataclass(frozen=True)
class _Answer:
    consumer: Consumer
    sequence: int

    async def ack(self) -> None:
        self.consumer.in_flight.discard(self.sequence)
        self.consumer.done.add(self.sequence)

    async def nak(self, delay: float | None = None) -> None:
        self.consumer.in_flight.discard(self.sequence)

    term = ack


class FakeBus:
    """Two streams in lists. `chance` None: everything in order."""

    def __init__(self, clock: Clock, *, chance: random.Random | None = None) -> None:
        self._clock = clock
        self._chance = chance
        self._streams: dict[bool, list[Kept]] = {False: [], True: []}
        self._consumers: dict[tuple[bool, str, int | None], Consumer] = {}

    async def publish(self, partition: int, batch: ReadingBatch, *, life_safety: bool = False) -> int:
        stream = self._streams[life_safety]
        stream.append(Kept(len(stream) + 1, partition, to_ms(self._clock.now()), batch))
        return len(stream)

    async def publish_all(self, batches: Sequence[tuple[int, ReadingBatch]], *, life_safety: bool = False) -> list[int]:
        return [await self.publish(partition, batch, life_safety=life_safety) for partition, batch in batches]

    async def consume(
        self,
        *,
        durable: str,
        partitions: Sequence[int] | None,
        life_safety: bool = False,
        max_messages: int = 256,
        max_wait_s: float = 1.0,
        gathers: bool = False,
        on_poison: Callable[[bytes, str], Awaitable[None]] | None = None,
    ) -> AsyncGenerator[list[Delivery], None]:
        names = [None] if partitions is None else list(partitions)
        consumers = [self._consumer(durable, name, life_safety=life_safety) for name in names]
        while True:
            yield self._next(consumers, life_safety=life_safety, limit=max_messages)

    async def renew_consumer(self, *, durable: str, partition: int, after: int, life_safety: bool = False) -> None:
        self._consumers[life_safety, durable, partition] = Consumer(partition, after)

    async def history(
        self, *, partition: int, since_ms: int, life_safety: bool = False, max_messages: int = 200
    ) -> AsyncGenerator[list[Delivery], None]:
        stream = self._streams[life_safety]
        # Like JetStream: from the first that arrived then or later on, whatever the times after it.
        begin = next((place for place, kept in enumerate(stream) if kept.arrived_ms >= since_ms), len(stream))
        for page in self._pages(stream[begin:], partition, life_safety=life_safety, limit=max_messages):
            yield page

    async def after(
        self, *, partition: int, sequence: int, life_safety: bool = False, max_messages: int = 200
    ) -> AsyncGenerator[list[Delivery], None]:
        for page in self._pages(
            self._streams[life_safety][sequence:], partition, life_safety=life_safety, limit=max_messages
        ):
            yield page

    async def pending(self, *, durable: str, partition: int | None = None, life_safety: bool = False) -> int:
        consumer = self._consumer(durable, partition, life_safety=life_safety)
        return len(consumer.in_flight) + sum(consumer.wants(kept) for kept in self._streams[life_safety])

    def lose_answers(self) -> None:
        """Whoever was given something said nothing in time: it is due again."""
        for consumer in self._consumers.values():
            consumer.in_flight.clear()

    def _pages(
        self, stream: Sequence[Kept], partition: int, *, life_safety: bool, limit: int
    ) -> Iterator[list[Delivery]]:
        found = [kept for kept in stream if kept.partition == partition]
        for start in range(0, len(found), limit):
            yield [self._delivery(kept, Consumer(None), life_safety) for kept in found[start : start + limit]]

    def _consumer(self, durable: str, partition: int | None, *, life_safety: bool) -> Consumer:
        return self._consumers.setdefault((life_safety, durable, partition), Consumer(partition))

    def _next(self, consumers: Sequence[Consumer], *, life_safety: bool, limit: int) -> list[Delivery]:
        due = [(kept, c) for c in consumers for kept in self._streams[life_safety] if c.wants(kept)]
        due.sort(key=lambda each: each[0].sequence)
        given = self._disordered(due)[:limit]
        for kept, consumer in given:
            consumer.in_flight.add(kept.sequence)
            consumer.known.add(kept.sequence)
        return [self._delivery(kept, consumer, life_safety) for kept, consumer in given]

    def _disordered(self, due: list[tuple[Kept, Consumer]]) -> list[tuple[Kept, Consumer]]:
        again = [(kept, consumer) for kept, consumer in due if kept.sequence in consumer.known]
        if self._chance is None or not again:
            return due
        mixed = [(kept, consumer) for kept, consumer in due if kept.sequence not in consumer.known]
        for one in again:
            mixed.insert(self._chance.randint(0, len(mixed)), one)
        return mixed

    def _delivery(self, kept: Kept, consumer: Consumer, life_safety: bool) -> Delivery:
        consumer.given_out += 1
        answer = _Answer(consumer, kept.sequence)
        return Delivery(
            kept.batch, kept.sequence, consumer.given_out, kept.arrived_ms, kept.partition, life_safety, answer
        )
