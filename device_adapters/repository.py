"""Queries of the device adapters' tables."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from catalog.sorting import order_by
from device_adapters.models import MqttCredential
from kit.access import Scope

SORTABLE = {"name": MqttCredential.name, "kind": MqttCredential.kind, "issued_at": MqttCredential.issued_at}


async def credential(session: AsyncSession, scope: Scope, credential_id: UUID) -> MqttCredential | None:
    query = select(MqttCredential).where(MqttCredential.id == credential_id, scope.where(MqttCredential.site_id))
    return await session.scalar(query)


async def credential_of(session: AsyncSession, equipment_id: UUID) -> MqttCredential | None:
    """The credential of an equipment that the caller has been let see."""
    return await session.scalar(select(MqttCredential).where(MqttCredential.equipment_id == equipment_id))


async def credential_named(session: AsyncSession, name: str) -> MqttCredential | None:
    return await session.scalar(select(MqttCredential).where(MqttCredential.name == name))


async def every_credential(session: AsyncSession) -> Sequence[MqttCredential]:
    return (await session.scalars(select(MqttCredential).order_by(MqttCredential.name))).all()


async def find_credentials(
    session: AsyncSession,
    scope: Scope,
    *,
    site_id: UUID | None,
    kind: str | None,
    q: str | None,
    sort: str,
    limit: int,
    offset: int,
) -> tuple[Sequence[MqttCredential], int]:
    """One page and how many match in all. Raises UnknownSortField."""
    query = select(MqttCredential).where(scope.where(MqttCredential.site_id))
    if site_id is not None:
        query = query.where(MqttCredential.site_id == site_id)
    if kind is not None:
        query = query.where(MqttCredential.kind == kind)
    if q:
        query = query.where(
            or_(MqttCredential.name.icontains(q, autoescape=True), MqttCredential.title.icontains(q, autoescape=True))
        )
    total = await session.scalar(select(func.count()).select_from(query.subquery()))
    ordered = query.order_by(order_by(sort, SORTABLE), MqttCredential.id).limit(limit).offset(offset)
    return (await session.scalars(ordered)).all(), total or 0
