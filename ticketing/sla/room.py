"""Puts service levels together, by hand."""

from dataclasses import dataclass

from catalog.service import CatalogService
from kit.clock import Clock
from notify.service import NotifyService
from people.contractors.service import ContractorService
from people.service import PeopleService
from ticketing.definitions.book import Definitions
from ticketing.site_targets import SiteTargets
from ticketing.sla.appointing import Appointments
from ticketing.sla.board import LevelBoard
from ticketing.sla.calendar_book import CalendarBook
from ticketing.sla.city_book import CityBook
from ticketing.sla.keeping import LevelKeeping
from ticketing.sla.policy_book import PolicyBook
from ticketing.sla.rungs import Rungs
from ticketing.sla.sweeps import LevelSweeps
from ticketing.sla.telling import CalendarTelling
from ticketing.sweeping import Sweeping


@dataclass(frozen=True)
class ServiceLevels:
    """`services`: what endpoints ask for by type; `keeping` and `sweeps` for the rest of the room."""

    keeping: LevelKeeping
    sweeps: LevelSweeps
    policies: PolicyBook
    calendars: CalendarBook
    cities: CityBook
    board: LevelBoard
    appointments: Appointments
    telling: CalendarTelling

    @property
    def services(self) -> tuple[object, ...]:
        return self.policies, self.calendars, self.cities, self.board, self.appointments


def build_service_levels(
    *, catalog: CatalogService, people: PeopleService, contractors: ContractorService, definitions: Definitions,
    targets: SiteTargets, notify: NotifyService, sweeping: Sweeping, clock: Clock,
) -> ServiceLevels:  # fmt: skip
    policies = PolicyBook(catalog, definitions, contractors, clock)
    calendars = CalendarBook(catalog, clock)
    keeping = LevelKeeping(
        catalog=catalog, targets=targets, policies=policies, calendars=calendars, contractors=contractors, clock=clock
    )  # fmt: skip
    return ServiceLevels(
        keeping=keeping,
        sweeps=LevelSweeps(
            catalog=catalog, calendars=calendars, rungs=Rungs(people, clock), sweeping=sweeping, clock=clock
        ),
        policies=policies,
        calendars=calendars,
        cities=CityBook(catalog, clock),
        board=LevelBoard(
            catalog=catalog, definitions=definitions, targets=targets, keeping=keeping, calendars=calendars,
            clock=clock,
        ),
        appointments=Appointments(keeping, clock),
        telling=CalendarTelling(notify, catalog),
    )  # fmt: skip
