"""Puts the room together: every object once, by hand."""

from dataclasses import dataclass

import httpx
from procrastinate import App
from prometheus_client import CollectorRegistry

from automation.acting import Acting
from automation.delivering import Delivering
from automation.editing import RuleEditor
from automation.firing import Firing
from automation.settings import AutomationSettings
from automation.webhooks import Webhooks
from catalog.service import CatalogService
from connectors.outward import Sender, SystemResolver
from kit.clock import Clock
from kit.db import Database
from kit.jobs import JobKind
from kit.sweeps import Sweep
from notify.service import NotifyService
from people.service import PeopleService
from ticketing.room import Ticketing


@dataclass(frozen=True)
class Automation:
    """`provided`: the services that endpoints ask for by type; `firing`: subscribed to the events of orders."""

    editor: RuleEditor
    webhooks: Webhooks
    firing: Firing
    delivering: Delivering

    @property
    def provided(self) -> tuple[object, ...]:
        return self.editor, self.webhooks

    def jobs(self) -> tuple[JobKind, ...]:
        return self.firing.job(), self.delivering.job()

    def sweeps(self) -> tuple[Sweep, ...]:
        return (*self.firing.sweeps(), *self.delivering.sweeps())


def build_automation(
    *, database: Database, app: App, catalog: CatalogService, people: PeopleService, notify: NotifyService,
    ticketing: Ticketing, settings: AutomationSettings, master: str, clock: Clock, registry: CollectorRegistry,
) -> Automation:  # fmt: skip
    """`master`: the hub's secret from which those of webhooks are made."""
    webhooks = Webhooks(
        app=app, catalog=catalog, master=master, allowed=settings.networks, overlap_h=settings.webhook_overlap_h,
        clock=clock,
    )  # fmt: skip
    sender = Sender(
        allowed=settings.networks, deadline_s=settings.webhook_deadline_s, resolver=SystemResolver(),
        trusted=httpx.create_ssl_context(trust_env=False),
    )  # fmt: skip
    acting = Acting(
        ticketing=ticketing.service, outlook=ticketing.outlook, people=people, notify=notify, webhooks=webhooks
    )
    return Automation(
        editor=RuleEditor(
            outlook=ticketing.outlook, webhooks=webhooks, people=people, catalog=catalog, clock=clock
        ),
        webhooks=webhooks,
        firing=Firing(outlook=ticketing.outlook, acting=acting, app=app, clock=clock, registry=registry),
        delivering=Delivering(
            database=database, app=app, webhooks=webhooks, sender=sender, notify=notify, people=people,
            catalog=catalog, clock=clock, registry=registry, keep_days=settings.keep_days,
        ),
    )  # fmt: skip
