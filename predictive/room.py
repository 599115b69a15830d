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
from predictive.predictions.room import PredictionRoom, build_predictions
from predictive.predictions.settings import PredictionSettings
from predictive.predictions.visits import PlannedVisits
from predictive.settings import PredictiveSettings
from telemetry.store import TelemetryQueries


@dataclass(frozen=True)
class PredictiveNeighbours:
    """What the room is handed: the rooms below it, and what every room has."""

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


@dataclass(frozen=True)
class Predictive:
    """`provided`: the services that endpoints ask for by type."""

    settings: PredictiveSettings
    predictions: PredictionRoom

    @property
    def provided(self) -> tuple[object, ...]:
        return self.settings, *self.predictions.provided

    def jobs(self) -> tuple[JobKind, ...]:
        return ()

    def sweeps(self) -> tuple[Sweep, ...]:
        return self.predictions.sweeps()


def build_predictive(near: PredictiveNeighbours, settings: PredictiveSettings) -> Predictive:
    predictions = build_predictions(
        alarms=near.alarms, visits=near.visits, directory=near.directory, profiles=near.profiles, texts=near.texts,
        settings=PredictionSettings(), clock=near.clock, registry=near.registry,
    )  # fmt: skip
    return Predictive(settings=settings, predictions=predictions)
