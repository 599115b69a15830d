"""Puts the room together: every object once, by hand."""

from collections.abc import Mapping
from dataclasses import dataclass

from procrastinate import App
from prometheus_client import CollectorRegistry

from alarms.service import AlarmService
from building.profile import DeviceProfile
from catalog.directory import LiveDirectory
from catalog.service import CatalogService
from kit.clock import Clock
from kit.db import Database
from kit.i18n import Texts
from kit.jobs import JobKind
from kit.secrets import SecretStore
from kit.sweeps import Sweep
from predictive.consumption.room import Consumption, build_consumption
from predictive.consumption.settings import ConsumptionSettings
from predictive.drift.gathering import Gatherer as DayGatherer
from predictive.drift.nights import DriftNights
from predictive.health.room import HealthRoom, build_health
from predictive.page.service import EquipmentPages
from predictive.predictions.room import PredictionRoom, build_predictions
from predictive.predictions.settings import PredictionSettings
from predictive.predictions.visits import PlannedVisits
from predictive.remaining_life.book import RemainingLifeBook
from predictive.remaining_life.modes import load_modes
from predictive.remaining_life.services import ServiceMornings
from predictive.settings import PredictiveSettings
from predictive.streaming.handing import Taken
from predictive.streaming.normal_time import BusyTimes
from predictive.streaming.service import WatchService
from predictive.training.past import Failures
from predictive.training.room import Training, build_training
from predictive.training.settings import TrainingSettings
from telemetry.store import TelemetryQueries


@dataclass(frozen=True)
class PredictiveNeighbours:
    """What the room is handed: the rooms below it, and what every room has.

    `busy` and `failures` are told by rooms above; `readings` is how many of history are asked for at a time.
    """

    database: Database
    app: App
    alarms: AlarmService
    catalog: CatalogService
    queries: TelemetryQueries
    directory: LiveDirectory
    profiles: Mapping[str, DeviceProfile]
    secrets: SecretStore
    visits: PlannedVisits
    texts: Texts
    clock: Clock
    registry: CollectorRegistry
    busy: BusyTimes
    failures: Failures
    readings: int


@dataclass(frozen=True)
class Predictive:
    """`provided`: the services that endpoints ask for by type; `handed`: what the process of models found."""

    settings: PredictiveSettings
    predictions: PredictionRoom
    training: Training
    watches: WatchService
    handed: Taken
    remaining_lives: RemainingLifeBook
    drift: DriftNights
    services: ServiceMornings
    consumption: Consumption
    health: HealthRoom
    pages: EquipmentPages

    @property
    def provided(self) -> tuple[object, ...]:
        return (
            self.settings, *self.predictions.provided, *self.training.provided, self.watches,
            self.remaining_lives, *self.consumption.provided, *self.health.provided, self.pages,
        )  # fmt: skip

    def jobs(self) -> tuple[JobKind, ...]:
        return *self.training.jobs(), *self.consumption.jobs(), *self.handed.jobs()

    def sweeps(self) -> tuple[Sweep, ...]:
        return (
            *self.predictions.sweeps(), *self.training.sweeps(), *self.remaining_lives.sweeps(), *self.drift.sweeps(),
            *self.services.sweeps(),
            *self.consumption.sweeps(), *self.health.sweeps(),
        )  # fmt: skip


def build_predictive(near: PredictiveNeighbours, settings: PredictiveSettings) -> Predictive:
    predictions = build_predictions(
        alarms=near.alarms, visits=near.visits, directory=near.directory, profiles=near.profiles, texts=near.texts,
        settings=PredictionSettings(), clock=near.clock, registry=near.registry,
    )  # fmt: skip
    training = build_training(
        database=near.database, app=near.app, queries=near.queries, directory=near.directory, catalog=near.catalog,
        busy=near.busy, failures=near.failures, secrets=near.secrets, settings=TrainingSettings(), clock=near.clock,
        readings=near.readings,
    )  # fmt: skip
    remaining_lives = RemainingLifeBook(near.directory, near.clock)
    modes = load_modes(*([settings.modes_file] if settings.modes_file else []))
    drift = DriftNights(
        gatherer=DayGatherer(queries=near.queries, directory=near.directory, readings=near.readings),
        intake=predictions.intake, fresh_starts=training.fresh_starts, remaining_lives=remaining_lives,
        modes=modes, directory=near.directory, clock=near.clock, registry=near.registry,
    )  # fmt: skip
    services = ServiceMornings(
        queries=near.queries, directory=near.directory, intake=predictions.intake, modes=modes, clock=near.clock
    )
    consumption = build_consumption(
        database=near.database, app=near.app, queries=near.queries, directory=near.directory, catalog=near.catalog,
        taking=predictions.intake, settings=ConsumptionSettings(), clock=near.clock, registry=near.registry,
    )  # fmt: skip
    health = build_health(
        queries=near.queries, directory=near.directory, profiles=near.profiles, catalog=near.catalog,
        lives=remaining_lives, clock=near.clock, registry=near.registry,
    )  # fmt: skip
    watches = WatchService(near.directory, days_needed=training.settings.learning_days)
    pages = EquipmentPages(
        watches=watches, healths=health.service, lives=remaining_lives, predictions=predictions.service,
        muting=predictions.muting,
    )  # fmt: skip
    return Predictive(
        settings=settings, predictions=predictions, training=training,
        watches=watches,
        handed=Taken(predictions.intake), remaining_lives=remaining_lives, drift=drift, services=services,
        consumption=consumption,
        health=health, pages=pages,
    )  # fmt: skip
