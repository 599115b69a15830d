"""Puts together what trains models: every object once, by hand."""

from dataclasses import dataclass
from typing import Final

from procrastinate import App

from catalog.directory import LiveDirectory
from catalog.service import CatalogService
from kit.clock import Clock
from kit.db import Database
from kit.jobs import JobKind
from kit.secrets import SecretStore
from kit.sweeps import Sweep
from predictive.streaming.normal_time import BusyTimes
from predictive.training.examining import Examining
from predictive.training.fresh_start import FreshStarts
from predictive.training.gathering import Gatherer
from predictive.training.past import Failures
from predictive.training.pieces import Pieces
from predictive.training.runs import TrainingRuns
from predictive.training.saving import Saving
from predictive.training.settings import TrainingSettings
from predictive.training.store import ModelStore
from predictive.training.trainer import Trainer
from telemetry.store import TelemetryQueries

MODEL_SECRET: Final = "model_secret"  # noqa: S105 - its name


@dataclass(frozen=True)
class Training:
    """`trainer` is for the process that trains; the rest is everybody's."""

    settings: TrainingSettings
    store: ModelStore
    fresh_starts: FreshStarts
    runs: TrainingRuns
    trainer: Trainer

    @property
    def provided(self) -> tuple[object, ...]:
        return self.store, self.runs

    def jobs(self) -> tuple[JobKind, ...]:
        return self.runs.jobs()

    def sweeps(self) -> tuple[Sweep, ...]:
        return *self.store.sweeps(), *self.runs.sweeps()


def build_training(
    *, database: Database, app: App, queries: TelemetryQueries, directory: LiveDirectory, catalog: CatalogService,
    busy: BusyTimes, failures: Failures, secrets: SecretStore, settings: TrainingSettings, clock: Clock, readings: int,
) -> Training:  # fmt: skip
    """`readings`: how many of history are asked for at a time."""
    secret = secrets.get(MODEL_SECRET)
    store = ModelStore(secret=secret, clock=clock)
    gatherer = Gatherer(
        database=database, queries=queries, directory=directory, busy=busy, failures=failures, readings=readings
    )
    return Training(
        settings=settings,
        store=store,
        fresh_starts=FreshStarts(),
        runs=TrainingRuns(catalog=catalog, gatherer=gatherer, settings=settings, app=app, clock=clock),
        trainer=Trainer(
            database=database, store=store, gatherer=gatherer, pieces=Pieces(secret=secret),
            saving=Saving(store=store, learning_days=settings.learning_days),
            examining=Examining(gatherer=gatherer, settings=settings), settings=settings, clock=clock,
        ),
    )  # fmt: skip
