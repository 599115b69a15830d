"""Remaining lives over HTTP."""

from datetime import timedelta
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query

from catalog.errors import SiteNotFound
from kit.access import STAFF, Principal
from kit.errors import DomainError
from kit.http import Session, allow, service
from predictive.remaining_life.book import RemainingLifeBook
from predictive.remaining_life.schemas import RemainingLifeOut

router = APIRouter(prefix="/api/v1/predictive", tags=["predictive"])

STATUS: dict[type[DomainError], int] = {}

Reader = Annotated[Principal, Depends(allow(*STAFF))]
Book = Annotated[RemainingLifeBook, Depends(service(RemainingLifeBook))]


@router.get("/equipment/{equipment_id}/remaining-life", response_model=list[RemainingLifeOut])
async def remaining_life_of_equipment(
    session: Session, caller: Reader, book: Book, equipment_id: UUID,
    days: Annotated[int, Query(ge=0, le=400, description="of past forecasts; 0: only what counts now")] = 0,
) -> list[RemainingLifeOut]:  # fmt: skip
    """What wears in it, how long it has left and what that is told from, the heaviest first. Empty: nothing wears."""
    scope = caller.scope(*STAFF)
    if days:
        rows = await book.history(session, scope, equipment_id, span=timedelta(days=days))
    else:
        rows = await book.newest(session, scope, equipment_id)
    return [RemainingLifeOut.model_validate(row) for row in rows]


@router.get("/remaining-life", response_model=list[RemainingLifeOut])
async def remaining_life_of_site(
    session: Session, caller: Reader, book: Book, site_id: UUID
) -> list[RemainingLifeOut]:  # fmt: skip
    """All that wears at a site, what ends first before the others."""
    scope = caller.scope(*STAFF)
    if not scope.allows(site_id):
        raise SiteNotFound(site_id)
    return [RemainingLifeOut.model_validate(row) for row in await book.of_site(session, scope, site_id)]
