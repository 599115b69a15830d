"""What other rooms ask of the stock room, and its own use cases. Services never commit: the request or the job does."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from catalog.errors import SiteNotFound
from catalog.service import CatalogService
from kit.access import Principal, Role, Scope
from kit.clock import Clock
from kit.events import publish
from kit.ids import new_id
from people.kinds import PersonKind
from people.service import PeopleService
from stock import ledger, repository
from stock.errors import (
    CountBelowReserved,
    KeeperNotEmployed,
    MoreThanTaken,
    NotEnoughInStock,
    NotTheKeeper,
    PartNotFound,
    StockCodeTaken,
    StockTooMuch,
    StorehouseNotFound,
)
from stock.events import StockMoved, StockRanLow
from stock.kinds import MovementKind
from stock.ledger import Change, Level, NotEnough
from stock.models import Part, StockLevel, StockMovement, Storehouse
from stock.repository import LevelFilter, LevelRow, MovementFilter, OrderSum
from stock.views import LevelView, OrderPart, PartView, StorehouseView


@dataclass(frozen=True, kw_only=True)
class Taking:
    """What an order wants of a part in a storehouse, and who says so."""

    work_order_id: UUID
    storehouse_id: UUID
    part_id: UUID
    quantity: Decimal
    person_id: UUID | None
    note: str = ""


class StockService:
    def __init__(self, *, catalog: CatalogService, people: PeopleService, clock: Clock) -> None:
        self._catalog = catalog
        self._people = people
        self._clock = clock

    # --- storehouses and parts ------------------------------------------------------------------------------------

    async def storehouses(
        self, session: AsyncSession, scope: Scope, site_id: UUID | None = None
    ) -> list[StorehouseView]:
        return [_storehouse(row) for row in await repository.storehouses(session, scope, site_id)]

    async def storehouse(self, session: AsyncSession, scope: Scope, storehouse_id: UUID) -> StorehouseView:
        """Raises StorehouseNotFound."""
        return _storehouse(await self._storehouse(session, scope, storehouse_id))

    async def save_storehouse(
        self, session: AsyncSession, scope: Scope, *, site_id: UUID, code: str, name: str, keeper_id: UUID | None
    ) -> StorehouseView:
        """Makes a storehouse, or gives the one of that code another name or keeper.

        Raises SiteNotFound, PersonNotFound, KeeperNotEmployed.
        """
        await self._catalog.site(session, scope, site_id)
        if keeper_id is not None:
            await self._check_keeper(session, site_id, keeper_id)
        row = await repository.storehouse_by_code(session, site_id, code)
        if row is None:
            row = Storehouse(id=new_id(), site_id=site_id, code=code, name=name, keeper_id=keeper_id)
            session.add(row)
        row.name, row.keeper_id = name, keeper_id
        await session.flush()
        return _storehouse(row)

    async def part(self, session: AsyncSession, scope: Scope, part_id: UUID) -> PartView:
        """Raises PartNotFound."""
        return part_view(await self._part(session, scope, part_id))

    async def find_parts(
        self, session: AsyncSession, scope: Scope, *, site_id: UUID | None, words: str | None, limit: int, offset: int
    ) -> tuple[list[PartView], int]:
        rows, total = await repository.find_parts(
            session, scope, site_id=site_id, words=words, limit=limit, offset=offset
        )  # fmt: skip
        return [part_view(row) for row in rows], total

    async def create_part(
        self, session: AsyncSession, scope: Scope, *, site_id: UUID, code: str, name: str, model: str, unit: str
    ) -> PartView:
        """Raises SiteNotFound, StockCodeTaken."""
        if not scope.allows(site_id):
            raise SiteNotFound(site_id)
        await self._catalog.site(session, scope, site_id)
        if await repository.part_by_code(session, site_id, code) is not None:
            raise StockCodeTaken(code)
        row = Part(id=new_id(), site_id=site_id, code=code, name=name, model=model, unit=unit)
        session.add(row)
        await session.flush()
        return part_view(row)

    # --- levels and the ledger ------------------------------------------------------------------------------------

    async def find_levels(
        self, session: AsyncSession, scope: Scope, wanted: LevelFilter, *, limit: int, offset: int
    ) -> tuple[list[LevelView], int]:
        rows, total = await repository.find_levels(session, scope, wanted, limit=limit, offset=offset)
        return [level_view(row) for row in rows], total

    async def level(self, session: AsyncSession, scope: Scope, *, storehouse_id: UUID, part_id: UUID) -> LevelView:
        """Raises PartNotFound where that part never lay."""
        found = await repository.level(session, scope, storehouse_id=storehouse_id, part_id=part_id)
        if found is None:
            raise PartNotFound(part_id)
        return level_view(found)

    async def find_movements(
        self, session: AsyncSession, scope: Scope, wanted: MovementFilter, *, limit: int, offset: int
    ) -> tuple[Sequence[StockMovement], int]:
        return await repository.find_movements(session, scope, wanted, limit=limit, offset=offset)

    async def set_minimum(
        self, session: AsyncSession, caller: Principal, *, storehouse_id: UUID, part_id: UUID, minimum: Decimal
    ) -> LevelView:
        """Below it the storekeeper is told. Raises StorehouseNotFound, PartNotFound, NotTheKeeper."""
        house, part = await self._kept(session, caller, storehouse_id, part_id)
        row = await repository.lock_level(session, house, part.id)
        await self.keep_minimum(session, row, minimum)
        return level_view((row, house, part))

    async def receive(
        self, session: AsyncSession, caller: Principal, *, storehouse_id: UUID, part_id: UUID, quantity: Decimal,
        unit_cost: Decimal, note: str,
    ) -> LevelView:  # fmt: skip
        """Goods came in. Raises StorehouseNotFound, PartNotFound, NotTheKeeper, StockTooMuch."""
        house, part = await self._kept(session, caller, storehouse_id, part_id)
        row = await repository.lock_level(session, house, part.id)
        change = ledger.receive(level_of(row), quantity, unit_cost=unit_cost)
        await self.enter(
            session, row, change, MovementKind.RECEIVE, quantity=quantity, person_id=caller.person_id, note=note
        )
        return level_view((row, house, part))

    async def adjust(
        self, session: AsyncSession, caller: Principal, *, storehouse_id: UUID, part_id: UUID, counted: Decimal,
        note: str,
    ) -> LevelView:  # fmt: skip
        """Somebody counted. Raises StorehouseNotFound, PartNotFound, NotTheKeeper, CountBelowReserved."""
        house, part = await self._kept(session, caller, storehouse_id, part_id)
        row = await repository.lock_level(session, house, part.id)
        try:
            change = ledger.count(level_of(row), counted)
        except NotEnough as short:
            raise CountBelowReserved(part=part.name, counted=counted, reserved=short.available) from None
        await self.enter(
            session, row, change, MovementKind.ADJUST, quantity=counted, person_id=caller.person_id, note=note
        )
        return level_view((row, house, part))

    async def enter(
        self, session: AsyncSession, row: StockLevel, change: Change, kind: MovementKind, *, quantity: Decimal,
        person_id: UUID | None, note: str, work_order_id: UUID | None = None, minimum: Decimal | None = None,
    ) -> None:  # fmt: skip
        """Writes a movement down and moves the level, which the caller holds, with it; and its minimum, where one is
        given. Raises StockTooMuch."""
        before, minimum_before = level_of(row), row.minimum
        after = ledger.applied(before, change)
        if ledger.is_too_much(after):
            raise StockTooMuch(quantity=after.on_hand, value=after.value)
        row.on_hand, row.reserved = after.on_hand, after.reserved
        row.value, row.average_cost = after.value, after.average_cost
        row.minimum = minimum_before if minimum is None else minimum
        movement = StockMovement(
            id=new_id(), site_id=row.site_id, storehouse_id=row.storehouse_id, part_id=row.part_id, kind=kind.value,
            quantity=quantity, on_hand_change=change.on_hand, reserved_change=change.reserved,
            value_change=change.value, on_hand_after=after.on_hand, reserved_after=after.reserved,
            average_cost_after=after.average_cost, work_order_id=work_order_id, moved_by=person_id,
            at=self._clock.now(), note=note,
        )  # fmt: skip
        session.add(movement)
        await session.flush()
        await publish(session, StockMoved(site_id=row.site_id, storehouse_id=row.storehouse_id, part_id=row.part_id))
        if ledger.runs_low(before=before, after=after, minimum_before=minimum_before, minimum=row.minimum):
            await _tell_low(session, row, occasion_id=movement.id)

    async def keep_minimum(self, session: AsyncSession, row: StockLevel, minimum: Decimal) -> None:
        """Another minimum for a level, which the caller holds. What is below it at once is told like any fall."""
        minimum_before, row.minimum = row.minimum, minimum
        level = level_of(row)
        if ledger.runs_low(before=level, after=level, minimum_before=minimum_before, minimum=minimum):
            await _tell_low(session, row, occasion_id=new_id())

    # --- for orders -----------------------------------------------------------------------------------------------

    async def reserve(self, session: AsyncSession, scope: Scope, taking: Taking) -> None:
        """Keeps parts for an order. Raises StorehouseNotFound, PartNotFound, NotEnoughInStock."""
        row, part, _ = await self._standing(session, scope, taking)
        try:
            change = ledger.reserve(level_of(row), taking.quantity)
        except NotEnough as short:
            raise _not_enough(part, taking, short) from None
        await self._move_for(session, row, change, MovementKind.RESERVE, taking)

    async def release(self, session: AsyncSession, scope: Scope, taking: Taking) -> None:
        """Lets go of what was kept. Raises StorehouseNotFound, PartNotFound, MoreThanTaken."""
        row, part, standing = await self._standing(session, scope, taking)
        try:
            change = ledger.release(taking.quantity, held=standing.held)
        except NotEnough as short:
            raise _more_than_taken(part, taking, short) from None
        await self._move_for(session, row, change, MovementKind.RELEASE, taking)

    async def use(self, session: AsyncSession, scope: Scope, taking: Taking) -> None:
        """Takes parts out: first those kept for the order, then what is free.

        Raises StorehouseNotFound, PartNotFound, NotEnoughInStock.
        """
        row, part, standing = await self._standing(session, scope, taking)
        try:
            change = ledger.use(level_of(row), taking.quantity, held=standing.held)
        except NotEnough as short:
            raise _not_enough(part, taking, short) from None
        await self._move_for(session, row, change, MovementKind.USE, taking)

    async def give_back(self, session: AsyncSession, scope: Scope, taking: Taking) -> None:
        """Brings back what was taken, at what it cost the order. Raises StorehouseNotFound, PartNotFound,
        MoreThanTaken."""
        row, part, standing = await self._standing(session, scope, taking)
        try:
            change = ledger.give_back(taking.quantity, taken=standing.used, taken_value=standing.value)
        except NotEnough as short:
            raise _more_than_taken(part, taking, short) from None
        await self._move_for(session, row, change, MovementKind.RETURN, taking)

    async def release_all(self, session: AsyncSession, scope: Scope, work_order_id: UUID) -> None:
        """An order is over: what it still holds is free again."""
        for one in await self.of_order(session, work_order_id):
            if one.held > 0:
                taking = Taking(
                    work_order_id=work_order_id, storehouse_id=one.storehouse_id, part_id=one.part_id,
                    quantity=one.held, person_id=None,
                )  # fmt: skip
                await self.release(session, scope, taking)

    async def of_order(self, session: AsyncSession, work_order_id: UUID) -> list[OrderPart]:
        """What an order holds and took, a row a part and storehouse; what came back whole is left out."""
        found = [_order_part(row) for row in await repository.order_sums(session, work_order_id)]
        return [one for one in found if one.held or one.used]

    # --- inside ---------------------------------------------------------------------------------------------------

    async def _storehouse(self, session: AsyncSession, scope: Scope, storehouse_id: UUID) -> Storehouse:
        row = await repository.storehouse(session, scope, storehouse_id)
        if row is None:
            raise StorehouseNotFound(storehouse_id)
        return row

    async def _part(self, session: AsyncSession, scope: Scope, part_id: UUID) -> Part:
        row = await repository.part(session, scope, part_id)
        if row is None:
            raise PartNotFound(part_id)
        return row

    async def _check_keeper(self, session: AsyncSession, site_id: UUID, keeper_id: UUID) -> None:
        keeper = await self._people.person(session, Scope.of(site_id), keeper_id)
        if keeper.kind is not PersonKind.STAFF or not keeper.is_active:
            raise KeeperNotEmployed(keeper_id)

    async def _kept(
        self, session: AsyncSession, caller: Principal, storehouse_id: UUID, part_id: UUID
    ) -> tuple[Storehouse, Part]:
        """A part and a storehouse of one site that the caller keeps, or manages."""
        scope = caller.scope(Role.ENGINEER, Role.DISPATCHER, Role.MANAGER)
        house = await self._storehouse(session, scope, storehouse_id)
        part = await self._part(session, Scope.of(house.site_id), part_id)
        if house.keeper_id != caller.person_id and not caller.scope(Role.MANAGER).allows(house.site_id):
            raise NotTheKeeper(house.name)
        return house, part

    async def _standing(
        self, session: AsyncSession, scope: Scope, taking: Taking
    ) -> tuple[StockLevel, Part, OrderPart]:
        """The level, held, and what the order has of it so far."""
        house = await self._storehouse(session, scope, taking.storehouse_id)
        part = await self._part(session, Scope.of(house.site_id), taking.part_id)
        row = await repository.lock_level(session, house, part.id)
        sums = await repository.order_sums(
            session, taking.work_order_id, storehouse_id=house.id, part_id=part.id
        )  # fmt: skip
        zero = Decimal(0)
        nothing = OrderPart(house.id, part.id, part.code, part.name, part.unit, held=zero, used=zero, value=zero)
        return row, part, _order_part(sums[0]) if sums else nothing

    async def _move_for(
        self, session: AsyncSession, row: StockLevel, change: Change, kind: MovementKind, taking: Taking
    ) -> None:
        await self.enter(
            session, row, change, kind, quantity=taking.quantity, person_id=taking.person_id, note=taking.note,
            work_order_id=taking.work_order_id,
        )  # fmt: skip


async def _tell_low(session: AsyncSession, row: StockLevel, *, occasion_id: UUID) -> None:
    await publish(
        session,
        StockRanLow(
            site_id=row.site_id, storehouse_id=row.storehouse_id, part_id=row.part_id, occasion_id=occasion_id
        ),
    )  # fmt: skip


def level_of(row: StockLevel) -> Level:
    return Level(row.on_hand, row.reserved, row.value, row.average_cost)


def part_view(row: Part) -> PartView:
    return PartView(row.id, row.site_id, row.code, row.name, row.model, row.unit)


def level_view(found: LevelRow) -> LevelView:
    row, house, part = found
    available = row.on_hand - row.reserved
    return LevelView(
        storehouse_id=house.id, storehouse_name=house.name, part_id=part.id, part_code=part.code, part_name=part.name,
        unit=part.unit, site_id=row.site_id, on_hand=row.on_hand, reserved=row.reserved, available=available,
        minimum=row.minimum, average_cost=row.average_cost, value=row.value, is_low=available < row.minimum,
    )  # fmt: skip


def _storehouse(row: Storehouse) -> StorehouseView:
    return StorehouseView(row.id, row.site_id, row.code, row.name, row.keeper_id)


def _order_part(row: OrderSum) -> OrderPart:
    storehouse_id, held, used, value, part = row
    return OrderPart(storehouse_id, part.id, part.code, part.name, part.unit, held=held, used=used, value=value)


def _not_enough(part: Part, taking: Taking, short: NotEnough) -> NotEnoughInStock:
    return NotEnoughInStock(part=part.name, wanted=taking.quantity, available=short.available, unit=part.unit)


def _more_than_taken(part: Part, taking: Taking, short: NotEnough) -> MoreThanTaken:
    return MoreThanTaken(part=part.name, wanted=taking.quantity, taken=short.available, unit=part.unit)
