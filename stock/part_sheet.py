"""The table of parts: what there is, where it lies, how many, what a unit cost, and how few are too few.

Reading back what was exported changes nothing. More than before is received at the given cost, fewer is a count.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from catalog.imports import Column, Plan, Row
from catalog.sheets import Cell
from kit.access import Role, Scope
from kit.i18n import Language, Texts
from kit.ids import new_id
from stock import ledger, repository
from stock.errors import CountBelowReserved
from stock.kinds import MovementKind
from stock.ledger import Change, NotEnough
from stock.models import Part, StockLevel, Storehouse
from stock.service import StockService, level_of

_MOST = Decimal(1_000_000_000)
_EVERY_LEVEL = 100_000
# Decimal places of what is counted, and of what a unit costs.
_COUNT_PLACES, _COST_PLACES = 3, 4


@dataclass
class _Change:
    """A row, its part (maybe a new one) and where it lies. None: what the file does not say stays."""

    row: Row
    part: Part
    storehouse: Storehouse | None
    on_hand: Decimal | None
    unit_cost: Decimal | None
    minimum: Decimal | None


class PartSheet:
    kind = "parts"
    columns: tuple[Column, ...] = (
        Column("code", True), Column("name", True), Column("unit", True), Column("model"), Column("storehouse"),
        Column("on_hand"), Column("unit_cost"), Column("minimum"),
    )  # fmt: skip
    importers: tuple[Role, ...] = (Role.MANAGER,)
    exporters: tuple[Role, ...] = (Role.MANAGER, Role.DISPATCHER, Role.ENGINEER)

    def __init__(self, stock: StockService, texts: Texts) -> None:
        self._stock = stock
        self._note = texts.text("stock.imported", Language.ZH)

    async def check(self, session: AsyncSession, site_id: UUID, rows: Sequence[Row]) -> Plan:
        plan, changes = Plan(), list[_Change]()
        parts = {row.code: row for row in await repository.parts_of_site(session, site_id)}
        houses = {row.code: row for row in await repository.storehouses(session, Scope.of(site_id), site_id)}
        levels = {(row.storehouse_id, row.part_id): row for row, _, _ in await self._levels(session, site_id)}
        known, seen = set(parts), dict[tuple[str, str], int]()
        for row in rows:
            code, place = row.get("code"), row.get("storehouse")
            if not code:
                continue
            if (first := seen.setdefault((code, place), row.line)) != row.line:
                plan.refuse(row.line, "code", "twice", line=first)
                continue
            plan.created += code not in parts
            plan.updated += code in known
            part = parts.setdefault(code, Part(id=new_id(), site_id=site_id, code=code, name="", unit="", model=""))
            change = _read(row, part, houses, plan)
            _check_level(change, levels, plan)
            changes.append(change)
        plan.changes = changes
        return plan

    async def apply(self, session: AsyncSession, site_id: UUID, plan: Plan) -> None:
        changes: list[_Change] = plan.changes
        for change in changes:
            change.part.name, change.part.unit = change.row.get("name"), change.row.get("unit")
            if "model" in change.row.values:
                change.part.model = change.row.get("model")
            session.add(change.part)
        await session.flush()
        for change in changes:
            if change.storehouse is not None:
                await self._apply_level(session, change, change.storehouse)

    async def export(self, session: AsyncSession, site_id: UUID, language: Language) -> list[Mapping[str, Cell]]:
        rows = await self._levels(session, site_id)
        lying = {part.id for _, _, part in rows}
        lines: list[Mapping[str, Cell]] = [
            {
                "code": part.code, "name": part.name, "unit": part.unit, "model": part.model,
                "storehouse": house.code, "on_hand": _plain(level.on_hand), "unit_cost": _plain(level.average_cost),
                "minimum": _plain(level.minimum),
            }
            for level, house, part in rows
        ]  # fmt: skip
        lines += [
            {"code": part.code, "name": part.name, "unit": part.unit, "model": part.model}
            for part in await repository.parts_of_site(session, site_id)
            if part.id not in lying
        ]
        return lines

    async def _levels(self, session: AsyncSession, site_id: UUID) -> Sequence[repository.LevelRow]:
        wanted = repository.LevelFilter(site_id=site_id)
        rows, _ = await repository.find_levels(session, Scope.of(site_id), wanted, limit=_EVERY_LEVEL, offset=0)
        return rows

    async def _apply_level(self, session: AsyncSession, change: _Change, house: Storehouse) -> None:
        row = await repository.lock_level(session, house, change.part.id)
        minimum = row.minimum if change.minimum is None else change.minimum
        if change.on_hand is None or change.on_hand == row.on_hand:
            await self._stock.keep_minimum(session, row, minimum)
            return
        kind, moved, quantity = _movement(row, change.part, on_hand=change.on_hand, unit_cost=change.unit_cost)
        await self._stock.enter(
            session, row, moved, kind, quantity=quantity, person_id=None, note=self._note, minimum=minimum
        )


def _read(row: Row, part: Part, houses: Mapping[str, Storehouse], plan: Plan) -> _Change:
    place = row.get("storehouse")
    house = houses.get(place)
    if place and house is None:
        plan.refuse(row.line, "storehouse", "unknown_storehouse", value=place, known=", ".join(houses) or "—")
    if not place:
        for column in ("on_hand", "minimum"):
            if row.get(column):
                plan.refuse(row.line, "storehouse", "storehouse_wanted")
                break
    return _Change(
        row, part, house,
        on_hand=_number(row, "on_hand", plan, places=_COUNT_PLACES),
        unit_cost=_number(row, "unit_cost", plan, places=_COST_PLACES),
        minimum=_number(row, "minimum", plan, places=_COUNT_PLACES),
    )  # fmt: skip


def _check_level(change: _Change, levels: Mapping[tuple[UUID, UUID], StockLevel], plan: Plan) -> None:
    """More than there was needs its cost; fewer must not be what orders have reserved."""
    if change.storehouse is None or change.on_hand is None:
        return
    level = levels.get((change.storehouse.id, change.part.id))
    before = level_of(level) if level else ledger.Level()
    if change.on_hand > before.on_hand and change.unit_cost is None:
        plan.refuse(change.row.line, "unit_cost", "cost_wanted")
    elif change.on_hand < before.reserved:
        plan.refuse(change.row.line, "on_hand", "below_reserved", reserved=_plain(before.reserved))


def _movement(
    row: StockLevel, part: Part, *, on_hand: Decimal, unit_cost: Decimal | None
) -> tuple[MovementKind, Change, Decimal]:
    level = level_of(row)
    if on_hand > level.on_hand and unit_cost is not None:
        quantity = on_hand - level.on_hand
        return MovementKind.RECEIVE, ledger.receive(level, quantity, unit_cost=unit_cost), quantity
    try:
        return MovementKind.ADJUST, ledger.count(level, on_hand), on_hand
    except NotEnough as short:
        # Reserved since the file was checked: then nothing of it is imported.
        raise CountBelowReserved(part=part.name, counted=on_hand, reserved=short.available) from None


def _number(row: Row, column: str, plan: Plan, *, places: int) -> Decimal | None:
    text = row.get(column)
    if not text:
        return None
    try:
        value = Decimal(text)
        exponent = value.as_tuple().exponent
        if 0 <= value < _MOST and isinstance(exponent, int) and -exponent <= places:
            return value
    except InvalidOperation:
        pass
    plan.refuse(row.line, column, "bad_number", value=text, places=places)
    return None


def _plain(value: Decimal) -> str:
    """Without the zeros behind the point, and never as 1E+2."""
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text
