"""Photos and videos of an order over HTTP."""

from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Form, Response, UploadFile
from fastapi.responses import FileResponse

from kit.access import STAFF
from kit.http import Session, service
from ticketing.attaching import Attaching
from ticketing.attachment_schemas import PhotoOut, VideoOut
from ticketing.callers import HANDLING, Handler, Reader
from ticketing.photos import MAX_BYTES
from ticketing.videos import MAX_VIDEO_BYTES
from ticketing.working.purposes import PhotoPurpose

router = APIRouter()

Attachments = Annotated[Attaching, Depends(service(Attaching))]
Purpose = Annotated[Literal["work", "before", "after"], Form(description="what it shows")]
KeepLocation = Annotated[
    bool, Form(description="keep where it was taken with the order, as evidence; the file itself never says it")
]

SAFE = {"X-Content-Type-Options": "nosniff", "Cache-Control": "private, max-age=86400"}
_VIDEO: dict[str, dict[str, str]] = {"video/mp4": {}, "video/quicktime": {}, "video/webm": {}}


@router.post("/work-orders/{work_order_id}/photos", response_model=PhotoOut, status_code=201)
async def upload_work_order_photo(
    work_order_id: UUID, file: UploadFile, session: Session, attachments: Attachments, caller: Handler,
    purpose: Purpose = "work", keep_location: KeepLocation = False,
) -> PhotoOut:  # fmt: skip
    """Adds a picture (JPEG, PNG or WebP, ≤ 10 MB). It is kept as JPEG without the place it was taken at."""
    kept = await attachments.attach(
        session, caller.scope(*HANDLING), work_order_id, raw=await file.read(MAX_BYTES + 1),
        added_by=caller.person_id, purpose=PhotoPurpose(purpose), keep_location=keep_location,
    )  # fmt: skip
    return PhotoOut.of(kept)


@router.get(
    "/work-orders/{work_order_id}/photos/{photo_id}",
    response_class=Response,
    responses={200: {"content": {"image/jpeg": {}}}},
)
async def download_work_order_photo(
    work_order_id: UUID, photo_id: UUID, session: Session, attachments: Attachments, caller: Reader
) -> Response:
    """A picture, as an attachment: a browser never runs what people send."""
    data = await attachments.content(session, caller.scope(*STAFF), work_order_id, photo_id)
    headers = {**SAFE, "Content-Disposition": f'attachment; filename="{photo_id}.jpg"'}
    return Response(data, media_type="image/jpeg", headers=headers)


@router.post("/work-orders/{work_order_id}/videos", response_model=VideoOut, status_code=201)
async def upload_work_order_video(
    work_order_id: UUID, file: UploadFile, session: Session, attachments: Attachments, caller: Handler,
    purpose: Purpose = "work", keep_location: KeepLocation = False,
) -> VideoOut:  # fmt: skip
    """Adds a video (MP4, MOV or WebM, ≤ 50 MB, ≤ 3 minutes, ≤ 4K). Of what the camera noted nothing stays in it."""
    kept = await attachments.attach_video(
        session, caller.scope(*HANDLING), work_order_id, raw=await file.read(MAX_VIDEO_BYTES + 1),
        added_by=caller.person_id, purpose=PhotoPurpose(purpose), keep_location=keep_location,
    )  # fmt: skip
    return VideoOut.of(kept)


@router.get(
    "/work-orders/{work_order_id}/videos/{video_id}",
    response_class=FileResponse,
    responses={200: {"content": _VIDEO}, 206: {"content": _VIDEO, "description": "the range that was asked for"}},
)
async def download_work_order_video(
    work_order_id: UUID, video_id: UUID, session: Session, attachments: Attachments, caller: Reader
) -> FileResponse:
    """A video, as an attachment, whole or by ranges (`Range: bytes=…`), so that a player can jump."""
    kept, path = await attachments.video(session, caller.scope(*STAFF), work_order_id, video_id)
    return FileResponse(
        path, media_type=kept.media_type, headers=SAFE, filename=f"{video_id}{path.suffix}",
        content_disposition_type="attachment",
    )  # fmt: skip
