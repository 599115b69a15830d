"""Puts the room together: every object once, by hand."""

from dataclasses import dataclass

from procrastinate import App
from prometheus_client import CollectorRegistry

from alarms.service import AlarmService
from catalog.service import CatalogService
from device_adapters.commands.sending import Commands
from kit.clock import Clock
from kit.db import Database
from kit.jobs import JobKind
from kit.sweeps import Sweep
from linkage.checking import Checking
from linkage.confirming import Confirming
from linkage.editing import LinkageEditor
from linkage.running import Running
from linkage.settings import LinkageSettings
from linkage.telling import LinkageTelling
from notify.service import NotifyService
from people.service import PeopleService


@dataclass(frozen=True)
class Linkage:
    """`provided`: the services that endpoints ask for by type; `running`: subscribed to alarms."""

    settings: LinkageSettings
    editor: LinkageEditor
    confirming: Confirming
    running: Running

    @property
    def provided(self) -> tuple[object, ...]:
        return self.settings, self.editor, self.confirming

    def jobs(self) -> tuple[JobKind, ...]:
        return (self.running.job(),)

    def sweeps(self) -> tuple[Sweep, ...]:
        return self.running.sweeps()


def build_linkage(
    *, database: Database, app: App, commands: Commands, alarms: AlarmService, catalog: CatalogService,
    people: PeopleService, notify: NotifyService, settings: LinkageSettings, clock: Clock, registry: CollectorRegistry,
) -> Linkage:  # fmt: skip
    checking = Checking(commands)
    running = Running(
        database=database, app=app, commands=commands, checking=checking, alarms=alarms,
        telling=LinkageTelling(notify=notify, people=people, catalog=catalog, clock=clock), settings=settings,
        clock=clock, registry=registry,
    )  # fmt: skip
    return Linkage(
        settings=settings,
        editor=LinkageEditor(checking=checking, catalog=catalog, clock=clock),
        confirming=Confirming(running, clock),
        running=running,
    )
