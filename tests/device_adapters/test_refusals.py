"""What could not become a reading, on its way to PostgreSQL."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import pytest
from prometheus_client import CollectorRegistry
from sqlalchemy.exc import DataError, OperationalError
from sqlalchemy.ext.asyncio import AsyncSession

from device_adapters import refusals as refusals_module
from device_adapters.refusals import RefusalLine, UnknownMessage
from device_adapters.values import Reason
from kit.clock import FakeClock
from kit.db import Database
from tests.conftest import LIVENESS_S


class Keeper:
    """Stands for both the inbox and the dead letters; fails as often as told, or for what it dislikes."""

    def __init__(self) -> None:
        self.kept: list[dict[str, Any]] = []
        self.away = 0
        self.disliked: str | None = None
        self.before: Callable[[], object] = lambda: None

    async def note(self, session: AsyncSession, **said: Any) -> None:
        self._keep(said)

    async def add(self, session: AsyncSession, **said: Any) -> None:
        self._keep(said)

    def _keep(self, said: dict[str, Any]) -> None:
        self.before()
        if self.away > 0:
            self.away -= 1
            raise OperationalError("INSERT", {}, ConnectionError("away"))
        if self.disliked is not None and self.disliked in str(said):
            raise DataError("INSERT", {}, ValueError("NUL"))
        self.kept.append(said)


@asynccontextmanager
async def line(database: Database, keeper: Keeper, registry: CollectorRegistry) -> AsyncIterator[RefusalLine]:
    clock = FakeClock(datetime(2026, 11, 22, tzinfo=UTC))
    found = RefusalLine(database, discovery=keeper, dead_letters=keeper, clock=clock, registry=registry)
    running = asyncio.create_task(found.run())
    try:
        yield found
    finally:
        running.cancel()


def letter(line: RefusalLine, detail: str, *, done: Any = None, source: str = "mqtt:embedded") -> None:
    line.refuse(raw=b"{", reason=Reason.NOT_JSON, detail=detail, source=source, done=done)


async def until(condition: Any) -> None:
    async with asyncio.timeout(LIVENESS_S):
        while not condition():
            await asyncio.sleep(0.01)


async def test_the_sender_is_told_once_it_is_kept_also_when_postgresql_was_away(
    database: Database, monkeypatch: Any
) -> None:
    monkeypatch.setattr(refusals_module, "RETRY_S", 0.05)
    keeper, told = Keeper(), []
    keeper.away = 2
    async with line(database, keeper, CollectorRegistry()) as refusals:
        letter(refusals, "first", done=lambda: told.append(len(keeper.kept)))
        await until(lambda: told)
    assert told == [1]


async def test_what_postgresql_will_not_have_does_not_hold_up_the_rest(database: Database) -> None:
    keeper, registry, told = Keeper(), CollectorRegistry(), []
    keeper.disliked = "bad"
    async with line(database, keeper, registry) as refusals:
        for detail in ("good 1", "bad", "good 2"):
            letter(refusals, detail, done=lambda detail=detail: told.append(detail))
        await until(lambda: len(told) == 3)
    assert {kept["detail"] for kept in keeper.kept} >= {"good 1", "good 2"}
    assert registry.get_sample_value("hub_refusals_dropped_total", {"kind": "letter"}) == 1


async def test_a_flood_of_one_device_leaves_room_for_the_others_and_is_counted(database: Database) -> None:
    keeper, registry, told = Keeper(), CollectorRegistry(), []
    async with line(database, keeper, registry) as refusals:
        for number in range(400):
            message = UnknownMessage("mqtt", "embedded", "yunqi", "LOUD", "t", str(number).encode())
            refusals.unknown(message, done=lambda: told.append(1))
        refusals.unknown(UnknownMessage("mqtt", "embedded", "yunqi", "QUIET", "t", b"!"), done=lambda: told.append(1))
        assert len(told) == 380, "who is only counted is let go at once: his broker has others waiting"
        await until(lambda: len(told) == 401)
    loud = [kept["payload"] for kept in keeper.kept if kept["external_id"] == "LOUD"]
    assert loud == [str(number).encode() for number in range(20)]
    assert any(kept["external_id"] == "QUIET" for kept in keeper.kept)
    assert registry.get_sample_value("hub_refusals_dropped_total", {"kind": "sample"}) == 380
    assert registry.get_sample_value("hub_intake_unknown_device_total") == 401


async def test_a_full_queue_drops_counts_and_lets_the_sender_go(database: Database, monkeypatch: Any) -> None:
    monkeypatch.setattr(refusals_module, "WAITING_LIMIT", 3)
    registry, told = CollectorRegistry(), []
    keeper, clock = Keeper(), FakeClock(datetime(2026, 11, 22, tzinfo=UTC))
    refusals = RefusalLine(database, discovery=keeper, dead_letters=keeper, clock=clock, registry=registry)
    for number in range(5):
        letter(refusals, str(number), done=lambda number=number: told.append(number))
    assert told == [3, 4]
    assert registry.get_sample_value("hub_refusals_dropped_total", {"kind": "letter"}) == 2
    assert registry.get_sample_value("hub_intake_refused_total", {"reason": "not_json"}) == 5


async def test_in_a_flood_writing_takes_a_tenth_of_the_time_and_ends_with_the_flood(
    database: Database, monkeypatch: Any
) -> None:
    monkeypatch.setattr(refusals_module, "LETTERS_A_REASON", 2)
    pauses: list[float] = []
    keeper, clock = Keeper(), FakeClock(datetime(2026, 11, 22, tzinfo=UTC))
    keeper.before = lambda: clock.advance(seconds=0.1)
    real_sleep = asyncio.sleep

    async def sleep(seconds: float) -> None:  # others sleep as well, but only a pause is this long
        if seconds > 1:
            pauses.append(seconds)
        await real_sleep(0 if seconds > 1 else seconds)

    monkeypatch.setattr(asyncio, "sleep", sleep)
    refusals = RefusalLine(database, discovery=keeper, dead_letters=keeper, clock=clock, registry=CollectorRegistry())
    running = asyncio.create_task(refusals.run())
    for number in range(5):
        letter(refusals, str(number))
    await _until_kept(keeper, 2, real_sleep)
    letter(refusals, "calm again")
    await _until_kept(keeper, 3, real_sleep)
    running.cancel()
    assert pauses == [pytest.approx(9 * 0.2)]


async def _until_kept(keeper: Keeper, count: int, sleep: Any) -> None:
    async with asyncio.timeout(LIVENESS_S):
        while len(keeper.kept) < count:
            await sleep(0.01)
