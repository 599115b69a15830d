"""A batch as the bus delivers it, and the answer to it."""

import contextlib
from collections.abc import Awaitable
from dataclasses import dataclass
from datetime import UTC, datetime

import nats.errors
from nats.aio.msg import Msg

from building.reading import ReadingBatch

# $JS.ACK.<stream>.<consumer>.<delivered>.<sequence>.<number>.<time>.<pending>; with a domain and an account after ACK
# on servers that have such.
_PLAIN_TOKENS, _PLAIN_AT, _DOMAIN_AT = 9, 5, 7


@dataclass(frozen=True, eq=False, slots=True)
class Delivery:
    """One batch from the bus, delivered at least once.

    `sequence` orders the batches of its stream; life-safety batches have a stream, and so a sequence, of their own.
    `number` counts what the consumer gave out, from 1 on. `arrived_ms` is when the bus took the batch, by its clock and
    in UTC: the same for every delivery of it, so that judging again judges alike.
    """

    batch: ReadingBatch
    sequence: int
    number: int
    arrived_ms: int
    partition: int
    life_safety: bool
    message: Msg

    @classmethod
    def of(cls, batch: ReadingBatch, message: Msg, *, partition: int, life_safety: bool) -> "Delivery":
        tokens = message.reply.split(".")
        at = _PLAIN_AT if len(tokens) == _PLAIN_TOKENS else _DOMAIN_AT
        sequence, number, nanoseconds = tokens[at : at + 3]
        arrived_ms = int(nanoseconds) // 1_000_000
        return cls(batch, int(sequence), int(number), arrived_ms, partition, life_safety, message)

    @property
    def arrived_at(self) -> datetime:
        return datetime.fromtimestamp(self.arrived_ms / 1000, UTC)

    async def ack(self) -> None:
        """Never deliver this again. A lost acknowledgement only means one more delivery."""
        await _answer(self.message.ack())

    async def nak(self, delay_s: float = 0.0) -> None:
        """Deliver this again after `delay_s`."""
        await _answer(self.message.nak(delay=delay_s or None))

    async def term(self) -> None:
        """Never deliver this again, although it was not dealt with."""
        await _answer(self.message.term())


async def _answer(answer: Awaitable[None]) -> None:
    with contextlib.suppress(nats.errors.Error):
        await answer
