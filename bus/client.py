"""The bus as the hub's processes use it: publish a batch, consume batches, ask and answer, notify and listen."""

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, replace
from typing import Self

import nats
import nats.errors
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.js import JetStreamContext
from nats.js.api import AckPolicy, ConsumerConfig, ConsumerInfo, DeliverPolicy
from nats.js.errors import NotFoundError
from prometheus_client import CollectorRegistry, Counter

from building.reading import ReadingBatch
from bus import codec
from bus.address import BusAddress
from bus.answers import Answers
from bus.delivery import Delivery
from bus.errors import NobodyAnswers, NobodyServes, RequestFailed
from bus.history import read_history
from bus.message import Message
from bus.patience import RETRY_S, patiently
from bus.publishing import NotKept, Outgoing, Publishing
from bus.pull import Pull
from bus.streams import ensure_stream
from bus.subjects import STREAMS, StreamSpec, durable_name, partition_of, stream_of
from bus.wire import Wire
from kit.logs import logger

log = logger(__name__)

ATTEMPT_TIMEOUT_S = 2.0
# Two pings without an answer end a connection of which nobody knows that it is dead, after 15 s at most.
PING_EVERY_S = 5
ACK_WAIT_S = 30.0
ERROR_HEADER = "Hub-Error"
REQUESTS_AT_ONCE = 16

Handler = Callable[[bytes], Awaitable[bytes]]
PoisonHandler = Callable[[bytes, str], Awaitable[None]]


@dataclass(frozen=True)
class BusSettings:
    """Where the bus is: `url` names one server or, with commas, those of a cluster; see `BusAddress`.

    `replicas` is 1 on one machine, 3 on a cluster. An empty `user` means the one that the URL names, or nobody.
    """

    url: str
    user: str
    password: str
    replicas: int = 1


