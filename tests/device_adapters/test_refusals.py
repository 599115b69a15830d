"""What could not become a reading, on its way to PostgreSQL."""

import asyncio
from collections import Counter as Tally
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import psycopg
import pytest
from procrastinate.exceptions import ConnectorException
from prometheus_client import CollectorRegistry
from sqlalchemy.exc import DataError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolExhausted
from sqlalchemy.ext.asyncio import AsyncSession

from catalog.views import NewLetter, Sample
from device_adapters import refusals as refusals_module
from device_adapters.refusals import RefusalLine, UnknownMessage
from device_adapters.values import Reason
from kit.clock import FakeClock
from kit.db import Database
from tests.conftest import LIVENESS_S


class Keeper:
    """Stands for both the inbox and the dead letters; fails as often as told, or for what it dislikes."""

    def __init__(self) -> None:
        self.letters: list[NewLetter] = []
        self.alike: Tally[UUID] = Tally()
        self.samples: dict[str, list[bytes]] = {}
        self.times: Tally[str] = Tally()
        self.counted = 0
        self.away = 0
        self.away_says: Exception = OperationalError("INSERT", {}, psycopg.OperationalError("away"))
        self.disliked: str | None = None
        self.dislike_says: Exception = DataError("INSERT", {}, psycopg.DataError("NUL"))
        self.before: Callable[[], object] = lambda: None

    async def note_all(
        self, session: AsyncSession, *, external_id: str, said: Sequence[Sample], times: int, **rest: Any
    ) -> None:
        self._check(said)
        self.samples.setdefault(external_id, []).extend(one.payload for one in said)
        self.times[external_id] += times

    async def count_all(
        self, session: AsyncSession, times: Mapping[tuple[str, str, str, str], int], *, heard_at: datetime
    ) -> None:
        self._check([])
        self.counted += 1
        self.times.update({external_id: count for (_, _, _, external_id), count in times.items()})

    async def add_all(self, session: AsyncSession, letters: Sequence[NewLetter], *, alike: Mapping[UUID, int]) -> None:
        self._check(letters)
        self.letters += letters
        self.alike.update(alike)

    @property
    def kept(self) -> int:
        return len(self.letters) + sum(map(len, self.samples.values()))

    def _check(self, said: Sequence[object]) -> None:
        self.before()
        if self.away > 0:
            self.away -= 1
            raise self.away_says
        if self.disliked is not None and self.disliked in str(said):
            raise self.dislike_says


@asynccontextmanager
async def line(
    database: Database, keeper: Keeper, registry: CollectorRegistry, clock: FakeClock | None = None
) -> AsyncIterator[RefusalLine]:
    clock = clock or FakeClock(datetime(2026, 11, 22, tzinfo=UTC))
    found = RefusalLine(database, discovery=keeper, dead_letters=keeper, clock=clock, registry=registry)
    running = asyncio.create_task(found.run())
    try:
        yield found
    finally:
        running.cancel()


def letter(line: RefusalLine, detail: str, *, done: Any = None, about: str = "") -> None:
    line.refuse(raw=b"{", reason=Reason.NOT_JSON, detail=detail, source="mqtt:embedded", about=about, done=done)


def unknown(line: RefusalLine, name: str, *, times: int = 1) -> None:
    for number in range(times):
        line.unknown(UnknownMessage("mqtt", "embedded", "yunqi", name, "t", b"%d" % number))


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
        letter(refusals, "first", done=lambda: told.append(keeper.kept))
        await until(lambda: told)
    assert told == [1]


@pytest.mark.parametrize(
    "says",
    [
        psycopg.OperationalError("away"), psycopg.InterfaceError("closed"), ConnectorException(),
        PoolExhausted("all taken"), ConnectionRefusedError(),
    ],
    ids=repr,
)  # fmt: skip
async def test_whoever_says_that_postgresql_is_away_it_is_tried_again(
    database: Database, monkeypatch: Any, says: Exception
) -> None:
    monkeypatch.setattr(refusals_module, "RETRY_S", 0.05)
    keeper, told = Keeper(), []
    keeper.away, keeper.away_says = 1, says
    async with line(database, keeper, CollectorRegistry()) as refusals:
        letter(refusals, "first", done=lambda: told.append(keeper.kept))
        await until(lambda: told)
    assert told == [1]


