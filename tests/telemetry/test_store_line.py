"""The store line on a fake bus and store: what is acknowledged when, whatever fails."""

import asyncio
import json
import math
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np
import pytest
from prometheus_client import CollectorRegistry

from building.reading import Reading, ReadingBatch
from catalog.directory import LiveDirectory
from kit.clock import FakeClock, to_ms
from telemetry import store_line as module
from telemetry.duckdb_store import DuckDbStore
from telemetry.errors import UnstorableBatch
from telemetry.store_line import StoreLine
from tests.telemetry.site import DIRECTORY, HERE, SMOKE, TEMP

NOW = datetime(2026, 11, 22, 6, tzinfo=UTC)
NOW_MS = to_ms(NOW)


@dataclass
class FakeDelivery:
    batch: ReadingBatch
    sequence: int
    arrived_at: datetime = NOW
    answers: list[str] = field(default_factory=list)

    async def ack(self) -> None:
        self.answers.append("ack")

    async def nak(self, delay_s: float) -> None:
        assert delay_s > 0
        self.answers.append("nak")

    async def term(self) -> None:
        self.answers.append("term")


class FakeBus:
    """Hands out rounds of deliveries on the ordinary and on the life-safety line; then stays quiet."""

    def __init__(self, *rounds: list[FakeDelivery], life_safety: Sequence[list[FakeDelivery]] = ()) -> None:
        self._rounds = {False: rounds, True: tuple(life_safety)}
        self.poison: list[bytes] = []

    async def consume(
        self,
        *,
        durable: str,
        partitions: Sequence[int] | None,
        life_safety: bool = False,
        max_messages: int = 1,
        max_wait_s: float = 1.0,
        gathers: bool = False,
        on_poison: Callable[[bytes, str], Awaitable[None]] | None = None,
    ) -> AsyncGenerator[list[FakeDelivery], None]:
        assert (durable, partitions) == ("store", None)
        for raw in self.poison if not life_safety else []:
            assert on_poison is not None
            await on_poison(raw, "starts with b'junk'")
        for deliveries in self._rounds[life_safety]:
            yield deliveries
        while True:
            await asyncio.sleep(0.01)
            yield []


class FailingStore:
    """Refuses for good what holds the poison value; fails `failures` times of something else first."""

    POISON = -13.0

    def __init__(self, *, failures: int = 0) -> None:
        self.failures = failures
        self.kept: list[tuple[int, float]] = []

    async def append(self, batches: Sequence[tuple[int, ReadingBatch]]) -> None:
        if self.failures:
            self.failures -= 1
            raise OSError("no space left on device")
        if any((batch.value == self.POISON).any() for _, batch in batches):
            raise UnstorableBatch("poison")
        self.kept += [(sequence, value) for sequence, batch in batches for value in batch.value.tolist()]


class Letters:
    def __init__(self) -> None:
        self.kept: list[dict[str, Any]] = []
        self.is_down = False

    async def __call__(self, *, raw: bytes, reason: str, detail: str, source: str, site_id: UUID | None) -> None:
        if self.is_down:
            raise ConnectionError("no database")
        self.kept.append({"raw": raw, "reason": reason, "detail": detail, "source": source, "site_id": site_id})


def temperatures(sequence: int, *values: float, ts_ms: int = NOW_MS) -> FakeDelivery:
    return FakeDelivery(ReadingBatch.of([Reading(TEMP, ts_ms + n, v) for n, v in enumerate(values)]), sequence)


@pytest.fixture(autouse=True)
def no_long_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_FIRST_BACKOFF_S", 0.01)


@asynccontextmanager
async def running(bus: FakeBus, store: Any, letters: Letters, registry: CollectorRegistry) -> AsyncIterator[None]:
    line = StoreLine(bus=bus, store=store, directory=LiveDirectory(DIRECTORY), refuse=letters, registry=registry)
    task = asyncio.create_task(line.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.01)


async def run_until(condition: Callable[[], object], bus: FakeBus, store: Any, letters: Letters) -> CollectorRegistry:
    registry = CollectorRegistry()
    async with running(bus, store, letters, registry):
        await until(condition)
        await asyncio.sleep(0.05)
    return registry


async def test_messages_of_both_lines_are_stored_and_then_acknowledged(tmp_path: Path) -> None:
    first, second = temperatures(1, 60.0, 61.0), temperatures(2, 62.0, ts_ms=NOW_MS + 10)
    smoke = FakeDelivery(ReadingBatch.of([Reading(SMOKE, NOW_MS, 1.0)]), 1)
    bus = FakeBus([first, second], life_safety=[[smoke]])
    async with DuckDbStore(tmp_path, clock=FakeClock(NOW)) as store:
        registry = await run_until(lambda: second.answers and smoke.answers, bus, store, Letters())
        kept = await store.raw([TEMP, SMOKE], start_ms=NOW_MS, end_ms=NOW_MS + 1000, limit=100)
    assert sorted(kept.value.tolist()) == [1.0, 60.0, 61.0, 62.0]
    assert first.answers == second.answers == smoke.answers == ["ack"]
    assert registry.get_sample_value("hub_store_readings_total") == 4


