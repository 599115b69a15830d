"""HTTP of imports and exports."""

from enum import StrEnum
from typing import Annotated, assert_never
from uuid import UUID

from fastapi import APIRouter, Depends, File, Query, Response, UploadFile

from catalog.device_schemas import ImportOut
from catalog.imports import FILE_LIMIT_BYTES, ImportDesk
from catalog.service import CatalogService
from kit.access import STAFF, NotAllowed, Principal, Role
from kit.http import RequestLanguage, Session, allow, service, tell_the_audit

router = APIRouter()

Desk = Annotated[ImportDesk, Depends(service(ImportDesk))]
Catalog = Annotated[CatalogService, Depends(service(CatalogService))]
Staff = Annotated[Principal, Depends(allow(*STAFF))]

XLSX_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_FILES = {200: {"content": {XLSX_TYPE: {}, "text/csv": {}}, "description": "the file"}}


class SheetForm(StrEnum):
    XLSX = "xlsx"
    CSV = "csv"


@router.post("/imports/{kind}", response_model=ImportOut)
async def import_sheet(
    kind: str,
    site_id: Annotated[UUID, Query()],
    file: Annotated[UploadFile, File(description="XLSX, or CSV in UTF-8 or GBK; the first line names the columns")],
    session: Session,
    desk: Desk,
    caller: Staff,
    language: RequestLanguage,
    dry_run: Annotated[bool, Query(description="check every row, import none")] = False,
) -> object:
    """Imports houses, owners, staff or equipment: every row, or none when one is bad."""
    roles = desk.kind(kind).importers
    _need(caller, roles)
    data = await file.read(FILE_LIMIT_BYTES + 1)
    return await desk.run(
        session, caller.scope(*roles), kind=kind, site_id=site_id, data=data, dry_run=dry_run, language=language
    )


@router.get("/imports/{kind}/template.xlsx", response_class=Response, responses=_FILES)  # type: ignore[arg-type]
async def import_template(kind: str, desk: Desk, _: Staff, language: RequestLanguage) -> Response:
    """An empty workbook with the right columns."""
    data = await desk.template(kind=kind, language=language)
    return _file(data, name=f"{kind}-template", form=SheetForm.XLSX)


@router.get(
    "/exports/{kind}.{form}",
    response_class=Response,
    responses=_FILES,  # type: ignore[arg-type]
    dependencies=[Depends(tell_the_audit)],
)
async def export_sheet(
    kind: str,
    form: SheetForm,
    site_id: Annotated[UUID, Query()],
    session: Session,
    desk: Desk,
    catalog: Catalog,
    caller: Staff,
    language: RequestLanguage,
) -> Response:
    """A table of a site that opens correctly in Excel."""
    roles = desk.kind(kind).exporters
    _need(caller, roles)
    site = await catalog.site(session, caller.scope(*roles), site_id)
    match form:
        case SheetForm.CSV:
            data = await desk.export_csv(session, kind=kind, site_id=site_id, language=language)
        case SheetForm.XLSX:
            data = await desk.export_xlsx(session, kind=kind, site_id=site_id, language=language)
        case _:
            assert_never(form)
    return _file(data, name=f"{kind}-{site.id.hex[-6:]}", form=form)


def _need(caller: Principal, roles: tuple[Role, ...]) -> None:
    if not caller.has(*roles, Role.ADMIN):
        raise NotAllowed(needs=", ".join(sorted(role.value for role in roles)))


def _file(data: bytes, *, name: str, form: SheetForm) -> Response:
    media_type = XLSX_TYPE if form is SheetForm.XLSX else "text/csv; charset=utf-8"
    headers = {"Content-Disposition": f'attachment; filename="{name}.{form}"', "X-Content-Type-Options": "nosniff"}
    return Response(data, media_type=media_type, headers=headers)
