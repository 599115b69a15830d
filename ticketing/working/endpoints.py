"""The work itself over HTTP: coming, checklists, time, parts, signatures, helpers."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Path, UploadFile

from building.equipment import EquipmentKind
from kit.access import STAFF, Principal
from kit.errors import DomainError
from kit.http import RequestLanguage, Session, service
from kit.i18n import Texts
from ticketing.actor import Actor
from ticketing.attaching import Attaching
from ticketing.attachment_schemas import PhotoOut
from ticketing.callers import HANDLING, Handler, Manager, Reader
from ticketing.errors import FieldInvalid
from ticketing.photos import MAX_BYTES
from ticketing.working import contractor_endpoints, errors
from ticketing.working.arriving import Arriving, How
from ticketing.working.checking import Checking
from ticketing.working.jobs import Jobs
from ticketing.working.purposes import PhotoPurpose
from ticketing.working.schemas import (
    ArrivalOut,
    CheckInIn,
    ChecklistAnswerIn,
    ChecklistIn,
    ChecklistOut,
    HelperIn,
    LabourIn,
    PartMoveIn,
    ScanIn,
    ScanOut,
    WorkSheetOut,
)
from ticketing.working.sheet import WorkSheets
from ticketing.working.signatures import clean_signature

router = APIRouter(prefix="/api/v1", tags=["work"])
router.include_router(contractor_endpoints.router)

STATUS: dict[type[DomainError], int] = {
    errors.ChecklistNotFound: 404,
    errors.ChecklistItemUnknown: 404,
    errors.NoChecklist: 404,
    errors.LabelUnknown: 404,
    errors.ContractorLinkRefused: 404,
    errors.ContractorLinkNotFound: 404,
    errors.NotOnTheJob: 403,
    errors.OrderIsOver: 409,
    errors.NotWithContractor: 409,
    errors.PartsNotWanted: 409,
    errors.WorkIncomplete: 422,
    errors.FailureUnexplained: 422,
    errors.LabourInvalid: 422,
    errors.CostTooLarge: 422,
    errors.NobodyToHelp: 422,
    errors.SignatureRefused: 422,
}


Arrivals = Annotated[Arriving, Depends(service(Arriving))]
Checklists = Annotated[Checking, Depends(service(Checking))]
Doing = Annotated[Jobs, Depends(service(Jobs))]
Sheets = Annotated[WorkSheets, Depends(service(WorkSheets))]
Photos = Annotated[Attaching, Depends(service(Attaching))]
Words = Annotated[Texts, Depends(service(Texts))]
Code = Annotated[str, Path(max_length=40)]


# --- the sheet, and coming -----------------------------------------------------------------------------------------


@router.get("/work-orders/{work_order_id}/work", response_model=WorkSheetOut)
async def get_work_sheet(
    work_order_id: UUID, session: Session, sheets: Sheets, texts: Words, caller: Reader, language: RequestLanguage
) -> WorkSheetOut:
    """Who pays and why, the closing code to suggest, what finishing still wants, and what is there."""
    return await _sheet(session, sheets, caller, work_order_id, texts, language)


@router.post("/work-orders/scan", response_model=ScanOut)
async def scan_label(
    body: ScanIn, session: Session, arrivals: Arrivals, sheets: Sheets, texts: Words, caller: Handler,
    language: RequestLanguage,
) -> ScanOut:  # fmt: skip
    """The label of an equipment or a door: accepts the caller's order there and checks in, at once. Several: they are
    listed, none: what a report from here is filled in with. Coordinates are kept on shift only."""
    scope = caller.scope(*HANDLING)
    position = body.position.position() if body.position else None
    scanned = await arrivals.scan(
        session, scope, body.token, actor=Actor.of(caller), position=position, work_order_id=body.work_order_id
    )
    sheet = await sheets.of(session, scope, scanned.arrival.order.id) if scanned.arrival else None
    return ScanOut.of(scanned, sheet, texts, language)


@router.post("/work-orders/{work_order_id}/check-in", response_model=ArrivalOut)
async def check_in(
    work_order_id: UUID, body: CheckInIn, session: Session, arrivals: Arrivals, sheets: Sheets, texts: Words,
    caller: Handler, language: RequestLanguage,
) -> ArrivalOut:  # fmt: skip
    """Arrives (到场), where need be accepts first. Coordinates are kept on shift only; the answer says which."""
    scope = caller.scope(*HANDLING)
    position = body.position.position() if body.position else None
    arrival = await arrivals.check_in(
        session, scope, work_order_id, actor=Actor.of(caller), position=position, how=How.TAP
    )
    return ArrivalOut.of(arrival, await sheets.of(session, scope, work_order_id), texts, language)


# --- checklists ----------------------------------------------------------------------------------------------------


@router.get("/checklists", response_model=list[ChecklistOut])
async def list_checklists(
    session: Session, checklists: Checklists, caller: Reader, language: RequestLanguage
) -> list[ChecklistOut]:
    """The newest version of each."""
    return [ChecklistOut.of(one, language) for one in await checklists.all(session)]


@router.put("/checklists/{code}", response_model=ChecklistOut)
async def save_checklist(
    code: Code, body: ChecklistIn, session: Session, checklists: Checklists, caller: Manager,
    language: RequestLanguage,
) -> ChecklistOut:  # fmt: skip
    """Saves the next version, which holds for new orders; open ones keep theirs."""
    kind = _equipment_kind(body.equipment_kind)
    saved = await checklists.save(session, code, equipment_kind=kind, document=body.document, by=caller.person_id)
    return ChecklistOut.of(saved, language)


@router.put("/work-orders/{work_order_id}/checklist/{item}", response_model=WorkSheetOut)
async def answer_checklist_item(
    work_order_id: UUID, item: Code, body: ChecklistAnswerIn, session: Session, checklists: Checklists, sheets: Sheets,
    texts: Words, caller: Handler, language: RequestLanguage,
) -> WorkSheetOut:  # fmt: skip
    """Answers an item of the order's checklist, or corrects the answer."""
    await checklists.answer(
        session, caller.scope(*HANDLING), work_order_id, actor=Actor.of(caller), item=item, given=body.given()
    )
    return await _sheet(session, sheets, caller, work_order_id, texts, language)


