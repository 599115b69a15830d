"""The line of models on a real nats-server and PostgreSQL: it finds, it keeps, it begins again, and harms nobody."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from prometheus_client import CollectorRegistry
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from building.reading import ReadingBatch
from bus.client import Bus
from bus.owner import OwnerGroup
from bus.sharing import WorkShare
from kit.access import Scope
from kit.clock import SystemClock, to_ms
from kit.db import Database
from predictive.detectors.contract import Model, State, Window, stacked
from predictive.detectors.ensemble import Ensemble, Verdict
from predictive.health.tally import EvidenceSum
from predictive.predictions.finding import Finding
from predictive.streaming.books import StreamBooks
from predictive.streaming.frames import window_of
from predictive.streaming.library import Library
from predictive.streaming.line import PredictLine
from predictive.streaming.meters import StreamMeters
from predictive.streaming.past import Past
from predictive.streaming.repository import WatchRepository
from predictive.streaming.saying import Sayings
from predictive.streaming.shape import Shape, shape_of
from predictive.streaming.watch import Watch, WatchState
from predictive.training.card import Draft, Family
from predictive.training.fresh_start import FreshStarts
from predictive.training.packing import pack_arrays
from predictive.training.store import ModelStore
from tests.alarms.place import Place, small_site

MINUTE_MS = 60_000
SECRET = "a secret of at least thirty-two characters"
EVERYWHERE = Scope.everywhere()
_FORGET = text("DELETE FROM stream_checkpoint")
_TAMPER = text("UPDATE trained_model_part SET content = content || '\\x00'::bytea")


@dataclass
class History:
    """A store with the past of two pumps; `is_away`: it does not answer."""

    readings: ReadingBatch
    is_away: bool = False

    async def latest(self, point_nos: Sequence[int]) -> ReadingBatch:
        return self.readings.where(self.readings.ts_ms == self.readings.ts_ms.max(initial=0))

    async def raw(self, point_nos: Sequence[int], *, start_ms: int, end_ms: int, limit: int) -> ReadingBatch:
        if self.is_away:
            raise ConnectionError("the store is away")
        ts_ms = self.readings.ts_ms
        asked = np.isin(self.readings.point_no, point_nos) & (ts_ms >= start_ms) & (ts_ms < end_ms)
        return self.readings.where(asked)


@dataclass
class Desk:
    """Takes findings and evidence, and keeps them."""

    findings: list[Finding] = field(default_factory=list)
    sums: list[EvidenceSum] = field(default_factory=list)

    async def take(self, session: AsyncSession, findings: Sequence[Finding]) -> None:
        self.findings += findings

    async def keep(self, session: AsyncSession, sums: Sequence[EvidenceSum]) -> None:
        self.sums += sums


class Raising:
    """A model with a defect."""

    def __init__(self, real: Ensemble) -> None:
        self._real = real

    def begin(self, model: Model) -> State:
        return self._real.begin(model)

    def judge(self, model: Model, state: State, block: Window) -> Verdict:
        raise ZeroDivisionError("as a defect would")


@dataclass
class Plant:
    database: Database
    bus: Bus
    place: Place
    history: History
    desk: Desk = field(default_factory=Desk)
    registry: CollectorRegistry = field(default_factory=CollectorRegistry)

    def shape(self, code: str) -> Shape:
        entry = self.place.directory.current.by_id[self.place.equipment_id(code)]
        found = shape_of(entry)
        assert found is not None
        return found

    async def looked(self, looks: int = 1, judging: Any = None, owner: str = "one") -> PredictLine:
        """A line that has taken its partitions, looked so often, and was stopped in order."""
        self.registry = CollectorRegistry()
        meters, clock = StreamMeters(self.registry), SystemClock()
        transaction = self.database.transaction
        async with WorkShare(self.database.url, group=OwnerGroup.PREDICTORS, owner=owner) as share:
            line = PredictLine(
                bus=self.bus, share=share, directory=self.place.directory,
                library=Library(ModelStore(secret=SECRET, clock=clock), FreshStarts(), transaction, meters),
                books=StreamBooks(transaction, self.desk, self.desk, clock, meters),
                past=Past(self.bus, self.history, meters),  # type: ignore[arg-type]
                judging=judging or Ensemble(), sayings=Sayings(days_needed=7), look_every_s=0.05, lateness_s=30,
                clock=clock, meters=meters,
            )  # fmt: skip
            task = asyncio.create_task(line.run())
            async with asyncio.timeout(30):
                while self.count("hub_model_look_seconds_count") < looks or not line.stream.cohorts:
                    await asyncio.sleep(0.02)
            await line.say()
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        return line

    def count(self, name: str, **labels: str) -> float:
        return self.registry.get_sample_value(name, labels) or 0.0

    async def watch(self, code: str) -> Watch:
        async with self.database.transaction() as session:
            found = await WatchRepository(session).of_equipment(EVERYWHERE, self.place.equipment_id(code))
        assert found is not None
        return found

    async def learn(self) -> None:
        """Both pumps from the first hours of their past, the second half of which is judged."""
        shapes = [self.shape("PUMP-01"), self.shape("PUMP-02")]
        step_ms = shapes[0].step_ms
        start_ms = int(self.history.readings.ts_ms.min()) // step_ms * step_ms
        windows = [
            window_of(shape, self.history.readings, start_ms=start_ms, end_ms=start_ms + 400 * MINUTE_MS)
            for shape in shapes
        ]
        model = stacked([Ensemble().calibrate(window) for window in windows])
        now = datetime.now(UTC)
        async with self.database.transaction() as session:
            await ModelStore(secret=SECRET, clock=SystemClock()).save(
                session,
                Draft(
                    site_id=self.place.site_id, family=Family.DETECTORS, subject=shapes[0].subject,
                    packed=pack_arrays(model), data_from=now - timedelta(days=1), data_until=now,
                    equipment_ids=[self.place.equipment_id(code) for code in ("PUMP-01", "PUMP-02")],
                    points=shapes[0].point_keys, step_s=shapes[0].step_s,
                ),
            )  # fmt: skip


@pytest.fixture
async def plant(database: Database, bus: Bus) -> Plant:
    place = await small_site(database)
    found = Plant(database, bus, place, History(ReadingBatch.empty()))
    shapes = [found.shape("PUMP-01"), found.shape("PUMP-02")]
    found.history.readings = past_of(shapes, until_ms=to_ms(datetime.now(UTC)))
    return found


async def test_what_is_unusual_is_found_once_and_a_restart_goes_on_where_it_was(plant: Plant) -> None:
    await plant.learn()
    line = await plant.looked()
    found = [each for each in plant.desk.findings if each.equipment_id == plant.place.equipment_id("PUMP-01")]
    assert any(finding.is_present for finding in found)
    finding = found[-1]
    assert finding.points
    assert finding.model_id is not None
    assert 0 < finding.confidence < 0.9
    assert (await plant.watch("PUMP-01")).state is WatchState.WATCHING
    assert (await plant.watch("SMOKE-001")).state is WatchState.NO_DATA
    rows = sum(each.rows for each in plant.desk.sums)
    assert rows > 100

    again = await plant.looked(looks=3, owner="another")
    judged = {member.key: cohort.next_ms for cohort in again.stream.cohorts for member in cohort.members}
    before = {member.key: cohort.next_ms for cohort in line.stream.cohorts for member in cohort.members}
    assert all(judged[key] >= before[key] for key in before)
    # What was judged before is not judged again: only minutes that have passed meanwhile are.
    assert sum(each.rows for each in plant.desk.sums) - rows <= 2 * 3


async def test_readings_come_from_the_bus_and_what_nobody_watches_is_passed_over(plant: Plant) -> None:
    number = plant.shape("PUMP-01").point_nos[0]
    line_task = asyncio.create_task(plant.looked(looks=40))
    await asyncio.sleep(1)
    now_ms = to_ms(datetime.now(UTC))
    for point_no in (number, 999_999):
        batch = ReadingBatch(np.array([point_no], np.int32), np.array([now_ms]), np.array([1.0]), np.zeros(1, np.uint8))
        await plant.bus.publish(1, batch)
    line = await line_task
    assert plant.count("hub_model_readings_total") == 1
    assert plant.count("hub_model_line_failures_total") == 0
    assert (await plant.watch("PUMP-01")).state is WatchState.LEARNING
    assert line.stream.failed == {}


async def test_a_failing_model_says_so_and_a_store_that_is_away_stops_nothing(plant: Plant) -> None:
    await plant.learn()
    plant.history.is_away = True
    await plant.looked()
    assert plant.count("hub_model_pasts_unread_total") == 1
    plant.history.is_away = False
    async with plant.database.transaction() as session:
        await session.execute(_FORGET)
    line = await plant.looked(judging=Raising(Ensemble()), owner="failing")
    assert {equipment for equipment, _ in line.stream.failed} == {
        plant.place.equipment_id("PUMP-01"), plant.place.equipment_id("PUMP-02")
    }  # fmt: skip
    watch = await plant.watch("PUMP-01")
    assert watch.state is WatchState.FAILED
    assert "as a defect would" in str(watch.reason)
    assert plant.count("hub_model_failures_total") == 2
    assert plant.count("hub_model_line_failures_total") == 0


async def test_a_model_that_was_changed_is_refused_and_its_equipment_goes_on_learning(plant: Plant) -> None:
    await plant.learn()
    async with plant.database.transaction() as session:
        await session.execute(_TAMPER)
    await plant.looked()
    assert plant.count("hub_models_refused_total", reason="wrong_checksum") == 1
    watch = await plant.watch("PUMP-01")
    assert watch.state is WatchState.LEARNING
    assert watch.days_needed == 7


def past_of(shapes: Sequence[Shape], *, until_ms: int) -> ReadingBatch:
    """Ten hours of both pumps, a reading a minute; of the first one point leaves the others in the last half hour."""
    minutes, random = 600, np.random.default_rng(5)
    ts_ms = until_ms - MINUTE_MS * np.arange(minutes, 0, -1, dtype=np.int64)
    batches = []
    for number, shape in enumerate(shapes):
        common = np.sin(np.arange(minutes) / 40.0)
        for place, point_no in enumerate(shape.point_nos):
            value = 10.0 * (place + 1) + common * (place + 1) + 0.05 * random.normal(size=minutes)
            if number == 0 and place == 3:
                value[-60:] += 8.0
            batches.append(
                ReadingBatch(np.full(minutes, point_no, np.int32), ts_ms, value, np.zeros(minutes, np.uint8))
            )  # fmt: skip
    whole = ReadingBatch.concat(batches)
    order = np.argsort(whole.ts_ms, kind="stable")
    return ReadingBatch(whole.point_no[order], whole.ts_ms[order], whole.value[order], whole.quality[order])
