"""Puts the part together: every object once, by hand."""

from collections.abc import Mapping
from dataclasses import dataclass

from prometheus_client import CollectorRegistry

from building.profile import DeviceProfile
from catalog.directory import LiveDirectory
from catalog.service import CatalogService
from kit.clock import Clock
from kit.sweeps import Sweep
from predictive.health.beside import Beside
from predictive.health.reckoning import HealthReckoning
from predictive.health.service import HealthService
from predictive.remaining_life.book import RemainingLifeBook
from telemetry.store import TelemetryQueries


@dataclass(frozen=True)
class HealthRoom:
    """`provided`: the services that endpoints ask for by type."""

    service: HealthService
    reckoning: HealthReckoning

    @property
    def provided(self) -> tuple[object, ...]:
        return (self.service,)

    def sweeps(self) -> tuple[Sweep, ...]:
        return self.reckoning.sweeps()


def build_health(
    *, queries: TelemetryQueries, directory: LiveDirectory, profiles: Mapping[str, DeviceProfile],
    catalog: CatalogService, lives: RemainingLifeBook, clock: Clock, registry: CollectorRegistry,
) -> HealthRoom:  # fmt: skip
    return HealthRoom(
        service=HealthService(directory=directory, profiles=profiles, clock=clock),
        reckoning=HealthReckoning(
            directory=directory, catalog=catalog, lives=lives, beside=Beside(queries), clock=clock, registry=registry
        ),
    )
