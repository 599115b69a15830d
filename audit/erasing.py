"""Takes personal values out of the audit. The chain stays whole: it holds digests of them only."""

from collections.abc import Iterable
from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from audit import repository
from audit.models import AuditDetail
from audit.recording import record
from kit.clock import Clock

ERASED = "audit.erased"
ORIGINS_FORGOTTEN = "audit.origins_forgotten"
AT_ONCE = 2_000


class AuditEraser:
    """What was erased, and by whom, is a record of its own: details that vanish without one are damage."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    async def erase_person(self, session: AsyncSession, person_id: UUID) -> int:
        """Forgets what records hold of somebody, and from where they acted. How many records lost something."""
        about = await repository.details_about(session, person_id)
        by = await repository.details_by(session, person_id)
        for detail in about:
            detail.facts = detail.facts_salt = None
        for detail in by:
            detail.origin = detail.origin_salt = None
        return await self._tell(session, [*about, *by])

    async def forget_origins(self, session: AsyncSession, *, before: datetime, limit: int) -> int:
        """Forgets from where people acted so long ago, of `limit` records at most, and says so. How many it was."""
        count = 0
        while found := await repository.origins_before(session, before, limit=min(AT_ONCE, limit - count)):
            for detail in found:
                detail.origin = detail.origin_salt = None
            await session.flush()
            count += len(found)
            if count >= limit:
                break
        if count:
            moment = before.astimezone(UTC).isoformat()
            record(session, at=self._clock.now(), action=ORIGINS_FORGOTTEN, kind="audit_record", about=moment)
        return count

    async def _tell(self, session: AsyncSession, details: Iterable[AuditDetail]) -> int:
        erased = sorted({detail.record_id for detail in details})
        sites = await repository.sites_of(session, erased)
        for record_id in erased:
            record(
                session, at=self._clock.now(), action=ERASED, kind="audit_record", about=record_id,
                site_id=sites.get(record_id),
            )  # fmt: skip
        return len(erased)
