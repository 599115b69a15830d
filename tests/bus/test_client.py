"""The bus on a real nats-server."""

import asyncio
import os
import signal
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing

import pytest

from building.reading import Reading, ReadingBatch
from bus.client import Bus, BusSettings
from bus.delivery import Delivery
from bus.errors import NobodyAnswers, RequestFailed
from bus.subjects import READINGS_STREAM
from kit.supervision.nats import NatsServer
from tests.conftest import LIVENESS_S


def batch(*numbers: int) -> ReadingBatch:
    return ReadingBatch.of([Reading(number, 1_700_000_000_000, float(number)) for number in numbers])


def points(deliveries: list[Delivery]) -> list[int]:
    return [int(number) for delivery in deliveries for number in delivery.batch.point_no]


async def take(stream: AsyncGenerator[list[Delivery], None], count: int) -> list[Delivery]:
    """The next `count` deliveries."""
    taken: list[Delivery] = []
    async with asyncio.timeout(LIVENESS_S):
        while len(taken) < count:
            taken += await anext(stream)
    return taken


async def take_and_close(stream: AsyncGenerator[list[Delivery], None], count: int) -> list[Delivery]:
    async with aclosing(stream):
        return await take(stream, count)


async def test_two_durables_each_get_every_batch_in_order(bus: Bus) -> None:
    for number in range(20):
        await bus.publish(number % 3, batch(number))
    for durable in ("store", "judge"):
        deliveries = await take(bus.consume(durable=durable, partitions=None), 20)
        assert points(deliveries) == list(range(20))
        assert [delivery.partition for delivery in deliveries] == [number % 3 for number in range(20)]
        assert [d.sequence for d in deliveries] == sorted(d.sequence for d in deliveries)
        assert not deliveries[0].life_safety


async def test_a_durable_of_some_partitions_gets_only_theirs(bus: Bus) -> None:
    for number in range(9):
        await bus.publish(number % 3, batch(number))
    deliveries = await take(bus.consume(durable="judge", partitions=[0, 2]), 6)
    assert sorted(points(deliveries)) == [0, 2, 3, 5, 6, 8]


async def test_life_safety_has_a_line_of_its_own(bus: Bus) -> None:
    await bus.publish(1, batch(1))
    await bus.publish(1, batch(2), life_safety=True)
    urgent = await take(bus.consume(durable="judge", partitions=None, life_safety=True), 1)
    assert points(urgent) == [2]
    assert urgent[0].life_safety


async def test_acknowledged_is_gone_and_the_rest_comes_again(bus_settings: BusSettings) -> None:
    async with Bus(bus_settings) as first:
        for number in range(3):
            await first.publish(0, batch(number))
        deliveries = await take_and_close(first.consume(durable="store", partitions=None), 3)
        await deliveries[0].ack()
        await deliveries[1].nak()
        await deliveries[2].term()
        again = await take_and_close(first.consume(durable="store", partitions=None), 1)
        assert points(again) == [1]
        await again[0].ack()
        async with asyncio.timeout(LIVENESS_S):
            while await first.pending(durable="store"):
                await asyncio.sleep(0.05)


async def test_one_message_is_not_kept_waiting_for_others(bus: Bus) -> None:
    stream = bus.consume(durable="judge", partitions=None, max_messages=500, max_wait_s=20)
    arriving = asyncio.ensure_future(take(stream, 1))
    await asyncio.sleep(0.3)
    await bus.publish(0, batch(7))
    deliveries = await asyncio.wait_for(arriving, 5)
    assert points(deliveries) == [7]


async def test_quiet_is_said_with_an_empty_list(bus: Bus) -> None:
    stream = bus.consume(durable="judge", partitions=None, max_wait_s=0.1)
    assert await asyncio.wait_for(anext(stream), LIVENESS_S) == []


async def test_many_batches_pass_without_loss_through_a_small_window(bus: Bus) -> None:
    await asyncio.gather(*(bus.publish(0, batch(number)) for number in range(500)))
    seen: set[int] = set()
    async with asyncio.timeout(LIVENESS_S):
        async for deliveries in bus.consume(durable="store", partitions=None, max_messages=16):
            assert len(deliveries) <= 16
            seen |= set(points(deliveries))
            for delivery in deliveries:
                await delivery.ack()
            if len(seen) == 500:
                break
    assert seen == set(range(500))


