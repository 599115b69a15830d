"""The judge line on a real nats-server and PostgreSQL: from a reading on the bus to an alarm, come what may."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from prometheus_client import CollectorRegistry
from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from alarms.lifecycle import AlarmState
from alarms.models import Alarm, AlarmEpisode, TransitionRecord
from alarms.publication import AlarmPublication
from alarms.service import AlarmService
from building.reading import Reading, ReadingBatch
from building.severity import Severity
from bus.client import Bus
from bus.lease import LeaseCheck, LeaseLost, PartitionLeases
from catalog.loader import load_directory
from catalog.profiles import load_profiles
from hub import judge_beginning
from hub.judge_books import JudgeBooks
from hub.judge_line import JudgeLine, build_judge_line
from hub.judge_meters import JudgeMeters
from hub.partition_mark import PartitionMark, Reached
from kit.access import Scope
from kit.clock import SystemClock, to_ms
from kit.db import Database, driver_connection
from kit.i18n import Language, Texts
from kit.ids import new_id
from kit.rows import fetch
from people.models import Person
from rules.models import JudgePosition
from rules.schemas import RuleDefinition
from rules.service import RuleService
from tests.alarms.place import ROOT, Place, small_site

LIVENESS_S = 30.0
PARTITION = 1


@dataclass
class Panel:
    """An MQTT broker that keeps what it was told."""

    heard: list[tuple[str, bytes]] = field(default_factory=list)

    async def publish(self, topic: str, payload: bytes, qos: int = 1) -> None:
        self.heard.append((topic, payload))


@dataclass
class EmptyStore:
    """A telemetry store that knows nothing, or only what a test gives it."""

    readings: ReadingBatch = field(default_factory=ReadingBatch.empty)

    async def latest(self, point_nos: Sequence[int]) -> ReadingBatch:
        return self.readings.where(self.readings.ts_ms == self.readings.ts_ms.max(initial=0))

    async def raw(self, point_nos: Sequence[int], *, start_ms: int, end_ms: int, limit: int) -> ReadingBatch:
        ts_ms = self.readings.ts_ms
        asked = np.isin(self.readings.point_no, point_nos) & (ts_ms >= start_ms) & (ts_ms < end_ms)
        return self.readings.where(asked)


@dataclass
class Plant:
    """Everything a judge line stands on; several lines may run on it one after the other, or at once."""

    database: Database
    bus: Bus
    place: Place
    rules: RuleService
    store: EmptyStore = field(default_factory=EmptyStore)
    panel: Panel = field(default_factory=Panel)
    clock: SystemClock = field(default_factory=SystemClock)

    @asynccontextmanager
    async def judging(self, owner: str = "judge") -> AsyncIterator[JudgeLine]:
        async with PartitionLeases(self.database.url, owner=owner) as leases:
            line = build_judge_line(
                database=self.database,
                bus=self.bus,
                leases=leases,
                alarms=AlarmService(self.place.directory, self.clock),
                rules=self.rules,
                queries=self.store,  # type: ignore[arg-type]
                publisher=self.panel,
                directory=self.place.directory,
                clock=self.clock,
                registry=CollectorRegistry(),
            )
            task = asyncio.create_task(line.run())
            try:
                yield line
            finally:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)

    def now_ms(self) -> int:
        return to_ms(self.clock.now())

    async def publish(self, code: str, *, ts_ms: int | None = None, life_safety: bool = False, **values: float) -> int:
        entry = next(e for e in self.place.directory.current.entries if e.code == code)
        readings = [
            Reading(entry.points[key].point_no, ts_ms or self.now_ms(), float(value)) for key, value in values.items()
        ]
        return await self.bus.publish(entry.partition, ReadingBatch.of(readings), life_safety=life_safety)

    async def alarms(self) -> list[Alarm]:
        async with self.database.transaction() as session:
            return list((await session.scalars(select(Alarm).order_by(Alarm.raised_at))).all())

    async def count(self, table: Any) -> int:
        async with self.database.transaction() as session:
            return await session.scalar(select(func.count()).select_from(table)) or 0

    async def has_judged(self, sequence: int, *, life_safety: bool = False) -> bool:
        async with self.database.transaction() as session:
            row = await session.get(JudgePosition, (PARTITION, life_safety))
        return row is not None and row.sequence >= sequence

    async def add_rule(self, key: str, when: str, **changes: Any) -> None:
        body = {
            "key": key, "name": dict.fromkeys(Language, key), "message": dict.fromkeys(Language, key),
            "profile": "grundfos-cim-pump", "when": when, "severity": Severity.MAJOR, "fault_mode": "fault",
        }  # fmt: skip
        author = Person(id=new_id(), kind="staff", name="王经理")
        async with self.database.transaction() as session:
            session.add(author)
            await session.flush()
            definition = RuleDefinition.model_validate(body | changes)
            await self.rules.add(session, Scope.everywhere(), definition, enabled=True, author=author.id)

    async def switch(self, key: str, *, enabled: bool) -> None:
        async with self.database.transaction() as session:
            row = await self.rules.get(session, Scope.everywhere(), key)
            await self.rules.switch(session, Scope.everywhere(), key, enabled=enabled, version=row.version)


async def until(condition: Callable[[], Any], what: str) -> Any:
    """Waits for an awaitable condition to be true; its value."""
    async with asyncio.timeout(LIVENESS_S):
        while True:
            if found := await condition():
                return found
            await asyncio.sleep(0.02)
    raise AssertionError(what)


@pytest.fixture
async def plant(database: Database, bus: Bus) -> Plant:
    place = await small_site(database)
    profiles = load_profiles(ROOT / "device_adapters" / "profiles")
    texts = Texts.load(["kit", "rules", "alarms"])
    rules = RuleService(profiles, place.directory, texts, SystemClock())
    async with database.transaction() as session:
        await rules.load_shipped(session)
    return Plant(database, bus, place, rules)


async def test_a_trapped_passenger_becomes_an_alarm_and_a_message(plant: Plant) -> None:
    async with plant.judging():
        await plant.publish("LIFT-01", passenger_trapped=1, life_safety=True)
        [alarm] = await until(plant.alarms, "an alarm")
        await until(lambda: _async(plant.panel.heard), "a message")
    assert (alarm.source_id, alarm.state, alarm.life_safety, alarm.order_kind) == (
        "elevator-passenger-trapped", AlarmState.UNACKED, True, "entrapment",
    )  # fmt: skip
    assert plant.panel.heard[0][0] == "site/test/alarms"


async def test_ordinary_readings_raise_after_their_duration_and_end(plant: Plant) -> None:
    start = plant.now_ms() - 100_000
    async with plant.judging():
        for second in range(0, 62, 2):
            await plant.publish("PUMP-01", ts_ms=start + second * 1000, bearing_temp_c=80, vibration_mm_s=6)
        [alarm] = await until(plant.alarms, "an alarm")
        assert to_ms(alarm.onset_at) == start
        for second in range(62, 130, 2):
            last = await plant.publish("PUMP-01", ts_ms=start + second * 1000, bearing_temp_c=40, vibration_mm_s=1)
        await until(lambda: plant.has_judged(last), "the position")
    [alarm] = await plant.alarms()
    assert (alarm.state, alarm.episodes) == (AlarmState.RTN_UNACKED, 1)


async def test_a_duration_ends_by_the_clock_when_no_reading_comes(plant: Plant) -> None:
    await plant.add_rule("lift-door", "door_closed == 0", profile="gb24476-elevator", **{"for": "1s"})
    async with plant.judging():
        await plant.publish("LIFT-01", door_closed=0)
        [alarm] = await until(plant.alarms, "an alarm")
    assert alarm.source_id == "lift-door"


async def test_what_was_told_is_not_told_again_after_a_restart_and_what_was_not_is_told(plant: Plant) -> None:
    async with plant.judging():
        await plant.publish("SMOKE-001", smoke=1, life_safety=True)
        await until(plant.alarms, "an alarm")
    # Nobody judges meanwhile: one ends, another begins.
    await plant.publish("SMOKE-001", smoke=0, life_safety=True)
    last = await plant.publish("SMOKE-002", smoke=1, life_safety=True)
    async with plant.judging():
        await until(lambda: plant.has_judged(last, life_safety=True), "the position")
    alarms = {alarm.equipment_code: alarm for alarm in await plant.alarms()}
    assert alarms["SMOKE-001"].state == AlarmState.RTN_UNACKED
    assert alarms["SMOKE-002"].state == AlarmState.UNACKED
    assert await plant.count(AlarmEpisode) == 2
    assert await plant.count(TransitionRecord) == 3


async def test_a_duration_under_way_goes_on_over_a_restart(plant: Plant) -> None:
    start = plant.now_ms() - 100_000
    async with plant.judging():
        for second in range(0, 40, 2):
            last = await plant.publish("PUMP-01", ts_ms=start + second * 1000, bearing_temp_c=80, vibration_mm_s=6)
        await until(lambda: plant.has_judged(last), "the position")
    assert await plant.alarms() == []
    async with plant.judging():
        for second in range(40, 62, 2):
            await plant.publish("PUMP-01", ts_ms=start + second * 1000, bearing_temp_c=80, vibration_mm_s=6)
        [alarm] = await until(plant.alarms, "an alarm")
    assert to_ms(alarm.onset_at) == start


async def test_a_line_that_dies_at_any_instant_raises_nothing_twice_and_swallows_nothing(plant: Plant) -> None:
    """Detectors say smoke and clear in turn while the line is stopped mid-way again and again, at seeded instants."""
    instants, detectors, rounds = random.Random(7), range(1, 21), 6
    stopped = asyncio.Event()

    async def toggle() -> int:
        last = 0
        for turn in range(2 * rounds):
            for number in detectors:
                last = await plant.publish(f"SMOKE-{number:03}", smoke=(turn + 1) % 2, life_safety=True)
                await asyncio.sleep(0.005)
        stopped.set()
        return last

    publishing = asyncio.create_task(toggle())
    while not stopped.is_set():
        async with plant.judging():
            await asyncio.sleep(instants.uniform(0.05, 0.5))
    last = await publishing
    async with plant.judging():
        await until(lambda: plant.has_judged(last, life_safety=True), "the position")
    assert await plant.count(AlarmEpisode) == rounds * len(detectors)
    assert await plant.count(TransitionRecord) == 2 * rounds * len(detectors)
    assert {alarm.state for alarm in await plant.alarms()} == {AlarmState.RTN_UNACKED}


async def test_a_new_rule_is_in_force_without_a_restart_and_its_end_returns_its_alarm(plant: Plant) -> None:
    async with plant.judging():
        await plant.publish("PUMP-01", head_bar=9)
        await plant.add_rule("pump-high", "head_bar > 8")

        async def after_the_next_reading() -> list[Alarm]:
            await plant.publish("PUMP-01", head_bar=9)
            return await plant.alarms()

        [alarm] = await until(after_the_next_reading, "an alarm")
        assert alarm.source_id == "pump-high"
        await plant.switch("pump-high", enabled=False)
        await until(lambda: _returned(plant), "the return")


async def test_a_rule_disabled_while_nobody_judges_returns_its_alarm_at_the_next_start(plant: Plant) -> None:
    await plant.add_rule("pump-high", "head_bar > 8")
    async with plant.judging():
        await plant.publish("PUMP-01", head_bar=9)
        await until(plant.alarms, "an alarm")
    await plant.switch("pump-high", enabled=False)
    async with plant.judging():
        await until(lambda: _returned(plant), "the return")


async def test_two_judges_share_the_work_and_raise_everything_once(plant: Plant) -> None:
    async with plant.judging("one"), plant.judging("two"):
        for number in range(1, 31):
            last = await plant.publish(f"SMOKE-{number:03}", smoke=1, life_safety=True)
        await until(lambda: plant.has_judged(last, life_safety=True), "the position")
    assert len(await plant.alarms()) == await plant.count(AlarmEpisode) == 30


async def test_an_owner_whose_partition_was_taken_writes_nothing_until_it_owns_it_again(plant: Plant) -> None:
    async with plant.judging():
        await plant.publish("SMOKE-001", smoke=1, life_safety=True)
        await until(plant.alarms, "an alarm")
        # Somebody else took the partition while this one was paused.
        async with plant.database.transaction() as session:
            await session.execute(text("UPDATE partition_lease SET epoch = epoch + 10"))
        last = await plant.publish("SMOKE-002", smoke=1, life_safety=True)
        await until(lambda: plant.has_judged(last, life_safety=True), "the position")
        async with plant.database.transaction() as session:
            assert await session.scalar(text("SELECT epoch FROM partition_lease WHERE partition = 1")) == 12
    assert len(await plant.alarms()) == await plant.count(AlarmEpisode) == 2


async def test_nothing_is_written_under_an_old_epoch(plant: Plant) -> None:
    class Taken:
        async def check(self, session: AsyncSession, epochs: Mapping[int, int]) -> LeaseCheck:
            nothing = await fetch(await driver_connection(session), b"SELECT 1 WHERE false")
            return LeaseCheck(session, epochs, nothing)

    meters, registry = JudgeMeters(CollectorRegistry()), CollectorRegistry()
    transaction = plant.database.transaction
    publication = AlarmPublication(plant.panel, transaction, plant.clock, registry)
    books = JudgeBooks(plant.database, plant.place.alarms, plant.rules, Taken(), publication, meters)
    mark = mark_of(PARTITION, epoch=1)
    with pytest.raises(LeaseLost):
        await books.commit([(mark, [plant.place.smoke()])])
    with pytest.raises(LeaseLost):
        await books.write_positions([mark])
    assert await plant.alarms() == []
    assert await plant.count(JudgePosition) == 0


async def test_what_several_partitions_found_is_kept_together_or_not_at_all(plant: Plant) -> None:
    meters, transaction = JudgeMeters(CollectorRegistry()), plant.database.transaction
    publication = AlarmPublication(plant.panel, transaction, plant.clock, CollectorRegistry())
    async with PartitionLeases(plant.database.url, owner="judge") as leases:
        await leases.rebalance([1, 2])
        books = JudgeBooks(plant.database, plant.place.alarms, plant.rules, leases, publication, meters)
        ours, lost = (mark_of(partition, epoch=leases.held()[partition]) for partition in (1, 2))
        async with plant.database.transaction() as session:
            await session.execute(text("UPDATE partition_lease SET epoch = epoch + 1 WHERE partition = 2"))
        findings = [(ours, [plant.place.smoke("SMOKE-001")]), (lost, [plant.place.smoke("SMOKE-002")])]
        with pytest.raises(LeaseLost) as told:
            await books.commit(findings)
        assert told.value.partition == 2
        assert await plant.alarms() == []
        await books.commit(findings[:1])
    assert [alarm.equipment_code for alarm in await plant.alarms()] == ["SMOKE-001"]
    assert await plant.has_judged(5, life_safety=True)


def mark_of(partition: int, *, epoch: int) -> PartitionMark:
    """A partition that was judged up to sequence 5."""
    mark = PartitionMark(partition=partition, epoch=epoch, life_safety=True)
    mark.reached = Reached(5, 0)
    return mark


async def test_life_safety_does_not_wait_behind_a_backlog(plant: Plant) -> None:
    entry = next(e for e in plant.place.directory.current.entries if e.code == "PUMP-01")
    point_no = entry.points["power_w"].point_no
    start = plant.now_ms() - 3_000_000
    for part in range(200):
        readings = [Reading(point_no, start + part * 10_000 + ms, 1.0) for ms in range(1000)]
        await plant.bus.publish(PARTITION, ReadingBatch.of(readings))
    async with plant.judging():
        await plant.publish("SMOKE-001", smoke=1, life_safety=True)
        await until(plant.alarms, "an alarm")
        assert not await plant.has_judged(200)


async def test_what_the_store_knows_counts_after_a_restart(plant: Plant, monkeypatch: pytest.MonkeyPatch) -> None:
    """An on-change point said its words long before what the bus is asked for."""
    monkeypatch.setattr(judge_beginning, "LONGEST_LOOK_BACK_MS", judge_beginning.SHORTEST_LOOK_BACK_MS)
    await plant.add_rule(
        "lift-was-off", "max(levelling_error_mm, '45m') > 6 and machine_room_temp_c > 30", profile="gb24476-elevator"
    )
    await plant.add_rule(
        "lift-both", "levelling_error_mm == 1 and machine_room_temp_c > 30", profile="gb24476-elevator"
    )
    await plant.add_rule(
        "lift-beside", "other['LIFT-01'].levelling_error_mm == 1 and machine_room_temp_c > 40",
        profile="gb24476-elevator",
    )  # fmt: skip
    async with plant.judging():
        last = await plant.publish("LIFT-01", machine_room_temp_c=20)
        await until(lambda: plant.has_judged(last), "the position")
    point_no = (
        next(e for e in plant.place.directory.current.entries if e.code == "LIFT-01")
        .points["levelling_error_mm"]
        .point_no
    )
    minutes_ago = {60: 0.0, 40: 7.0, 30: 1.0}
    plant.store.readings = ReadingBatch.of(
        [Reading(point_no, plant.now_ms() - minutes * 60_000, value) for minutes, value in minutes_ago.items()]
    )
    async with plant.judging():
        await plant.publish("LIFT-01", machine_room_temp_c=35)
        await plant.publish("LIFT-02", machine_room_temp_c=45)
        await until(lambda: _all_of(plant, 3), "an alarm of each rule")
        alarms = await plant.alarms()
    assert {alarm.source_id for alarm in alarms} == {"lift-both", "lift-was-off", "lift-beside"}


async def test_a_bus_that_lost_its_files_is_judged_from_its_beginning(plant: Plant) -> None:
    async with plant.judging():
        last = await plant.publish("LIFT-01", life_safety=True, passenger_trapped=0)
        await until(lambda: plant.has_judged(last, life_safety=True), "the position")
    async with plant.database.transaction() as session:
        await session.execute(text("UPDATE judge_position SET sequence = 50000, at = at - interval '10 minutes'"))
    last = await plant.publish("LIFT-01", life_safety=True, passenger_trapped=1)
    async with plant.judging():
        await until(plant.alarms, "an alarm")
        await until(lambda: plant.has_judged(last, life_safety=True), "the position of the new bus")


async def test_a_changed_catalog_is_followed(plant: Plant) -> None:
    async with plant.judging():
        await plant.publish("SMOKE-001", smoke=1, life_safety=True)
        await until(plant.alarms, "an alarm")
        async with plant.database.transaction() as session:
            await session.execute(text("UPDATE equipment SET in_service = false WHERE code = 'SMOKE-001'"))
            plant.place.directory.replace(await load_directory(session))
        await until(lambda: _returned(plant), "the return")


async def _async(value: Any) -> Any:
    return value


async def _all_of(plant: Plant, count: int) -> bool:
    return len(await plant.alarms()) == count


async def _returned(plant: Plant) -> bool:
    return [alarm.state for alarm in await plant.alarms()] == [AlarmState.RTN_UNACKED]
