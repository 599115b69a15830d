"""A site of pumps with some days of readings in a real store, and everything that trains them."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np
from procrastinate import App
from sqlalchemy.ext.asyncio import AsyncSession

from building.equipment import EquipmentKind
from building.point import PointKind, Reporting, ReportingMode
from building.reading import ReadingBatch
from catalog.directory import Directory, EquipmentEntry, LiveDirectory, PointEntry
from catalog.service import CatalogService
from kit.access import Scope
from kit.clock import FakeClock, to_ms
from kit.db import Database
from kit.jobs import new_app
from kit.secrets import SecretStore
from predictive.detectors.contract import Arrays
from predictive.streaming.normal_time import Busy
from predictive.training.card import Family, ModelCard
from predictive.training.figures import Failure
from predictive.training.models import TrainingRun
from predictive.training.room import Training, build_training
from predictive.training.settings import TrainingSettings
from predictive.training.trainer import Progress
from telemetry.duckdb_store import DuckDbStore

NOON = datetime(2026, 3, 12, 12, tzinfo=UTC)
SECRET = "signs what these tests train, and no more"
POINTS = ("current", "flow", "pressure")
STEP_S = 600
DAYS = 8


@dataclass
class Past:
    """What alarms and orders would say: told by the test."""

    busy: Mapping[UUID, Sequence[Busy]]
    failures: Mapping[UUID, Sequence[Failure]]

    async def of_busy(
        self, _session: AsyncSession, _ids: Sequence[UUID], **_: datetime
    ) -> Mapping[UUID, Sequence[Busy]]:
        return self.busy

    async def of_failures(
        self, _session: AsyncSession, _ids: Sequence[UUID], **_: datetime
    ) -> Mapping[UUID, Sequence[Failure]]:
        return self.failures


class _Told:
    """One question of the past as the object that training asks."""

    def __init__(self, of: Any) -> None:
        self.of = of


@dataclass
class School:
    database: Database
    training: Training
    app: App
    directory: LiveDirectory
    past: Past
    clock: FakeClock
    site_id: UUID

    async def ask(self, **other: Any) -> TrainingRun:
        async with self.database.transaction() as session:
            return await self.training.runs.ask(session, site_id=self.site_id, by_job=False, **other)

    async def train(self, **other: Any) -> TrainingRun:
        """Asked for, and done."""
        run = await self.ask(**other)
        assert await self.training.trainer.train_waiting(nothing)
        return await self.run(run.id)

    async def run(self, run_id: UUID) -> TrainingRun:
        async with self.database.transaction() as session:
            return await self.training.runs.get(session, Scope.everywhere(), run_id)

    async def models(self) -> list[tuple[ModelCard, Arrays]]:
        """Of every version, the newest first."""
        async with self.database.transaction() as session:
            cards = await self.training.store.find(session, Scope.everywhere(), family=Family.DETECTORS)
            return [(card, await self.training.store.load(session, card)) for card in cards]


async def nothing(_progress: Progress) -> None:
    return


def pump_id(number: int) -> UUID:
    return UUID(int=0x018F_0000_0000_7000_8000_0000_0000_0000 + number)


def pump(number: int, site_id: UUID, *, profile: str = "pump") -> EquipmentEntry:
    reporting = Reporting(ReportingMode.PERIODIC, STEP_S)
    points = {
        key: PointEntry(number * 10 + place, key, PointKind.SENSOR, "A", -1e4, 1e4, reporting, False)
        for place, key in enumerate(POINTS)
    }
    return EquipmentEntry(
        equipment_id=pump_id(number), site_id=site_id, site_code="huayuan", code=f"PUMP-{number}", name="泵",
        kind=EquipmentKind.PUMP, profile_key=profile, protocol="mqtt", external_id=f"PUMP-{number}", address={},
        partition=0, parent_id=None, building_id=None, in_service=True, points=points,
    )  # fmt: skip


def readings(number: int, *, days: float = DAYS, until: datetime = NOON) -> ReadingBatch:
    """Load by the hour and noise of the pump's own, in every point."""
    rows = int(days * 86_400 / STEP_S)
    ts_ms = to_ms(until) - 1000 * STEP_S * np.arange(rows, 0, -1, dtype=np.int64)
    rng = np.random.default_rng(number)
    load = np.sin(ts_ms / 86_400_000 * 2 * np.pi)
    values = np.stack([number + (place + 1) * load + rng.normal(0, 0.2, rows) for place in range(len(POINTS))])
    point_no = np.repeat(number * 10 + np.arange(len(POINTS), dtype=np.int32), rows)
    return ReadingBatch(point_no, np.tile(ts_ms, len(POINTS)), values.ravel(), np.zeros(point_no.size, np.uint8))


@asynccontextmanager
async def school(
    database: Database, folder: Path, *, site_id: UUID, numbers: Sequence[int] = (), **settings: Any
) -> AsyncIterator[School]:
    """`numbers`: of the pumps whose readings are stored first; the folder may have them already."""
    clock = FakeClock(NOON)
    past = Past({}, {})
    directory = LiveDirectory(Directory.of(1, [pump(number, site_id) for number in numbers]))
    wanted = {"processes": 1, "days": DAYS, "learning_days": 5.0, "back_test_equipment": 0} | settings
    async with DuckDbStore(folder / "store", clock=clock) as store:
        app = new_app(database.url, pool_size=1)
        training = build_training(
            database=database, app=app, queries=store, directory=directory, catalog=CatalogService({}),
            busy=_Told(past.of_busy), failures=_Told(past.of_failures),
            secrets=SecretStore(folder / "secrets.json", given={"model_secret": SECRET}),
            settings=TrainingSettings(**wanted), clock=clock, readings=100_000,
        )  # fmt: skip
        for job in training.jobs():
            app.task(name=job.name)(job.call)
        if numbers and not (await store.stats()).recent_rows:
            await store.append([(number, readings(number)) for number in numbers])
        yield School(database, training, app, directory, past, clock, site_id)


def later(days: float) -> datetime:
    return NOON + timedelta(days=days)
