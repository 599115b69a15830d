"""The queries of the audit."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, ColumnElement, Text, cast, func, or_, select, update
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession

from audit.chain import NO_LINKS, Head
from audit.models import AuditDetail, AuditRecord, AuditSeal
from kit.access import Scope

# The origin of what the hub does by itself.
NO_ORIGIN = "{}"
# Counting further would read the whole chain for a figure that nobody pages to.
MOST_COUNTED = 10_000


@dataclass(frozen=True)
class AuditFilter:
    """What is looked for; None does not narrow. `since` inclusive, `until` exclusive."""

    about: str | None = None
    kind: str | None = None
    action: str | None = None
    actor_id: UUID | None = None
    site_id: UUID | None = None
    since: datetime | None = None
    until: datetime | None = None


async def find(
    session: AsyncSession, scope: Scope, wanted: AuditFilter, *, without: Collection[UUID], limit: int, offset: int
) -> tuple[list[tuple[AuditRecord, AuditDetail | None, int | None]], int]:
    """One page, newest first, with detail and place in the chain; and how many match, counted up to a limit.

    `without`: things of which the asker must not know; records that touched one of them are left out.
    """
    conditions = [*([] if scope.site_ids is None else [_is_of(scope.site_ids)]), *_conditions(wanted)]
    if without:
        conditions.append(~AuditRecord.touched.bool_op("?|")(cast([str(one) for one in without], ARRAY(Text))))
    rows = await session.execute(
        select(AuditRecord, AuditDetail, AuditSeal.position)
        .outerjoin(AuditDetail, AuditDetail.record_id == AuditRecord.id)
        .outerjoin(AuditSeal, AuditSeal.record_id == AuditRecord.id)
        .where(*conditions)
        .order_by(AuditRecord.at.desc(), AuditRecord.id.desc())
        .limit(limit)
        .offset(offset)
    )
    counted = select(AuditRecord.id).where(*conditions).limit(MOST_COUNTED).subquery()
    total = await session.scalar(select(func.count()).select_from(counted))
    return [(row[0], row[1], row[2]) for row in rows], total or 0


def _is_of(site_ids: Collection[UUID]) -> ColumnElement[bool]:
    """Records of one of these sites, or of several of which one is among them."""
    also = AuditRecord.also_at.bool_op("?|")(cast([str(one) for one in site_ids], ARRAY(Text)))
    return or_(AuditRecord.site_id.in_(site_ids), also)


def _conditions(wanted: AuditFilter) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if wanted.about is not None:
        found.append(AuditRecord.touched.contains(cast([wanted.about], JSONB)))
    for column, value in (
        (AuditRecord.object_kind, wanted.kind), (AuditRecord.action, wanted.action),
        (AuditRecord.actor_id, wanted.actor_id),
    ):  # fmt: skip
        if value is not None:
            found.append(column == value)
    if wanted.site_id is not None:
        found.append(_is_of([wanted.site_id]))
    if wanted.since is not None:
        found.append(AuditRecord.at >= wanted.since)
    if wanted.until is not None:
        found.append(AuditRecord.at < wanted.until)
    return found


async def facts_about(session: AsyncSession, about: str, *, limit: int) -> list[tuple[AuditRecord, str]]:
    """The latest records that touched a thing and still say what they changed, newest first."""
    found = await session.execute(
        select(AuditRecord, AuditDetail.facts)
        .join(AuditDetail, AuditDetail.record_id == AuditRecord.id)
        .where(AuditRecord.touched.contains(cast([about], JSONB)), AuditDetail.facts.is_not(None))
        .order_by(AuditRecord.at.desc(), AuditRecord.id.desc())
        .limit(limit)
    )
    return [(row[0], str(row[1])) for row in found]


# --- the chain -----------------------------------------------------------------------------------------------------


async def unsealed(session: AsyncSession, *, limit: int) -> Sequence[AuditRecord]:
    """Committed records that have no link yet, oldest first."""
    found = await session.scalars(
        select(AuditRecord)
        .join(AuditDetail, AuditDetail.record_id == AuditRecord.id)
        .where(~AuditDetail.is_sealed)
        .order_by(AuditRecord.id)
        .limit(limit)
    )
    return found.all()


async def head(session: AsyncSession) -> Head:
    last = await session.scalar(select(AuditSeal).order_by(AuditSeal.position.desc()).limit(1))
    return NO_LINKS if last is None else Head(last.position, last.digest)


async def mark_sealed(session: AsyncSession, record_ids: Sequence[UUID]) -> None:
    await session.execute(update(AuditDetail).where(AuditDetail.record_id.in_(record_ids)).values(is_sealed=True))


async def links(
    session: AsyncSession, *, after: int, limit: int
) -> list[tuple[AuditSeal, AuditRecord | None, AuditDetail | None]]:
    """The links behind a position, each with what is left of its record."""
    found = await session.execute(
        select(AuditSeal, AuditRecord, AuditDetail)
        .outerjoin(AuditRecord, AuditRecord.id == AuditSeal.record_id)
        .outerjoin(AuditDetail, AuditDetail.record_id == AuditSeal.record_id)
        .where(AuditSeal.position > after)
        .order_by(AuditSeal.position)
        .limit(limit)
    )
    return [(row[0], row[1], row[2]) for row in found]


async def loose(session: AsyncSession, *, before: datetime, limit: int) -> Sequence[UUID]:
    """Records without a link, though there was time for one."""
    found = await session.scalars(
        select(AuditRecord.id)
        .outerjoin(AuditSeal, AuditSeal.record_id == AuditRecord.id)
        .where(AuditSeal.record_id.is_(None), AuditRecord.at < before)
        .order_by(AuditRecord.id)
        .limit(limit)
    )
    return found.all()


async def erasures(session: AsyncSession, record_ids: Sequence[UUID], *, action: str) -> set[str]:
    """Which of these records were erased by somebody who said so."""
    found = await session.scalars(
        select(AuditRecord.object_id).where(
            AuditRecord.action == action, AuditRecord.object_id.in_([str(one) for one in record_ids])
        )
    )
    return {one for one in found if one is not None}


# --- erasure -------------------------------------------------------------------------------------------------------


async def details_about(session: AsyncSession, person_id: UUID) -> Sequence[AuditDetail]:
    """Those whose facts hold personal values of somebody."""
    found = await session.scalars(
        select(AuditDetail).where(
            AuditDetail.people.contains(cast([str(person_id)], JSONB)), AuditDetail.facts.is_not(None)
        )
    )
    return found.all()


async def details_by(session: AsyncSession, person_id: UUID) -> Sequence[AuditDetail]:
    """Those that say from where somebody acted."""
    found = await session.scalars(
        select(AuditDetail)
        .join(AuditRecord, AuditRecord.id == AuditDetail.record_id)
        .where(AuditRecord.actor_id == person_id, AuditDetail.origin.is_not(None))
    )
    return found.all()


async def origins_before(session: AsyncSession, moment: datetime, *, limit: int) -> Sequence[AuditDetail]:
    found = await session.scalars(
        select(AuditDetail)
        .join(AuditRecord, AuditRecord.id == AuditDetail.record_id)
        .where(AuditRecord.at < moment, AuditDetail.origin.is_not(None), AuditDetail.origin != NO_ORIGIN)
        .order_by(AuditRecord.at)
        .limit(limit)
    )
    return found.all()


async def forgotten_until(session: AsyncSession, *, action: str) -> str | None:
    """The latest moment before which origins were forgotten, as the records of that action say it."""
    return await session.scalar(select(func.max(AuditRecord.object_id)).where(AuditRecord.action == action))


async def sites_of(session: AsyncSession, record_ids: Sequence[UUID]) -> dict[UUID, Any]:
    found = await session.execute(select(AuditRecord.id, AuditRecord.site_id).where(AuditRecord.id.in_(record_ids)))
    return {row.id: row.site_id for row in found}
