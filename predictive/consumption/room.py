"""Puts the part together: every object once, by hand."""

from dataclasses import dataclass

from procrastinate import App
from prometheus_client import CollectorRegistry

from catalog.directory import LiveDirectory
from catalog.service import CatalogService
from kit.clock import Clock
from kit.db import Database
from kit.jobs import JobKind
from kit.sweeps import Sweep
from predictive.consumption.running import ConsumptionRuns, FindingsTaker
from predictive.consumption.service import ConsumptionService
from predictive.consumption.settings import ConsumptionSettings
from telemetry.store import TelemetryQueries


@dataclass(frozen=True)
class Consumption:
    """`provided`: the services that endpoints ask for by type."""

    service: ConsumptionService
    runs: ConsumptionRuns

    @property
    def provided(self) -> tuple[object, ...]:
        return (self.service,)

    def jobs(self) -> tuple[JobKind, ...]:
        return self.runs.jobs()

    def sweeps(self) -> tuple[Sweep, ...]:
        return self.runs.sweeps()


def build_consumption(
    *, database: Database, app: App, queries: TelemetryQueries, directory: LiveDirectory, catalog: CatalogService,
    taking: FindingsTaker, settings: ConsumptionSettings, clock: Clock, registry: CollectorRegistry,
) -> Consumption:  # fmt: skip
    return Consumption(
        service=ConsumptionService(directory),
        runs=ConsumptionRuns(
            database=database, app=app, queries=queries, directory=directory, catalog=catalog, taking=taking,
            settings=settings, clock=clock, registry=registry,
        ),
    )  # fmt: skip
