"""Queries for whole sites at once: the directory of the reading line, declarations, points out of profiles."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Boolean, Float, Integer, Text, case, delete, func, select, update
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlalchemy.ext.asyncio import AsyncSession

from building.profile import DeviceProfile
from catalog.bulk import recordset, upsert
from catalog.models import Building, Equipment, Point, Site, Space
from kit.ids import new_id

FROM_PROFILE = ("name", "kind", "unit", "low", "high", "reporting_mode", "interval_s", "decimals", "life_safety")

_SPEC_TYPES = {
    "profile_key": Text(), "ordinal": Integer(), "key": Text(), "name": JSONB(), "kind": Text(), "unit": Text(),
    "low": Float(), "high": Float(), "reporting_mode": Text(), "interval_s": Float(), "decimals": Integer(),
    "life_safety": Boolean(),
}  # fmt: skip


async def lock_site(session: AsyncSession, *, code: str, name: str, city: str, timezone: str) -> Site:
    """The site of that code, made if absent, locked until the transaction ends: two starting hubs take turns."""
    values = {
        "id": new_id(),
        "code": code,
        "name": name,
        "city": city,
        "timezone": timezone,
        "settings": {},
        "revision": 0,
    }
    await session.execute(insert(Site).values(values).on_conflict_do_nothing(index_elements=["code"]))
    return (await session.scalars(select(Site).where(Site.code == code).with_for_update())).one()


async def lock_sites(session: AsyncSession) -> Sequence[Site]:
    """Every site, in one order whoever asks, locked until the transaction ends."""
    return (await session.scalars(select(Site).order_by(Site.id).with_for_update())).all()


async def buildings(session: AsyncSession, site_id: UUID) -> Mapping[str, Building]:
    rows = await session.scalars(select(Building).where(Building.site_id == site_id))
    return {row.code: row for row in rows}


async def space_ids(session: AsyncSession, site_id: UUID) -> dict[str, UUID]:
    rows = await session.execute(select(Space.code, Space.id).where(Space.site_id == site_id))
    return {row.code: row.id for row in rows}


async def equipment_on_the_wire(session: AsyncSession, site_id: UUID) -> dict[str, tuple[UUID, str, dict[str, Any]]]:
    """Code → (id, external id, address) of every equipment of a site."""
    columns = (Equipment.code, Equipment.id, Equipment.external_id, Equipment.address)
    rows = await session.execute(select(*columns).where(Equipment.site_id == site_id))
    return {code: (equipment_id, external_id, address) for code, equipment_id, external_id, address in rows}


async def save_spaces(session: AsyncSession, rows: Sequence[Mapping[str, Any]]) -> None:
    update_columns = ("building_id", "parent_id", "unit_id", "kind", "name")
    await upsert(session, Space, rows, key=("site_id", "code"), update=update_columns)


async def save_buildings(session: AsyncSession, rows: Sequence[Mapping[str, Any]]) -> None:
    await upsert(session, Building, rows, key=("site_id", "code"), update=("name",))


async def save_equipment(session: AsyncSession, rows: Sequence[Mapping[str, Any]]) -> None:
    update_columns = (
        "name", "kind", "model", "profile_key", "building_id", "space_id", "parent_id", "protocol", "external_id",
        "address", "rescue_code", "location",
    )  # fmt: skip
    await upsert(session, Equipment, rows, key=("site_id", "code"), update=update_columns)


async def refresh_points(
    session: AsyncSession,
    profiles: Mapping[str, DeviceProfile],
    *,
    site_id: UUID,
    equipment_ids: Collection[UUID] | None = None,
) -> None:
    """Gives equipment the points of its profile: new ones are made, others follow it save where a person edited.

    Points the profile no longer has go; equipment of a profile that is not in `profiles` keeps what it has.
    """
    specs = recordset(_specs(profiles), _SPEC_TYPES, name="spec")
    mine = [Equipment.site_id == site_id]
    if equipment_ids is not None:
        mine.append(Equipment.id.in_(equipment_ids))
    rows = (
        select(Equipment.site_id, Equipment.id, specs.c.key, *(specs.c[name] for name in FROM_PROFILE))
        .join(specs, specs.c.profile_key == Equipment.profile_key)
        .where(*mine)
        .order_by(Equipment.code, specs.c.ordinal)
    )
    statement = insert(Point).from_select(
        ["site_id", "equipment_id", "key", *FROM_PROFILE], rows, include_defaults=False
    )
    fresh = {
        name: case((Point.edited.op("?")(name), getattr(Point, name)), else_=statement.excluded[name])
        for name in FROM_PROFILE
    }
    await session.execute(statement.on_conflict_do_update(index_elements=["equipment_id", "key"], set_=fresh))
    kept = select(specs.c.key).where(specs.c.profile_key == Equipment.profile_key, specs.c.key == Point.key).exists()
    followed = Equipment.profile_key.is_(None) | Equipment.profile_key.in_(list(profiles))
    await session.execute(
        delete(Point)
        .where(Point.equipment_id == Equipment.id, followed, ~kept, *mine)
        .execution_options(synchronize_session=False)
    )


async def revision(session: AsyncSession) -> int:
    """Grows with every change of any site's catalog."""
    return await session.scalar(select(func.coalesce(func.sum(Site.revision), 0))) or 0


async def bump_revision(session: AsyncSession, site_id: UUID) -> None:
    statement = update(Site).where(Site.id == site_id).values(revision=Site.revision + 1)
    await session.execute(statement.execution_options(synchronize_session=False))


async def equipment_rows(session: AsyncSession) -> Sequence[Any]:
    """Every equipment that is not retired, as the directory needs it, with its site's code."""
    columns = (
        Equipment.id, Equipment.site_id, Site.code.label("site_code"), Equipment.code, Equipment.name, Equipment.kind,
        Equipment.profile_key, Equipment.protocol, Equipment.external_id, Equipment.address, Equipment.partition,
        Equipment.parent_id, Equipment.building_id, Equipment.in_service, Site.timezone,
    )  # fmt: skip
    statement = select(*columns).join(Site, Site.id == Equipment.site_id).where(Equipment.retired_at.is_(None))
    return (await session.execute(statement.order_by(Equipment.site_id, Equipment.code))).all()


async def point_rows(session: AsyncSession) -> Sequence[Any]:
    columns = (
        Point.equipment_id, Point.point_no, Point.key, Point.kind, Point.unit, Point.low, Point.high,
        Point.reporting_mode, Point.interval_s, Point.life_safety,
    )  # fmt: skip
    return (await session.execute(select(*columns).order_by(Point.point_no))).all()


def _specs(profiles: Mapping[str, DeviceProfile]) -> list[dict[str, Any]]:
    return [
        {
            "profile_key": profile.key, "ordinal": ordinal, "key": point.key, "name": dict(point.name),
            "kind": point.kind.value, "unit": point.unit, "low": point.low, "high": point.high,
            "reporting_mode": point.reporting.mode.value, "interval_s": point.reporting.interval_s,
            "decimals": point.decimals, "life_safety": point.life_safety,
        }
        for profile in profiles.values()
        for ordinal, point in enumerate(profile.points.values())
    ]  # fmt: skip
