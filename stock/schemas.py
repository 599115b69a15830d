"""Wire shapes of the stock room. Quantities and money are decimal strings."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated
from uuid import UUID

from pydantic import ConfigDict, Field

from catalog.foreign_text import Line, Name
from kit.http import Schema
from stock.kinds import MovementKind

Quantity = Annotated[Decimal, Field(gt=0, max_digits=12, decimal_places=3, description="in the part's unit")]
Count = Annotated[Decimal, Field(ge=0, max_digits=12, decimal_places=3, description="in the part's unit; 0 is a count")]
UnitCost = Annotated[Decimal, Field(ge=0, max_digits=12, decimal_places=4, description="yuan a unit")]

_SITE = "0198b5a0-0000-7000-8000-000000000001"
_HOUSE = "0198b5a0-0000-7000-8000-000000000501"
_PART = "0198b5a0-0000-7000-8000-000000000502"
_KEEPER = "0198b5a0-0000-7000-8000-0000000000aa"


class StorehouseIn(Schema):
    model_config = ConfigDict(
        json_schema_extra={"examples": [{"site_id": _SITE, "code": "MAIN", "name": "工程部仓库", "keeper_id": _KEEPER}]}
    )

    site_id: UUID
    code: Name
    name: Name
    keeper_id: Annotated[UUID | None, Field(description="who enters what comes in and is told what runs low")] = None


class StorehouseOut(Schema):
    id: UUID
    site_id: UUID
    code: str
    name: str
    keeper_id: UUID | None


class PartIn(Schema):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"site_id": _SITE, "code": "TAP-15", "name": "水龙头", "model": "DN15", "unit": "个"}]
        }
    )

    site_id: UUID
    code: Name
    name: Name
    model: Line = ""
    unit: Name


class PartOut(Schema):
    id: UUID
    site_id: UUID
    code: str
    name: str
    model: str
    unit: str


class LevelOut(Schema):
    """A part in a storehouse. `available` is what nobody reserved; `is_low`: that is less than the minimum."""

    model_config = ConfigDict(
        from_attributes=True,
        json_schema_extra={
            "examples": [
                {
                    "storehouse_id": _HOUSE, "storehouse_name": "工程部仓库", "part_id": _PART, "part_code": "TAP-15",
                    "part_name": "水龙头", "unit": "个", "site_id": _SITE, "on_hand": "12.000", "reserved": "2.000",
                    "available": "10.000", "minimum": "5.000", "average_cost": "31.2500", "value": "375.00",
                    "is_low": False,
                }
            ]
        },
    )  # fmt: skip

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


class MinimumIn(Schema):
    model_config = ConfigDict(json_schema_extra={"examples": [{"minimum": "5"}]})

    minimum: Count


class ReceiptIn(Schema):
    """Goods that came in, with what a unit of them cost."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"part_id": _PART, "quantity": "10", "unit_cost": "31.50", "note": "采购入库"}]}
    )

    part_id: UUID
    quantity: Quantity
    unit_cost: UnitCost
    note: Line = ""


class CountIn(Schema):
    """How many are there, counted."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"part_id": _PART, "counted": "11", "note": "月末盘点，缺一个"}]}
    )

    part_id: UUID
    counted: Count
    note: Name


class MovementOut(Schema):
    """A line of the ledger: what it changed and what lay there then."""

    id: UUID
    site_id: UUID
    storehouse_id: UUID
    part_id: UUID
    kind: MovementKind
    quantity: Decimal
    on_hand_change: Decimal
    reserved_change: Decimal
    value_change: Decimal
    on_hand_after: Decimal
    reserved_after: Decimal
    average_cost_after: Decimal
    work_order_id: UUID | None
    moved_by: UUID | None
    at: datetime
    note: str
