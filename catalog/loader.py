"""Declarations into the catalog, and the catalog into the directory of the reading line."""

import hashlib
import secrets
from collections import defaultdict
from collections.abc import Mapping
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy.ext.asyncio import AsyncSession

from building.declaration import BadDeclaration, EquipmentDeclaration, SiteDeclaration, SpaceDeclaration
from building.equipment import EquipmentKind
from building.point import PointKind, Reporting, ReportingMode
from building.profile import DeviceProfile
from building.space import SpaceKind
from catalog import line_repository as repository
from catalog.directory import Directory, EquipmentEntry, PointEntry
from catalog.events import CatalogChanged
from catalog.models import Site
from catalog.site_settings import merged
from kit.events import publish
from kit.ids import new_id

# Equipment that stands in no building (gates, gardens) shares this partition of the reading line.
NO_BUILDING = 0


async def load_directory(session: AsyncSession) -> Directory:
    """Everything the reading line looks up, as this transaction sees it. Retired equipment is left out."""
    revision = await repository.revision(session)
    points: dict[UUID, dict[str, PointEntry]] = defaultdict(dict)
    for row in await repository.point_rows(session):
        points[row.equipment_id][row.key] = _point_entry(row)
    rows = await repository.equipment_rows(session)
    return Directory.of(revision, [_equipment_entry(row, points.get(row.id, {})) for row in rows])


async def apply_declaration(
    session: AsyncSession, declaration: SiteDeclaration, profiles: Mapping[str, DeviceProfile]
) -> None:
    """Makes the catalog say what the declaration says; idempotent, by code.

    What is not declared stays. An unchanged declaration changes nothing, so that edits made in the API live on; a
    changed one overwrites what it declares, save edited points, a bound device's name on the wire, and partitions.
    Raises BadDeclaration for a profile nobody has.
    """
    site = await repository.lock_site(
        session, code=declaration.code, name=declaration.name, city=declaration.city, timezone=declaration.timezone
    )
    digest = _digest(declaration)
    if site.declaration_digest != digest:
        _refuse_unknown_profiles(declaration, profiles)
        await _apply(session, site, declaration)
        site.declaration_digest, site.profiles_digest = digest, None
    await _follow_profiles(session, site, profiles)


async def apply_profiles(session: AsyncSession, profiles: Mapping[str, DeviceProfile]) -> None:
    """Gives the equipment of every site the points of this release's profiles; free when none changed."""
    for site in await repository.lock_sites(session):
        await _follow_profiles(session, site, profiles)


async def _follow_profiles(session: AsyncSession, site: Site, profiles: Mapping[str, DeviceProfile]) -> None:
    digest = _digest(profiles)
    if site.profiles_digest == digest:
        return
    await repository.refresh_points(session, profiles, site_id=site.id)
    site.profiles_digest = digest
    site.revision += 1
    await publish(session, CatalogChanged(site_id=site.id))


async def _apply(session: AsyncSession, site: Site, declaration: SiteDeclaration) -> None:
    site.name, site.city, site.timezone = declaration.name, declaration.city, declaration.timezone
    site.settings = merged(declaration.settings, site.settings)
    known = await repository.buildings(session, site.id)
    number = max((building.number for building in known.values()), default=0)
    rows: list[dict[str, Any]] = []
    for item in declaration.buildings:
        number += item.code not in known
        identity = (known[item.code].id, known[item.code].number) if item.code in known else (new_id(), number)
        rows.append(
            {"id": identity[0], "site_id": site.id, "number": identity[1], "code": item.code, "name": item.name}
        )
    await repository.save_buildings(session, rows)
    numbers = {row["code"]: (row["id"], row["number"]) for row in rows}
    space_ids = await repository.space_ids(session, site.id)
    await repository.save_spaces(session, _space_rows(site.id, declaration.spaces, numbers, space_ids))
    on_the_wire = await repository.equipment_on_the_wire(session, site.id)
    equipment = _equipment_rows(site.id, declaration.equipment, numbers, space_ids, on_the_wire)
    await repository.save_equipment(session, equipment)


