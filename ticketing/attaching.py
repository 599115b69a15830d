"""Pictures and videos of an order: cleaned, kept in a folder, given out through the same door as the order."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from kit.access import Scope
from kit.clock import Clock
from kit.disk import sync_to_disk
from kit.events import publish
from kit.ids import new_id
from ticketing import photo_repository, repository
from ticketing.errors import PhotoNotFound, PhotoRefused, ReportNotFound, VideoNotFound, WorkOrderNotFound
from ticketing.events import PicturesErased, WorkOrderChanged
from ticketing.journal import Entry, record
from ticketing.models import Attachment, WorkOrder
from ticketing.photos import Photo, clean_photo, where_taken
from ticketing.videos import Video, clean_video, is_video, suffix_of
from ticketing.working.purposes import PhotoPurpose

MAX_PHOTOS_AN_ORDER = 100
MAX_PHOTOS_A_REPORT = 20
NO_FACTS: Mapping[str, Any] = MappingProxyType({})


class PhotoFolder:
    """Files by id, two letters a folder. A file without a row is harmless; a row is written after its file.

    What is put outlives a power cut, as its row will.
    """

    def __init__(self, root: Path) -> None:
        self._root = root

    async def put(self, photo_id: UUID, photo: Photo | Video) -> None:
        await asyncio.to_thread(self._write, self.path(photo_id, suffix_of(photo.media_type)), photo.data)

    async def get(self, photo_id: UUID) -> bytes:
        """Raises PhotoNotFound when the file is gone."""
        try:
            return await asyncio.to_thread(self.path(photo_id).read_bytes)
        except FileNotFoundError:
            raise PhotoNotFound(photo_id) from None

    async def remove(self, photo_id: UUID, suffix: str) -> None:
        """A file that is gone already is no error."""
        await asyncio.to_thread(self.path(photo_id, suffix).unlink, missing_ok=True)

    def path(self, photo_id: UUID, suffix: str = "jpg") -> Path:
        # The last letters: a time-ordered id begins alike for years.
        return self._root / "photos" / photo_id.hex[-2:] / f"{photo_id.hex}.{suffix}"

    def _write(self, path: Path, data: bytes) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.with_suffix(".new")
        fresh.write_bytes(data)
        sync_to_disk(fresh)
        fresh.replace(path)
        # The folders may be as new as the file; one that is not costs nothing.
        sync_to_disk(path.parent, path.parent.parent, self._root)


class Attaching:
    def __init__(self, folder: PhotoFolder, clock: Clock) -> None:
        self._folder = folder
        self._clock = clock

    async def attach(
        self, session: AsyncSession, scope: Scope, work_order_id: UUID, *, raw: bytes, added_by: UUID | None,
        purpose: PhotoPurpose = PhotoPurpose.WORK, clean: Callable[[bytes], Photo] = clean_photo,
        keep_location: bool = False,
    ) -> Attachment:  # fmt: skip
        """Keeps a picture of the work. `clean` checks it, in a thread. With `keep_location` the row says where it was.

        Raises WorkOrderNotFound, PhotoRefused.
        """
        if await repository.order(session, scope, work_order_id) is None:
            raise WorkOrderNotFound(work_order_id)
        photo = await asyncio.to_thread(clean, raw)
        place = await asyncio.to_thread(where_taken, raw) if keep_location else None
        order = await repository.lock_order(session, scope, work_order_id)
        assert order is not None  # found a moment ago, and orders are never deleted
        return await self._keep(
            session, order, photo, added_by=added_by, limit=MAX_PHOTOS_AN_ORDER, purpose=purpose, facts=_facts(place)
        )  # fmt: skip

    async def attach_video(
        self, session: AsyncSession, scope: Scope, work_order_id: UUID, *, raw: bytes, added_by: UUID | None,
        purpose: PhotoPurpose = PhotoPurpose.WORK, keep_location: bool = False,
    ) -> Attachment:  # fmt: skip
        """Keeps a video of the work, as `attach` a picture. Raises WorkOrderNotFound, VideoRefused, PhotoRefused."""
        if await repository.order(session, scope, work_order_id) is None:
            raise WorkOrderNotFound(work_order_id)
        video = await asyncio.to_thread(clean_video, raw, is_located=keep_location)
        order = await repository.lock_order(session, scope, work_order_id)
        assert order is not None  # found a moment ago, and orders are never deleted
        facts = _facts(video.location) | {"duration_s": video.duration_s}
        return await self._keep(
            session, order, video, added_by=added_by, limit=MAX_PHOTOS_AN_ORDER, purpose=purpose, facts=facts
        )  # fmt: skip

    async def attach_to_report(
        self, session: AsyncSession, report_id: UUID, *, raw: bytes, added_by: UUID | None,
        source_ref: str | None = None, reporter_id: UUID | None = None,
    ) -> Attachment:  # fmt: skip
        """Keeps a picture that belongs to a report, as private as the report.

        `source_ref` names the message it came in: the same one twice is one picture. `reporter_id`: only if it is
        theirs. Raises ReportNotFound, PhotoRefused.
        """
        report = await repository.report(session, report_id)
        if report is None or (reporter_id is not None and report.reporter_id != reporter_id):
            raise ReportNotFound(report_id)
        photo = await asyncio.to_thread(clean_photo, raw)
        found = await repository.lock_report(session, report_id)
        if found is None:
            raise ReportNotFound(report_id)
        _, order = found
        known = await photo_repository.by_ref(session, source_ref) if source_ref else None
        if known is not None:
            return known
        return await self._keep(
            session, order, photo, added_by=added_by, limit=MAX_PHOTOS_A_REPORT, report_id=report_id,
            source_ref=source_ref,
        )  # fmt: skip

    async def of_order(self, session: AsyncSession, work_order_id: UUID) -> Sequence[Attachment]:
        """All pictures of an order, for those who may see the order."""
        return await photo_repository.of_order(session, work_order_id)

    async def content(self, session: AsyncSession, scope: Scope, work_order_id: UUID, photo_id: UUID) -> bytes:
        """The picture, for those who may see its order. Raises PhotoNotFound."""
        found = await photo_repository.of_site(session, scope, work_order_id, photo_id)
        if found is None:
            raise PhotoNotFound(photo_id)
        return await self._folder.get(photo_id)

    async def video(
        self, session: AsyncSession, scope: Scope, work_order_id: UUID, video_id: UUID
    ) -> tuple[Attachment, Path]:
        """The video and its file, for those who may see its order. Raises VideoNotFound."""
        found = await photo_repository.of_site(session, scope, work_order_id, video_id)
        if found is None or not is_video(found.media_type):
            raise VideoNotFound(video_id)
        path = self._folder.path(video_id, suffix_of(found.media_type))
        if not await asyncio.to_thread(path.is_file):
            raise VideoNotFound(video_id)
        return found, path

    async def on_pictures_erased(self, session: AsyncSession, event: PicturesErased) -> None:
        """After the commit: what was rolled back has lost no file, and a file outlives its row until it is gone."""
        for photo_id, suffix in event.files:
            await self._folder.remove(photo_id, suffix)

    async def _keep(
        self, session: AsyncSession, order: WorkOrder, photo: Photo | Video, *, added_by: UUID | None, limit: int,
        report_id: UUID | None = None, source_ref: str | None = None, purpose: PhotoPurpose = PhotoPurpose.WORK,
        facts: Mapping[str, Any] = NO_FACTS,
    ) -> Attachment:  # fmt: skip
        if await photo_repository.count(session, order.id, report_id) >= limit:
            raise PhotoRefused(reason="too_many", limit=str(limit))
        photo_id, now = new_id(), self._clock.now()
        await self._folder.put(photo_id, photo)
        kept = Attachment(
            id=photo_id, site_id=order.site_id, work_order_id=order.id, report_id=report_id, added_by=added_by,
            added_at=now, media_type=photo.media_type, size_bytes=len(photo.data), width_px=photo.width_px,
            height_px=photo.height_px, sha256=photo.sha256, source_ref=source_ref, purpose=purpose.value,
            facts=dict(facts),
        )  # fmt: skip
        session.add(kept)
        record(session, order, Entry.PHOTO_ADDED, at=now, actor_id=added_by, after={"photo_id": str(photo_id)})
        await publish(session, WorkOrderChanged(site_id=order.site_id, work_order_id=order.id))
        return kept


def _facts(location: str | None) -> dict[str, Any]:
    return {} if location is None else {"location": location}
