"""The table of maintenance contracts: which company maintains which equipment from when to when."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from catalog.imports import Column, Plan, Row
from catalog.service import CatalogService
from catalog.sheets import Cell
from kit.access import Role, Scope
from kit.i18n import Language
from people.contractors import repository
from people.contractors.models import Contractor, MaintenanceContract
from people.contractors.schemas import LONGEST_ARRIVAL_MIN


@dataclass(frozen=True)
class _Terms:
    company: str
    equipment_id: UUID
    number: str
    starts_on: date
    ends_on: date | None
    arrival_min: float


class ContractSheet:
    """A row whose equipment and first day are known changes that contract; a company nobody knows is made."""

    kind = "contracts"
    columns: tuple[Column, ...] = (
        Column("company", True), Column("equipment", True), Column("number"), Column("starts_on", True),
        Column("ends_on"), Column("arrival_min", True),
    )  # fmt: skip
    importers: tuple[Role, ...] = (Role.MANAGER,)
    exporters: tuple[Role, ...] = (Role.MANAGER, Role.DISPATCHER)

    def __init__(self, catalog: CatalogService) -> None:
        self._catalog = catalog

    async def check(self, session: AsyncSession, site_id: UUID, rows: Sequence[Row]) -> Plan:
        plan, changes = Plan(), list[_Terms]()
        codes = await self._catalog.equipment_by_code(session, site_id)
        spans: dict[UUID, list[tuple[date, date, str, int]]] = {}
        standing = await repository.contracts(session, Scope.of(site_id), site_id=site_id)
        for one in standing:
            row: MaintenanceContract = one.MaintenanceContract
            spans.setdefault(row.equipment_id, []).append((row.starts_on, row.ends_on or date.max, one.name, 0))
        for sheet_row in rows:
            terms = _read(sheet_row, codes, plan)
            if terms is None:
                continue
            others = [one for one in spans.setdefault(terms.equipment_id, []) if one[0] != terms.starts_on or one[3]]
            is_new = len(others) == len(spans[terms.equipment_id])
            last = terms.ends_on or date.max
            clash = next((name for begins, ends, name, _ in others if begins <= last and terms.starts_on <= ends), None)
            if clash is not None:
                plan.refuse(sheet_row.line, "equipment", "maintained", value=sheet_row.get("equipment"), name=clash)
                continue
            spans[terms.equipment_id] = [*others, (terms.starts_on, last, terms.company, sheet_row.line)]
            plan.created += is_new
            plan.updated += not is_new
            changes.append(terms)
        plan.changes = changes
        return plan

    async def apply(self, session: AsyncSession, site_id: UUID, plan: Plan) -> None:
        changes: list[_Terms] = plan.changes
        companies = {row.name: row.id for row in await repository.find(session, Scope.of(site_id), site_id)}
        standing = {
            (one.MaintenanceContract.equipment_id, one.MaintenanceContract.starts_on): one.MaintenanceContract
            for one in await repository.contracts(session, Scope.of(site_id), site_id=site_id)
        }
        for terms in changes:
            if terms.company not in companies:
                companies[terms.company] = await _new_company(session, site_id, terms.company)
            row = standing.get((terms.equipment_id, terms.starts_on)) or MaintenanceContract(
                site_id=site_id, equipment_id=terms.equipment_id, starts_on=terms.starts_on
            )
            row.contractor_id, row.number = companies[terms.company], terms.number
            row.ends_on, row.arrival_min = terms.ends_on, terms.arrival_min
            session.add(row)
            # One after the other: what is shortened must be so before its successor is written.
            await session.flush()

    async def export(self, session: AsyncSession, site_id: UUID, language: Language) -> list[Mapping[str, Cell]]:
        codes = {known: code for code, known in (await self._catalog.equipment_by_code(session, site_id)).items()}
        rows = await repository.contracts(session, Scope.of(site_id), site_id=site_id)
        return [
            {
                "company": one.name, "equipment": codes[one.MaintenanceContract.equipment_id],
                "number": one.MaintenanceContract.number,
                "starts_on": one.MaintenanceContract.starts_on.isoformat(),
                "ends_on": one.MaintenanceContract.ends_on.isoformat() if one.MaintenanceContract.ends_on else None,
                "arrival_min": one.MaintenanceContract.arrival_min,
            }
            for one in sorted(rows, key=lambda one: codes[one.MaintenanceContract.equipment_id])
        ]  # fmt: skip


async def _new_company(session: AsyncSession, site_id: UUID, name: str) -> UUID:
    row = Contractor(site_id=site_id, name=name)
    session.add(row)
    await session.flush()
    return row.id


def _read(row: Row, codes: Mapping[str, UUID], plan: Plan) -> _Terms | None:
    """None when a cell is refused."""
    before = len(plan.problems)
    equipment_id = codes.get(row.get("equipment"))
    if equipment_id is None and row.get("equipment"):
        plan.refuse(row.line, "equipment", "unknown_equipment", value=row.get("equipment"))
    starts_on, ends_on = _day(row, "starts_on", plan), _day(row, "ends_on", plan)
    if starts_on and ends_on and ends_on < starts_on:
        plan.refuse(row.line, "ends_on", "ends_early")
    arrival_min = _minutes(row, plan)
    if len(plan.problems) > before or not (row.get("company") and equipment_id and starts_on and arrival_min):
        return None
    return _Terms(row.get("company"), equipment_id, row.get("number"), starts_on, ends_on, arrival_min)


def _day(row: Row, column: str, plan: Plan) -> date | None:
    written = row.get(column)
    if not written:
        return None
    try:
        return date.fromisoformat(written[:10].replace("/", "-"))
    except ValueError:
        plan.refuse(row.line, column, "day", value=written)
        return None


def _minutes(row: Row, plan: Plan) -> float | None:
    written = row.get("arrival_min")
    if not written:
        return None
    try:
        value = float(written)
    except ValueError:
        value = 0.0
    if 0 < value <= LONGEST_ARRIVAL_MIN:
        return value
    plan.refuse(row.line, "arrival_min", "whole_number", value=written, most=LONGEST_ARRIVAL_MIN)
    return None