async def test_a_bad_reading_becomes_a_dead_letter_and_the_rest_of_its_message_is_stored() -> None:
    readings = [Reading(TEMP, NOW_MS, 60.0), Reading(TEMP, NOW_MS + 1, 999.0), Reading(4242, NOW_MS, 1.0)]
    delivery = FakeDelivery(ReadingBatch.of(readings), 1)
    store, letters = FailingStore(), Letters()
    registry = await run_until(lambda: delivery.answers, FakeBus([delivery]), store, letters)
    assert store.kept == [(1, 60.0)]
    assert delivery.answers == ["ack"]
    unknown, implausible = sorted(letters.kept, key=lambda letter: letter["reason"], reverse=True)
    assert (implausible["reason"], implausible["source"], implausible["site_id"]) == (
        "implausible", "yunqi/PUMP-01", HERE,
    )  # fmt: skip
    assert "bearing_temp_c" in implausible["detail"]
    assert "999" in implausible["detail"]
    assert json.loads(implausible["raw"]) == [{"point": TEMP, "ts": NOW_MS + 1, "value": 999.0, "quality": "ok"}]
    assert (unknown["reason"], unknown["site_id"]) == ("unknown_point", None)
    assert registry.get_sample_value("hub_store_refused_readings_total", {"reason": "implausible"}) == 1


async def test_a_flood_of_bad_readings_of_a_device_is_one_dead_letter_with_their_number() -> None:
    delivery = temperatures(1, *[math.nan] * 500)
    letters = Letters()
    await run_until(lambda: delivery.answers, FakeBus([delivery]), FailingStore(), letters)
    (letter,) = letters.kept
    assert "500 readings in all" in letter["detail"]
    assert len(json.loads(letter["raw"])) == 20


async def test_a_store_that_fails_gives_the_messages_back_and_acknowledges_none() -> None:
    delivery = temperatures(1, 60.0)
    store = FailingStore(failures=1)
    registry = await run_until(lambda: len(delivery.answers) == 2, FakeBus([delivery], [delivery]), store, Letters())
    assert delivery.answers == ["nak", "ack"]
    assert store.kept
    assert registry.get_sample_value("hub_store_append_failures_total") == 1


async def test_a_poison_message_is_found_among_many_terminated_and_shown() -> None:
    deliveries = [temperatures(n, FailingStore.POISON if n == 5 else float(n)) for n in range(1, 10)]
    store, letters = FailingStore(), Letters()
    registry = await run_until(lambda: all(d.answers for d in deliveries), FakeBus(deliveries), store, letters)
    assert [d.answers for d in deliveries] == [["term"] if d.sequence == 5 else ["ack"] for d in deliveries]
    assert sorted(store.kept) == [(n, float(n)) for n in range(1, 10) if n != 5]
    assert [letter["reason"] for letter in letters.kept] == ["poison_batch"]
    assert registry.get_sample_value("hub_store_poison_batches_total") == 1


async def test_a_message_with_crooked_columns_is_poison_and_harms_no_other() -> None:
    crooked = FakeDelivery(
        ReadingBatch(
            np.array([TEMP, TEMP], np.int32), np.array([NOW_MS], np.int64), np.zeros(3), np.zeros(2, np.uint8)
        ),
        1,
    )
    good = temperatures(2, 60.0)
    store, letters = FailingStore(), Letters()
    await run_until(lambda: crooked.answers and good.answers, FakeBus([crooked, good]), store, letters)
    assert (crooked.answers, good.answers, store.kept) == (["term"], ["ack"], [(2, 60.0)])


async def test_a_message_that_is_no_batch_becomes_a_dead_letter() -> None:
    bus, letters = FakeBus(), Letters()
    bus.poison = [b"junk"]
    await run_until(lambda: letters.kept, bus, FailingStore(), letters)
    assert (letters.kept[0]["raw"], letters.kept[0]["reason"]) == (b"junk", "poison_batch")


async def test_a_database_that_is_away_delays_dead_letters_and_never_storage() -> None:
    bad, good = temperatures(1, 999.0, 60.0), temperatures(2, 61.0)
    store, letters = FailingStore(), Letters()
    letters.is_down = True
    async with running(FakeBus([bad], [good]), store, letters, CollectorRegistry()):
        await until(lambda: good.answers)
        assert store.kept == [(1, 60.0), (2, 61.0)]
        assert bad.answers == []
        letters.is_down = False
        await until(lambda: bad.answers)
    assert bad.answers == ["ack"]
    assert [letter["reason"] for letter in letters.kept] == ["implausible"]


async def test_an_impossible_time_is_judged_by_the_arrival_so_that_a_second_delivery_is_admitted_alike() -> None:
    smoke = [Reading(SMOKE, 2**61, 1.0)]
    deliveries = [FakeDelivery(ReadingBatch.of(smoke), 7) for _ in range(2)]
    stamped: list[int] = []

    class Recording(FailingStore):
        async def append(self, batches: Sequence[tuple[int, ReadingBatch]]) -> None:
            stamped.extend(ts for _, batch in batches for ts in batch.ts_ms.tolist())

    bus = FakeBus(life_safety=[[deliveries[0]], [deliveries[1]]])
    await run_until(lambda: deliveries[1].answers, bus, Recording(), Letters())
    assert stamped == [NOW_MS, NOW_MS]
