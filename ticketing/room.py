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
from stock.service import StockService
from ticketing.approvals.following import ApprovalGates
from ticketing.approvals.room import Approvals, build_approvals, build_asking
from ticketing.attaching import Attaching, PhotoFolder
from ticketing.definitions.book import Definitions
from ticketing.desk import Desk
from ticketing.dispatch.candidates import Candidates
from ticketing.dispatch.choosing import Dispatching
from ticketing.dispatch.replanning import Replanning
from ticketing.dispatch.telling import DispatchTelling
from ticketing.dispatch.waiting import Waits
from ticketing.drafting import Drafting
from ticketing.editing import Editing
from ticketing.facts import EquipmentFacts
from ticketing.feedback.protection import check_step
from ticketing.feedback.room import Feedback, build_feedback
from ticketing.figuring import Figuring
from ticketing.flow import Effect, Guard
from ticketing.form_filling import FormFilling
from ticketing.handlers import AlarmHandlers, Triage
from ticketing.incidents.children import Children, check_decided, release
from ticketing.incidents.followers import Followers
from ticketing.incidents.joining import Joining
from ticketing.incidents.linking import Linking
from ticketing.incidents.merging import Merging
from ticketing.incidents.splitting import Splitting
from ticketing.incidents.telling import MergeTelling
from ticketing.moving import Moving
from ticketing.muting import Muting
from ticketing.opening import Opening
from ticketing.outlook import Outlook
from ticketing.proof.charts import Charts
from ticketing.proof.evidence import ProofSource
from ticketing.proof.proving import Proving
from ticketing.proof.service import ProofService
from ticketing.proof.windows import Windows
from ticketing.report_links import ReportLinks
from ticketing.service import TicketingService
from ticketing.site_targets import SiteTargets
from ticketing.sla.room import ServiceLevels, build_service_levels
from ticketing.sweeping import Sweeping
from ticketing.sweeps import Sweeps
from ticketing.tasking import Tasking
from ticketing.telling import Telling
from ticketing.working.room import Work, build_work, lay_ground


@dataclass(frozen=True)
class Incidents:
    """What makes several orders one and one order several."""

    linking: Linking
    merging: Merging
    splitting: Splitting
    followers: Followers
    children: Children
    telling: MergeTelling

    @property
    def services(self) -> tuple[object, ...]:
        return self.linking, self.merging, self.splitting, self.followers


@dataclass(frozen=True)
class Ticketing:
    """`services`: what endpoints ask for by type; the others for neighbours, subscriptions and the schedule."""

    service: TicketingService
    desk: Desk
    outlook: Outlook
    figuring: Figuring
    definitions: Definitions
    moving: Moving
    attaching: Attaching
    alarm_handlers: AlarmHandlers
    triage: Triage
    proofs: ProofService
    charts: Charts
    incidents: Incidents
    telling: Telling
    links: ReportLinks
    sweeps: Sweeps
    levels: ServiceLevels
    waits: Waits
    replanning: Replanning
    dispatch_telling: DispatchTelling
    feedback: Feedback
    work: Work
    approvals: Approvals

    @property
    def services(self) -> tuple[object, ...]:
        own = (self.service, self.desk, self.definitions, self.attaching, self.links, self.proofs)
        parts = (self.work, self.levels, self.incidents, self.feedback, self.approvals)
        return *own, *(one for part in parts for one in part.services), self.waits, self.replanning


