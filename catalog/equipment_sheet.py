"""The table of equipment: new codes are made, known ones follow the columns the file has."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from building.declaration import cycle_in
from building.equipment import EquipmentKind
from building.profile import DeviceProfile
from catalog import line_repository, repository
from catalog.events import CatalogChanged
from catalog.imports import Column, Plan, Row
from catalog.loader import NO_BUILDING, new_qr_token
from catalog.models import Building, Equipment, Space
from catalog.sheets import Cell
from catalog.words import Words
from kit.access import Role, Scope
from kit.events import publish
from kit.i18n import Language, Texts
from kit.ids import new_id

# Columns copied as they are.
_PLAIN = ("name", "model", "location")


class EquipmentSheet:
    kind = "equipment"
    columns: tuple[Column, ...] = (
        Column("code", True), Column("name", True), Column("kind", True), Column("model"), Column("profile"),
        Column("building"), Column("space"), Column("parent"), Column("external_id"), Column("rescue_code"),
        Column("location"),
    )  # fmt: skip
    importers: tuple[Role, ...] = (Role.MANAGER,)
    exporters: tuple[Role, ...] = (Role.MANAGER, Role.DISPATCHER, Role.ENGINEER)

    def __init__(self, profiles: Mapping[str, DeviceProfile], texts: Texts) -> None:
        self._profiles = profiles
        self._words = Words(EquipmentKind, "equipment_kind", texts)

    async def check(self, session: AsyncSession, site_id: UUID, rows: Sequence[Row]) -> Plan:
        plan = Plan()
        known = await _Known.of(session, site_id)
        before = {row.code: row for row in await repository.equipment_of_site(session, site_id)}
        changed: dict[str, dict[str, Any]] = {}
        lines: dict[str, int] = {}
        for row in rows:
            code = row.get("code")
            if not code:
                continue
            if code in lines:
                plan.refuse(row.line, "code", "twice", line=lines[code])
                continue
            lines[code] = row.line
            changed[code] = self._merged(row, before.get(code), site_id, known, plan)
            plan.created += code not in before
            plan.updated += code in before
        ids = {row.code: row.id for row in before.values()} | {code: values["id"] for code, values in changed.items()}
        self._link_parents(rows, lines, changed, before, ids, plan)
        self._refuse_taken_names(changed, before, lines, plan)
        plan.changes = list(changed.values())
        return plan

    async def apply(self, session: AsyncSession, site_id: UUID, plan: Plan) -> None:
        ids = [row["id"] for row in plan.changes]
        await line_repository.save_equipment(session, plan.changes)
        await line_repository.refresh_points(session, self._profiles, site_id=site_id, equipment_ids=ids)
        await line_repository.bump_revision(session, site_id)
        await publish(session, CatalogChanged(site_id=site_id))

    async def export(self, session: AsyncSession, site_id: UUID, language: Language) -> list[Mapping[str, Cell]]:
        known = await _Known.of(session, site_id)
        rows = await repository.equipment_of_site(session, site_id)
        codes = {row.id: row.code for row in rows}
        return [
            {
                "code": row.code, "name": row.name, "kind": self._words.write(EquipmentKind(row.kind), language),
                "model": row.model, "profile": row.profile_key, "external_id": row.external_id,
                "building": known.building_names.get(row.building_id), "space": known.space_codes.get(row.space_id),
                "parent": codes.get(row.parent_id) if row.parent_id else None,
                "rescue_code": row.rescue_code, "location": row.location,
            }
            for row in rows
            if row.retired_at is None
        ]  # fmt: skip

    def _merged(self, row: Row, before: Equipment | None, site_id: UUID, known: "_Known", plan: Plan) -> dict[str, Any]:
        """The row to be: what was, with the columns the file has laid over it."""
        code = row.get("code")
        values: dict[str, Any] = {
            "id": new_id(), "site_id": site_id, "code": code, "name": code, "kind": EquipmentKind.OTHER.value,
            "model": "", "profile_key": None, "building_id": None, "space_id": None, "parent_id": None,
            "protocol": None, "external_id": code, "address": {}, "partition": NO_BUILDING, "rescue_code": None,
            "location": "", "qr_token": new_qr_token(),
        }  # fmt: skip
        if before is not None:
            values = {name: getattr(before, name) for name in values}
        for name in _PLAIN:
            if name in row.values:
                values[name] = row.get(name)
        if "rescue_code" in row.values:
            values["rescue_code"] = row.get("rescue_code") or None
        if row.get("external_id"):
            values["external_id"] = row.get("external_id")
        self._set_kind(row, values, plan)
        self._set_profile(row, values, plan)
        known.place(row, values, plan, is_new=before is None)
        return values

    def _set_kind(self, row: Row, values: dict[str, Any], plan: Plan) -> None:
        if not row.get("kind"):
            return
        kind = self._words.read(row.get("kind"))
        if kind is None:
            plan.refuse(row.line, "kind", "unknown_word", value=row.get("kind"), known=self._words.known)
            return
        values["kind"] = kind.value

    def _set_profile(self, row: Row, values: dict[str, Any], plan: Plan) -> None:
        if "profile" not in row.values:
            return
        key = row.get("profile") or None
        if key is not None and key not in self._profiles:
            plan.refuse(row.line, "profile", "unknown_word", value=key, known=", ".join(self._profiles))
            return
        values["profile_key"] = key
        values["protocol"] = self._profiles[key].protocol if key else None

    def _link_parents(
        self,
        rows: Sequence[Row],
        lines: Mapping[str, int],
        changed: Mapping[str, dict[str, Any]],
        before: Mapping[str, Equipment],
        ids: Mapping[str, UUID],
        plan: Plan,
    ) -> None:
        codes = {equipment_id: code for code, equipment_id in ids.items()}
        parents = {code: codes.get(row.parent_id) if row.parent_id else None for code, row in before.items()}
        for row in rows:
            code, parent = row.get("code"), row.get("parent")
            if lines.get(code) != row.line or "parent" not in row.values:
                continue
            if parent and parent not in ids:
                plan.refuse(row.line, "parent", "unknown_equipment", value=parent)
                continue
            changed[code]["parent_id"] = ids[parent] if parent else None
            parents[code] = parent or None
        if chain := cycle_in(parents):
            line = max(lines.get(code, 0) for code in chain)
            plan.refuse(line, "parent", "circle", chain=" → ".join(chain))

    def _refuse_taken_names(
        self,
        changed: Mapping[str, dict[str, Any]],
        before: Mapping[str, Equipment],
        lines: Mapping[str, int],
        plan: Plan,
    ) -> None:
        spoken = {row.external_id: code for code, row in before.items() if code not in changed}
        for code, values in changed.items():
            holder = spoken.setdefault(values["external_id"], code)
            if holder != code:
                plan.refuse(lines[code], "external_id", "name_taken", value=values["external_id"], code=holder)


class _Known:
    """Where equipment may stand."""

    def __init__(self, buildings: Sequence[Building], spaces: Sequence[Space]) -> None:
        self._buildings = {row.code: row for row in buildings} | {row.name: row for row in buildings}
        self._by_id = {row.id: row for row in buildings}
        self._spaces = {row.code: row for row in spaces}
        self.building_names: dict[UUID | None, str] = {row.id: row.name for row in buildings}
        self.space_codes: dict[UUID | None, str] = {row.id: row.code for row in spaces}

    @classmethod
    async def of(cls, session: AsyncSession, site_id: UUID) -> "_Known":
        buildings = await repository.buildings(session, Scope.of(site_id), site_id)
        return cls(buildings, await repository.spaces_of_site(session, site_id))

    def place(self, row: Row, values: dict[str, Any], plan: Plan, *, is_new: bool) -> None:
        """Sets building and space by what the row names; the space decides when only it is named."""
        space = self._spaces.get(row.get("space"))
        building = self._buildings.get(row.get("building"))
        if row.get("space") and space is None:
            plan.refuse(row.line, "space", "unknown_space", value=row.get("space"))
        if row.get("building") and building is None:
            plan.refuse(row.line, "building", "unknown_building", value=row.get("building"))
        if building is None and space is not None and space.building_id is not None:
            building = self._by_id[space.building_id]
        if building is not None and space is not None and space.building_id != building.id:
            plan.refuse(row.line, "space", "space_elsewhere", value=row.get("space"), building=building.name)
        if {"building", "space"} & set(row.values):
            values["building_id"] = building.id if building else None
            values["space_id"] = space.id if space else None
        if is_new and building is not None:
            values["partition"] = building.number
