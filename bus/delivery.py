"""A batch as the bus delivers it, and the answer to it."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from building.reading import ReadingBatch


class Answerable(Protocol):
    """What is told the bus of a message: it goes out within `bus.answers.GATHER_S`, what is given back at once."""

    async def ack(self) -> None: ...

    async def nak(self, delay: float | None = None) -> None: ...

    async def term(self) -> None: ...


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
    message: Answerable

    @property
    def arrived_at(self) -> datetime:
        return datetime.fromtimestamp(self.arrived_ms / 1000, UTC)

    async def ack(self) -> None:
        """Never deliver this again. A lost acknowledgement only means one more delivery."""
        await self.message.ack()

    async def nak(self, delay_s: float = 0.0) -> None:
        """Deliver this again after `delay_s`."""
        await self.message.nak(delay=delay_s or None)

    async def term(self) -> None:
        """Never deliver this again, although it was not dealt with."""
        await self.message.term()