def build_ticketing(
    *, catalog: CatalogService, people: PeopleService, contractors: ContractorService, alarms: AlarmService,
    notify: NotifyService, facts: EquipmentFacts, proof: ProofSource, texts: Texts, clock: Clock,
    registry: CollectorRegistry, links: ReportLinks, files_dir: Path, stock: StockService, link_secret: str,
) -> Ticketing:  # fmt: skip
    """`files_dir` (HUB_FILES_DIR) is where pictures are kept."""
    definitions = Definitions(clock)
    ground = lay_ground(catalog=catalog, people=people, stock=stock, definitions=definitions, clock=clock)
    attaching = Attaching(PhotoFolder(files_dir), clock)
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
    drafting = Drafting(catalog, definitions, filling, texts)
    windows = Windows(alarms, clock)
    asking = build_asking(people=people, notify=notify, definitions=definitions, clock=clock)
    gates = ApprovalGates(asking)
    moving = Moving(
        definitions=definitions, filling=filling, dispatching=dispatching, tasking=tasking, muting=muting,
        levels=levels.keeping, clock=clock,
        guards={Guard.CHILDREN_DECIDED: check_decided, Guard.APPROVED: gates.check, **ground.guards},
        effects={Effect.ASK_APPROVAL: gates.ask, **ground.effects},
        later={Effect.ASK_PROOF: windows.begin, Effect.RELEASE_CHILDREN: release}, always=[check_step],
    )  # fmt: skip
    proving = Proving(
        moving=moving, alarms=alarms, source=proof, sweeping=sweeping, clock=clock, registry=registry
    )  # fmt: skip
    joining = Joining(
        targets=targets, moving=moving, proving=proving, tasking=tasking, dispatching=dispatching, muting=muting,
        levels=levels.keeping, clock=clock,
    )  # fmt: skip
    opening = Opening(
        catalog=catalog, targets=targets, moving=moving, tasking=tasking, muting=muting, joining=joining, clock=clock,
        registry=registry, begins=[levels.keeping.begin, *ground.begins],
    )  # fmt: skip
    waits = Waits(candidates=candidates, moving=moving, sweeping=sweeping, clock=clock)
    feedback = build_feedback(
        catalog=catalog, people=people, notify=notify, definitions=definitions, dispatching=dispatching, moving=moving,
        opening=opening, sweeping=sweeping, links=links, clock=clock,
    )  # fmt: skip
    return Ticketing(
        service=TicketingService(
            people=people, opening=opening, moving=moving, tasking=tasking, dispatching=dispatching,
            drafting=drafting, hears=[feedback.protection.note], editing=Editing(definitions, filling), clock=clock,
        ),
        desk=Desk(people, contractors, definitions, dispatching, texts, clock),
        definitions=definitions,
        moving=moving,
        attaching=attaching,
        work=build_work(
            ground, catalog=catalog, people=people, stock=stock, notify=notify, definitions=definitions, moving=moving,
            attaching=attaching, link_secret=link_secret, sweeping=sweeping, clock=clock, registry=registry,
        ),
        alarm_handlers=AlarmHandlers(
            opening=opening, windows=windows, alarms=alarms, catalog=catalog, definitions=definitions, clock=clock
        ),
        triage=Triage(facts),
        proofs=ProofService(),
        charts=Charts(proof, alarms),
        incidents=Incidents(
            linking=Linking(catalog, clock), merging=Merging(moving, feedback.protection, levels.keeping, clock),
            splitting=Splitting(
                opening, drafting, protection=feedback.protection, hears=[feedback.protection.note], clock=clock
            ),
            followers=Followers(people, clock),
            children=Children(moving, clock), telling=MergeTelling(notify),
        ),
        telling=Telling(notify=notify, people=people, catalog=catalog, dispatching=dispatching, links=links),
        links=links,
        outlook=Outlook(moving, clock),
        figuring=Figuring(clock),
        sweeps=Sweeps(
            moving=moving, waits=waits, levels=levels.sweeps, proving=proving, sweeping=sweeping, clock=clock
        ),
        levels=levels,
        waits=waits,
        feedback=feedback,
        approvals=build_approvals(
            asking, people=people, definitions=definitions, moving=moving, sweeping=sweeping, clock=clock
        ),
        dispatch_telling=DispatchTelling(notify=notify, people=people, dispatching=dispatching, clock=clock),
        replanning=Replanning(
            people=people, catalog=catalog, candidates=candidates, dispatching=dispatching, moving=moving, clock=clock
        ),
    )  # fmt: skip