# --- time, parts, signature, help ----------------------------------------------------------------------------------


@router.post("/work-orders/{work_order_id}/labour", response_model=WorkSheetOut, status_code=201)
async def enter_labour(
    work_order_id: UUID, body: LabourIn, session: Session, doing: Doing, sheets: Sheets, texts: Words,
    caller: Handler, language: RequestLanguage,
) -> WorkSheetOut:  # fmt: skip
    """Enters somebody's time. From the arrival to the end it is counted without that."""
    await doing.enter_labour(
        session, caller.scope(*HANDLING), work_order_id, actor=Actor.of(caller), person_id=body.person_id,
        spent=body.spent(), note=body.note,
    )  # fmt: skip
    return await _sheet(session, sheets, caller, work_order_id, texts, language)


@router.post("/work-orders/{work_order_id}/parts", response_model=WorkSheetOut, status_code=201)
async def move_part(
    work_order_id: UUID, body: PartMoveIn, session: Session, doing: Doing, sheets: Sheets, texts: Words,
    caller: Handler, language: RequestLanguage,
) -> WorkSheetOut:  # fmt: skip
    """Reserves, releases, uses or brings back parts of a storehouse of the order's site."""
    await doing.move_part(
        session, caller.scope(*HANDLING), work_order_id, actor=Actor.of(caller), move=body.move()
    )  # fmt: skip
    return await _sheet(session, sheets, caller, work_order_id, texts, language)


@router.post("/work-orders/{work_order_id}/signature", response_model=PhotoOut, status_code=201)
async def sign_work_order(
    work_order_id: UUID, file: UploadFile, session: Session, doing: Doing, photos: Photos, caller: Handler
) -> PhotoOut:
    """The owner's signature: a PNG of strokes, dark on clear or white."""
    scope = caller.scope(*HANDLING)
    await doing.on_the_job(session, scope, work_order_id, Actor.of(caller))
    kept = await photos.attach(
        session, scope, work_order_id, raw=await file.read(MAX_BYTES + 1), added_by=caller.person_id,
        purpose=PhotoPurpose.SIGNATURE, clean=clean_signature,
    )  # fmt: skip
    return PhotoOut.of(kept)


@router.post("/work-orders/{work_order_id}/helpers", response_model=WorkSheetOut, status_code=201)
async def add_helper(
    work_order_id: UUID, body: HelperIn, session: Session, doing: Doing, sheets: Sheets, texts: Words,
    caller: Handler, language: RequestLanguage,
) -> WorkSheetOut:  # fmt: skip
    """Another technician joins; the order stays its assignee's."""
    await doing.join(
        session, caller.scope(*HANDLING), work_order_id, actor=Actor.of(caller), person_id=body.person_id
    )  # fmt: skip
    return await _sheet(session, sheets, caller, work_order_id, texts, language)


@router.delete("/work-orders/{work_order_id}/helpers/{person_id}", response_model=WorkSheetOut)
async def remove_helper(
    work_order_id: UUID, person_id: UUID, session: Session, doing: Doing, sheets: Sheets, texts: Words,
    caller: Handler, language: RequestLanguage,
) -> WorkSheetOut:  # fmt: skip
    """A helper goes."""
    await doing.leave(session, caller.scope(*HANDLING), work_order_id, actor=Actor.of(caller), person_id=person_id)
    return await _sheet(session, sheets, caller, work_order_id, texts, language)


async def _sheet(
    session: Session, sheets: WorkSheets, caller: Principal, work_order_id: UUID, texts: Texts,
    language: RequestLanguage,
) -> WorkSheetOut:  # fmt: skip
    return WorkSheetOut.of(await sheets.of(session, caller.scope(*STAFF), work_order_id), texts, language)


def _equipment_kind(word: str | None) -> EquipmentKind | None:
    try:
        return EquipmentKind(word) if word else None
    except ValueError:
        raise FieldInvalid(field="equipment_kind", allowed=", ".join(EquipmentKind)) from None
