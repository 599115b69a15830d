"""Alarms over MQTT: right after the commit, by the sweep if that failed, once a transition."""

import asyncio
import json
from dataclasses import dataclass, field

import pytest
from prometheus_client import CollectorRegistry
from sqlalchemy import select

from alarms.models import TransitionRecord
from alarms.publication import QUEUE_LIMIT, SWEEP_AFTER_S, AlarmPublication
from kit.db import Database
from tests.alarms.place import Place


@dataclass
class Broker:
    """Keeps what it was told; answers nobody while it is down."""

    heard: list[tuple[str, dict[str, object]]] = field(default_factory=list)
    is_down: bool = False

    async def publish(self, topic: str, payload: bytes, qos: int = 1) -> None:
        assert qos == 1
        if self.is_down:
            raise ConnectionRefusedError
        self.heard.append((topic, json.loads(payload)))


@dataclass
class Post:
    broker: Broker
    publication: AlarmPublication
    registry: CollectorRegistry


@pytest.fixture
def post(database: Database, place: Place) -> Post:
    broker, registry = Broker(), CollectorRegistry()
    return Post(broker, AlarmPublication(broker, database.transaction, place.clock, registry), registry)


async def sweep(database: Database, post: Post) -> None:
    async with database.transaction() as session:
        await post.publication.publish_pending(session)


async def unpublished(database: Database) -> int:
    async with database.transaction() as session:
        return len(
            (await session.scalars(select(TransitionRecord).where(TransitionRecord.published_at.is_(None)))).all()
        )


async def test_a_message_says_all_a_panel_needs(database: Database, place: Place, post: Post) -> None:
    async with database.transaction() as session:
        [transition] = await place.alarms.apply(session, [place.detection()])
    runner = asyncio.create_task(post.publication.run())
    post.publication.offer([transition])
    async with asyncio.timeout(30):
        while await unpublished(database):
            await asyncio.sleep(0.01)
    runner.cancel()
    [(topic, message)] = post.broker.heard
    assert topic == "site/test/alarms"
    assert message["value"] == {"bearing_temp_c": 81.5}
    assert {key: message[key] for key in ("transition", "state", "rule", "equipment", "severity", "event_time")} == {
        "transition": "raised",
        "state": "UNACKED",
        "rule": "pump-bearing-wear",
        "equipment": "PUMP-01",
        "severity": "major",
        "event_time": "2026-11-22T04:00:00Z",
    }
    place.clock.advance(seconds=SWEEP_AFTER_S + 1)
    await sweep(database, post)
    assert len(post.broker.heard) == 1


async def test_the_sweep_leaves_the_fast_way_its_time_and_then_sends_in_order(
    database: Database, place: Place, post: Post
) -> None:
    async with database.transaction() as session:
        await place.alarms.apply(session, [place.detection(), place.detection(active=False)])
    await sweep(database, post)
    assert post.broker.heard == []
    place.clock.advance(seconds=SWEEP_AFTER_S + 1)
    await sweep(database, post)
    assert [message["transition"] for _, message in post.broker.heard] == ["raised", "returned"]
    await sweep(database, post)
    assert len(post.broker.heard) == 2


async def test_a_broker_that_is_away_loses_nothing(database: Database, place: Place, post: Post) -> None:
    post.broker.is_down = True
    async with database.transaction() as session:
        transitions = await place.alarms.apply(session, [place.detection()])
    runner = asyncio.create_task(post.publication.run())
    post.publication.offer(transitions)
    async with asyncio.timeout(30):
        while not post.registry.get_sample_value("alarms_left_to_sweep_total", {"reason": "broker_unreachable"}):
            await asyncio.sleep(0.01)
    runner.cancel()
    place.clock.advance(seconds=SWEEP_AFTER_S + 1)
    await sweep(database, post)
    assert await unpublished(database) == 1
    post.broker.is_down = False
    await sweep(database, post)
    assert await unpublished(database) == 0


async def test_the_sweep_passes_over_what_the_fast_way_still_has(database: Database, place: Place, post: Post) -> None:
    async with database.transaction() as session:
        post.publication.offer(await place.alarms.apply(session, [place.detection()]))
    place.clock.advance(seconds=SWEEP_AFTER_S + 1)
    await sweep(database, post)
    assert post.broker.heard == []
    runner = asyncio.create_task(post.publication.run())
    async with asyncio.timeout(30):
        while await unpublished(database):
            await asyncio.sleep(0.01)
    runner.cancel()
    assert len(post.broker.heard) == 1


async def test_an_orderly_end_writes_down_what_was_sent(database: Database, place: Place, post: Post) -> None:
    runner = asyncio.create_task(post.publication.run())
    async with database.transaction() as session:
        transitions = await place.alarms.apply(session, [place.detection()])
    post.publication.offer(transitions)
    async with asyncio.timeout(30):
        while not post.broker.heard:
            await asyncio.sleep(0.01)
    runner.cancel()
    await asyncio.gather(runner, return_exceptions=True)
    assert await unpublished(database) == 0


async def test_a_full_queue_never_waits_and_is_counted(database: Database, place: Place, post: Post) -> None:
    async with database.transaction() as session:
        [transition] = await place.alarms.apply(session, [place.detection()])
    post.publication.offer([transition] * (QUEUE_LIMIT + 3))
    assert post.registry.get_sample_value("alarms_left_to_sweep_total", {"reason": "queue_full"}) == 3
