"""The queries of the privacy room."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from privacy.models import Consent, PersonalDataRequest


async def consents(session: AsyncSession, person_id: UUID) -> Sequence[Consent]:
    """Newest first, withdrawn ones among them."""
    found = await session.scalars(
        select(Consent).where(Consent.person_id == person_id).order_by(Consent.given_at.desc(), Consent.id.desc())
    )
    return found.all()


async def consent(session: AsyncSession, *, person_id: UUID, purpose: str) -> Consent | None:
    """The one that holds. Whoever gives or withdraws at once waits."""
    await session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(f"{person_id}/{purpose}", 0))))
    found: Consent | None = await session.scalar(
        select(Consent).where(
            Consent.person_id == person_id, Consent.purpose == purpose, Consent.withdrawn_at.is_(None)
        )
    )
    return found


async def requests(session: AsyncSession, *, limit: int) -> Sequence[PersonalDataRequest]:
    """Newest first."""
    found = await session.scalars(
        select(PersonalDataRequest).order_by(PersonalDataRequest.at.desc(), PersonalDataRequest.id.desc()).limit(limit)
    )
    return found.all()
