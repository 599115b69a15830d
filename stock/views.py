"""What the stock room tells other rooms and its own endpoints."""

from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID


@dataclass(frozen=True)
class StorehouseView:
    id: UUID
    site_id: UUID
    code: str
    name: str
    keeper_id: UUID | None


@dataclass(frozen=True)
class PartView:
    id: UUID
    site_id: UUID
    code: str
    name: str
    model: str
    unit: str


@dataclass(frozen=True)
class LevelView:
    """A part in a storehouse, with what both are called. Quantities in the part's unit, money in yuan."""

    storehouse_id: UUID
    storehouse_name: str
    part_id: UUID
    part_code: str
    part_name: str
    unit: str
    site_id: UUID
    on_hand: Decimal
    reserved: Decimal
    available: Decimal
    minimum: Decimal
    average_cost: Decimal
    value: Decimal
    is_low: bool


@dataclass(frozen=True)
class OrderPart:
    """What an order did with a part of a storehouse: `held` is reserved for it, `used` was taken less what came back,
    `value` what that cost."""

    storehouse_id: UUID
    part_id: UUID
    part_code: str
    part_name: str
    unit: str
    held: Decimal
    used: Decimal
    value: Decimal
