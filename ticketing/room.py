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
from ticketing.approvals.asking import Asking
from ticketing.approvals.following import ApprovalGates
from ticketing.approvals.room import Approvals, build_approvals, build_asking
from ticketing.attaching import Attaching, PhotoFolder
from ticketing.definitions.book import Definitions
from ticketing.desk import Desk
from ticketing.dispatch.room import Dispatch, DispatchGround, build_dispatch, lay_dispatch
from ticketing.drafting import Drafting
from ticketing.editing import Editing
from ticketing.facts import EquipmentFacts
from ticketing.feedback.protection import check_step
from ticketing.feedback.room import Feedback, build_feedback
from ticketing.figuring import Figuring
from ticketing.flow import Effect, Guard
from ticketing.form_filling import FormFilling
from ticketing.handlers import AlarmHandlers, Triage
from ticketing.incidents.children import check_decided, release
from ticketing.incidents.joining import Joining
from ticketing.incidents.room import Incidents, build_incidents
from ticketing.moving import Moving
from ticketing.muting import Muting
from ticketing.opening import Opening
from ticketing.outlook import Outlook
from ticketing.predicted import PredictedOrders
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
from ticketing.working.room import Groundwork, Work, build_work, lay_ground


@dataclass(frozen=True)
class Neighbours:
    """What other rooms and the hub give this one. `files_dir` (HUB_FILES_DIR) is where pictures are kept."""

    catalog: CatalogService
    people: PeopleService
    contractors: ContractorService
    alarms: AlarmService
    notify: NotifyService
    stock: StockService
    facts: EquipmentFacts
    proof: ProofSource
    texts: Texts
    clock: Clock
    registry: CollectorRegistry
    links: ReportLinks
    link_secret: str
    files_dir: Path


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
    dispatch: Dispatch
    feedback: Feedback
    work: Work
    approvals: Approvals
    predicted: PredictedOrders

    @property
    def services(self) -> tuple[object, ...]:
        own = (self.service, self.desk, self.definitions, self.attaching, self.links, self.proofs)
        parts = (self.work, self.levels, self.incidents, self.feedback, self.approvals, self.dispatch)
        return *own, *(one for part in parts for one in part.services)


@dataclass(frozen=True)
class _Ground:
    """What must stand before orders can move."""

    definitions: Definitions
    filling: FormFilling
    dispatch: DispatchGround
    targets: SiteTargets
    tasking: Tasking
    muting: Muting
    sweeping: Sweeping
    levels: ServiceLevels
    windows: Windows
    asking: Asking
    work: Groundwork


@dataclass(frozen=True)
class _Core:
    """How orders move, open and are proved: all parts of the room stand on it."""

    moving: Moving
    proving: Proving
    opening: Opening
    drafting: Drafting
    feedback: Feedback
    attaching: Attaching


def build_ticketing(given: Neighbours) -> Ticketing:
    ground = _lay_ground(given)
    core = _build_core(given, ground)
    people, notify, clock = given.people, given.notify, given.clock
    definitions, dispatching = ground.definitions, ground.dispatch.dispatching
    dispatch = build_dispatch(
        ground.dispatch, catalog=given.catalog, people=people, notify=notify, moving=core.moving,
        sweeping=ground.sweeping, clock=clock,
    )  # fmt: skip
    return Ticketing(
        service=_build_service(given, ground, core),
        desk=Desk(people, given.contractors, definitions, dispatching, given.texts, clock),
        outlook=Outlook(core.moving, clock),
        figuring=Figuring(clock),
        definitions=definitions,
        moving=core.moving,
        attaching=core.attaching,
        alarm_handlers=AlarmHandlers(
            opening=core.opening, windows=ground.windows, alarms=given.alarms, catalog=given.catalog,
            definitions=definitions, clock=clock,
        ),
        triage=Triage(given.facts),
        proofs=ProofService(),
        charts=Charts(given.proof, given.alarms),
        incidents=build_incidents(
            catalog=given.catalog, people=people, notify=notify, drafting=core.drafting, moving=core.moving,
            opening=core.opening, keeping=ground.levels.keeping, protection=core.feedback.protection, clock=clock,
        ),
        telling=Telling(
            notify=notify, people=people, catalog=given.catalog, dispatching=dispatching, links=given.links
        ),
        links=given.links,
        sweeps=Sweeps(
            moving=core.moving, waits=dispatch.waits, levels=ground.levels.sweeps, proving=core.proving,
            sweeping=ground.sweeping, clock=clock,
        ),
        levels=ground.levels,
        dispatch=dispatch,
        feedback=core.feedback,
        work=_build_work(given, ground, core),
        approvals=build_approvals(
            ground.asking, people=people, definitions=definitions, moving=core.moving, sweeping=ground.sweeping,
            clock=clock,
        ),
        predicted=PredictedOrders(alarms=given.alarms, moving=core.moving, definitions=definitions, clock=clock),
    )  # fmt: skip


