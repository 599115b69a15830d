"""What other rooms ask the catalog, and its lists. Changes are in `catalog.editing`."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Select
from sqlalchemy.ext.asyncio import AsyncSession

from building.equipment import EquipmentKind
from building.link import LinkChange
from building.point import PointKind, ReportingMode
from building.profile import DeviceProfile
from building.space import SpaceKind
from catalog import repository
from catalog.errors import (
    BuildingNotFound,
    EquipmentNotFound,
    PointNotFound,
    ProfileNotFound,
    QrTokenUnknown,
    SiteNotFound,
    SpaceNotFound,
)
from catalog.events import LinkChanged
from catalog.loader import new_qr_token
from catalog.models import Building, Equipment, Point, Site, Space
from catalog.repository import EquipmentFilter, SpaceFilter
from catalog.views import BuildingView, EquipmentView, PointView, RoomView, SiteView, SpaceView, TreeNode, Upstream
from kit.access import Scope
from kit.events import publish


class CatalogService:
    """Reads the catalog. `profiles` is the device library, by key."""

    def __init__(self, profiles: Mapping[str, DeviceProfile]) -> None:
        self._profiles = profiles

    # --- sites, buildings, spaces ---------------------------------------------------------------------------------

    async def sites(self, session: AsyncSession, scope: Scope) -> list[SiteView]:
        return [site_view(row) for row in await repository.sites(session, scope)]

    async def site(self, session: AsyncSession, scope: Scope, site_id: UUID) -> SiteView:
        return site_view(await self._site(session, scope, site_id))

    async def site_settings(self, session: AsyncSession, site_id: UUID) -> Mapping[str, Any]:
        """The settings a site has of its own; every room lays them over its defaults. Raises SiteNotFound."""
        return (await self._site(session, Scope.everywhere(), site_id)).settings

    async def find_buildings(self, session: AsyncSession, site_id: UUID) -> list[BuildingView]:
        """The buildings of a site in the order of their numbers."""
        return await self.buildings(session, Scope.of(site_id), site_id)

    async def buildings(self, session: AsyncSession, scope: Scope, site_id: UUID | None = None) -> list[BuildingView]:
        return [building_view(row) for row in await repository.buildings(session, scope, site_id)]

    async def building(self, session: AsyncSession, scope: Scope, building_id: UUID) -> BuildingView:
        row = await repository.building(session, scope, building_id)
        if row is None:
            raise BuildingNotFound(building_id)
        return building_view(row)

    async def unit_spaces(self, session: AsyncSession, building_id: UUID) -> list[SpaceView]:
        return [space_view(row) for row in await repository.units(session, building_id)]

    async def space(self, session: AsyncSession, scope: Scope, space_id: UUID) -> SpaceView:
        row = await repository.space(session, scope, space_id)
        if row is None:
            raise SpaceNotFound(space_id)
        return space_view(row)

    async def find_spaces(
        self, session: AsyncSession, scope: Scope, wanted: SpaceFilter, *, sort: str, limit: int, offset: int
    ) -> tuple[list[SpaceView], int]:
        """One page and how many match in all. Raises UnknownSortField."""
        rows, total = await repository.find_spaces(session, scope, wanted, sort=sort, limit=limit, offset=offset)
        return [space_view(row) for row in rows], total

    async def rooms(self, session: AsyncSession, space_ids: Collection[UUID]) -> dict[UUID, RoomView]:
        """Homes by id, with the names people use; ids that are no home are left out."""
        return {row.id: room_view(row) for row in await repository.rooms_by_id(session, space_ids)}

    async def rooms_of_site(self, session: AsyncSession, site_id: UUID) -> list[RoomView]:
        return [room_view(row) for row in await repository.rooms_of_site(session, site_id)]

    async def room_ids(self, session: AsyncSession, *, building_id: UUID, unit_id: UUID | None) -> list[UUID]:
        """The homes of a building, or of one unit of it."""
        return list(await repository.room_ids(session, building_id, unit_id))

    async def tree(self, session: AsyncSession, scope: Scope, site_id: UUID) -> list[TreeNode]:
        """Buildings with their spaces, then spaces that belong to no building."""
        await self._site(session, scope, site_id)
        below: dict[UUID | None, list[Space]] = defaultdict(list)
        for space in await repository.spaces_of_site(session, site_id):
            below[space.parent_id or space.building_id].append(space)
        counts = await repository.counts_by_place(session, site_id)
        at_space: dict[UUID | None, int] = defaultdict(int)
        for (_, space_id), count in counts.items():
            at_space[space_id] += count

        def node(space: Space) -> TreeNode:
            children = [node(child) for child in sorted(below[space.id], key=_as_counted)]
            return TreeNode(space.id, space.kind, space.code, space.name, at_space[space.id], children)

        trees = [
            TreeNode(
                row.id, "building", row.code, row.name, counts.get((row.id, None), 0),
                [node(space) for space in sorted(below[row.id], key=_as_counted)],
            )
            for row in await repository.buildings(session, scope, site_id)
        ]  # fmt: skip
        return trees + [node(space) for space in sorted(below[None], key=_as_counted)]

    # --- equipment ------------------------------------------------------------------------------------------------

    async def equipment(self, session: AsyncSession, scope: Scope, equipment_id: UUID) -> EquipmentView:
        row = await repository.equipment(session, scope, equipment_id)
        if row is None:
            raise EquipmentNotFound(equipment_id)
        return equipment_view(row)

    async def equipment_by_qr(self, session: AsyncSession, token: str) -> EquipmentView:
        """The equipment whose label was scanned. Raises QrTokenUnknown."""
        row = await repository.equipment_by_qr(session, token)
        if row is None:
            raise QrTokenUnknown
        return equipment_view(row)

    async def space_by_qr(self, session: AsyncSession, token: str) -> SpaceView:
        """The place whose label was scanned. Raises QrTokenUnknown."""
        row = await repository.space_by_qr(session, token)
        if row is None:
            raise QrTokenUnknown
        return space_view(row)

    async def label_space(self, session: AsyncSession, scope: Scope, space_id: UUID) -> str:
        """The token of a place's label, made when it is first asked for. Raises SpaceNotFound."""
        row = await repository.held_space(session, scope, space_id)
        if row is None:
            raise SpaceNotFound(space_id)
        row.qr_token = row.qr_token or new_qr_token()
        return row.qr_token

    async def space_token(self, session: AsyncSession, scope: Scope, space_id: UUID) -> str:
        """The token of a place that has a label. Raises SpaceNotFound, QrTokenUnknown."""
        row = await repository.space(session, scope, space_id)
        if row is None:
            raise SpaceNotFound(space_id)
        if row.qr_token is None:
            raise QrTokenUnknown
        return row.qr_token

    async def find_equipment(
        self, session: AsyncSession, scope: Scope, wanted: EquipmentFilter, *, sort: str, limit: int, offset: int
    ) -> tuple[list[EquipmentView], int]:
        """One page and how many match in all. Raises UnknownSortField."""
        rows, total = await repository.find_equipment(session, scope, wanted, sort=sort, limit=limit, offset=offset)
        return [equipment_view(row) for row in rows], total

    async def equipment_codes(self, session: AsyncSession, equipment_ids: Collection[UUID]) -> dict[UUID, str]:
        """Codes by id, retired equipment included; unknown ids are left out."""
        return await repository.equipment_codes(session, equipment_ids) if equipment_ids else {}

    def equipment_ids(
        self, *, site_id: UUID, kinds: Collection[EquipmentKind], building_id: UUID | None
    ) -> Select[UUID]:
        """Ids of equipment of such kinds in use, of a building or of the whole site: for the condition of another
        room's query, so that of a site's thousands none need be loaded."""
        return repository.equipment_ids(site_id=site_id, kinds=kinds, building_id=building_id)

    async def equipment_by_code(self, session: AsyncSession, site_id: UUID) -> dict[str, UUID]:
        """Every equipment of a site, by its code."""
        return {row.code: row.id for row in await repository.equipment_of_site(session, site_id)}

    async def equipment_at(
        self,
        session: AsyncSession,
        *,
        site_id: UUID,
        building_id: UUID,
        unit_name: str | None,
        kind: EquipmentKind,
    ) -> list[EquipmentView]:
        """Equipment of a kind in a building, or in one unit of it ("2单元")."""
        rows = await repository.equipment_at(
            session, site_id=site_id, building_id=building_id, unit_name=unit_name, kind=kind
        )
        return [equipment_view(row) for row in rows]

    async def above(self, session: AsyncSession, equipment_id: UUID) -> list[Upstream]:
        """What it hangs on (its parent, the parent's parent …), the nearest first: its gateway, pump, power."""
        return [
            Upstream(id_, EquipmentKind(kind), steps)
            for id_, kind, steps in await repository.above(session, equipment_id)
        ]

    async def below(self, session: AsyncSession, equipment_id: UUID) -> dict[UUID, int]:
        """What hangs on it, directly or through others, each with how many steps it is below."""
        return dict(map(tuple, await repository.below(session, equipment_id)))

    async def points(self, session: AsyncSession, scope: Scope, equipment_id: UUID) -> list[PointView]:
        profile = (await self.equipment(session, scope, equipment_id)).profile_key
        return [self.point_view(row, profile) for row in await repository.points(session, equipment_id)]

    async def point(self, session: AsyncSession, scope: Scope, point_no: int) -> PointView:
        row = await repository.point(session, scope, point_no)
        if row is None:
            raise PointNotFound(point_no)
        return self.point_view(row, (await self.equipment(session, scope, row.equipment_id)).profile_key)

    async def note_links(self, session: AsyncSession, changes: Sequence[LinkChange]) -> None:
        """Records links that went up or down, one change a device, and tells whoever listens what of it is news.

        A device heard for the first time is no news. What is older than the last change is ignored.
        """
        rows = {row.id: row for row in await repository.lock_links(session, [c.equipment_id for c in changes])}
        news: list[LinkChanged] = []
        for change in changes:
            row = rows.get(change.equipment_id)
            if row is None or row.link_up is change.is_up:
                continue
            if row.link_changed_at is not None and change.at < row.link_changed_at:
                continue
            if row.link_up is not None or not change.is_up:
                news.append(LinkChanged(site_id=row.site_id, equipment_id=row.id, is_up=change.is_up))
            row.link_up, row.link_changed_at = change.is_up, change.at
        await publish(session, *news)

    # --- profiles -------------------------------------------------------------------------------------------------

    def profiles(self) -> list[DeviceProfile]:
        return list(self._profiles.values())

    def profile(self, key: str) -> DeviceProfile:
        if key not in self._profiles:
            raise ProfileNotFound(key)
        return self._profiles[key]

    def point_view(self, row: Point, profile_key: str | None) -> PointView:
        profile = self._profiles.get(profile_key or "")
        spec = profile.points.get(row.key) if profile else None
        return PointView(
            point_no=row.point_no, site_id=row.site_id, equipment_id=row.equipment_id, key=row.key, name=row.name,
            kind=PointKind(row.kind), unit=row.unit, low=row.low, high=row.high,
            reporting_mode=ReportingMode(row.reporting_mode), interval_s=row.interval_s, decimals=row.decimals,
            life_safety=row.life_safety, edited=row.edited, labels=spec.labels if spec else {},
        )  # fmt: skip

    async def _site(self, session: AsyncSession, scope: Scope, site_id: UUID) -> Site:
        row = await repository.site(session, scope, site_id)
        if row is None:
            raise SiteNotFound(site_id)
        return row


