"""The queries of pictures."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from kit.access import Scope
from ticketing.models import Attachment


async def of_order(session: AsyncSession, work_order_id: UUID) -> Sequence[Attachment]:
    found = await session.scalars(
        select(Attachment).where(Attachment.work_order_id == work_order_id).order_by(Attachment.added_at)
    )
    return found.all()


async def of_site(session: AsyncSession, scope: Scope, work_order_id: UUID, photo_id: UUID) -> Attachment | None:
    return await session.scalar(
        select(Attachment).where(
            Attachment.id == photo_id, Attachment.work_order_id == work_order_id, scope.where(Attachment.site_id)
        )
    )


async def by_ref(session: AsyncSession, source_ref: str) -> Attachment | None:
    return await session.scalar(select(Attachment).where(Attachment.source_ref == source_ref))


async def count(session: AsyncSession, work_order_id: UUID, report_id: UUID | None) -> int:
    """Pictures of one report, or all of an order."""
    whose = Attachment.work_order_id == work_order_id if report_id is None else Attachment.report_id == report_id
    return await session.scalar(select(func.count()).where(whose)) or 0
