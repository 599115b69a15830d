"""Queries on rules and their firings."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, delete, func, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from automation.models import OrderRule, OrderRuleVersion, RuleFiring, WebhookDelivery
from kit.access import Scope

SAID = OrderRuleVersion


def _seen(scope: Scope) -> ColumnElement[bool]:
    """Rules of these sites, and those of the company, which concern every site."""
    return or_(OrderRule.site_id.is_(None), scope.where(OrderRule.site_id))


@dataclass(frozen=True)
class Versioned:
    """A rule and one version of it."""

    rule: OrderRule
    said: OrderRuleVersion


# --- rules ---------------------------------------------------------------------------------------------------------


async def rule(session: AsyncSession, scope: Scope, rule_id: UUID) -> OrderRule | None:
    return await session.scalar(select(OrderRule).where(OrderRule.id == rule_id, _seen(scope)))


async def lock_rule(session: AsyncSession, scope: Scope, rule_id: UUID) -> OrderRule | None:
    wanted = select(OrderRule).where(OrderRule.id == rule_id, _seen(scope)).with_for_update()
    return await session.scalar(wanted.execution_options(populate_existing=True))


async def version(session: AsyncSession, rule_id: UUID, number: int) -> OrderRuleVersion | None:
    return await session.get(OrderRuleVersion, (rule_id, number))


async def versions(session: AsyncSession, rule_id: UUID) -> Sequence[OrderRuleVersion]:
    wanted = select(OrderRuleVersion).where(OrderRuleVersion.rule_id == rule_id)
    return (await session.scalars(wanted.order_by(OrderRuleVersion.version.desc()))).all()


async def rules(
    session: AsyncSession, scope: Scope, *, site_id: UUID | None, limit: int, offset: int
) -> tuple[list[Versioned], int]:
    """By name; those of a site with those of the company, which hold there too."""
    conditions = [_seen(scope)]
    if site_id is not None:
        conditions.append(or_(OrderRule.site_id == site_id, OrderRule.site_id.is_(None)))
    total = await session.scalar(select(func.count()).select_from(OrderRule).where(*conditions)) or 0
    wanted = _with_version().where(*conditions).order_by(OrderRule.name, OrderRule.id).limit(limit).offset(offset)
    return [Versioned(*row) for row in (await session.execute(wanted)).all()], total


async def count_rules(session: AsyncSession) -> int:
    return await session.scalar(select(func.count()).select_from(OrderRule)) or 0


async def enabled(session: AsyncSession, *, site_id: UUID, triggers: Sequence[str]) -> list[Versioned]:
    wanted = _with_version().where(
        OrderRule.is_enabled,
        OrderRule.trigger.in_(triggers),
        or_(OrderRule.site_id == site_id, OrderRule.site_id.is_(None)),
    )
    return [Versioned(*row) for row in (await session.execute(wanted.order_by(OrderRule.created_at))).all()]


def _with_version() -> Any:
    return select(OrderRule, SAID).join(SAID, (SAID.rule_id == OrderRule.id) & (SAID.version == OrderRule.version))


# --- firings -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class FiringFilter:
    """None means any."""

    site_id: UUID | None = None
    rule_id: UUID | None = None
    work_order_id: UUID | None = None
    state: str | None = None


async def add_firing(session: AsyncSession, **values: Any) -> UUID | None:
    """The new firing's id; None when this event has set this rule off already."""
    statement = insert(RuleFiring).values(**values)
    statement = statement.on_conflict_do_nothing(index_elements=["rule_id", "event_id"])
    return (await session.execute(statement.returning(RuleFiring.id))).scalar_one_or_none()


async def lock_waiting(session: AsyncSession, firing_id: UUID, *, now: datetime) -> RuleFiring | None:
    """The firing, held; None when it is not due, has ended, or is being done."""
    return await session.scalar(
        select(RuleFiring)
        .where(RuleFiring.id == firing_id, RuleFiring.state == "waiting", RuleFiring.due_at <= now)
        .with_for_update(skip_locked=True)
    )


async def due_firings(session: AsyncSession, *, now: datetime, limit: int) -> Sequence[UUID]:
    wanted = select(RuleFiring.id).where(RuleFiring.state == "waiting", RuleFiring.due_at <= now)
    return (await session.scalars(wanted.order_by(RuleFiring.due_at).limit(limit))).all()


async def fired_since(session: AsyncSession, *, rule_id: UUID, work_order_id: UUID, since: datetime) -> int:
    wanted = select(func.count()).select_from(RuleFiring)
    mine = (RuleFiring.rule_id == rule_id, RuleFiring.work_order_id == work_order_id)
    return await session.scalar(wanted.where(*mine, RuleFiring.happened_at >= since)) or 0


async def drop_before(session: AsyncSession, moment: datetime, *, limit: int) -> int:
    """Deletes firings that ended and are older than `moment`, but those whose deliveries are still kept; how many."""
    kept = select(WebhookDelivery.id).where(WebhookDelivery.firing_id == RuleFiring.id).exists()
    old = select(RuleFiring.id).where(RuleFiring.happened_at < moment, RuleFiring.ended_at.is_not(None), ~kept)
    statement = delete(RuleFiring).where(RuleFiring.id.in_(old.limit(limit))).returning(RuleFiring.id)
    return len((await session.execute(statement)).all())


async def firings(
    session: AsyncSession, scope: Scope, wanted: FiringFilter, *, without: Collection[UUID], limit: int, offset: int
) -> tuple[Sequence[RuleFiring], int]:
    """The newest first. `without`: orders of which the asker must not know."""
    conditions = [scope.where(RuleFiring.site_id), RuleFiring.work_order_id.not_in(without)]
    conditions += [getattr(RuleFiring, name) == value for name, value in vars(wanted).items() if value is not None]
    total = await session.scalar(select(func.count()).select_from(RuleFiring).where(*conditions)) or 0
    newest = select(RuleFiring).where(*conditions).order_by(RuleFiring.happened_at.desc(), RuleFiring.id.desc())
    return (await session.scalars(newest.limit(limit).offset(offset))).all(), total
