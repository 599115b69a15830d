"""Queries over the versions of rules. Who writes holds the book of rules first (`rules.repository.hold_book`)."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, Select, func, or_, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncSession

from kit.access import Scope
from kit.versions import held
from rules.versions.models import RuleVersionRow, VersionState

OPEN = (VersionState.DRAFT, VersionState.SCHEDULED, VersionState.OFFERED)


def _visible(scope: Scope) -> ColumnElement[bool]:
    """As of rules: those for every site are everybody's to read."""
    return or_(RuleVersionRow.site_id.is_(None), scope.where(RuleVersionRow.site_id))


async def get(
    session: AsyncSession, scope: Scope, key: str, number: int, *, for_update: bool = False
) -> RuleVersionRow | None:
    query = select(RuleVersionRow).where(
        RuleVersionRow.rule_key == key, RuleVersionRow.number == number, _visible(scope)
    )
    return (await session.scalars(held(query) if for_update else query)).one_or_none()


async def find(
    session: AsyncSession, scope: Scope, key: str, *, limit: int, offset: int
) -> tuple[Sequence[RuleVersionRow], int]:
    """The newest first."""
    where = [RuleVersionRow.rule_key == key, _visible(scope)]
    total = await session.scalar(select(func.count()).select_from(RuleVersionRow).where(*where))
    page = select(RuleVersionRow).where(*where).order_by(RuleVersionRow.number.desc()).limit(limit).offset(offset)
    return (await session.scalars(page)).all(), total or 0


async def newest(session: AsyncSession, key: str) -> RuleVersionRow | None:
    """Of every site: whose the key is, and the number that the next one follows."""
    query = select(RuleVersionRow).where(RuleVersionRow.rule_key == key)
    return (await session.scalars(query.order_by(RuleVersionRow.number.desc()).limit(1))).one_or_none()


def of_key(key: str) -> Select[RuleVersionRow]:
    """Every version, the oldest first."""
    return select(RuleVersionRow).where(RuleVersionRow.rule_key == key).order_by(RuleVersionRow.number)


async def open_of(session: AsyncSession, key: str) -> Sequence[RuleVersionRow]:
    """What may still come into force."""
    return (await session.scalars(of_key(key).where(RuleVersionRow.state.in_(OPEN)))).all()


async def last_shipped(session: AsyncSession) -> Mapping[str, RuleVersionRow]:
    """By key, the newest that came with a release."""
    newest = (
        select(RuleVersionRow.rule_key, func.max(RuleVersionRow.number))
        .where(RuleVersionRow.author_id.is_(None))
        .group_by(RuleVersionRow.rule_key)
    )
    query = select(RuleVersionRow).where(tuple_(RuleVersionRow.rule_key, RuleVersionRow.number).in_(newest))
    return {row.rule_key: row for row in await session.scalars(query)}


async def due(session: AsyncSession, at: datetime, *, limit: int) -> Sequence[RuleVersionRow]:
    """Scheduled for that instant or before it, the earliest first."""
    query = (
        select(RuleVersionRow)
        .where(RuleVersionRow.state == VersionState.SCHEDULED, RuleVersionRow.activate_at <= at)
        .order_by(RuleVersionRow.activate_at, RuleVersionRow.rule_key)
        .limit(limit)
    )
    # Read anew: looked at first without the book, then with it.
    return (await session.scalars(query.execution_options(populate_existing=True))).all()


async def retire(session: AsyncSession, key: str, *, at: datetime) -> None:
    """What was in force is past."""
    await session.execute(
        update(RuleVersionRow)
        .where(RuleVersionRow.rule_key == key, RuleVersionRow.state == VersionState.IN_FORCE)
        .values(state=VersionState.PAST.value, in_force_until=at, updated_at=at, version=RuleVersionRow.version + 1)
    )
