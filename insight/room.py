"""Puts the room together: every object once, by hand."""

from dataclasses import dataclass

from prometheus_client import CollectorRegistry

from catalog.service import CatalogService
from insight.digest import Digests
from insight.exporting import Exporting
from insight.service import InsightService
from insight.settings import InsightSettings
from kit.clock import Clock
from kit.db import Database
from kit.i18n import Texts
from kit.sweeps import Sweep
from notify.service import NotifyService
from people.service import PeopleService
from ticketing.room import Ticketing


@dataclass(frozen=True)
class Insight:
    """`provided`: the services that endpoints ask for by type; they ask for the Clock, too."""

    service: InsightService
    exporting: Exporting
    digests: Digests

    @property
    def provided(self) -> tuple[object, ...]:
        return self.service, self.exporting

    def sweeps(self) -> tuple[Sweep, ...]:
        return self.digests.sweeps()


def build_insight(
    *, database: Database, ticketing: Ticketing, catalog: CatalogService, people: PeopleService, notify: NotifyService,
    settings: InsightSettings, texts: Texts, clock: Clock, registry: CollectorRegistry,
) -> Insight:  # fmt: skip
    service = InsightService(
        figuring=ticketing.figuring, definitions=ticketing.definitions, catalog=catalog, people=people, texts=texts,
        clock=clock,
    )  # fmt: skip
    return Insight(
        service=service,
        exporting=Exporting(database=database, insight=service, catalog=catalog, texts=texts),
        digests=Digests(
            figuring=ticketing.figuring, catalog=catalog, people=people, notify=notify, settings=settings, clock=clock,
            registry=registry,
        ),
    )  # fmt: skip
