"""Gives records their links, a few seconds after they were written: writers never wait for each other."""

from sqlalchemy.ext.asyncio import AsyncSession

from audit import repository
from audit.chain import Link, link_digest, next_head
from audit.models import AuditRecord, AuditSeal
from kit.clock import Clock
from kit.logs import logger

log = logger(__name__)

AT_ONCE = 2_000


class Sealer:
    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    async def seal(self, session: AsyncSession) -> None:
        """A sweep: one process at a time does it (`kit.sweeps`), which is what makes the chain one."""
        found = await repository.unsealed(session, limit=AT_ONCE)
        if not found:
            return
        head, now = await repository.head(session), self._clock.now()
        for row in found:
            digest = link_digest(link_of(row))
            head = next_head(head, digest)
            session.add(
                AuditSeal(
                    position=head.position, record_id=row.id, record_digest=digest, digest=head.digest, sealed_at=now
                )
            )
        await session.flush()
        await repository.mark_sealed(session, [row.id for row in found])

    async def tell_head(self, session: AsyncSession) -> None:
        """Writes where the chain ends into the log, which another machine may keep: a chain cut short shows by that."""
        log.info("audit chain", head=str(await repository.head(session)))


def link_of(row: AuditRecord) -> Link:
    return Link(
        id=row.id, at=row.at, action=row.action, actor_id=row.actor_id, roles=row.roles, object_kind=row.object_kind,
        object_id=row.object_id, touched=row.touched, site_id=row.site_id, request_id=row.request_id,
        origin_digest=row.origin_digest, facts_digest=row.facts_digest, also_at=row.also_at,
    )  # fmt: skip
