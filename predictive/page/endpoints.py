"""An equipment's page over HTTP."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends

from kit.access import Principal, Role
from kit.errors import DomainError
from kit.http import RequestLanguage, Session, allow, service
from kit.i18n import Language, Texts
from predictive import errors
from predictive.health.schemas import EquipmentHealthOut
from predictive.health.service import HealthView
from predictive.page.schemas import EquipmentPageOut
from predictive.page.service import EquipmentPages
from predictive.predictions.schemas import PredictionMutingOut, PredictionOut
from predictive.remaining_life.schemas import RemainingLifeOut
from predictive.streaming.schemas import EquipmentWatchOut
from predictive.streaming.watch import Watch

router = APIRouter(prefix="/api/v1/predictive", tags=["predictive"])

STATUS: dict[type[DomainError], int] = {errors.NotWatched: 404}

ON_DUTY = (Role.ENGINEER, Role.DISPATCHER, Role.MANAGER)

Pages = Annotated[EquipmentPages, Depends(service(EquipmentPages))]
Words = Annotated[Texts, Depends(service(Texts))]
Reader = Annotated[Principal, Depends(allow(*ON_DUTY))]


@router.get("/equipment/{equipment_id}/page", response_model=EquipmentPageOut)
async def get_equipment_page(
    equipment_id: UUID, session: Session, pages: Pages, caller: Reader, texts: Words, language: RequestLanguage
) -> EquipmentPageOut:
    """What models say of an equipment in one answer: what they have learnt, its health, what wears and how long it
    has left, what is predicted and how earlier predictions ended."""
    page = await pages.of_equipment(session, caller.scope(*ON_DUTY), equipment_id)
    return EquipmentPageOut(
        watch=EquipmentWatchOut.of(page.watch, _words_of_watch(page.watch, texts, language)),
        health=EquipmentHealthOut.of(page.health, _words_of_health(page.health, texts, language)),
        remaining_life=[RemainingLifeOut.model_validate(row) for row in page.lives],
        predictions=[PredictionOut.of(row) for row in page.predictions],
        mutings=[PredictionMutingOut.model_validate(row) for row in page.mutings],
    )


def _words_of_watch(watch: Watch, texts: Texts, language: Language) -> str:
    days, needed = f"{watch.days:.0f}", f"{watch.days_needed:.0f}"
    return texts.text(f"predictive.watch.{watch.state.value}", language, days=days, needed=needed)


def _words_of_health(health: HealthView, texts: Texts, language: Language) -> str:
    row = health.newest
    days, needed = f"{row.days_known if row else 0:.0f}", f"{row.days_needed if row else 0:.0f}"
    return texts.text(f"predictive.health_state.{health.state.value}", language, days=days, needed=needed)