async def test_who_lets_messages_gather_gets_what_is_there_at_once_or_the_first_that_comes(bus: Bus) -> None:
    async with aclosing(bus.consume(durable="store", partitions=None, max_wait_s=20, gathers=True)) as stream:
        arriving = asyncio.ensure_future(anext(stream))
        await asyncio.sleep(0.3)
        await bus.publish(0, batch(0))
        assert points(await asyncio.wait_for(arriving, LIVENESS_S)) == [0]
        await bus.publish_all([(number % 3, batch(number)) for number in range(1, 100)])
        assert points(await asyncio.wait_for(anext(stream), LIVENESS_S)) == list(range(1, 100))
        await bus.publish_all([(0, batch(number)) for number in range(300)])
        pages = [await asyncio.wait_for(anext(stream), LIVENESS_S) for _ in range(2)]
        assert [len(page) for page in pages] == [256, 44]


async def test_acknowledgements_wait_for_one_another_and_go_out_when_the_bus_closes(bus_settings: BusSettings) -> None:
    async with Bus(bus_settings) as first:
        await first.publish_all([(0, batch(number)) for number in range(10)])
        for delivery in await take_and_close(first.consume(durable="store", partitions=None), 10):
            await delivery.ack()
    async with Bus(bus_settings) as second:
        async with asyncio.timeout(LIVENESS_S):
            while await second.pending(durable="store"):
                await asyncio.sleep(0.05)


async def test_poison_is_handed_over_with_the_reason_and_never_comes_again(bus: Bus) -> None:
    poison: list[tuple[bytes, str]] = []

    async def keep(raw: bytes, reason: str) -> None:
        poison.append((raw, reason))

    await bus._client.jetstream().publish("readings.0", b"not a batch")
    await bus.publish(0, batch(1))
    deliveries = await take(bus.consume(durable="store", partitions=None, on_poison=keep), 1)
    assert points(deliveries) == [1]
    assert poison == [(b"not a batch", "starts with b'not ', not b'ZRB1'")]
    await deliveries[0].ack()
    async with asyncio.timeout(LIVENESS_S):
        while await bus.pending(durable="store"):
            await asyncio.sleep(0.05)


async def test_a_killed_server_loses_nothing_acknowledged_and_everyone_goes_on(
    bus: Bus, nats_server: NatsServer
) -> None:
    stream = bus.consume(durable="store", partitions=None, max_wait_s=0.2)
    await bus.publish(0, batch(1))
    first = await take(stream, 1)
    await first[0].ack()
    for number in range(2, 50):
        await bus.publish(0, batch(number))
    os.kill(nats_server.pid, signal.SIGKILL)
    async with asyncio.timeout(LIVENESS_S):
        await bus.publish(0, batch(50))
    seen: set[int] = set()
    async with asyncio.timeout(LIVENESS_S):
        while not set(range(2, 51)) <= seen:
            for delivery in await anext(stream):
                seen |= set(points([delivery]))
                await delivery.ack()


async def test_a_repeated_attempt_is_kept_once(bus: Bus) -> None:
    stream = bus._client.jetstream()
    for _ in range(2):
        await stream.publish("readings.0", b"same", headers={"Nats-Msg-Id": "one"})
    assert (await stream.stream_info(READINGS_STREAM.name)).state.messages == 1


async def test_questions_are_answered_refused_or_nobody_is_there(bus: Bus) -> None:
    async def handler(payload: bytes) -> bytes:
        if payload == b"bad":
            raise ValueError("no such point")
        return payload.upper()

    with pytest.raises(NobodyAnswers):
        await bus.request("query.test", b"x", timeout_s=1)
    serving = asyncio.create_task(bus.serve("query.test", handler))
    await asyncio.sleep(0.1)
    assert await bus.request("query.test", b"latest", timeout_s=5) == b"LATEST"
    with pytest.raises(RequestFailed, match="ValueError: no such point"):
        await bus.request("query.test", b"bad", timeout_s=5)
    assert await bus.request("query.test", b"again", timeout_s=5) == b"AGAIN"
    serving.cancel()


