"""Forecasts of meters over HTTP, and which meters look wrong."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends

from kit.access import Principal, Role
from kit.errors import DomainError
from kit.http import RequestLanguage, Session, allow, service
from kit.i18n import Language, Texts
from predictive.consumption import errors
from predictive.consumption.forecast import MeterState
from predictive.consumption.schemas import MeterForecastOut, MeterSuspicionOut, SiteConsumptionOut, SuspectMeterOut
from predictive.consumption.service import ConsumptionService, MeterView

router = APIRouter(prefix="/api/v1/predictive", tags=["predictive"])

STATUS: dict[type[DomainError], int] = {errors.NoMeter: 409, errors.NoMetersAtSite: 404}

ON_DUTY = (Role.ENGINEER, Role.DISPATCHER, Role.MANAGER)

Consumption = Annotated[ConsumptionService, Depends(service(ConsumptionService))]
Words = Annotated[Texts, Depends(service(Texts))]
Reader = Annotated[Principal, Depends(allow(*ON_DUTY))]


@router.get("/meters/{equipment_id}/forecast", response_model=MeterForecastOut)
async def get_meter_forecast(
    equipment_id: UUID, session: Session, consumption: Consumption, caller: Reader, texts: Words,
    language: RequestLanguage,
) -> MeterForecastOut:  # fmt: skip
    """What a meter will count in the next days, hour by hour with intervals, what that rests on, and what its count may
    be a sign of. Made every morning."""
    found = await consumption.forecast(session, caller.scope(*ON_DUTY), equipment_id)
    if found.row is None:
        return _waiting(found, _words(MeterState.WAITING, 0, texts, language))
    words = _words(MeterState(found.row.state), found.row.days_known, texts, language)
    return MeterForecastOut.of(found.row, words)


@router.get("/consumption", response_model=SiteConsumptionOut)
async def get_site_consumption(
    site_id: UUID, session: Session, consumption: Consumption, caller: Reader
) -> SiteConsumptionOut:
    """How far the last look at a site's meters is, and the meters that something is suspected of: leaks at night,
    counts that fell away, meters that stand still, run backwards or slip."""
    found = await consumption.site(session, caller.scope(*ON_DUTY), site_id)
    suspects = [
        SuspectMeterOut(
            equipment_id=entry.equipment_id, code=entry.code, name=entry.name, unit=row.unit,
            suspicions=[MeterSuspicionOut.of(one) for one in row.suspicions],
        )
        for entry, row in found.suspects
    ]  # fmt: skip
    return SiteConsumptionOut.of(found.run, suspects, meters=found.meters)


def _waiting(found: MeterView, words: str) -> MeterForecastOut:
    register = found.points.register
    return MeterForecastOut(
        equipment_id=found.points.entry.equipment_id, point_key=register.key, unit=register.unit,
        state=MeterState.WAITING, words=words, days_known=0, days_needed=ConsumptionService.days_needed,
        reckoned_at=None, days=[], used=None, suspicions=[],
    )  # fmt: skip


def _words(state: MeterState, days_known: int, texts: Texts, language: Language) -> str:
    return texts.text(
        f"predictive.meter_state.{state.value}", language, days=days_known, needed=ConsumptionService.days_needed
    )