def _space_rows(
    site_id: UUID,
    spaces: tuple[SpaceDeclaration, ...],
    buildings: Mapping[str, tuple[UUID, int]],
    ids: dict[str, UUID],
) -> list[dict[str, Any]]:
    """Rows of spaces; `ids` gains those of new ones."""
    for space in spaces:
        ids.setdefault(space.code, new_id())
    by_code = {space.code: space for space in spaces}
    return [
        {
            "id": ids[space.code], "site_id": site_id, "building_id": _first(buildings, space.building),
            "parent_id": ids.get(space.parent or ""), "unit_id": ids.get(_unit_of(space, by_code) or ""),
            "kind": space.kind.value, "code": space.code, "name": space.name,
        }
        for space in spaces
    ]  # fmt: skip


def _unit_of(space: SpaceDeclaration, by_code: Mapping[str, SpaceDeclaration]) -> str | None:
    at: SpaceDeclaration | None = space
    while at is not None and at.kind is not SpaceKind.UNIT:
        at = by_code.get(at.parent or "")
    return None if at is None else at.code


def _equipment_rows(
    site_id: UUID,
    equipment: tuple[EquipmentDeclaration, ...],
    buildings: Mapping[str, tuple[UUID, int]],
    space_ids: Mapping[str, UUID],
    on_the_wire: Mapping[str, tuple[UUID, str, dict[str, Any]]],
) -> list[dict[str, Any]]:
    ids = {item.code: on_the_wire[item.code][0] if item.code in on_the_wire else new_id() for item in equipment}
    rows: list[dict[str, Any]] = []
    for item in equipment:
        _, spoken, address = on_the_wire.get(item.code, (None, item.code, {}))
        is_named = item.external_id != item.code
        rows.append(
            {
                "id": ids[item.code], "site_id": site_id, "building_id": _first(buildings, item.building),
                "space_id": space_ids.get(item.space or ""), "parent_id": ids.get(item.parent or ""),
                "code": item.code, "name": item.name, "kind": item.kind.value, "model": item.model,
                "profile_key": item.profile, "protocol": item.protocol,
                "external_id": item.external_id if is_named else spoken, "address": {**address, **item.address},
                "partition": buildings[item.building][1] if item.building else NO_BUILDING,
                "rescue_code": item.rescue_code, "location": item.location, "qr_token": new_qr_token(),
            }
        )  # fmt: skip
    return rows


def new_qr_token() -> str:
    """What a QR label carries: opaque and unguessable, so that a photo of one label opens no other."""
    return secrets.token_urlsafe(16)


def _first(known: Mapping[str, tuple[UUID, int]], code: str | None) -> UUID | None:
    return None if code is None else known[code][0]


def _refuse_unknown_profiles(declaration: SiteDeclaration, profiles: Mapping[str, DeviceProfile]) -> None:
    for item in declaration.equipment:
        if item.profile is not None and item.profile not in profiles:
            raise BadDeclaration(f"equipment {item.code}: nobody has a profile {item.profile}")


def _digest(value: object) -> str:
    return hashlib.sha256(msgspec.json.encode(value)).hexdigest()


def _point_entry(row: Any) -> PointEntry:
    return PointEntry(
        point_no=row.point_no,
        key=row.key,
        kind=PointKind(row.kind),
        unit=row.unit,
        low=row.low,
        high=row.high,
        reporting=Reporting(ReportingMode(row.reporting_mode), row.interval_s),
        life_safety=row.life_safety,
    )


def _equipment_entry(row: Any, points: Mapping[str, PointEntry]) -> EquipmentEntry:
    return EquipmentEntry(
        equipment_id=row.id,
        site_id=row.site_id,
        site_code=row.site_code,
        code=row.code,
        name=row.name,
        kind=EquipmentKind(row.kind),
        profile_key=row.profile_key or "",
        protocol=row.protocol or "",
        external_id=row.external_id,
        address=row.address,
        partition=row.partition,
        parent_id=row.parent_id,
        building_id=row.building_id,
        in_service=row.in_service,
        points=points,
        timezone=row.timezone,
    )