async def test_what_was_written_of_a_batch_in_parts_is_not_counted_again(database: Database, monkeypatch: Any) -> None:
    monkeypatch.setattr(refusals_module, "RETRY_S", 0.05)
    keeper, told, calls = Keeper(), [], 0
    keeper.disliked = "rotten"

    def away_for_the_last_part() -> None:
        nonlocal calls
        calls += 1
        keeper.away = 1 if calls == 44 else 0  # the batch, 41 letters, the counts beside one, and those beside another

    keeper.before = away_for_the_last_part
    async with line(database, keeper, CollectorRegistry()) as refusals:
        for about in ("loud", "shrill"):
            for number in range(30):
                letter(refusals, str(number), about=about)
        letter(refusals, "rotten", about="rotten", done=lambda: told.append(1))
        await until(lambda: told)
    assert calls == 45
    assert keeper.alike == {keeper.letters[19].id: 10, keeper.letters[39].id: 10}
    assert [one.detail for one in keeper.letters] == [str(number) for number in range(20)] * 2


@pytest.mark.parametrize(
    "says",
    [
        DataError("INSERT", {}, psycopg.DataError("NUL")), psycopg.DataError("NUL"),
        OperationalError("INSERT", {}, psycopg.errors.ProgramLimitExceeded("index row too large")),
    ],
    ids=repr,
)  # fmt: skip
async def test_what_postgresql_will_not_have_does_not_hold_up_the_rest(database: Database, says: Exception) -> None:
    keeper, registry, told = Keeper(), CollectorRegistry(), []
    keeper.disliked, keeper.dislike_says = "rotten", says
    async with line(database, keeper, registry) as refusals:
        for detail in ("good 1", "rotten", "good 2"):
            letter(refusals, detail, done=lambda detail=detail: told.append(detail))
        await until(lambda: len(told) == 3)
    assert [kept.detail for kept in keeper.letters] == ["good 1", "good 2"]
    assert registry.get_sample_value("hub_refusals_dropped_total", {"kind": "letter"}) == 1


async def test_a_flood_of_one_device_leaves_room_for_the_others_and_is_counted(database: Database) -> None:
    keeper, registry, told = Keeper(), CollectorRegistry(), []
    async with line(database, keeper, registry) as refusals:
        for number in range(400):
            message = UnknownMessage("mqtt", "embedded", "yunqi", "LOUD", "t", str(number).encode())
            refusals.unknown(message, done=lambda: told.append(1))
        refusals.unknown(UnknownMessage("mqtt", "embedded", "yunqi", "QUIET", "t", b"!"), done=lambda: told.append(1))
        assert len(told) == 370, (
            "whom a flood only counts is let go at once, but for ten: his broker has others waiting"
        )
        await until(lambda: len(told) == 401)
    assert keeper.samples == {"LOUD": [str(number).encode() for number in range(20)], "QUIET": [b"!"]}
    assert keeper.times == {"LOUD": 400, "QUIET": 1}, "what was only counted is among what was heard"
    assert registry.get_sample_value("hub_refusals_dropped_total", {"kind": "sample"}) == 380
    assert registry.get_sample_value("hub_intake_unknown_device_total") == 401


async def test_of_one_sender_a_few_letters_are_kept_a_minute_and_the_rest_is_counted_beside_the_last(
    database: Database,
) -> None:
    keeper, clock, told = Keeper(), FakeClock(datetime(2026, 11, 22, tzinfo=UTC)), []
    async with line(database, keeper, CollectorRegistry(), clock) as refusals:
        for number in range(50):
            letter(refusals, str(number), about="loud", done=lambda: told.append(1))
        letter(refusals, "quiet", about="quiet", done=lambda: told.append(1))
        await until(lambda: len(told) == 51)
        assert [one.detail for one in keeper.letters] == [*map(str, range(20)), "quiet"]
        assert keeper.alike == {keeper.letters[19].id: 30}
        clock.advance(seconds=refusals_module.WINDOW_S)
        letter(refusals, "a minute later", about="loud", done=lambda: told.append(1))
        await until(lambda: len(told) == 52)
    assert keeper.letters[-1].detail == "a minute later"


async def test_a_flood_of_invented_devices_keeps_a_few_and_counts_the_rest(database: Database) -> None:
    keeper, registry, told = Keeper(), CollectorRegistry(), []
    async with line(database, keeper, registry) as refusals:
        for number in range(1_000):
            message = UnknownMessage("mqtt", "embedded", "yunqi", f"N-{number}", "t", b"?")
            refusals.unknown(message, done=lambda: told.append(1))
        await until(lambda: len(told) == 1_000)
    assert len(keeper.samples) >= refusals_module.DEVICES_A_WRITE
    assert registry.get_sample_value("hub_intake_unknown_device_total") == 1_000
    dropped = registry.get_sample_value("hub_refusals_dropped_total", {"kind": "sample"}) or 0
    assert dropped + keeper.kept == 1_000


