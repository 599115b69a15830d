"""HTTP of equipment and its points."""

from enum import StrEnum
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Query, Response

from building.equipment import EquipmentKind
from catalog.editing import CatalogEditor, NewEquipment
from catalog.foreign_text import Line
from catalog.qr import QrLabels
from catalog.repository import EquipmentFilter
from catalog.schemas import EquipmentIn, EquipmentOut, EquipmentPatch, PointOut, PointPatch, Removed
from catalog.service import CatalogService
from kit.access import STAFF, Principal, Role
from kit.http import Page, Paging, Session, allow, service

router = APIRouter()

Catalog = Annotated[CatalogService, Depends(service(CatalogService))]
Editor = Annotated[CatalogEditor, Depends(service(CatalogEditor))]
Labels = Annotated[QrLabels, Depends(service(QrLabels))]
Reader = Annotated[Principal, Depends(allow(*STAFF))]
Manager = Annotated[Principal, Depends(allow(Role.MANAGER))]
Tuner = Annotated[Principal, Depends(allow(Role.MANAGER, Role.ENGINEER))]
PointNo = Annotated[int, Path(ge=1, le=2**31 - 1)]  # what PostgreSQL's integer holds


class Link(StrEnum):
    UP = "up"
    DOWN = "down"
    UNKNOWN = "unknown"  # never heard


@router.get("/equipment", response_model=Page[EquipmentOut])
async def list_equipment(
    session: Session,
    catalog: Catalog,
    caller: Reader,
    paging: Paging,
    site_id: Annotated[UUID | None, Query()] = None,
    building_id: Annotated[UUID | None, Query()] = None,
    space_id: Annotated[UUID | None, Query()] = None,
    parent_id: Annotated[UUID | None, Query()] = None,
    kind: Annotated[EquipmentKind | None, Query()] = None,
    profile: Annotated[Line | None, Query()] = None,
    link: Annotated[Link | None, Query()] = None,
    q: Annotated[Line | None, Query(description="part of code, name, location or name on the wire")] = None,
    retired: Annotated[bool, Query(description="retired equipment too")] = False,
    sort: Annotated[str, Query(description="code, name, kind or link_changed_at; - turns it round")] = "code",
) -> Page[EquipmentOut]:
    wanted = EquipmentFilter(
        site_id=site_id, building_id=building_id, space_id=space_id, parent_id=parent_id, kind=kind,
        profile_key=profile, link=link, q=q, with_retired=retired,
    )  # fmt: skip
    found, total = await catalog.find_equipment(
        session, caller.scope(*STAFF), wanted, sort=sort, limit=paging.limit, offset=paging.offset
    )
    items = [EquipmentOut.model_validate(one) for one in found]
    return Page(items=items, total=total, limit=paging.limit, offset=paging.offset)


@router.post("/equipment", response_model=EquipmentOut, status_code=201)
async def create_equipment(
    body: EquipmentIn, session: Session, catalog: Catalog, editor: Editor, caller: Manager
) -> object:
    scope = caller.scope(Role.MANAGER)
    equipment_id = await editor.create_equipment(session, scope, NewEquipment(**dict(body)))
    return await catalog.equipment(session, scope, equipment_id)


@router.get("/equipment/by-qr/{token}", response_model=EquipmentOut)
async def equipment_by_qr(token: Line, session: Session, catalog: Catalog, caller: Reader) -> object:
    """The equipment whose label was scanned."""
    found = await catalog.equipment_by_qr(session, token)
    return await catalog.equipment(session, caller.scope(*STAFF), found.id)


@router.get("/equipment/{equipment_id}", response_model=EquipmentOut)
async def get_equipment(equipment_id: UUID, session: Session, catalog: Catalog, caller: Reader) -> object:
    return await catalog.equipment(session, caller.scope(*STAFF), equipment_id)


@router.patch("/equipment/{equipment_id}", response_model=EquipmentOut)
async def change_equipment(
    equipment_id: UUID, body: EquipmentPatch, session: Session, catalog: Catalog, editor: Editor, caller: Manager
) -> object:
    scope = caller.scope(Role.MANAGER)
    await editor.change_equipment(session, scope, equipment_id, body.sent())
    return await catalog.equipment(session, scope, equipment_id)


@router.delete("/equipment/{equipment_id}", response_model=Removed)
async def remove_equipment(equipment_id: UUID, session: Session, editor: Editor, caller: Manager) -> Removed:
    """Deletes what nothing refers to; equipment with alarms or orders is retired: kept, no longer read or judged."""
    return Removed(deleted=await editor.remove_equipment(session, caller.scope(Role.MANAGER), equipment_id))


@router.post("/equipment/{equipment_id}/restore", response_model=EquipmentOut)
async def restore_equipment(
    equipment_id: UUID, session: Session, catalog: Catalog, editor: Editor, caller: Manager
) -> object:
    """Puts retired equipment back into service."""
    scope = caller.scope(Role.MANAGER)
    await editor.restore_equipment(session, scope, equipment_id)
    return await catalog.equipment(session, scope, equipment_id)


@router.get(
    "/equipment/{equipment_id}/qr.png",
    response_class=Response,
    responses={200: {"content": {"image/png": {}}, "description": "the label"}},
)
async def equipment_qr(
    equipment_id: UUID, session: Session, catalog: Catalog, labels: Labels, caller: Reader
) -> Response:
    """The QR label to print."""
    found = await catalog.equipment(session, caller.scope(*STAFF), equipment_id)
    return Response(labels.png(found.qr_token), media_type="image/png")


@router.post("/equipment/{equipment_id}/qr-token", response_model=EquipmentOut)
async def renew_qr_token(
    equipment_id: UUID, session: Session, catalog: Catalog, editor: Editor, caller: Manager
) -> object:
    """A fresh token: labels printed before lead nowhere."""
    scope = caller.scope(Role.MANAGER)
    await editor.new_qr_token(session, scope, equipment_id)
    return await catalog.equipment(session, scope, equipment_id)


@router.get("/equipment/{equipment_id}/points", response_model=list[PointOut])
async def equipment_points(equipment_id: UUID, session: Session, catalog: Catalog, caller: Reader) -> object:
    return await catalog.points(session, caller.scope(*STAFF), equipment_id)


@router.patch("/points/{point_no}", response_model=PointOut)
async def change_point(
    point_no: PointNo, body: PointPatch, session: Session, catalog: Catalog, editor: Editor, caller: Tuner
) -> object:
    """Sets name or plausible range. Readings outside the range become dead letters."""
    scope = caller.scope(Role.MANAGER, Role.ENGINEER)
    await editor.change_point(session, scope, point_no, body.sent())
    return await catalog.point(session, scope, point_no)


@router.delete("/points/{point_no}/edits", response_model=PointOut)
async def reset_point(point_no: PointNo, session: Session, catalog: Catalog, editor: Editor, caller: Tuner) -> object:
    """Makes a point follow its profile again."""
    scope = caller.scope(Role.MANAGER, Role.ENGINEER)
    await editor.reset_point(session, scope, point_no)
    return await catalog.point(session, scope, point_no)
