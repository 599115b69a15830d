"""Queries on webhooks: endpoints, deliveries, attempts."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, delete, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from automation.models import WebhookAttempt, WebhookDelivery, WebhookEndpoint
from automation.schedule import ENDED, DeliveryState
from kit.access import Scope
from kit.versions import held


@dataclass(frozen=True)
class DeliveryFilter:
    """None means any."""

    site_id: UUID | None = None
    endpoint_id: UUID | None = None
    work_order_id: UUID | None = None
    state: str | None = None


def _seen(scope: Scope) -> ColumnElement[bool]:
    return or_(WebhookEndpoint.site_id.is_(None), scope.where(WebhookEndpoint.site_id))


async def endpoint(session: AsyncSession, scope: Scope, endpoint_id: UUID) -> WebhookEndpoint | None:
    """Of a site of the scope, or of the company."""
    return await session.scalar(select(WebhookEndpoint).where(WebhookEndpoint.id == endpoint_id, _seen(scope)))


async def held_endpoint(session: AsyncSession, scope: Scope, endpoint_id: UUID) -> WebhookEndpoint | None:
    wanted = select(WebhookEndpoint).where(WebhookEndpoint.id == endpoint_id, _seen(scope))
    return await session.scalar(held(wanted))


async def endpoints(
    session: AsyncSession, scope: Scope, *, limit: int, offset: int
) -> tuple[Sequence[WebhookEndpoint], int]:
    """By name."""
    total = await session.scalar(select(func.count()).select_from(WebhookEndpoint).where(_seen(scope))) or 0
    wanted = select(WebhookEndpoint).where(_seen(scope)).order_by(WebhookEndpoint.name, WebhookEndpoint.id)
    return (await session.scalars(wanted.limit(limit).offset(offset))).all(), total


async def disable(session: AsyncSession, endpoint_id: UUID) -> None:
    changed = {"is_enabled": False, "version": WebhookEndpoint.version + 1}
    await session.execute(update(WebhookEndpoint).where(WebhookEndpoint.id == endpoint_id).values(**changed))


# --- deliveries ----------------------------------------------------------------------------------------------------


def _shown(scope: Scope, without: Collection[UUID]) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    """Deliveries of these sites, save those about orders of which the asker must not know."""
    order_id = WebhookDelivery.work_order_id
    return scope.where(WebhookDelivery.site_id), or_(order_id.is_(None), order_id.not_in(without))


async def delivery(
    session: AsyncSession, scope: Scope, delivery_id: UUID, *, without: Collection[UUID] = ()
) -> WebhookDelivery | None:
    mine = (WebhookDelivery.id == delivery_id, *_shown(scope, without))
    return await session.scalar(select(WebhookDelivery).where(*mine))


async def lock_delivery(
    session: AsyncSession, scope: Scope, delivery_id: UUID, *, without: Collection[UUID] = ()
) -> WebhookDelivery | None:
    mine = (WebhookDelivery.id == delivery_id, *_shown(scope, without))
    return await session.scalar(held(select(WebhookDelivery).where(*mine)))


async def deliveries(
    session: AsyncSession, scope: Scope, wanted: DeliveryFilter, *, without: Collection[UUID], limit: int, offset: int
) -> tuple[Sequence[WebhookDelivery], int]:
    """The newest first."""
    conditions = [*_shown(scope, without)]
    conditions += [getattr(WebhookDelivery, name) == value for name, value in vars(wanted).items() if value is not None]
    total = await session.scalar(select(func.count()).select_from(WebhookDelivery).where(*conditions)) or 0
    newest = select(WebhookDelivery).where(*conditions)
    newest = newest.order_by(WebhookDelivery.created_at.desc(), WebhookDelivery.id.desc())
    return (await session.scalars(newest.limit(limit).offset(offset))).all(), total


async def claim(session: AsyncSession, delivery_id: UUID, *, now: datetime) -> WebhookDelivery | None:
    """Takes a due delivery for one attempt; None when it is taken, has ended or is not due."""
    statement = (
        update(WebhookDelivery)
        .where(
            WebhookDelivery.id == delivery_id,
            WebhookDelivery.state == DeliveryState.WAITING,
            WebhookDelivery.due_at <= now,
        )
        .values(state=DeliveryState.SENDING, claimed_at=now, attempts=WebhookDelivery.attempts + 1)
        .returning(WebhookDelivery)
    )
    return (await session.execute(statement)).scalar_one_or_none()


async def settle(session: AsyncSession, delivery_id: UUID, **values: Any) -> bool:
    """Writes what an attempt came to; False when it was settled meanwhile."""
    statement = (
        update(WebhookDelivery)
        .where(WebhookDelivery.id == delivery_id, WebhookDelivery.state == DeliveryState.SENDING)
        .values(claimed_at=None, deferred_at=None, **values)
        .returning(WebhookDelivery.id)
    )
    return (await session.execute(statement)).scalar_one_or_none() is not None


async def take_due(
    session: AsyncSession, *, now: datetime, deferred_before: datetime, limit: int
) -> Sequence[UUID]:  # fmt: skip
    """Deliveries whose time has come and for which no job was asked lately; they count as asked now."""
    due = (
        select(WebhookDelivery.id)
        .where(
            WebhookDelivery.state == DeliveryState.WAITING,
            WebhookDelivery.due_at <= now,
            WebhookDelivery.deferred_at.is_(None) | (WebhookDelivery.deferred_at < deferred_before),
        )
        .order_by(WebhookDelivery.due_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    statement = update(WebhookDelivery).where(WebhookDelivery.id.in_(due)).values(deferred_at=now)
    return (await session.scalars(statement.returning(WebhookDelivery.id))).all()


async def interrupted(session: AsyncSession, *, claimed_before: datetime, limit: int) -> Sequence[WebhookDelivery]:
    """Deliveries whose attempt began long ago and never ended: its process died."""
    statement = (
        select(WebhookDelivery)
        .where(WebhookDelivery.state == DeliveryState.SENDING, WebhookDelivery.claimed_at < claimed_before)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return (await session.scalars(statement)).all()


async def attempts(session: AsyncSession, delivery_id: UUID) -> Sequence[WebhookAttempt]:
    wanted = select(WebhookAttempt).where(WebhookAttempt.delivery_id == delivery_id)
    return (await session.scalars(wanted.order_by(WebhookAttempt.at, WebhookAttempt.id))).all()


async def drop_before(session: AsyncSession, moment: datetime) -> int:
    """Deletes deliveries that ended and are older than `moment`, with their attempts; how many."""
    statement = delete(WebhookDelivery).where(WebhookDelivery.created_at < moment, WebhookDelivery.state.in_(ENDED))
    return len((await session.execute(statement.returning(WebhookDelivery.id))).all())