def site_view(row: Site) -> SiteView:
    return SiteView(row.id, row.code, row.name, row.city, row.timezone)


def building_view(row: Building) -> BuildingView:
    return BuildingView(
        row.id, row.site_id, row.number, row.code, row.name, row.latitude, row.longitude, row.version
    )  # fmt: skip


def space_view(row: Space) -> SpaceView:
    kind = SpaceKind(row.kind)
    return SpaceView(
        row.id, row.site_id, row.building_id, row.parent_id, row.unit_id, kind, row.code, row.name, row.version
    )  # fmt: skip


def room_view(row: Any) -> RoomView:
    return RoomView(
        space_id=row.id, site_id=row.site_id, building_id=row.building_id, building_name=row.building_name or "",
        unit_id=row.unit_id, unit_name=row.unit_name or "", floor_name=row.floor_name or "", room_name=row.name,
        code=row.code,
    )  # fmt: skip


def equipment_view(joined: Any) -> EquipmentView:
    row: Equipment
    row, building_name, space_name, unit_id, unit_name = joined
    return EquipmentView(
        id=row.id, site_id=row.site_id, code=row.code, name=row.name, kind=EquipmentKind(row.kind), model=row.model,
        profile_key=row.profile_key, protocol=row.protocol, external_id=row.external_id, address=row.address,
        building_id=row.building_id, building_name=building_name, space_id=row.space_id, space_name=space_name,
        unit_id=unit_id, unit_name=unit_name, parent_id=row.parent_id, partition=row.partition,
        rescue_code=row.rescue_code, location=row.location, qr_token=row.qr_token, in_service=row.in_service,
        retired_at=row.retired_at, link_up=row.link_up, link_changed_at=row.link_changed_at,
    )  # fmt: skip


def _as_counted(space: Space) -> tuple[int, str]:
    # Shorter first, so that 2层 comes before 10层 and 502 before 1201.
    return len(space.name), space.name
