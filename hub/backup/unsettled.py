"""What the bus has that is not stored yet, or not judged yet, as it lies there: read to a file and published again."""

import struct
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import aclosing
from pathlib import Path
from typing import BinaryIO

import msgspec

from bus import codec
from bus.client import Bus
from telemetry.store_line import DURABLE as STORE_DURABLE

_LENGTH = struct.Struct("!I")

Positions = Mapping[tuple[int, bool], int]


class KeptBatch(msgspec.Struct, frozen=True, array_like=True):
    """A message of the bus. `payload` is what `bus.codec` wrote."""

    partition: int
    life_safety: bool
    payload: bytes


async def stored_up_to(bus: Bus) -> dict[bool, int]:
    """The sequence up to which everything is in the store, by life safety or not."""
    return {
        life_safety: await bus.ack_floor(durable=STORE_DURABLE, partition=None, life_safety=life_safety)
        for life_safety in (True, False)
    }


async def write_unsettled(bus: Bus, target: Path, *, stored: Mapping[bool, int], judged: Positions) -> int:
    """Writes what came after `stored` or after `judged`; how many messages."""
    count = 0
    with target.open("wb") as file:
        async for batch in _unsettled(bus, stored=stored, judged=judged):
            _write(file, batch)
            count += 1
    return count


async def publish_again(bus: Bus, source: Path) -> int:
    """How many messages. Told twice they do no harm: a reading is its point and its time."""
    count = 0
    for batch in _batches(source):
        await bus.publish(batch.partition, codec.decode(batch.payload), life_safety=batch.life_safety)
        count += 1
    return count


async def _unsettled(bus: Bus, *, stored: Mapping[bool, int], judged: Positions) -> AsyncIterator[KeptBatch]:
    for life_safety in (True, False):
        for partition in await bus.partitions(life_safety=life_safety):
            floor = min(stored[life_safety], judged.get((partition, life_safety), 0))
            pages = bus.after(partition=partition, sequence=floor, life_safety=life_safety)
            async with aclosing(pages):
                async for page in pages:
                    for delivery in page:
                        yield KeptBatch(partition, life_safety, codec.encode(delivery.batch))


def _write(file: BinaryIO, batch: KeptBatch) -> None:
    packed = msgspec.msgpack.encode(batch)
    file.write(_LENGTH.pack(len(packed)))
    file.write(packed)


def _batches(source: Path) -> Iterator[KeptBatch]:
    with source.open("rb") as file:
        while head := file.read(_LENGTH.size):
            yield msgspec.msgpack.decode(file.read(_LENGTH.unpack(head)[0]), type=KeptBatch)