def _lay_ground(given: Neighbours) -> _Ground:
    catalog, people, clock = given.catalog, given.people, given.clock
    definitions = Definitions(clock)
    dispatch = lay_dispatch(
        catalog=catalog, people=people, contractors=given.contractors, definitions=definitions, clock=clock
    )  # fmt: skip
    targets = SiteTargets(catalog)
    sweeping = Sweeping(given.registry)
    return _Ground(
        definitions=definitions,
        filling=FormFilling(catalog),
        dispatch=dispatch,
        targets=targets,
        tasking=Tasking(dispatching=dispatch.dispatching, catalog=catalog, targets=targets, clock=clock),
        muting=Muting(given.alarms),
        sweeping=sweeping,
        levels=build_service_levels(
            catalog=catalog, people=people, contractors=given.contractors, definitions=definitions, targets=targets,
            notify=given.notify, sweeping=sweeping, clock=clock,
        ),
        windows=Windows(given.alarms, clock),
        asking=build_asking(people=people, notify=given.notify, definitions=definitions, clock=clock),
        work=lay_ground(catalog=catalog, people=people, stock=given.stock, definitions=definitions, clock=clock),
    )  # fmt: skip


def _build_core(given: Neighbours, ground: _Ground) -> _Core:
    catalog, clock, dispatching = given.catalog, given.clock, ground.dispatch.dispatching
    moving = _build_moving(ground, clock)
    proving = Proving(
        moving=moving, alarms=given.alarms, source=given.proof, sweeping=ground.sweeping, clock=clock,
        registry=given.registry,
    )  # fmt: skip
    joining = Joining(
        targets=ground.targets, moving=moving, proving=proving, tasking=ground.tasking, dispatching=dispatching,
        muting=ground.muting, levels=ground.levels.keeping, clock=clock,
    )  # fmt: skip
    opening = Opening(
        catalog=catalog, targets=ground.targets, moving=moving, tasking=ground.tasking, muting=ground.muting,
        joining=joining, clock=clock, registry=given.registry,
        begins=[ground.levels.keeping.begin, *ground.work.begins],
    )  # fmt: skip
    feedback = build_feedback(
        catalog=catalog, people=given.people, notify=given.notify, definitions=ground.definitions,
        dispatching=dispatching, moving=moving, opening=opening, sweeping=ground.sweeping, links=given.links,
        clock=clock,
    )  # fmt: skip
    drafting = Drafting(catalog, ground.definitions, ground.filling, given.texts)
    return _Core(moving, proving, opening, drafting, feedback, Attaching(PhotoFolder(given.files_dir), clock))


def _build_moving(ground: _Ground, clock: Clock) -> Moving:
    """The table of what the parts of the room bring to transitions: guards, and what follows."""
    gates = ApprovalGates(ground.asking)
    return Moving(
        definitions=ground.definitions, filling=ground.filling, dispatching=ground.dispatch.dispatching,
        tasking=ground.tasking, muting=ground.muting, levels=ground.levels.keeping, clock=clock,
        guards={Guard.CHILDREN_DECIDED: check_decided, Guard.APPROVED: gates.check, **ground.work.guards},
        effects={Effect.ASK_APPROVAL: gates.ask, **ground.work.effects},
        later={Effect.ASK_PROOF: ground.windows.begin, Effect.RELEASE_CHILDREN: release}, always=[check_step],
    )  # fmt: skip


def _build_service(given: Neighbours, ground: _Ground, core: _Core) -> TicketingService:
    return TicketingService(
        people=given.people, opening=core.opening, moving=core.moving, tasking=ground.tasking,
        dispatching=ground.dispatch.dispatching, drafting=core.drafting, hears=[core.feedback.protection.note],
        editing=Editing(ground.definitions, ground.filling), clock=given.clock,
    )  # fmt: skip


def _build_work(given: Neighbours, ground: _Ground, core: _Core) -> Work:
    return build_work(
        ground.work, catalog=given.catalog, people=given.people, stock=given.stock, notify=given.notify,
        definitions=ground.definitions, moving=core.moving, filling=ground.filling, attaching=core.attaching,
        link_secret=given.link_secret, sweeping=ground.sweeping, clock=given.clock, registry=given.registry,
    )  # fmt: skip
