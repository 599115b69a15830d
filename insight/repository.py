"""Queries on digests."""

from collections.abc import Mapping
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from insight.models import SiteDigest


async def begin(session: AsyncSession, *, site_id: UUID, day: date, at: datetime) -> bool:
    """Whether the digest of that day is ours to make: False where it was made, or is being made by another."""
    row = insert(SiteDigest).values(site_id=site_id, day=day, sent_at=at, told=0, facts={})
    made = row.on_conflict_do_nothing(index_elements=["site_id", "day"]).returning(SiteDigest.site_id)
    return (await session.execute(made)).scalar_one_or_none() is not None


async def finish(
    session: AsyncSession, *, site_id: UUID, day: date, told: int, facts: Mapping[str, str]
) -> None:  # fmt: skip
    mine = (SiteDigest.site_id == site_id, SiteDigest.day == day)
    await session.execute(update(SiteDigest).where(*mine).values(told=told, facts=dict(facts)))