async def test_while_postgresql_is_away_an_inventor_of_names_does_not_fill_the_memory(
    database: Database, monkeypatch: Any
) -> None:
    monkeypatch.setattr(refusals_module, "SENDERS_KEPT", 50)
    keeper, registry = Keeper(), CollectorRegistry()
    clock = FakeClock(datetime(2026, 11, 22, tzinfo=UTC))
    refusals = RefusalLine(database, discovery=keeper, dead_letters=keeper, clock=clock, registry=registry)
    for number in range(1_000):
        unknown(refusals, f"N-{number}")
        letter(refusals, "x", about=f"N-{number}")
    batch = refusals._take()
    assert len(batch.times) <= 50 + refusals_module.DEVICES_A_WRITE
    assert len(batch.alike) <= 50
    for kind, kept in (("sample", sum(map(len, batch.said.values()))), ("letter", len(batch.letters))):
        assert registry.get_sample_value("hub_refusals_dropped_total", {"kind": kind}) == 1_000 - kept
    assert len(refusals._take().times) == 0


async def test_who_has_no_letter_of_his_own_is_counted_beside_the_last_of_the_reason(
    database: Database, monkeypatch: Any
) -> None:
    monkeypatch.setattr(refusals_module, "LETTERS_A_REASON", 3)
    keeper, told = Keeper(), []
    async with line(database, keeper, CollectorRegistry()) as refusals:
        for number in range(10):
            letter(refusals, str(number), about=f"N-{number}", done=lambda: told.append(1))
        await until(lambda: len(told) == 10 and keeper.alike)
    assert [one.detail for one in keeper.letters] == ["0", "1", "2"]
    assert keeper.alike == {keeper.letters[2].id: 7}


async def test_devices_that_are_only_counted_take_one_question_whatever_their_number(database: Database) -> None:
    keeper = Keeper()
    async with line(database, keeper, CollectorRegistry()) as refusals:
        for number in range(200):
            unknown(refusals, f"N-{number}")
        await until(lambda: sum(keeper.times.values()) == 200)
    assert keeper.counted == 1


async def test_a_trickle_that_is_only_counted_is_let_go_once_the_count_is_written(database: Database) -> None:
    keeper, told = Keeper(), []
    async with line(database, keeper, CollectorRegistry()) as refusals:
        for number in range(20):
            letter(refusals, str(number))
        await until(lambda: len(keeper.letters) == 20)
        for _ in range(3):
            letter(refusals, "one more", done=lambda: told.append(sum(keeper.alike.values())))
        assert told == []
        await until(lambda: len(told) == 3)
    assert told == [3, 3, 3]


async def test_a_full_queue_drops_counts_and_lets_the_sender_go(database: Database, monkeypatch: Any) -> None:
    monkeypatch.setattr(refusals_module, "WAITING_LIMIT", 3)
    monkeypatch.setattr(refusals_module, "COUNTED_WAITING", 1)
    registry, told = CollectorRegistry(), []
    keeper, clock = Keeper(), FakeClock(datetime(2026, 11, 22, tzinfo=UTC))
    refusals = RefusalLine(database, discovery=keeper, dead_letters=keeper, clock=clock, registry=registry)
    for number in range(5):
        letter(refusals, str(number), done=lambda number=number: told.append(number))
    assert told == [4], "one waits until the count is written"
    assert registry.get_sample_value("hub_refusals_dropped_total", {"kind": "letter"}) == 2
    assert registry.get_sample_value("hub_intake_refused_total", {"reason": "not_json"}) == 5


async def test_in_a_flood_writing_takes_a_tenth_of_the_time_and_ends_with_the_flood(
    database: Database, monkeypatch: Any
) -> None:
    monkeypatch.setattr(refusals_module, "LETTERS_A_REASON", 2)
    pauses: list[float] = []
    keeper, clock = Keeper(), FakeClock(datetime(2026, 11, 22, tzinfo=UTC))
    keeper.before = lambda: clock.advance(seconds=0.2)
    real_sleep = asyncio.sleep

    async def sleep(seconds: float) -> None:  # others sleep as well, but only a pause is this long
        if seconds > 1.5:
            pauses.append(seconds)
        await real_sleep(0 if seconds > 1.5 else seconds)

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
        while keeper.kept < count:
            await sleep(0.01)
