"""Storehouses, parts and their ledger over HTTP."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query

from catalog.foreign_text import Line
from kit.access import STAFF, Principal, Role
from kit.errors import DomainError
from kit.http import Page, Paging, Session, allow, service
from stock import errors
from stock.repository import LevelFilter, MovementFilter
from stock.schemas import (
    CountIn,
    LevelOut,
    MinimumIn,
    MovementOut,
    PartIn,
    PartOut,
    ReceiptIn,
    StorehouseIn,
    StorehouseOut,
)
from stock.service import StockService

router = APIRouter(prefix="/api/v1", tags=["stock"])

STATUS: dict[type[DomainError], int] = {
    errors.StorehouseNotFound: 404,
    errors.PartNotFound: 404,
    errors.NotTheKeeper: 403,
    errors.StockCodeTaken: 409,
    errors.NotEnoughInStock: 409,
    errors.MoreThanTaken: 409,
    errors.CountBelowReserved: 409,
    errors.KeeperNotEmployed: 422,
    errors.StockTooMuch: 422,
}

# Who may be a storehouse's keeper; whether they are is the service's to say.
KEEPING = (Role.ENGINEER, Role.DISPATCHER, Role.MANAGER)

Stock = Annotated[StockService, Depends(service(StockService))]
Reader = Annotated[Principal, Depends(allow(*STAFF))]
Keeper = Annotated[Principal, Depends(allow(*KEEPING))]
Manager = Annotated[Principal, Depends(allow(Role.MANAGER))]
SiteId = Annotated[UUID | None, Query(description="a site's id")]
Words = Annotated[Line | None, Query(description="part of code or name")]


@router.get("/storehouses", response_model=list[StorehouseOut])
async def list_storehouses(session: Session, stock: Stock, caller: Reader, site_id: SiteId = None) -> object:
    """The storehouses of the caller's sites."""
    return await stock.storehouses(session, caller.scope(*STAFF), site_id)


@router.put("/storehouses", response_model=StorehouseOut)
async def save_storehouse(body: StorehouseIn, session: Session, stock: Stock, caller: Manager) -> object:
    """Makes a storehouse, or changes the one of that code."""
    return await stock.save_storehouse(session, caller.scope(Role.MANAGER), **body.model_dump())


@router.get("/parts", response_model=Page[PartOut])
async def list_parts(
    session: Session, stock: Stock, caller: Reader, paging: Paging, site_id: SiteId = None, q: Words = None
) -> Page[PartOut]:
    """The parts of the caller's sites, by code."""
    found, total = await stock.find_parts(
        session, caller.scope(*STAFF), site_id=site_id, words=q, limit=paging.limit, offset=paging.offset
    )
    items = [PartOut.model_validate(one) for one in found]
    return Page(items=items, total=total, limit=paging.limit, offset=paging.offset)


@router.post("/parts", response_model=PartOut, status_code=201)
async def create_part(body: PartIn, session: Session, stock: Stock, caller: Manager) -> object:
    """Names a part; what is there of it is received or counted."""
    return await stock.create_part(session, caller.scope(Role.MANAGER), **body.model_dump())


@router.get("/stock-levels", response_model=Page[LevelOut])
async def list_stock_levels(
    session: Session, stock: Stock, caller: Reader, paging: Paging, site_id: SiteId = None,
    storehouse_id: Annotated[UUID | None, Query()] = None, part_id: Annotated[UUID | None, Query()] = None,
    low: Annotated[bool | None, Query(description="true: less available than the minimum")] = None, q: Words = None,
) -> Page[LevelOut]:  # fmt: skip
    """What lies where, what is reserved, and what it cost."""
    wanted = LevelFilter(site_id=site_id, storehouse_id=storehouse_id, part_id=part_id, is_low=low, words=q)
    found, total = await stock.find_levels(
        session, caller.scope(*STAFF), wanted, limit=paging.limit, offset=paging.offset
    )
    items = [LevelOut.model_validate(one) for one in found]
    return Page(items=items, total=total, limit=paging.limit, offset=paging.offset)


@router.put("/storehouses/{storehouse_id}/parts/{part_id}/minimum", response_model=LevelOut)
async def set_stock_minimum(
    storehouse_id: UUID, part_id: UUID, body: MinimumIn, session: Session, stock: Stock, caller: Keeper
) -> object:
    """Once less than this is available, the storekeeper is told."""
    return await stock.set_minimum(
        session, caller, storehouse_id=storehouse_id, part_id=part_id, minimum=body.minimum
    )  # fmt: skip


@router.post("/storehouses/{storehouse_id}/receipts", response_model=LevelOut, status_code=201)
async def receive_into_storehouse(
    storehouse_id: UUID, body: ReceiptIn, session: Session, stock: Stock, caller: Keeper
) -> object:
    """Goods came in; the average cost follows."""
    return await stock.receive(session, caller, storehouse_id=storehouse_id, **body.model_dump())


@router.post("/storehouses/{storehouse_id}/counts", response_model=LevelOut, status_code=201)
async def count_in_storehouse(
    storehouse_id: UUID, body: CountIn, session: Session, stock: Stock, caller: Keeper
) -> object:
    """Enters what was counted; the difference is a line of the ledger with its reason."""
    return await stock.adjust(session, caller, storehouse_id=storehouse_id, **body.model_dump())


@router.get("/stock-movements", response_model=Page[MovementOut])
async def list_stock_movements(
    session: Session, stock: Stock, caller: Reader, paging: Paging,
    storehouse_id: Annotated[UUID | None, Query()] = None, part_id: Annotated[UUID | None, Query()] = None,
    work_order_id: Annotated[UUID | None, Query()] = None,
) -> Page[MovementOut]:  # fmt: skip
    """The ledger, newest first. Nothing in it is ever changed."""
    wanted = MovementFilter(storehouse_id=storehouse_id, part_id=part_id, work_order_id=work_order_id)
    found, total = await stock.find_movements(
        session, caller.scope(*STAFF), wanted, limit=paging.limit, offset=paging.offset
    )
    items = [MovementOut.model_validate(one) for one in found]
    return Page(items=items, total=total, limit=paging.limit, offset=paging.offset)
