"""Pictures and videos of work orders on the wire."""

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import ConfigDict

from kit.http import Schema
from ticketing import examples
from ticketing.models import Attachment
from ticketing.working.purposes import PhotoPurpose


class PhotoOut(Schema):
    """`location`: where it was taken (ISO 6709), when whoever sent it wanted that kept."""

    model_config = ConfigDict(json_schema_extra={"examples": [examples.PHOTO]})

    id: UUID
    report_id: UUID | None
    added_by: UUID | None
    added_at: datetime
    media_type: str
    size_bytes: int
    width_px: int
    height_px: int
    purpose: PhotoPurpose
    location: str | None

    @classmethod
    def of(cls, kept: Attachment) -> "PhotoOut":
        return cls(**_media(kept))


class VideoOut(PhotoOut):
    """`duration_s` is null where the recorder noted none."""

    model_config = ConfigDict(json_schema_extra={"examples": [examples.VIDEO]})

    duration_s: float | None

    @classmethod
    def of(cls, kept: Attachment) -> "VideoOut":
        return cls(**_media(kept), duration_s=kept.facts.get("duration_s"))


def _media(kept: Attachment) -> dict[str, Any]:
    return {
        "id": kept.id, "report_id": kept.report_id, "added_by": kept.added_by, "added_at": kept.added_at,
        "media_type": kept.media_type, "size_bytes": kept.size_bytes, "width_px": kept.width_px,
        "height_px": kept.height_px, "purpose": kept.purpose, "location": kept.facts.get("location"),
    }  # fmt: skip
