"""Reading a partition's part of a stream again, in order, without consuming it."""

from collections.abc import AsyncGenerator
from dataclasses import replace
from datetime import UTC, datetime

import nats.errors
from nats.aio.client import Client
from nats.js.api import AckPolicy, ConsumerConfig, ConsumerInfo, DeliverPolicy
from nats.js.errors import NotFoundError

from bus.answers import Answers
from bus.message import Message
from bus.patience import patiently
from bus.pull import Pull
from bus.subjects import StreamSpec
from bus.wire import Wire

SILENCE_S = 10.0
ADD_TIMEOUT_S = 3.0


async def read_history(
    client: Client,
    wire: Wire,
    spec: StreamSpec,
    *,
    partition: int,
    since_ms: int,
    max_messages: int,
    after_sequence: int | None = None,
) -> AsyncGenerator[list[Message], None]:
    """Pages of messages, oldest first, until everything there was at the time of the call has been read.

    `after_sequence` says where to begin instead of `since_ms`.

    A connection that broke in between is noticed by silence; reading goes on after the last message seen.
    """
    wanted = ConsumerConfig(
        deliver_policy=DeliverPolicy.BY_START_TIME,
        opt_start_time=datetime.fromtimestamp(since_ms / 1000, UTC),
        filter_subject=spec.subject(partition),
        ack_policy=AckPolicy.NONE,
        mem_storage=True,
        inactive_threshold=60,
    )
    if after_sequence is not None:
        wanted = _from_sequence(wanted, after_sequence + 1)
    consumer = await _add(client, spec, wanted)
    remaining = consumer.num_pending or 0
    while remaining > 0:
        pull = Pull(wire, Answers(wire), stream=spec.name, consumers=[consumer.name], max_messages=max_messages)
        async with pull:
            while page := await pull.next(max_messages=min(max_messages, remaining), max_wait_s=SILENCE_S):
                remaining -= len(page)
                last = page[-1].sequence
                wanted = _from_sequence(wanted, last + 1)
                yield page
                if remaining <= 0:
                    break
        if remaining > 0:
            consumer = await _add(client, spec, wanted)
            remaining = min(remaining, consumer.num_pending or 0)  # what the stream has dropped since is gone
    await _drop(client, spec, consumer)


def _from_sequence(config: ConsumerConfig, sequence: int) -> ConsumerConfig:
    return replace(config, deliver_policy=DeliverPolicy.BY_START_SEQUENCE, opt_start_seq=sequence, opt_start_time=None)


async def _add(client: Client, spec: StreamSpec, config: ConsumerConfig) -> ConsumerInfo:
    return await patiently(lambda: client.jetstream(timeout=ADD_TIMEOUT_S).add_consumer(spec.name, config))


async def _drop(client: Client, spec: StreamSpec, consumer: ConsumerInfo) -> None:
    try:
        await client.jetstream(timeout=2).delete_consumer(spec.name, consumer.name)
    except (nats.errors.Error, NotFoundError, TimeoutError):
        return  # it ends by itself when nobody has asked it for a minute
