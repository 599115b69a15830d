"""Contractors' links over HTTP: made and taken back at the desk; what they open wants no log-in, the link is signed."""

from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Form, Path, Query, Response, UploadFile

from catalog.foreign_text import Line
from kit.http import RequestLanguage, Session, service
from kit.i18n import Language, Texts
from ticketing.actor import Actor
from ticketing.attachment_schemas import PhotoOut, VideoOut
from ticketing.callers import AT_THE_DESK, DeskClerk
from ticketing.flow import Action
from ticketing.photos import MAX_BYTES
from ticketing.videos import MAX_VIDEO_BYTES
from ticketing.working.contractor_schemas import (
    ContractorActionIn,
    ContractorLabourIn,
    ContractorLinkIn,
    ContractorLinkOut,
    ContractorOrderOut,
    ContractorStockOut,
)
from ticketing.working.contractor_work import ContractorWork
from ticketing.working.contractors import ContractorDesk
from ticketing.working.purposes import PhotoPurpose
from ticketing.working.schemas import ChecklistAnswerIn, PartMoveIn

router = APIRouter()

Contractors = Annotated[ContractorDesk, Depends(service(ContractorDesk))]
Linked = Annotated[ContractorWork, Depends(service(ContractorWork))]
Words = Annotated[Texts, Depends(service(Texts))]
Purpose = Annotated[Literal["work", "before", "after"], Form(description="what it shows")]
Code = Annotated[str, Path(max_length=40)]


# --- at the desk ---------------------------------------------------------------------------------------------------


@router.post("/work-orders/{work_order_id}/contractor-links", response_model=ContractorLinkOut, status_code=201)
async def make_contractor_link(
    work_order_id: UUID, body: ContractorLinkIn, session: Session, contractors: Contractors, caller: DeskClerk
) -> ContractorLinkOut:
    """A link that opens this one order for the contractor who has it, sent to them as well."""
    row, path = await contractors.make(
        session, caller.scope(*AT_THE_DESK), work_order_id, actor=Actor.of(caller), hours=body.hours
    )
    return ContractorLinkOut(
        id=row.id, work_order_id=row.work_order_id, person_id=row.person_id, path=path, expires_at=row.expires_at
    )


@router.delete("/contractor-links/{link_id}", status_code=204)
async def revoke_contractor_link(
    link_id: UUID, session: Session, contractors: Contractors, caller: DeskClerk
) -> None:  # fmt: skip
    """From now on the link opens nothing."""
    await contractors.revoke(session, caller.scope(*AT_THE_DESK), link_id)


# --- for the holder of the link ------------------------------------------------------------------------------------


@router.get("/contractor/{token}", response_model=ContractorOrderOut)
async def get_contractor_order(
    token: str, session: Session, linked: Linked, response: Response, texts: Words, language: RequestLanguage
) -> ContractorOrderOut:
    """The order that a contractor's link opens, for as long as they have it."""
    response.headers["Cache-Control"] = "no-store"
    return await _shown(session, linked, token, texts, language)


@router.post("/contractor/{token}/actions", response_model=ContractorOrderOut)
async def act_as_contractor(
    token: str, body: ContractorActionIn, session: Session, linked: Linked, texts: Words, language: RequestLanguage
) -> ContractorOrderOut:
    """Accepts, arrives or finishes; finishing wants a picture, and what the kind and its form want."""
    await linked.act(session, token, action=Action(body.action), words=body.words())
    return await _shown(session, linked, token, texts, language)


@router.post("/contractor/{token}/photos", response_model=PhotoOut, status_code=201)
async def add_contractor_photo(
    token: str, file: UploadFile, session: Session, linked: Linked, purpose: Purpose = "work"
) -> PhotoOut:
    """A picture of the work (JPEG, PNG or WebP, ≤ 10 MB)."""
    kept = await linked.add_photo(
        session, token, raw=await file.read(MAX_BYTES + 1), purpose=PhotoPurpose(purpose)
    )  # fmt: skip
    return PhotoOut.of(kept)


@router.post("/contractor/{token}/videos", response_model=VideoOut, status_code=201)
async def add_contractor_video(
    token: str, file: UploadFile, session: Session, linked: Linked, purpose: Purpose = "work"
) -> VideoOut:
    """A video of the work (MP4, MOV or WebM, ≤ 50 MB, ≤ 3 minutes), for a form that asks for one."""
    kept = await linked.add_video(
        session, token, raw=await file.read(MAX_VIDEO_BYTES + 1), purpose=PhotoPurpose(purpose)
    )  # fmt: skip
    return VideoOut.of(kept)


@router.put("/contractor/{token}/checklist/{item}", response_model=ContractorOrderOut)
async def answer_checklist_as_contractor(
    token: str, item: Code, body: ChecklistAnswerIn, session: Session, linked: Linked, texts: Words,
    language: RequestLanguage,
) -> ContractorOrderOut:  # fmt: skip
    """Answers an item of the order's checklist, or corrects the answer."""
    await linked.answer(session, token, item=item, given=body.given())
    return await _shown(session, linked, token, texts, language)


@router.post("/contractor/{token}/labour", response_model=ContractorOrderOut, status_code=201)
async def enter_labour_as_contractor(
    token: str, body: ContractorLabourIn, session: Session, linked: Linked, texts: Words, language: RequestLanguage
) -> ContractorOrderOut:
    """Enters the contractor's own time. From the arrival to the end it is counted without that."""
    await linked.enter_labour(session, token, spent=body.spent(), note=body.note)
    return await _shown(session, linked, token, texts, language)


@router.get("/contractor/{token}/stock", response_model=list[ContractorStockOut])
async def list_stock_for_contractor(
    token: str, session: Session, linked: Linked, response: Response,
    q: Annotated[Line | None, Query(description="part of a name or code", examples=["密封"])] = None,
) -> list[ContractorStockOut]:  # fmt: skip
    """Parts of the site's storehouses, at most 50; only where the order's kind wants parts."""
    response.headers["Cache-Control"] = "no-store"
    return [ContractorStockOut.model_validate(one) for one in await linked.stock(session, token, words=q)]


@router.post("/contractor/{token}/parts", response_model=ContractorOrderOut, status_code=201)
async def move_part_as_contractor(
    token: str, body: PartMoveIn, session: Session, linked: Linked, texts: Words, language: RequestLanguage
) -> ContractorOrderOut:
    """Reserves, releases, uses or brings back parts; only where the order's kind wants parts."""
    await linked.move_part(session, token, move=body.move())
    return await _shown(session, linked, token, texts, language)


@router.post("/contractor/{token}/signature", response_model=PhotoOut, status_code=201)
async def sign_as_contractor(token: str, file: UploadFile, session: Session, linked: Linked) -> PhotoOut:
    """The owner's signature: a PNG of strokes, dark on clear or white."""
    return PhotoOut.of(await linked.sign(session, token, raw=await file.read(MAX_BYTES + 1)))


async def _shown(
    session: Session, linked: ContractorWork, token: str, texts: Texts, language: Language
) -> ContractorOrderOut:
    return ContractorOrderOut.of(await linked.view(session, token), texts, language)
