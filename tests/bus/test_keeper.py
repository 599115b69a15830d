"""Read batches go, unread ones stay, and a full stream refuses instead of forgetting."""

import asyncio
from contextlib import aclosing
from dataclasses import replace

import pytest
from nats.js.api import DiscardPolicy, StreamConfig
from prometheus_client import CollectorRegistry

from building.reading import Reading, ReadingBatch
from bus.client import Bus, BusSettings
from bus.keeper import Held, Readers, StreamKeeper
from bus.subjects import READINGS_STREAM, StreamSpec
from kit.clock import SystemClock
from tests.conftest import LIVENESS_S

READERS = Readers(of_all=("store",), of_each=("judge",))
A_DAY_S = 86_400.0


def batch(number: int) -> ReadingBatch:
    return ReadingBatch.of([Reading(point, 1_700_000_000_000 + number, 1.0) for point in range(50)])


@pytest.fixture
def keeper(bus: Bus) -> StreamKeeper:
    return StreamKeeper(bus, READERS, SystemClock(), CollectorRegistry())


async def read(bus: Bus, durable: str, *, partitions: list[int] | None, count: int) -> None:
    """Takes and acknowledges so many batches."""
    consuming = bus.consume(durable=durable, partitions=partitions, max_messages=count)
    async with asyncio.timeout(LIVENESS_S), aclosing(consuming) as pages:
        async for page in pages:
            for delivery in page[:count]:
                await delivery.ack()
            count -= len(page)
            if count <= 0:
                break
    partition = None if partitions is None else partitions[0]
    await settled(bus, durable, partition)


async def settled(bus: Bus, durable: str, partition: int | None) -> None:
    """An acknowledgement is not answered: the server knows of it a moment later."""
    async with asyncio.timeout(LIVENESS_S):
        while (await bus.ack_floor(durable=durable, partition=partition)) == 0:
            await asyncio.sleep(0.02)


def keeping(seconds: float, *, max_bytes: int = READINGS_STREAM.max_bytes) -> StreamSpec:
    return replace(READINGS_STREAM, keep_s=seconds, max_bytes=max_bytes)


async def messages(bus: Bus) -> int:
    return int((await bus.jetstream().stream_info(READINGS_STREAM.name)).state.messages)


async def test_what_both_have_read_goes_when_it_is_old_and_nothing_else(bus: Bus, keeper: StreamKeeper) -> None:
    for number in range(10):
        await bus.publish(1, batch(number))
    assert await keeper.look_after(keeping(0.0)) == 0, "nobody has read anything"
    await read(bus, "store", partitions=None, count=10)
    assert await keeper.look_after(keeping(0.0)) == 0, "the judge has not"
    await read(bus, "judge", partitions=[1], count=6)
    assert await keeper.look_after(keeping(A_DAY_S)) == 0, "young"
    assert await keeper.look_after(keeping(0.0)) == 6
    assert await messages(bus) == 4


async def test_a_partition_that_nobody_judges_keeps_its_own_and_no_other(bus: Bus, keeper: StreamKeeper) -> None:
    for number in range(20):
        await bus.publish(1 + number % 2, batch(number))
    await read(bus, "store", partitions=None, count=20)
    await read(bus, "judge", partitions=[1], count=10)
    held = (await bus.jetstream().stream_info(READINGS_STREAM.name)).state.bytes
    assert await keeper.look_after(keeping(A_DAY_S, max_bytes=held)) < 10
    assert await keeper.look_after(keeping(A_DAY_S, max_bytes=held // 4)) > 0
    state = (await bus.jetstream().stream_info(READINGS_STREAM.name, subjects_filter="readings.*")).state
    assert state.subjects is not None
    assert state.subjects["readings.2"] == 10


async def test_a_full_stream_waits_for_its_readers_and_loses_nothing(bus: Bus, keeper: StreamKeeper) -> None:
    stream = bus.jetstream()
    there = (await stream.stream_info(READINGS_STREAM.name)).config
    await stream.update_stream(replace(there, max_bytes=20_000))
    published = 0
    with pytest.raises(TimeoutError):
        while True:
            async with asyncio.timeout(1.0):
                await bus.publish(1, batch(published))
            published += 1
    waiting = asyncio.create_task(bus.publish(1, batch(published)))
    spec = keeping(A_DAY_S, max_bytes=20_000)
    await keeper.look_after(spec)
    assert keeper.unread_share > 0.9
    assert await messages(bus) == published, "nothing unread was let go"
    await read(bus, "store", partitions=None, count=published)
    await read(bus, "judge", partitions=[1], count=published)
    assert await keeper.look_after(spec) > 0
    async with asyncio.timeout(LIVENESS_S):
        assert await waiting == published + 1
    await keeper.look_after(spec)
    assert keeper.unread_share < 0.5


async def test_a_stream_of_an_earlier_release_that_forgot_the_oldest_is_changed(bus_settings: BusSettings) -> None:
    async with Bus(bus_settings) as bus:
        stream = bus.jetstream()
        await stream.delete_stream(READINGS_STREAM.name)
        await stream.add_stream(
            StreamConfig(
                name=READINGS_STREAM.name, subjects=["readings.*"], discard=DiscardPolicy.OLD, max_age=72 * 3600,
                max_bytes=READINGS_STREAM.max_bytes,
            )
        )  # fmt: skip
        await bus.publish(1, batch(1))
    async with Bus(bus_settings) as bus:
        info = await bus.jetstream().stream_info(READINGS_STREAM.name)
        assert (info.config.discard, info.config.max_age, info.state.messages) == (DiscardPolicy.NEW, 0, 1)


@pytest.mark.parametrize(
    ("acknowledged", "floor"),
    [
        ({"store": 9, "judge-1": 5}, 5),
        ({"store": 3, "judge-1": 5}, 3),
        ({"store": 9}, 0),
        ({"judge-1": 5}, 0),
        ({"store": 9, "judge-2": 7}, 0),
    ],
)
def test_a_batch_is_read_when_the_store_and_the_judge_of_its_partition_have_it(
    acknowledged: dict[str, int], floor: int
) -> None:
    assert READERS.floors([1], acknowledged) == {1: floor}


def test_too_much_is_let_go_from_the_front_in_proportion() -> None:
    held = Held(first=101, last=200, messages=100, bytes=1000, partitions=(1,))
    assert held.beyond(1000) == 0
    assert 130 < held.beyond(700) <= 133
    assert held.unread_bytes([150]) == 500
    assert held.unread_bytes([]) == 0
