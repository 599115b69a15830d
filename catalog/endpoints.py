"""HTTP of sites, buildings and spaces; the room's other routes join here."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response

from building.space import SpaceKind
from catalog import device_endpoints, equipment_endpoints, errors, sheet_endpoints
from catalog.editing import CatalogEditor
from catalog.foreign_text import Line
from catalog.qr import QrLabels
from catalog.repository import SpaceFilter
from catalog.schemas import (
    BuildingIn,
    BuildingOut,
    BuildingPatch,
    LabelOut,
    SettingsBody,
    SiteIn,
    SiteOut,
    SitePatch,
    SpaceIn,
    SpaceOut,
    SpacePatch,
    TreeOut,
)
from catalog.service import CatalogService
from kit.access import STAFF, Principal, Role
from kit.errors import DomainError
from kit.http import Page, Paging, SeenVersion, Session, allow, service

router = APIRouter(prefix="/api/v1", tags=["catalog"])

STATUS: dict[type[DomainError], int] = {
    errors.SiteNotFound: 404,
    errors.BuildingNotFound: 404,
    errors.SpaceNotFound: 404,
    errors.EquipmentNotFound: 404,
    errors.QrTokenUnknown: 404,
    errors.PointNotFound: 404,
    errors.ProfileNotFound: 404,
    errors.DiscoveredDeviceNotFound: 404,
    errors.DeadLetterNotFound: 404,
    errors.SheetKindUnknown: 404,
    errors.CodeTaken: 409,
    errors.ParentCycle: 409,
    errors.StillInUse: 409,
    errors.AlreadyBound: 409,
    errors.BindingRefused: 409,
    errors.SiteCreationRefused: 403,
    errors.SheetTooLarge: 413,
    errors.ReferenceUnknown: 422,
    errors.BadRange: 422,
    errors.BadSettings: 422,
    errors.BadTimezone: 422,
    errors.UnknownSortField: 422,
    errors.SheetUnreadable: 422,
    errors.ImportRefused: 422,
}

Catalog = Annotated[CatalogService, Depends(service(CatalogService))]
Labels = Annotated[QrLabels, Depends(service(QrLabels))]
Editor = Annotated[CatalogEditor, Depends(service(CatalogEditor))]
Reader = Annotated[Principal, Depends(allow(*STAFF))]
Manager = Annotated[Principal, Depends(allow(Role.MANAGER))]
Admin = Annotated[Principal, Depends(allow(Role.ADMIN))]


# --- sites -------------------------------------------------------------------------------------------------------


@router.get("/sites", response_model=list[SiteOut])
async def list_sites(session: Session, catalog: Catalog, caller: Reader) -> object:
    """The sites the caller may see."""
    return await catalog.sites(session, caller.scope(*STAFF))


@router.post("/sites", response_model=SiteOut, status_code=201)
async def create_site(body: SiteIn, session: Session, catalog: Catalog, editor: Editor, caller: Admin) -> object:
    """Opens a site. Only an administrator of every site may: nobody else could see it."""
    scope = caller.scope(Role.ADMIN)
    if scope.site_ids is not None:
        raise errors.SiteCreationRefused
    site_id = await editor.create_site(session, code=body.code, name=body.name, city=body.city, timezone=body.timezone)
    return await catalog.site(session, scope, site_id)


@router.get("/sites/{site_id}", response_model=SiteOut)
async def get_site(site_id: UUID, session: Session, catalog: Catalog, caller: Reader) -> object:
    return await catalog.site(session, caller.scope(*STAFF), site_id)


@router.patch("/sites/{site_id}", response_model=SiteOut)
async def change_site(
    site_id: UUID, body: SitePatch, session: Session, catalog: Catalog, editor: Editor, caller: Admin
) -> object:
    scope = caller.scope(Role.ADMIN)
    await editor.change_site(session, scope, site_id, body.sent())
    return await catalog.site(session, scope, site_id)


@router.get("/sites/{site_id}/tree", response_model=list[TreeOut])
async def site_tree(site_id: UUID, session: Session, catalog: Catalog, caller: Reader) -> object:
    """Buildings with their units, floors and rooms, then places that belong to no building."""
    return await catalog.tree(session, caller.scope(*STAFF), site_id)


@router.get("/sites/{site_id}/settings", response_model=SettingsBody)
async def get_site_settings(site_id: UUID, session: Session, catalog: Catalog, caller: Manager) -> SettingsBody:
    """What this site sets of its own; what is absent has its default."""
    await catalog.site(session, caller.scope(Role.MANAGER), site_id)
    return SettingsBody(settings=dict(await catalog.site_settings(session, site_id)))


@router.put("/sites/{site_id}/settings", response_model=SettingsBody)
async def put_site_settings(
    site_id: UUID, body: SettingsBody, session: Session, editor: Editor, caller: Manager
) -> SettingsBody:
    """Puts these settings in the place of the old ones."""
    scope = caller.scope(Role.MANAGER)
    settings = await editor.change_settings(session, scope, site_id, body.settings, replace=True)
    return SettingsBody(settings=dict(settings))


@router.patch("/sites/{site_id}/settings", response_model=SettingsBody)
async def merge_site_settings(
    site_id: UUID, body: SettingsBody, session: Session, editor: Editor, caller: Manager
) -> SettingsBody:
    """Lays these settings over the old ones; a null takes a key away, so that its default is back."""
    scope = caller.scope(Role.MANAGER)
    settings = await editor.change_settings(session, scope, site_id, body.settings, replace=False)
    return SettingsBody(settings=dict(settings))


# --- buildings ---------------------------------------------------------------------------------------------------


@router.get("/buildings", response_model=list[BuildingOut])
async def list_buildings(
    session: Session, catalog: Catalog, caller: Reader, site_id: Annotated[UUID | None, Query()] = None
) -> object:
    """Buildings in the order of their numbers."""
    return await catalog.buildings(session, caller.scope(*STAFF), site_id)


@router.post("/buildings", response_model=BuildingOut, status_code=201)
async def create_building(
    body: BuildingIn, session: Session, catalog: Catalog, editor: Editor, caller: Manager
) -> object:
    scope = caller.scope(Role.MANAGER)
    building_id = await editor.create_building(session, scope, **dict(body))
    return await catalog.building(session, scope, building_id)


@router.get("/buildings/{building_id}", response_model=BuildingOut)
async def get_building(building_id: UUID, session: Session, catalog: Catalog, caller: Reader) -> object:
    return await catalog.building(session, caller.scope(*STAFF), building_id)


@router.patch("/buildings/{building_id}", response_model=BuildingOut)
async def change_building(
    building_id: UUID, body: BuildingPatch, session: Session, catalog: Catalog, editor: Editor, caller: Manager
) -> object:
    scope = caller.scope(Role.MANAGER)
    await editor.change_building(session, scope, building_id, body.sent(), version=body.version)
    return await catalog.building(session, scope, building_id)


@router.delete("/buildings/{building_id}", status_code=204, response_model=None)
async def delete_building(
    building_id: UUID, session: Session, editor: Editor, caller: Manager, version: SeenVersion = None
) -> None:
    """Deletes a building in which nothing is left."""
    await editor.delete_building(session, caller.scope(Role.MANAGER), building_id, version=version)


# --- spaces ------------------------------------------------------------------------------------------------------


@router.get("/spaces", response_model=Page[SpaceOut])
async def list_spaces(
    session: Session,
    catalog: Catalog,
    caller: Reader,
    paging: Paging,
    site_id: Annotated[UUID | None, Query()] = None,
    building_id: Annotated[UUID | None, Query()] = None,
    parent_id: Annotated[UUID | None, Query()] = None,
    unit_id: Annotated[UUID | None, Query()] = None,
    kind: Annotated[SpaceKind | None, Query()] = None,
    q: Annotated[Line | None, Query(description="part of a code, or a whole name")] = None,
    sort: Annotated[str, Query(description="code, name or kind; - before it turns it round")] = "code",
) -> Page[SpaceOut]:
    wanted = SpaceFilter(site_id=site_id, building_id=building_id, parent_id=parent_id, unit_id=unit_id, kind=kind, q=q)
    found, total = await catalog.find_spaces(
        session, caller.scope(*STAFF), wanted, sort=sort, limit=paging.limit, offset=paging.offset
    )
    items = [SpaceOut.model_validate(space) for space in found]
    return Page(items=items, total=total, limit=paging.limit, offset=paging.offset)


@router.post("/spaces", response_model=SpaceOut, status_code=201)
async def create_space(body: SpaceIn, session: Session, catalog: Catalog, editor: Editor, caller: Manager) -> object:
    scope = caller.scope(Role.MANAGER)
    space_id = await editor.create_space(session, scope, **dict(body))
    return await catalog.space(session, scope, space_id)


@router.get("/spaces/{space_id}", response_model=SpaceOut)
async def get_space(space_id: UUID, session: Session, catalog: Catalog, caller: Reader) -> object:
    return await catalog.space(session, caller.scope(*STAFF), space_id)


@router.patch("/spaces/{space_id}", response_model=SpaceOut)
async def change_space(
    space_id: UUID, body: SpacePatch, session: Session, catalog: Catalog, editor: Editor, caller: Manager
) -> object:
    scope = caller.scope(Role.MANAGER)
    await editor.change_space(session, scope, space_id, body.sent(), version=body.version)
    return await catalog.space(session, scope, space_id)


@router.post("/spaces/{space_id}/label", response_model=LabelOut)
async def label_space(space_id: UUID, session: Session, catalog: Catalog, labels: Labels, caller: Manager) -> LabelOut:
    """The label of a door or a place: what it carries, made when it is first asked for."""
    token = await catalog.label_space(session, caller.scope(Role.MANAGER), space_id)
    return LabelOut(qr_token=token, address=labels.address(token))


@router.get(
    "/spaces/{space_id}/qr.png",
    response_class=Response,
    responses={200: {"content": {"image/png": {}}, "description": "the label"}},
)
async def space_qr(space_id: UUID, session: Session, catalog: Catalog, labels: Labels, caller: Reader) -> Response:
    """The QR label to print, once the place has one."""
    token = await catalog.space_token(session, caller.scope(*STAFF), space_id)
    return Response(labels.png(token), media_type="image/png")


@router.delete("/spaces/{space_id}", status_code=204, response_model=None)
async def delete_space(
    space_id: UUID, session: Session, editor: Editor, caller: Manager, version: SeenVersion = None
) -> None:
    """Deletes a place in which nothing is left."""
    await editor.delete_space(session, caller.scope(Role.MANAGER), space_id, version=version)


for _part in (equipment_endpoints, device_endpoints, sheet_endpoints):
    router.include_router(_part.router)