async def test_a_slow_answer_does_not_hold_up_the_next(bus: Bus) -> None:
    async def handler(payload: bytes) -> bytes:
        await asyncio.sleep(5 if payload == b"slow" else 0)
        return payload

    serving = asyncio.create_task(bus.serve("query.test", handler))
    await asyncio.sleep(0.1)
    slow = asyncio.create_task(bus.request("query.test", b"slow", timeout_s=20))
    await asyncio.sleep(0.05)
    assert await bus.request("query.test", b"fast", timeout_s=3) == b"fast"
    slow.cancel()
    serving.cancel()


async def test_listeners_hear_what_is_notified(bus: Bus) -> None:
    heard = asyncio.ensure_future(anext(bus.listen("catalog.>")))
    await asyncio.sleep(0.1)
    await bus.notify("catalog.changed", b"7")
    assert await asyncio.wait_for(heard, LIVENESS_S) == b"7"


async def test_history_is_one_partition_in_order_and_ends(bus: Bus) -> None:
    for number in range(450):
        await bus.publish(number % 2, batch(number))
    pages = [page async for page in bus.history(partition=1, since_ms=0, max_messages=100)]
    assert max(len(page) for page in pages) <= 100
    assert [point for page in pages for point in points(page)] == list(range(1, 450, 2))


async def test_history_begins_where_asked_and_consumes_nothing(bus: Bus) -> None:
    await bus.publish(0, batch(1))
    await asyncio.sleep(0.2)
    since_ms = int(time.time() * 1000)
    await bus.publish(0, batch(2))
    for _ in range(2):
        pages = [page async for page in bus.history(partition=0, since_ms=since_ms)]
        assert [points(page) for page in pages] == [[2]]
    assert [page async for page in bus.history(partition=5, since_ms=0)] == []


async def test_the_ack_floor_says_how_far_a_durable_is(bus: Bus) -> None:
    assert await bus.ack_floor(durable="judge", partition=0) == 0
    sequences = [await bus.publish(0, batch(number)) for number in range(3)]
    async with aclosing(bus.consume(durable="judge", partitions=[0])) as stream:
        deliveries = await take(stream, 3)
        await deliveries[0].ack()
        await deliveries[1].ack()
        async with asyncio.timeout(LIVENESS_S):
            while await bus.ack_floor(durable="judge", partition=0) != sequences[1]:
                await asyncio.sleep(0.02)


async def test_a_consumer_made_anew_gives_out_what_came_after_and_nothing_to_who_asked_the_old_one(
    bus: Bus, bus_settings: BusSettings
) -> None:
    sequences = [await bus.publish(0, batch(point)) for point in range(3)]
    async with Bus(bus_settings) as paused, aclosing(paused.consume(durable="judge", partitions=[0])) as sleeping:
        await take(sleeping, 3)  # unacknowledged, and its standing request waits for more
        await bus.renew_consumer(durable="judge", partition=0, after=sequences[1])
        await bus.publish(0, batch(3))
        deliveries = await take(bus.consume(durable="judge", partitions=[0]), 2)
    assert points(deliveries) == [2, 3]
    assert [delivery.number for delivery in deliveries] == [1, 2]


async def test_a_consumer_after_a_sequence_that_the_bus_never_had_begins_with_what_comes(bus: Bus) -> None:
    """A bus that lost its files counts from 1 again."""
    await bus.renew_consumer(durable="judge", partition=0, after=50_000)
    await bus.publish(0, batch(7))
    assert points(await take_and_close(bus.consume(durable="judge", partitions=[0]), 1)) == [7]


async def test_a_bus_that_is_away_long_is_not_asked_meanwhile_and_asked_once_when_it_is_back(
    bus: Bus, nats_server: NatsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = bus.consume(durable="store", partitions=None, max_wait_s=0.05, max_messages=10)
    async with aclosing(stream):
        await anext(stream)
        os.kill(nats_server.pid, signal.SIGKILL)
        async with asyncio.timeout(LIVENESS_S):
            while bus.is_connected:
                await asyncio.sleep(0.01)
        monkeypatch.setattr("bus.pull.HEARTBEAT_S", 0.005)  # so that every look at it comes after a long silence
        waiting = bus._client.pending_data_size
        for _ in range(10):
            if not bus.is_connected:
                await anext(stream)
        assert bus._client.pending_data_size == waiting
        monkeypatch.undo()
        async with asyncio.timeout(LIVENESS_S):
            await bus.publish(0, batch(7))
        assert points(await take(stream, 1)) == [7]
