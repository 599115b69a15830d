"""Puts the work itself and its charges together: first what moving an order leans on, then what leans on moving."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from prometheus_client import CollectorRegistry

from catalog.service import CatalogService
from kit.clock import Clock
from kit.sweeps import Sweep
from notify.service import NotifyService
from people.service import PeopleService
from stock.service import StockService
from ticketing.attaching import Attaching
from ticketing.charging.charges import Charges
from ticketing.charging.guards import check_approved, check_quoted, check_refused
from ticketing.charging.links import QuotationLinks
from ticketing.charging.paying import Paying
from ticketing.charging.publishing import PriceLists
from ticketing.charging.quotations import Quotations
from ticketing.charging.site_policy import SitePolicy
from ticketing.charging.telling import QuotationTelling
from ticketing.definitions.book import Definitions
from ticketing.flow import Effect, Guard
from ticketing.following import Follow
from ticketing.form_filling import FormFilling
from ticketing.moving import Moving
from ticketing.opening import Begin
from ticketing.sweeping import Sweeping
from ticketing.working.arriving import Arriving
from ticketing.working.checking import Checking
from ticketing.working.completing import Completing
from ticketing.working.contractor_work import ContractorWork
from ticketing.working.contractors import ContractorDesk, ContractorLinks
from ticketing.working.jobs import Jobs
from ticketing.working.sheet import WorkSheets
from ticketing.working.telling import StockTelling


@dataclass(frozen=True)
class Groundwork:
    """What moving and opening an order ask of the work and its payer."""

    policy: SitePolicy
    jobs: Jobs
    checking: Checking
    completing: Completing
    paying: Paying

    @property
    def guards(self) -> Mapping[Guard, Follow]:
        return {
            Guard.WORK_COMPLETE: self.completing.check,
            Guard.QUOTED: check_quoted,
            Guard.QUOTE_APPROVED: check_approved,
            Guard.QUOTE_REFUSED: check_refused,
        }

    @property
    def effects(self) -> Mapping[Effect, Follow]:
        return {Effect.START_LABOUR: self.jobs.start_labour, Effect.STOP_LABOUR: self.jobs.stop_labour}

    @property
    def begins(self) -> Sequence[Begin]:
        return self.paying.begin, self.checking.begin


@dataclass(frozen=True)
class Work:
    """`services`: what endpoints ask for by type; the others are subscribed or scheduled."""

    ground: Groundwork
    arriving: Arriving
    sheets: WorkSheets
    contractors: ContractorDesk
    contractor_work: ContractorWork
    prices: PriceLists
    quotations: Quotations
    quotation_links: QuotationLinks
    charges: Charges
    quotation_telling: QuotationTelling
    stock_telling: StockTelling

    @property
    def services(self) -> tuple[object, ...]:
        ground = self.ground
        return (
            ground.jobs, ground.checking, ground.paying, self.arriving, self.sheets, self.contractors,
            self.contractor_work, self.prices, self.quotations, self.quotation_links, self.charges,
        )  # fmt: skip

    def sweeps(self) -> list[Sweep]:
        return [Sweep("ticketing.lapse_quotations", "* * * * * */30", self.quotations.lapse)]


def lay_ground(
    *, catalog: CatalogService, people: PeopleService, stock: StockService, definitions: Definitions, clock: Clock
) -> Groundwork:
    policy = SitePolicy(catalog)
    jobs = Jobs(people=people, stock=stock, policy=policy, clock=clock)
    checking = Checking(jobs=jobs, clock=clock)
    completing = Completing(definitions=definitions, checking=checking, jobs=jobs)
    paying = Paying(catalog=catalog, people=people, policy=policy, clock=clock)
    return Groundwork(policy, jobs, checking, completing, paying)


def build_work(
    ground: Groundwork, *, catalog: CatalogService, people: PeopleService, stock: StockService, notify: NotifyService,
    definitions: Definitions, moving: Moving, filling: FormFilling, attaching: Attaching, link_secret: str,
    sweeping: Sweeping, clock: Clock, registry: CollectorRegistry,
) -> Work:  # fmt: skip
    arriving = Arriving(
        catalog=catalog, people=people, definitions=definitions, moving=moving, clock=clock, registry=registry
    )  # fmt: skip
    prices = PriceLists(catalog=catalog, clock=clock)
    quotation_links = QuotationLinks(secret=link_secret, clock=clock)
    links = ContractorLinks(secret=link_secret, clock=clock)
    sheets = WorkSheets(
        people=people, jobs=ground.jobs, checking=ground.checking, completing=ground.completing, clock=clock
    )
    return Work(
        ground=ground,
        arriving=arriving,
        sheets=sheets,
        contractors=ContractorDesk(people=people, notify=notify, links=links, clock=clock),
        contractor_work=ContractorWork(
            people=people, stock=stock, definitions=definitions, moving=moving, filling=filling,
            arriving=arriving, completing=ground.completing, checking=ground.checking, jobs=ground.jobs, sheets=sheets,
            attaching=attaching, links=links, clock=clock,
        ),
        prices=prices,
        quotations=Quotations(
            definitions=definitions, prices=prices, policy=ground.policy, moving=moving, sweeping=sweeping, clock=clock
        ),
        quotation_links=quotation_links,
        charges=Charges(stock, clock),
        quotation_telling=QuotationTelling(notify=notify, links=quotation_links),
        stock_telling=StockTelling(stock=stock, people=people, notify=notify),
    )  # fmt: skip
