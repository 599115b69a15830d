"""Service levels over HTTP: policies, calendars, cities, and how the clocks of an order stand."""

from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Query

from kit.access import STAFF, Principal, Role
from kit.errors import DomainError
from kit.http import Session, service
from ticketing.actor import Actor
from ticketing.callers import AT_THE_DESK, DeskClerk, Manager, Reader
from ticketing.sla import errors
from ticketing.sla.appointing import Appointments
from ticketing.sla.board import LevelBoard
from ticketing.sla.calendar_book import CalendarBook
from ticketing.sla.city_book import CityBook
from ticketing.sla.policy_book import PolicyBook
from ticketing.sla.schemas import (
    AppointmentIn,
    CalendarOut,
    CityIn,
    CityOut,
    Code,
    ContractNo,
    DayIn,
    LevelsOut,
    OrderLevelsOut,
    PolicyChangeIn,
    PolicyIn,
    PolicyOut,
    WeekIn,
)

router = APIRouter(prefix="/api/v1", tags=["service levels"])

STATUS: dict[type[DomainError], int] = {
    errors.PolicyNotFound: 404,
    errors.BusinessDayNotFound: 404,
    errors.CityUnknown: 404,
    errors.NotForWholeCompany: 403,
    errors.PolicyExists: 409,
    errors.PolicyChanged: 409,
    errors.CalendarChanged: 409,
    errors.AppointmentTooLate: 409,
    errors.NoAppointment: 409,
    errors.PolicyEmpty: 422,
    errors.LevelInvalid: 422,
    errors.ContractUnknown: 422,
    errors.HoursInvalid: 422,
    errors.CitySettingsInvalid: 422,
}


Policies = Annotated[PolicyBook, Depends(service(PolicyBook))]
Calendars = Annotated[CalendarBook, Depends(service(CalendarBook))]
Cities = Annotated[CityBook, Depends(service(CityBook))]
Board = Annotated[LevelBoard, Depends(service(LevelBoard))]
Meetings = Annotated[Appointments, Depends(service(Appointments))]
# A calendar beyond these years is not planned by; the published holidays begin in 2004.
Year = Annotated[int, Query(ge=2000, le=2200, description="a calendar year")]
CityName = Annotated[str, Path(min_length=1, max_length=80)]


# --- policies ------------------------------------------------------------------------------------------------------


@router.get("/service-policies", response_model=list[PolicyOut])
async def list_service_policies(
    session: Session, policies: Policies, caller: Reader, site: UUID | None = None
) -> list[PolicyOut]:
    """The company's policies and those of the caller's sites, the general ones first."""
    return [PolicyOut.of(row) for row in await policies.find(session, caller.scope(*STAFF), site_id=site)]


@router.post("/service-policies", response_model=PolicyOut, status_code=201)
async def create_service_policy(body: PolicyIn, session: Session, policies: Policies, caller: Manager) -> PolicyOut:
    """Says what holds for some orders. Orders that are open keep what they have."""
    scope = caller.scope(Role.MANAGER)
    row = await policies.create(session, scope, body.meant, name=body.name, says=body.says, by=caller.person_id)
    return PolicyOut.of(row)


@router.get("/service-policies/{service_policy_id}", response_model=PolicyOut)
async def get_service_policy(
    service_policy_id: UUID, session: Session, policies: Policies, caller: Reader
) -> PolicyOut:
    """One policy."""
    return PolicyOut.of(await policies.get(session, caller.scope(*STAFF), service_policy_id))


@router.put("/service-policies/{service_policy_id}", response_model=PolicyOut)
async def change_service_policy(
    service_policy_id: UUID, body: PolicyChangeIn, session: Session, policies: Policies, caller: Manager
) -> PolicyOut:
    """Puts this in the place of what the policy said. Orders that are open keep what they have."""
    row = await policies.change(
        session, caller.scope(Role.MANAGER), service_policy_id, body.meant, name=body.name, says=body.says,
        version=body.version, by=caller.person_id,
    )  # fmt: skip
    return PolicyOut.of(row)


@router.delete("/service-policies/{service_policy_id}", status_code=204)
async def delete_service_policy(service_policy_id: UUID, session: Session, policies: Policies, caller: Manager) -> None:
    """Takes a policy away. Orders that are open keep what it said."""
    await policies.delete(session, caller.scope(Role.MANAGER), service_policy_id)


@router.get("/sites/{site_id}/service-level", response_model=LevelsOut)
async def preview_service_level(
    site_id: UUID, session: Session, board: Board, caller: Reader, kind: Code = "repair",
    priority: Annotated[int, Query(ge=1, le=4)] = 3, contract_no: ContractNo | None = None,
) -> LevelsOut:  # fmt: skip
    """What an order of that kind would get if it opened now, and which policies say so."""
    offered = await board.offered(
        session, caller.scope(*STAFF), site_id, kind=kind, priority=priority, contract_no=contract_no
    )
    return LevelsOut.of(offered)


# --- orders --------------------------------------------------------------------------------------------------------


@router.get("/work-orders/{work_order_id}/service-level", response_model=OrderLevelsOut)
async def get_work_order_service_level(
    work_order_id: UUID, session: Session, board: Board, caller: Reader
) -> OrderLevelsOut:
    """How the clocks of an order stand, and what was agreed when it opened."""
    return OrderLevelsOut.of(await board.of_order(session, caller.scope(*STAFF), work_order_id))


