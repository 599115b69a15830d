"""Models in the line over HTTP: how it stands with each equipment."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query

from kit.access import Principal, Role
from kit.errors import DomainError
from kit.http import Page, Paging, RequestLanguage, Session, allow, service
from kit.i18n import Language, Texts
from predictive import errors
from predictive.streaming.schemas import EquipmentWatchOut, WatchCountsOut
from predictive.streaming.service import WatchService
from predictive.streaming.watch import Watch, WatchState

router = APIRouter(prefix="/api/v1/predictive", tags=["predictive"])

STATUS: dict[type[DomainError], int] = {errors.NotWatched: 404}

ON_DUTY = (Role.ENGINEER, Role.DISPATCHER, Role.MANAGER)

Watches = Annotated[WatchService, Depends(service(WatchService))]
Words = Annotated[Texts, Depends(service(Texts))]
Reader = Annotated[Principal, Depends(allow(*ON_DUTY))]


@router.get("/watches", response_model=Page[EquipmentWatchOut])
async def list_watches(
    session: Session, watches: Watches, caller: Reader, paging: Paging, texts: Words, language: RequestLanguage,
    state: Annotated[WatchState | None, Query()] = None,
) -> Page[EquipmentWatchOut]:  # fmt: skip
    """What the models make of the equipment of the caller's sites, the most unusual first."""
    found, total = await watches.find(
        session, caller.scope(*ON_DUTY), state=state, limit=paging.limit, offset=paging.offset
    )
    items = [EquipmentWatchOut.of(watch, _words(watch, texts, language)) for watch in found]
    return Page(items=items, total=total, limit=paging.limit, offset=paging.offset)


@router.get("/watch-counts", response_model=WatchCountsOut)
async def get_watch_counts(session: Session, watches: Watches, caller: Reader) -> WatchCountsOut:
    """How many equipments are learnt, are being learnt, say nothing, or have a model that failed."""
    return WatchCountsOut(counts=await watches.counts(session, caller.scope(*ON_DUTY)))


@router.get("/equipment/{equipment_id}/watch", response_model=EquipmentWatchOut)
async def get_watch(
    equipment_id: UUID, session: Session, watches: Watches, caller: Reader, texts: Words, language: RequestLanguage
) -> EquipmentWatchOut:
    """Whether an equipment is judged by models, and what they wait for."""
    watch = await watches.of_equipment(session, caller.scope(*ON_DUTY), equipment_id)
    return EquipmentWatchOut.of(watch, _words(watch, texts, language))


def _words(watch: Watch, texts: Texts, language: Language) -> str:
    return texts.text(
        f"predictive.watch.{watch.state.value}", language, days=f"{watch.days:.0f}", needed=f"{watch.days_needed:.0f}"
    )
