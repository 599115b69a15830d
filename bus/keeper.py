"""Lets go of what everybody has read, so that a full stream may refuse instead of forgetting what nobody has read.

The streams have no age and no "oldest first" of their own: nats-server would drop by either without asking who has
read. This keeper does, once in a while, from any number of processes: it purges batches that the store and the judge
of their partition have both acknowledged, first those older than the stream's age, and beyond `FULL_SHARE` of its bytes
the oldest of them, however young. What is unread stays; when it fills the stream, publishing waits, and with it the
PUBACK to the device.
"""

import asyncio
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import nats.errors
from nats.js import JetStreamContext
from nats.js.api import AckPolicy, ConsumerConfig, ConsumerInfo, DeliverPolicy
from nats.js.errors import APIError, NoStreamResponseError
from prometheus_client import CollectorRegistry, Counter, Gauge

from bus.client import Bus
from bus.subjects import STREAMS, StreamSpec, durable_name, partition_of
from kit.clock import Clock
from kit.logs import logger

log = logger(__name__)

LOOK_EVERY_S = 30.0
FULL_SHARE = 0.75
ANSWER_S = 10.0


@dataclass(frozen=True)
class Readers:
    """The durable consumers that must have read a batch before it may go: of every partition, and one a partition."""

    of_all: Sequence[str]
    of_each: Sequence[str]

    def floors(self, partitions: Collection[int], acknowledged: Mapping[str, int]) -> dict[int, int]:
        """The sequence up to which everybody has read each partition; 0 where somebody never began.

        `acknowledged`: name of a durable → the sequence up to which it has acknowledged everything.
        """
        of_all = min((acknowledged.get(durable, 0) for durable in self.of_all), default=0)
        return {
            partition: min([of_all, *(acknowledged.get(durable_name(name, partition), 0) for name in self.of_each)])
            for partition in partitions
        }


@dataclass(frozen=True)
class Held:
    """What a stream holds: sequences `first`…`last`, `messages` of them, and the partitions they are of."""

    first: int
    last: int
    messages: int
    bytes: int
    partitions: tuple[int, ...]

    def beyond(self, share_bytes: float) -> int:
        """The sequence before which about as much lies as the stream holds too much; 0 when it does not."""
        excess = self.bytes - share_bytes
        return self.first + int(self.messages * excess / self.bytes) + 1 if excess > 0 else 0

    def unread_bytes(self, floors: Iterable[int]) -> int:
        """About how many bytes wait for somebody to read them."""
        unread = self.last - min(floors, default=self.last)
        return int(self.bytes * min(1.0, max(0, unread) / max(1, self.last - self.first + 1)))


class StreamKeeper:
    """`run` until cancelled. `unread_share` is how full of unread batches the fuller stream is, 0…1."""

    def __init__(self, bus: Bus, readers: Readers, clock: Clock, registry: CollectorRegistry) -> None:
        self._bus = bus
        self._readers = readers
        self._clock = clock
        self._shares: dict[str, float] = {}
        self._bytes = Gauge("hub_bus_stream_bytes", "Bytes a stream holds", ["stream"], registry=registry)
        self._limit = Gauge("hub_bus_stream_limit_bytes", "Bytes a stream may hold", ["stream"], registry=registry)
        self._unread = Gauge("hub_bus_unread_bytes", "Bytes not yet read by all", ["stream"], registry=registry)
        self._released = Counter("hub_bus_released_batches", "Batches let go, all read", ["stream"], registry=registry)

    @property
    def unread_share(self) -> float:
        return max(self._shares.values(), default=0.0)

    async def run(self) -> None:
        while True:
            for spec in STREAMS:
                try:
                    await self.look_after(spec)
                except (nats.errors.Error, APIError, NoStreamResponseError, TimeoutError) as error:
                    log.warning("a stream cannot be looked after", stream=spec.name, error=repr(error))
            await asyncio.sleep(LOOK_EVERY_S)

    async def look_after(self, spec: StreamSpec) -> int:
        """Lets go of what may go; how many batches that were."""
        stream = self._bus.jetstream(timeout_s=ANSWER_S)
        held = await self._held(stream, spec)
        floors = self._readers.floors(held.partitions, await _acknowledged(stream, spec, last=held.last))
        unread = held.unread_bytes(floors.values())
        self._bytes.labels(spec.name).set(held.bytes)
        self._limit.labels(spec.name).set(spec.max_bytes)
        self._unread.labels(spec.name).set(unread)
        self._shares[spec.name] = unread / spec.max_bytes
        if not held.messages:
            return 0
        released = await self._release(stream, spec, held, floors)
        self._released.labels(spec.name).inc(released)
        return released

    async def _release(self, stream: JetStreamContext, spec: StreamSpec, held: Held, floors: Mapping[int, int]) -> int:
        too_many = held.beyond(FULL_SHARE * spec.max_bytes)
        before = max(await self._too_old(stream, spec), too_many)
        read_by_all = min(floors.values(), default=0)
        released = await _purge(stream, spec.name, before=min(before, read_by_all + 1), first=held.first)
        if released or too_many <= read_by_all + 1:
            return released
        # One partition that nobody reads must not fill the stream with what all others have read.
        for partition, floor in floors.items():
            released += await _purge(
                stream, spec.name, before=min(too_many, floor + 1), first=held.first, subject=spec.subject(partition)
            )
        return released

    async def _held(self, stream: JetStreamContext, spec: StreamSpec) -> Held:
        state = (await stream.stream_info(spec.name, subjects_filter=spec.subjects)).state
        partitions = tuple(partition_of(subject) for subject in state.subjects or {})
        return Held(state.first_seq, state.last_seq, state.messages, state.bytes, partitions)

    async def _too_old(self, stream: JetStreamContext, spec: StreamSpec) -> int:
        """The first sequence that is younger than the stream's age."""
        since = self._clock.now().astimezone(UTC) - timedelta(seconds=spec.keep_s)
        # A consumer knows where it would begin; there is no cheaper question for it.
        asked = await stream.add_consumer(spec.name, _from(since))
        await stream.delete_consumer(spec.name, asked.name)
        return 0 if asked.delivered is None else asked.delivered.stream_seq + 1


def _from(since: datetime) -> ConsumerConfig:
    return ConsumerConfig(
        deliver_policy=DeliverPolicy.BY_START_TIME, opt_start_time=since, ack_policy=AckPolicy.NONE, mem_storage=True,
        num_replicas=1, inactive_threshold=30,
    )  # fmt: skip


async def _acknowledged(stream: JetStreamContext, spec: StreamSpec, *, last: int) -> dict[str, int]:
    """Durable → the sequence up to which it has acknowledged everything it reads; `last` for one with nothing left."""
    found: dict[str, int] = {}
    offset = 0
    while page := await stream.consumers_info(spec.name, offset=offset):
        offset += len(page)
        found |= {info.name: _floor(info, last=last) for info in page if info.config.durable_name}
    return found


def _floor(info: ConsumerInfo, *, last: int) -> int:
    if not info.num_pending and not info.num_ack_pending:
        return last
    return info.ack_floor.stream_seq if info.ack_floor is not None else 0


async def _purge(stream: JetStreamContext, name: str, *, before: int, first: int, subject: str | None = None) -> int:
    """Removes what lies before a sequence; how many messages that were."""
    if before <= first:
        return 0
    wanted = {"seq": before} | ({"filter": subject} if subject is not None else {})
    answer = await stream._api_request(f"$JS.API.STREAM.PURGE.{name}", json.dumps(wanted).encode(), timeout=ANSWER_S)
    return int(answer["purged"])
