"""Health of equipment over HTTP."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query

from kit.access import Principal, Role
from kit.errors import DomainError
from kit.http import Page, Paging, RequestLanguage, Session, allow, service
from kit.i18n import Texts
from predictive.health.schemas import EquipmentHealthOut, HealthLineOut
from predictive.health.service import HealthService

router = APIRouter(prefix="/api/v1/predictive", tags=["predictive"])

STATUS: dict[type[DomainError], int] = {}

ON_DUTY = (Role.ENGINEER, Role.DISPATCHER, Role.MANAGER)

Healths = Annotated[HealthService, Depends(service(HealthService))]
Words = Annotated[Texts, Depends(service(Texts))]
Reader = Annotated[Principal, Depends(allow(*ON_DUTY))]


@router.get("/health", response_model=Page[HealthLineOut])
async def list_health(
    session: Session, healths: Healths, caller: Reader, paging: Paging,
    site_id: Annotated[UUID | None, Query(description="a site's id; without it all of the caller's")] = None,
) -> Page[HealthLineOut]:  # fmt: skip
    """Equipment by its health of the newest day, the worst first. Without a figure it is not in the list."""
    found, total = await healths.worst(
        session, caller.scope(*ON_DUTY), site_id=site_id, limit=paging.limit, offset=paging.offset
    )
    items = [HealthLineOut.of(line) for line in found]
    return Page(items=items, total=total, limit=paging.limit, offset=paging.offset)


@router.get("/equipment/{equipment_id}/health", response_model=EquipmentHealthOut)
async def get_equipment_health(
    equipment_id: UUID, session: Session, healths: Healths, caller: Reader, texts: Words, language: RequestLanguage
) -> EquipmentHealthOut:
    """The health of an equipment (0…100), what takes it away, its trend, its place among its like, and its leading
    point beside theirs at the same load. Reckoned every hour."""
    view = await healths.of_equipment(session, caller.scope(*ON_DUTY), equipment_id)
    row = view.newest
    words = texts.text(
        f"predictive.health_state.{view.state.value}", language,
        days=f"{row.days_known if row else 0:.0f}", needed=f"{row.days_needed if row else 0:.0f}",
    )  # fmt: skip
    return EquipmentHealthOut.of(view, words)
