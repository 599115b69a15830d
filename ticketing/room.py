"""Puts the room together: every object once, by hand. The hub calls it and gives what other rooms offer."""

from dataclasses import dataclass
from pathlib import Path

from prometheus_client import CollectorRegistry

from alarms.service import AlarmService
from catalog.service import CatalogService
from kit.clock import Clock
from kit.i18n import Texts
from notify.service import NotifyService
from people.contractors.service import ContractorService
from people.service import PeopleService
from ticketing.attaching import Attaching, PhotoFolder
from ticketing.definitions.book import Definitions
from ticketing.desk import Desk
from ticketing.dispatch.candidates import Candidates
from ticketing.dispatch.choosing import Dispatching
from ticketing.dispatch.replanning import Replanning
from ticketing.dispatch.telling import DispatchTelling
from ticketing.dispatch.waiting import Waits
from ticketing.drafting import Drafting
from ticketing.facts import EquipmentFacts
from ticketing.form_filling import FormFilling
from ticketing.handlers import AlarmHandlers, Triage
from ticketing.joining import Joining
from ticketing.moving import Moving
from ticketing.muting import Muting
from ticketing.opening import Opening
from ticketing.outlook import Outlook
from ticketing.report_links import ReportLinks
from ticketing.service import TicketingService
from ticketing.site_targets import SiteTargets
from ticketing.sla.room import ServiceLevels, build_service_levels
from ticketing.sweeping import Sweeping
from ticketing.sweeps import Sweeps
from ticketing.tasking import Tasking
from ticketing.telling import Telling


@dataclass(frozen=True)
class Ticketing:
    """`services`: what endpoints ask for by type; the others for neighbours, subscriptions and the schedule."""

    service: TicketingService
    desk: Desk
    outlook: Outlook
    definitions: Definitions
    moving: Moving
    attaching: Attaching
    alarm_handlers: AlarmHandlers
    triage: Triage
    telling: Telling
    links: ReportLinks
    sweeps: Sweeps
    levels: ServiceLevels
    waits: Waits
    replanning: Replanning
    dispatch_telling: DispatchTelling

    @property
    def services(self) -> tuple[object, ...]:
        own = (self.service, self.desk, self.definitions, self.attaching, self.links)
        return *own, *self.levels.services, self.waits, self.replanning


def build_ticketing(
    *, catalog: CatalogService, people: PeopleService, contractors: ContractorService, alarms: AlarmService,
    notify: NotifyService,
    facts: EquipmentFacts, texts: Texts, clock: Clock, registry: CollectorRegistry, links: ReportLinks,
    files_dir: Path,
) -> Ticketing:  # fmt: skip
    """`files_dir` (HUB_FILES_DIR) is where pictures are kept."""
    definitions = Definitions(clock)
    candidates = Candidates(people, contractors, catalog, clock)
    dispatching = Dispatching(
        people=people, catalog=catalog, candidates=candidates, definitions=definitions, clock=clock
    )  # fmt: skip
    targets = SiteTargets(catalog)
    tasking = Tasking(dispatching=dispatching, catalog=catalog, targets=targets, clock=clock)
    muting = Muting(alarms)
    sweeping = Sweeping(registry)
    levels = build_service_levels(
        catalog=catalog, people=people, contractors=contractors, definitions=definitions, targets=targets,
        notify=notify, sweeping=sweeping, clock=clock,
    )  # fmt: skip
    filling = FormFilling(catalog)
    moving = Moving(
        definitions=definitions, filling=filling, dispatching=dispatching, tasking=tasking, muting=muting,
        levels=levels.keeping, alarms=alarms, clock=clock, guards={}, effects={}, later={},
    )  # fmt: skip
    joining = Joining(
        targets=targets, moving=moving, tasking=tasking, dispatching=dispatching, muting=muting, levels=levels.keeping,
        clock=clock,
    )  # fmt: skip
    opening = Opening(
        catalog=catalog, targets=targets, moving=moving, tasking=tasking, muting=muting, joining=joining, clock=clock,
        registry=registry, begins=[levels.keeping.begin],
    )  # fmt: skip
    waits = Waits(moving, sweeping, clock)
    return Ticketing(
        service=TicketingService(
            people=people, opening=opening, moving=moving, tasking=tasking, dispatching=dispatching,
            drafting=Drafting(catalog, definitions, filling, texts), clock=clock,
        ),
        desk=Desk(people, definitions, dispatching, clock),
        definitions=definitions,
        moving=moving,
        attaching=Attaching(PhotoFolder(files_dir), clock),
        alarm_handlers=AlarmHandlers(
            opening=opening, moving=moving, alarms=alarms, catalog=catalog, definitions=definitions, clock=clock
        ),
        triage=Triage(facts),
        telling=Telling(notify=notify, people=people, catalog=catalog, dispatching=dispatching, links=links),
        links=links,
        outlook=Outlook(moving, clock),
        sweeps=Sweeps(moving=moving, waits=waits, levels=levels.sweeps, sweeping=sweeping, clock=clock),
        levels=levels,
        waits=waits,
        dispatch_telling=DispatchTelling(notify=notify, people=people, dispatching=dispatching, clock=clock),
        replanning=Replanning(
            people=people, catalog=catalog, candidates=candidates, dispatching=dispatching, moving=moving, clock=clock
        ),
    )  # fmt: skip