@router.put("/work-orders/{work_order_id}/appointment", response_model=OrderLevelsOut)
async def appoint_work_order(
    work_order_id: UUID, body: AppointmentIn, session: Session, meetings: Meetings, board: Board, caller: DeskClerk
) -> OrderLevelsOut:
    """Makes, moves or drops the owner's appointment: the arrival clock starts then, and nobody is late before it."""
    scope = caller.scope(*AT_THE_DESK)
    await meetings.set(
        session, scope, work_order_id, at=body.appointment_at, actor=Actor.of(caller), why=body.reason,
        version=body.version,
    )  # fmt: skip
    return OrderLevelsOut.of(await board.of_order(session, scope, work_order_id))


# --- calendars -----------------------------------------------------------------------------------------------------


@router.get("/business-calendar", response_model=CalendarOut)
async def get_company_calendar(year: Year, session: Session, calendars: Calendars, caller: Reader) -> CalendarOut:
    """The company's calendar, which holds at sites without hours of their own."""
    return CalendarOut.of(await calendars.view(session, caller.scope(*STAFF), None, year=year))


@router.put("/business-calendar", response_model=CalendarOut)
async def put_company_calendar(
    body: WeekIn, year: Year, session: Session, calendars: Calendars, caller: Manager
) -> CalendarOut:
    """Puts these hours in the place of the company's old ones."""
    return await _save_week(session, calendars, caller, None, body, year)


@router.put("/business-calendar/days/{day}", response_model=CalendarOut)
async def put_company_day(
    day: date, body: DayIn, session: Session, calendars: Calendars, caller: Manager
) -> CalendarOut:
    """Enters a day that is unlike its weekday at every site: a public holiday, a make-up workday, short hours."""
    return await _save_day(session, calendars, caller, None, day, body)


@router.delete("/business-calendar/days/{day}", response_model=CalendarOut)
async def delete_company_day(day: date, session: Session, calendars: Calendars, caller: Manager) -> CalendarOut:
    """Takes an entered day away: its weekday and the published holidays count again."""
    return await _forget_day(session, calendars, caller, None, day)


@router.get("/sites/{site_id}/business-calendar", response_model=CalendarOut)
async def get_site_calendar(
    site_id: UUID, year: Year, session: Session, calendars: Calendars, caller: Reader
) -> CalendarOut:
    """What holds at a site in a year, and whether that year's public holidays are known."""
    return CalendarOut.of(await calendars.view(session, caller.scope(*STAFF), site_id, year=year))


@router.put("/sites/{site_id}/business-calendar", response_model=CalendarOut)
async def put_site_calendar(
    site_id: UUID, body: WeekIn, year: Year, session: Session, calendars: Calendars, caller: Manager
) -> CalendarOut:
    """Gives a site hours of its own. Orders that are open keep the calendar they were opened with."""
    return await _save_week(session, calendars, caller, site_id, body, year)


@router.put("/sites/{site_id}/business-calendar/days/{day}", response_model=CalendarOut)
async def put_site_day(
    site_id: UUID, day: date, body: DayIn, session: Session, calendars: Calendars, caller: Manager
) -> CalendarOut:
    """Enters a day that is unlike its weekday at this site."""
    return await _save_day(session, calendars, caller, site_id, day, body)


@router.delete("/sites/{site_id}/business-calendar/days/{day}", response_model=CalendarOut)
async def delete_site_day(
    site_id: UUID, day: date, session: Session, calendars: Calendars, caller: Manager
) -> CalendarOut:
    """Takes a day of this site away: what the company entered, or was published, counts again."""
    return await _forget_day(session, calendars, caller, site_id, day)


# --- cities --------------------------------------------------------------------------------------------------------


@router.get("/service-levels/cities", response_model=list[CityOut])
async def list_city_settings(session: Session, cities: Cities, caller: Reader) -> list[CityOut]:
    """What holds in cities, below the settings of their sites."""
    return [CityOut.of(row) for row in await cities.all(session)]


@router.put("/service-levels/cities/{city}", response_model=CityOut)
async def put_city_settings(city: CityName, body: CityIn, session: Session, cities: Cities, caller: Manager) -> CityOut:
    """Puts these settings in the place of the city's old ones. For whoever is responsible for every site."""
    scope = caller.scope(Role.MANAGER)
    return CityOut.of(await cities.save(session, scope, city, body.settings, by=caller.person_id))


async def _save_week(
    session: Session, calendars: CalendarBook, caller: Principal, site_id: UUID | None, body: WeekIn, year: int
) -> CalendarOut:
    scope = caller.scope(Role.MANAGER)
    await calendars.save_week(
        session, scope, site_id, hours=body.hours, keeps_holidays=body.keeps_holidays, version=body.version,
        by=caller.person_id,
    )  # fmt: skip
    return CalendarOut.of(await calendars.view(session, scope, site_id, year=year))


async def _save_day(
    session: Session, calendars: CalendarBook, caller: Principal, site_id: UUID | None, day: date, body: DayIn
) -> CalendarOut:
    scope = caller.scope(Role.MANAGER)
    await calendars.save_day(
        session, scope, site_id, day=day, name=body.name, hours=body.hours, by=caller.person_id
    )  # fmt: skip
    return CalendarOut.of(await calendars.view(session, scope, site_id, year=day.year))


async def _forget_day(
    session: Session, calendars: CalendarBook, caller: Principal, site_id: UUID | None, day: date
) -> CalendarOut:
    scope = caller.scope(Role.MANAGER)
    await calendars.forget_day(session, scope, site_id, day=day)
    return CalendarOut.of(await calendars.view(session, scope, site_id, year=day.year))
