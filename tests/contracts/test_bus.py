"""What the lines rely on of a bus: the real one and the one in memory that the models stand on."""

from contextlib import aclosing
from typing import Any

import pytest

from building.reading import Reading, ReadingBatch
from bus.client import Bus
from bus.delivery import Delivery
from kit.clock import SystemClock, to_ms
from tests.faults.fake_bus import FakeBus


@pytest.fixture(params=["nats-server", "in memory"])
def any_bus(request: pytest.FixtureRequest) -> Any:
    if request.param == "in memory":
        return FakeBus(SystemClock())
    found: Bus = request.getfixturevalue("bus")
    return found


def batch(value: float) -> ReadingBatch:
    return ReadingBatch.of([Reading(7, 1_000, value)])


async def take(bus: Any, count: int, **wanted: Any) -> list[Delivery]:
    found: list[Delivery] = []
    async with aclosing(bus.consume(max_messages=100, max_wait_s=0.2, **wanted)) as pages:
        async for page in pages:
            found += page
            if len(found) >= count or not page:
                return found
    return found


async def read(bus: Any, **wanted: Any) -> list[Delivery]:
    return [delivery async for page in bus.history(**wanted) for delivery in page]


async def test_sequences_grow_and_each_line_has_its_own(any_bus: Any) -> None:
    first = await any_bus.publish(1, batch(1))
    assert await any_bus.publish(2, batch(2)) == first + 1
    assert await any_bus.publish(1, batch(3), life_safety=True) == 1


async def test_a_durable_is_given_what_it_has_not_acknowledged_oldest_first(any_bus: Any) -> None:
    sequences = [await any_bus.publish(partition, batch(partition)) for partition in (1, 2, 1)]
    found = await take(any_bus, 3, durable="store", partitions=None)
    assert [(each.sequence, each.partition) for each in found] == list(zip(sequences, (1, 2, 1), strict=True))
    assert [each.number for each in found] == [1, 2, 3]
    for each in found:
        await each.ack()
    assert await take(any_bus, 1, durable="store", partitions=None) == []
    assert await any_bus.pending(durable="store", partition=None) == 0


async def test_what_is_given_back_comes_again_with_the_same_sequence_and_time(any_bus: Any) -> None:
    await any_bus.publish(1, batch(1))
    [first] = await take(any_bus, 1, durable="store", partitions=None)
    await first.nak()
    [again] = await take(any_bus, 1, durable="store", partitions=None)
    assert (again.sequence, again.arrived_ms, again.number) == (first.sequence, first.arrived_ms, 2)
    assert again.batch.value.tolist() == [1]


async def test_what_is_terminated_never_comes_again(any_bus: Any) -> None:
    await any_bus.publish(1, batch(1))
    [first] = await take(any_bus, 1, durable="store", partitions=None)
    await first.term()
    assert await take(any_bus, 1, durable="store", partitions=None) == []


async def test_durables_and_partitions_do_not_take_from_each_other(any_bus: Any) -> None:
    for partition in (1, 2):
        await any_bus.publish(partition, batch(partition))
    [one] = await take(any_bus, 1, durable="judge", partitions=[1])
    [two] = await take(any_bus, 1, durable="judge", partitions=[2])
    assert (one.partition, two.partition) == (1, 2)
    assert len(await take(any_bus, 2, durable="store", partitions=None)) == 2


async def test_history_is_in_order_consumes_nothing_and_begins_when_asked(any_bus: Any) -> None:
    before_ms = to_ms(SystemClock().now())
    for value in range(5):
        await any_bus.publish(1, batch(value))
    await any_bus.publish(2, batch(9))
    for _ in range(2):
        found = await read(any_bus, partition=1, since_ms=before_ms - 1_000)
        assert [each.batch.value[0] for each in found] == [0, 1, 2, 3, 4]
    assert await read(any_bus, partition=1, since_ms=before_ms + 3_600_000) == []


async def test_a_renewed_consumer_begins_after_a_sequence_and_counts_from_one(any_bus: Any) -> None:
    sequences = [await any_bus.publish(1, batch(value)) for value in range(4)]
    assert len(await take(any_bus, 4, durable="judge", partitions=[1])) == 4
    await any_bus.renew_consumer(durable="judge", partition=1, after=sequences[1])
    found = await take(any_bus, 2, durable="judge", partitions=[1])
    assert [(each.sequence, each.number) for each in found] == [(sequences[2], 1), (sequences[3], 2)]