class Bus:
    """A connection to the bus that reconnects by itself. `async with Bus(settings) as bus: …`"""

    def __init__(self, settings: BusSettings, *, registry: CollectorRegistry | None = None) -> None:
        self._settings = settings
        self._client = Client()
        self._wire = Wire(self._client)
        self._publishing = Publishing(self._wire, timeout_s=ATTEMPT_TIMEOUT_S)
        self._answers = Answers(self._wire)
        self._leaving = False
        self._pulls: set[Pull] = set()
        self._failing_since: float | None = None
        registry = registry or CollectorRegistry()
        self._published = Counter(
            "hub_bus_published_readings", "Readings the bus acknowledged", ["line"], registry=registry
        )
        self._retries = Counter("hub_bus_publish_retries", "Publish attempts repeated", registry=registry)
        self._poison = Counter("hub_bus_poison_batches", "Messages that were no batch", registry=registry)

    async def __aenter__(self) -> Self:
        address = BusAddress.parse(self._settings.url)
        await self._client.connect(
            address.urls,
            user=self._settings.user or address.user,
            password=self._settings.password or address.password,
            name="hub",
            max_reconnect_attempts=-1,
            reconnect_time_wait=1,
            ping_interval=PING_EVERY_S,
            error_cb=self._on_error,
            disconnected_cb=self._on_disconnected,
            reconnected_cb=self._on_reconnected,
        )
        await self._publishing.open()
        for spec in STREAMS:
            await ensure_stream(self._jetstream, spec, replicas=self._settings.replicas)
        return self

    async def __aexit__(self, *exc: object) -> None:
        self._leaving = True
        await self._answers.close()
        with contextlib.suppress(nats.errors.Error, TimeoutError):
            await self._client.close()

    @property
    def is_connected(self) -> bool:
        return self._client.is_connected

    @property
    def refusing_for_s(self) -> float:
        """How long the bus has not taken what it was given; 0 while it does."""
        return 0.0 if self._failing_since is None else time.monotonic() - self._failing_since

    # --- batches -------------------------------------------------------------------------------------------------

    async def publish(self, partition: int, batch: ReadingBatch, *, life_safety: bool = False) -> int:
        """Returns the batch's sequence once the bus has it on file. Waits as long as the bus is away.

        A repeated attempt carries the same message id, so that the stream keeps it once. To give up earlier, wrap
        the call in `asyncio.timeout`.
        """
        [sequence] = await self.publish_all([(partition, batch)], life_safety=life_safety)
        return sequence

    async def publish_all(self, batches: Sequence[tuple[int, ReadingBatch]], *, life_safety: bool = False) -> list[int]:
        """As `publish`, for batches with their partitions, in one write; the sequence of each."""
        spec = stream_of(life_safety=life_safety)
        messages = [
            self._publishing.outgoing(spec.subject(partition), codec.encode(batch)) for partition, batch in batches
        ]
        sequences = await self._until_kept(messages)
        self._published.labels(spec.prefix).inc(sum(len(batch) for _, batch in batches))
        return sequences

    async def consume(
        self,
        *,
        durable: str,
        partitions: Sequence[int] | None,
        life_safety: bool = False,
        max_messages: int = 256,
        max_wait_s: float = 1.0,
        gathers: bool = False,
        on_poison: PoisonHandler | None = None,
    ) -> AsyncGenerator[list[Delivery], None]:
        """What `durable` has not acknowledged yet, oldest first, then what comes, as soon as it comes; endless.

        With `partitions` there is one durable consumer a partition, so that partitions can change hands; None takes
        every partition through one. Yields an empty list when nothing came for `max_wait_s`, and at most
        `max_messages`. `gathers`: what comes between two pages waits on the bus and comes with the next, at a fraction
        of the cost. What is not acknowledged within 30 s comes again. A message that is no batch goes to
        `on_poison(raw, reason)` and never comes again. Close the iterator when done (`contextlib.aclosing`).
        """
        spec = stream_of(life_safety=life_safety)
        names = [await self._ensure_consumer(spec, durable, partition) for partition in _each(partitions)]
        async with self._pulling(spec, names, max_messages=max_messages, gathers=gathers) as pull:
            while True:
                messages = await pull.next(max_messages=max_messages, max_wait_s=max_wait_s)
                yield await self._decoded(messages, life_safety=life_safety, on_poison=on_poison)

    async def renew_consumer(self, *, durable: str, partition: int, after: int, life_safety: bool = False) -> None:
        """Makes `durable` of a partition anew: it gives out what came after sequence `after` and counts from 1.

        Whoever asked the one before for messages, and sleeps on it, is given none of these.
        """
        spec = stream_of(life_safety=life_safety)
        await self._answers.flush()  # they are for the one before
        with contextlib.suppress(NotFoundError):
            await patiently(lambda: self._jetstream.delete_consumer(spec.name, durable_name(durable, partition)))
        # A bus that lost its files counts from 1 again.
        known = (await patiently(lambda: self._jetstream.stream_info(spec.name))).state.last_seq
        begin = min(after, known) + 1
        config = replace(
            _consumer(spec, durable, partition), deliver_policy=DeliverPolicy.BY_START_SEQUENCE, opt_start_seq=begin
        )
        await patiently(lambda: self._jetstream.add_consumer(spec.name, config))

    def history(
        self, *, partition: int, since_ms: int, life_safety: bool = False, max_messages: int = 200
    ) -> AsyncGenerator[list[Delivery], None]:
        """What one partition was sent since `since_ms` (time of arrival on the bus), in order, up to now; then ends.

        Consumes nothing: every reader gets all of it. Acknowledging these deliveries has no effect.
        """
        return self._again(
            partition=partition, since_ms=since_ms, after=None, life_safety=life_safety, max_messages=max_messages
        )

    def after(
        self, *, partition: int, sequence: int, life_safety: bool = False, max_messages: int = 200
    ) -> AsyncGenerator[list[Delivery], None]:
        """Like `history`, of what came after `sequence`."""
        return self._again(
            partition=partition, since_ms=0, after=sequence, life_safety=life_safety, max_messages=max_messages
        )

    async def partitions(self, *, life_safety: bool = False) -> list[int]:
        """The partitions of which the bus has anything."""
        spec = stream_of(life_safety=life_safety)
        info = await patiently(lambda: self._jetstream.stream_info(spec.name, subjects_filter=spec.subjects))
        return sorted(partition_of(subject) for subject in info.state.subjects or {})

    async def last_sequence(self, *, life_safety: bool = False) -> int:
        """Of the newest batch of a stream; 0 before the first."""
        spec = stream_of(life_safety=life_safety)
        info = await patiently(lambda: self._jetstream.stream_info(spec.name))
        return int(info.state.last_seq)

    async def ack_floor(self, *, durable: str, partition: int | None, life_safety: bool = False) -> int:
        """The sequence up to which `durable` has acknowledged everything; 0 before its first acknowledgement."""
        info = await self._consumer_info(durable, partition, life_safety=life_safety)
        return 0 if info is None or info.ack_floor is None else info.ack_floor.stream_seq

    # --- ask and answer ------------------------------------------------------------------------------------------

    async def request(self, subject: str, payload: bytes, *, timeout_s: float) -> bytes:
        """The answer of whichever process serves `subject`. Raises NobodyAnswers (NobodyServes) or RequestFailed."""
        try:
            answer = await self._client.request(subject, payload, timeout=timeout_s)
        except nats.errors.NoRespondersError:
            raise NobodyServes(f"{subject}: NoRespondersError") from None
        except (nats.errors.TimeoutError, nats.errors.ConnectionClosedError) as error:
            raise NobodyAnswers(f"{subject}: {type(error).__name__}") from None
        if answer.headers and ERROR_HEADER in answer.headers:
            raise RequestFailed(answer.headers[ERROR_HEADER])
        return answer.data

    async def serve(self, subject: str, handler: Handler) -> None:
        """Answers requests on `subject` with `handler(payload)`, several at once, until cancelled.

        Several processes serving one subject share its requests. What the handler raises is told to the asker.
        """
        places = asyncio.Semaphore(REQUESTS_AT_ONCE)

        async def answer(message: Msg) -> None:
            try:
                await message.respond(await handler(message.data))
            except Exception as error:  # the asker gets the reason; the server goes on
                log.exception("request failed", subject=subject)
                reason = " ".join(f"{type(error).__name__}: {error}".split())
                await self._client.publish(message.reply, b"", headers={ERROR_HEADER: reason[:1000]})
            finally:
                places.release()

        subscription = await self._client.subscribe(subject, queue=subject)
        try:
            async with asyncio.TaskGroup() as group:
                async for message in subscription.messages:
                    await places.acquire()
                    group.create_task(answer(message), name=f"answer {subject}")
        finally:
            with contextlib.suppress(nats.errors.Error):
                await subscription.unsubscribe()

    async def notify(self, subject: str, payload: bytes) -> None:
        """Tells whoever listens now; kept for nobody."""
        await self._client.publish(subject, payload)

    async def listen(self, subject: str) -> AsyncGenerator[bytes, None]:
        """What is notified on `subject` from now on; endless. `subject` may hold wildcards."""
        subscription = await self._client.subscribe(subject)
        try:
            async for message in subscription.messages:
                yield message.data
        finally:
            with contextlib.suppress(nats.errors.Error):
                await subscription.unsubscribe()

    async def pending(self, *, durable: str, partition: int | None = None, life_safety: bool = False) -> int:
        """How many batches `durable` has still to acknowledge."""
        info = await self._consumer_info(durable, partition, life_safety=life_safety)
        return 0 if info is None else (info.num_pending or 0) + (info.num_ack_pending or 0)

    # --- inside --------------------------------------------------------------------------------------------------

    def jetstream(self, *, timeout_s: float = ATTEMPT_TIMEOUT_S) -> JetStreamContext:
        """The streams themselves, for whoever looks after them (`bus.keeper`)."""
        return self._client.jetstream(timeout=timeout_s)

    @property
    def _jetstream(self) -> JetStreamContext:
        return self.jetstream()

    async def _consumer_info(self, durable: str, partition: int | None, *, life_safety: bool) -> ConsumerInfo | None:
        spec = stream_of(life_safety=life_safety)
        try:
            info: ConsumerInfo = await self._jetstream.consumer_info(spec.name, durable_name(durable, partition))
        except NotFoundError:
            return None
        return info

    async def _until_kept(self, messages: Sequence[Outgoing]) -> list[int]:
        answers = await self._attempt(messages)
        while refused := [place for place, answer in enumerate(answers) if isinstance(answer, NotKept)]:
            self._note_refusal(answers[refused[0]])
            await asyncio.sleep(RETRY_S)
            again = await self._attempt([messages[place] for place in refused])
            for place, answer in zip(refused, again, strict=True):
                answers[place] = answer
        self._note_success()
        return [answer for answer in answers if isinstance(answer, int)]

    async def _attempt(self, messages: Sequence[Outgoing]) -> list[int | NotKept]:
        try:
            return await self._publishing.attempt(messages)
        except nats.errors.MaxPayloadError:
            raise
        except nats.errors.Error as error:
            return [NotKept(repr(error))] * len(messages)

    def _note_refusal(self, reason: int | NotKept) -> None:
        self._retries.inc()
        if self._failing_since is None:
            self._failing_since = time.monotonic()
            log.error("bus does not take batches", error=str(reason))

    def _note_success(self) -> None:
        if self._failing_since is not None:
            log.info("bus takes batches again", after_s=round(time.monotonic() - self._failing_since, 1))
            self._failing_since = None

    async def _again(
        self, *, partition: int, since_ms: int, after: int | None, life_safety: bool, max_messages: int
    ) -> AsyncGenerator[list[Delivery], None]:
        reading = read_history(
            self._client, self._wire, stream_of(life_safety=life_safety),
            partition=partition, since_ms=since_ms, max_messages=max_messages, after_sequence=after,
        )  # fmt: skip
        async with aclosing(reading) as pages:
            async for messages in pages:
                yield await self._decoded(messages, life_safety=life_safety, on_poison=None)

    async def _decoded(
        self, messages: Sequence[Message], *, life_safety: bool, on_poison: PoisonHandler | None
    ) -> list[Delivery]:
        deliveries: list[Delivery] = []
        for message in messages:
            try:
                batch = codec.decode(message.data)
            except codec.BadBatch as error:
                await self._refuse(message, error, on_poison)
            else:
                partition = partition_of(message.subject)
                deliveries.append(
                    Delivery(
                        batch, message.sequence, message.number, message.arrived_ms, partition, life_safety, message
                    )
                )
        return deliveries

    async def _refuse(self, message: Message, error: codec.BadBatch, on_poison: PoisonHandler | None) -> None:
        self._poison.inc()
        log.error("message on the bus is no batch", subject=message.subject, reason=str(error))
        if on_poison is not None:
            await on_poison(message.data, str(error))
        await message.term()

    async def _ensure_consumer(self, spec: StreamSpec, durable: str, partition: int | None) -> str:
        """Makes the consumer unless it is there, wherever it began."""
        name = durable_name(durable, partition)
        try:
            await patiently(lambda: self._jetstream.consumer_info(spec.name, name))
        except NotFoundError:
            await patiently(lambda: self._jetstream.add_consumer(spec.name, _consumer(spec, durable, partition)))
        return name

    @asynccontextmanager
    async def _pulling(
        self, spec: StreamSpec, names: Sequence[str], *, max_messages: int, gathers: bool
    ) -> AsyncIterator[Pull]:
        wire, answers = self._wire, self._answers
        pull = Pull(wire, answers, stream=spec.name, consumers=names, max_messages=max_messages, gathers=gathers)
        self._pulls.add(pull)
        try:
            async with pull:
                yield pull
        finally:
            self._pulls.discard(pull)

    async def _on_error(self, error: Exception) -> None:
        log.warning("bus error", error=repr(error))

    async def _on_disconnected(self) -> None:
        if not self._leaving:
            log.error("bus connection lost")

    async def _on_reconnected(self) -> None:
        log.info("bus connection is back")
        self._publishing.connection_was_lost()
        for pull in self._pulls:
            pull.ask_again()


def _consumer(spec: StreamSpec, durable: str, partition: int | None) -> ConsumerConfig:
    return ConsumerConfig(
        durable_name=durable_name(durable, partition),
        filter_subject=spec.subjects if partition is None else spec.subject(partition),
        ack_policy=AckPolicy.EXPLICIT,
        ack_wait=ACK_WAIT_S,
        max_deliver=-1,
        max_ack_pending=20_000,
    )


def _each(partitions: Sequence[int] | None) -> Sequence[int | None]:
    return [None] if partitions is None else list(partitions)
