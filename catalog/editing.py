"""Changes of the catalog. Each one keeps the site's row locked, so that edits of a site take turns."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from building.equipment import EquipmentKind
from building.profile import DeviceProfile
from building.space import SpaceKind
from catalog import line_repository, repository
from catalog.errors import (
    BadRange,
    BadTimezone,
    BuildingNotFound,
    CodeTaken,
    EquipmentNotFound,
    ParentCycle,
    PointNotFound,
    ReferenceUnknown,
    SiteNotFound,
    SpaceNotFound,
    StillInUse,
)
from catalog.events import CatalogChanged, SiteSettingsChanged
from catalog.loader import NO_BUILDING, new_qr_token
from catalog.models import Building, Equipment, Point, Site, Space
from catalog.site_settings import check_settings, merged
from kit.access import Scope
from kit.clock import Clock
from kit.db import Base
from kit.events import publish
from kit.versions import check_version


@dataclass(frozen=True)
class NewEquipment:
    """An equipment to be made. Protocol, name on the wire and building follow profile, code and space when absent."""

    site_id: UUID
    code: str
    name: str
    kind: EquipmentKind
    model: str = ""
    profile_key: str | None = None
    protocol: str | None = None
    external_id: str | None = None
    address: Mapping[str, Any] = field(default_factory=dict)
    building_id: UUID | None = None
    space_id: UUID | None = None
    parent_id: UUID | None = None
    rescue_code: str | None = None
    location: str = ""
    in_service: bool = True


class CatalogEditor:
    """Makes, changes and retires what the catalog holds. Rows outside the scope are not found."""

    def __init__(self, profiles: Mapping[str, DeviceProfile], clock: Clock) -> None:
        self._profiles = profiles
        self._clock = clock

    # --- sites ----------------------------------------------------------------------------------------------------

    async def create_site(self, session: AsyncSession, *, code: str, name: str, city: str, timezone: str) -> UUID:
        _check_timezone(timezone)
        site = Site(code=code, name=name, city=city, timezone=timezone, settings={})
        await _insert(session, site, taken=code)
        return site.id

    async def change_site(self, session: AsyncSession, scope: Scope, site_id: UUID, changes: Mapping[str, Any]) -> None:
        _check_timezone(changes.get("timezone", "UTC"))
        site = await self._site(session, scope, site_id)
        for name, value in changes.items():
            setattr(site, name, value)
        if "timezone" in changes:  # the directory tells judges by whose clocks a rule's hours go
            await self._announce(session, site_id)

    async def change_settings(
        self, session: AsyncSession, scope: Scope, site_id: UUID, change: Mapping[str, Any], *, replace: bool
    ) -> Mapping[str, Any]:
        """Lays `change` over the site's settings (a null takes a key away), or puts it in their place.

        Raises BadSettings, SiteNotFound.
        """
        check_settings(change)
        site = await self._site(session, scope, site_id)
        settings = merged({} if replace else site.settings, change)
        check_settings(settings)
        site.settings = settings
        await publish(session, SiteSettingsChanged(site_id=site_id))
        return settings

    # --- buildings and spaces -------------------------------------------------------------------------------------

    async def create_building(
        self, session: AsyncSession, scope: Scope, *, site_id: UUID, code: str, name: str,
        latitude: float | None = None, longitude: float | None = None,
    ) -> UUID:  # fmt: skip
        await self._site(session, scope, site_id)
        number = await repository.last_building_number(session, site_id) + 1
        building = Building(
            site_id=site_id, number=number, code=code, name=name, latitude=latitude, longitude=longitude
        )
        await _insert(session, building, taken=code)
        return building.id

    async def change_building(
        self, session: AsyncSession, scope: Scope, building_id: UUID, changes: Mapping[str, Any],
        *, version: int | None = None,
    ) -> None:  # fmt: skip
        """`version`: the one that the caller saw. Raises BuildingNotFound, StaleEdit, CodeTaken."""
        row = await self._building(session, scope, building_id, version=version)
        await _update(session, row, changes, taken=str(changes.get("code", "")))

    async def delete_building(
        self, session: AsyncSession, scope: Scope, building_id: UUID, *, version: int | None = None
    ) -> None:
        """Raises BuildingNotFound, StaleEdit, StillInUse."""
        row = await self._building(session, scope, building_id, version=version)
        await _delete(session, row, name=row.name)

    async def create_space(
        self,
        session: AsyncSession,
        scope: Scope,
        *,
        site_id: UUID,
        kind: SpaceKind,
        code: str,
        name: str,
        building_id: UUID | None = None,
        parent_id: UUID | None = None,
    ) -> UUID:
        """A place in a building, in another place, or of the site itself. Raises CodeTaken, ReferenceUnknown."""
        await self._site(session, scope, site_id)
        here = Scope.of(site_id)
        parent = (
            None
            if parent_id is None
            else await _known(repository.space(session, here, parent_id), "parent_id", parent_id)
        )
        if parent is not None:
            building_id = building_id or parent.building_id
        if building_id is not None:
            await _known(repository.building(session, here, building_id), "building_id", building_id)
        if parent is not None and parent.building_id != building_id:
            raise ReferenceUnknown("parent_id", str(parent_id))
        space = Space(site_id=site_id, building_id=building_id, parent_id=parent_id, kind=kind, code=code, name=name)
        await _insert(session, space, taken=code)
        space.unit_id = space.id if kind is SpaceKind.UNIT else parent.unit_id if parent is not None else None
        return space.id

    async def change_space(
        self, session: AsyncSession, scope: Scope, space_id: UUID, changes: Mapping[str, Any],
        *, version: int | None = None,
    ) -> None:  # fmt: skip
        """`version`: the one that the caller saw. Raises SpaceNotFound, StaleEdit, CodeTaken."""
        row = await self._space(session, scope, space_id, version=version)
        await _update(session, row, changes, taken=str(changes.get("code", "")))

    async def delete_space(
        self, session: AsyncSession, scope: Scope, space_id: UUID, *, version: int | None = None
    ) -> None:
        """Raises SpaceNotFound, StaleEdit, StillInUse."""
        row = await self._space(session, scope, space_id, version=version)
        await _delete(session, row, name=row.name)

    # --- equipment ------------------------------------------------------------------------------------------------

    async def create_equipment(self, session: AsyncSession, scope: Scope, new: NewEquipment) -> UUID:
        """Raises SiteNotFound, CodeTaken, ReferenceUnknown."""
        await self._site(session, scope, new.site_id)
        building = await self._building_of(session, new.site_id, building_id=new.building_id, space_id=new.space_id)
        if new.parent_id is not None:
            here = Scope.of(new.site_id)
            await _known(repository.equipment_row(session, here, new.parent_id), "parent_id", new.parent_id)
        profile = self._profile(new.profile_key)
        row = Equipment(
            site_id=new.site_id, code=new.code, name=new.name, kind=new.kind, model=new.model,
            profile_key=new.profile_key, protocol=new.protocol or (profile.protocol if profile else None),
            external_id=new.external_id or new.code, address=dict(new.address),
            building_id=building.id if building else None, space_id=new.space_id, parent_id=new.parent_id,
            partition=building.number if building else NO_BUILDING, rescue_code=new.rescue_code,
            location=new.location, in_service=new.in_service, qr_token=new_qr_token(),
        )  # fmt: skip
        await _insert(session, row, taken=new.external_id or new.code)
        await self._changed(session, row)
        return row.id

    async def change_equipment(
        self, session: AsyncSession, scope: Scope, equipment_id: UUID, changes: Mapping[str, Any]
    ) -> None:
        """Sets the columns named in `changes`. The partition stays what it was: histories of rules hang on it.

        Raises EquipmentNotFound, CodeTaken, ReferenceUnknown, ParentCycle.
        """
        row = await self.equipment_row(session, scope, equipment_id)
        await self._site(session, scope, row.site_id)  # the lock: two edits must not close a circle together
        if {"building_id", "space_id"} & set(changes):
            changes = {**changes, **await self._new_place(session, row, changes)}
        if changes.get("parent_id") is not None:
            await self._check_parent(session, row, changes["parent_id"])
        if "profile_key" in changes:
            self._profile(changes["profile_key"])
        await _update(session, row, changes, taken=str(changes.get("external_id") or changes.get("code", "")))
        await self._changed(session, row)

    async def remove_equipment(self, session: AsyncSession, scope: Scope, equipment_id: UUID) -> bool:
        """Deletes an equipment nothing refers to; one with a history is retired instead. True when it is gone."""
        row = await self.equipment_row(session, scope, equipment_id)
        site_id = row.site_id
        try:
            async with session.begin_nested():
                await session.delete(row)
        except IntegrityError:
            await session.refresh(row)
            row.in_service, row.retired_at = False, self._clock.now()
            await self._announce(session, site_id)
            return False
        await self._announce(session, site_id)
        return True

    async def restore_equipment(self, session: AsyncSession, scope: Scope, equipment_id: UUID) -> None:
        """Puts a retired equipment back into service."""
        row = await self.equipment_row(session, scope, equipment_id)
        row.in_service, row.retired_at = True, None
        await self._changed(session, row)

    async def new_qr_token(self, session: AsyncSession, scope: Scope, equipment_id: UUID) -> None:
        """A fresh token: labels printed before lead nowhere."""
        row = await self.equipment_row(session, scope, equipment_id)
        row.qr_token = new_qr_token()

    async def change_point(
        self, session: AsyncSession, scope: Scope, point_no: int, changes: Mapping[str, Any]
    ) -> None:
        """Sets name or plausible range; the profile's later editions leave these alone. Raises BadRange."""
        row = await repository.point(session, scope, point_no)
        if row is None:
            raise PointNotFound(point_no)
        low, high = changes.get("low", row.low), changes.get("high", row.high)
        if not low < high:
            raise BadRange(low, high)
        if "name" in changes:
            changes = {**changes, "name": {**row.name, **changes["name"]}}
        for name, value in changes.items():
            setattr(row, name, value)
        row.edited = sorted({*row.edited, *changes})
        await self._announce(session, row.site_id)

    async def reset_point(self, session: AsyncSession, scope: Scope, point_no: int) -> None:
        """Makes a point follow its profile again."""
        row: Point | None = await repository.point(session, scope, point_no)
        if row is None:
            raise PointNotFound(point_no)
        row.edited = []
        equipment = await self.equipment_row(session, scope, row.equipment_id)
        await self._changed(session, equipment)
        await session.refresh(row)

    async def equipment_row(self, session: AsyncSession, scope: Scope, equipment_id: UUID) -> Equipment:
        row = await repository.equipment_row(session, scope, equipment_id)
        if row is None:
            raise EquipmentNotFound(equipment_id)
        return row

    # --- private --------------------------------------------------------------------------------------------------

    async def _site(self, session: AsyncSession, scope: Scope, site_id: UUID) -> Site:
        site = await repository.locked_site(session, scope, site_id)
        if site is None:
            raise SiteNotFound(site_id)
        return site

    async def _building(
        self, session: AsyncSession, scope: Scope, building_id: UUID, *, version: int | None
    ) -> Building:
        row = await repository.held_building(session, scope, building_id)
        if row is None:
            raise BuildingNotFound(building_id)
        check_version(row, version)
        return row

    async def _space(self, session: AsyncSession, scope: Scope, space_id: UUID, *, version: int | None) -> Space:
        row = await repository.held_space(session, scope, space_id)
        if row is None:
            raise SpaceNotFound(space_id)
        check_version(row, version)
        return row

    def _profile(self, key: str | None) -> DeviceProfile | None:
        if key is not None and key not in self._profiles:
            raise ReferenceUnknown("profile_key", key)
        return self._profiles[key] if key is not None else None

    async def _new_place(
        self, session: AsyncSession, row: Equipment, changes: Mapping[str, Any]
    ) -> dict[str, UUID | None]:
        """Where an equipment stands after a change: a new building alone takes it out of the space it stood in."""
        building_id, space_id = changes.get("building_id"), changes.get("space_id")
        if "space_id" not in changes and building_id == row.building_id:
            space_id = row.space_id
        if "building_id" not in changes and space_id is None:
            building_id = row.building_id
        building = await self._building_of(session, row.site_id, building_id=building_id, space_id=space_id)
        return {"building_id": building.id if building else None, "space_id": space_id}

    async def _building_of(
        self, session: AsyncSession, site_id: UUID, *, building_id: UUID | None, space_id: UUID | None
    ) -> Building | None:
        """The building that is meant, by itself or by the space; both must be of the site and agree."""
        here = Scope.of(site_id)
        if space_id is not None:
            space: Space = await _known(repository.space(session, here, space_id), "space_id", space_id)
            if building_id is not None and space.building_id != building_id:
                raise ReferenceUnknown("space_id", str(space_id))
            building_id = space.building_id
        if building_id is None:
            return None
        building: Building = await _known(repository.building(session, here, building_id), "building_id", building_id)
        return building

    async def _check_parent(self, session: AsyncSession, row: Equipment, parent_id: UUID) -> None:
        here = Scope.of(row.site_id)
        parent = await _known(repository.equipment_row(session, here, parent_id), "parent_id", parent_id)
        if row.id in await repository.ancestors(session, parent_id):
            raise ParentCycle(equipment=row.code, parent=parent.code)

    async def _changed(self, session: AsyncSession, row: Equipment) -> None:
        await line_repository.refresh_points(session, self._profiles, site_id=row.site_id, equipment_ids=[row.id])
        await self._announce(session, row.site_id)

    async def _announce(self, session: AsyncSession, site_id: UUID) -> None:
        await session.flush()
        await line_repository.bump_revision(session, site_id)
        await publish(session, CatalogChanged(site_id=site_id))


async def _known(found: Any, field_name: str, value: object) -> Any:
    row = await found
    if row is None:
        raise ReferenceUnknown(field_name, str(value))
    return row


async def _insert(session: AsyncSession, row: Base, *, taken: str) -> None:
    try:
        async with session.begin_nested():
            session.add(row)
    except IntegrityError:
        raise CodeTaken(taken) from None


async def _update(session: AsyncSession, row: Base, changes: Mapping[str, Any], *, taken: str) -> None:
    try:
        async with session.begin_nested():
            for name, value in changes.items():
                setattr(row, name, value)
    except IntegrityError:
        raise CodeTaken(taken) from None


async def _delete(session: AsyncSession, row: Base, *, name: str) -> None:
    try:
        async with session.begin_nested():
            await session.delete(row)
    except IntegrityError:
        raise StillInUse(name) from None


def _check_timezone(timezone: str) -> None:
    try:
        ZoneInfo(timezone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise BadTimezone(timezone) from None
