"""Refusals of the stock room. Their words are in `locales/`, their status codes in `endpoints`."""

from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from kit.errors import DomainError


@dataclass(eq=False)
class StorehouseNotFound(DomainError):
    """No such storehouse, or one of a site the caller may not see."""

    storehouse_id: UUID


@dataclass(eq=False)
class PartNotFound(DomainError):
    """No such part, or one of a site the caller may not see, or of another site than the storehouse."""

    part_id: UUID


@dataclass(eq=False)
class StockCodeTaken(DomainError):
    """Another storehouse or part of the site has this code."""

    taken: str


@dataclass(eq=False)
class NotTheKeeper(DomainError):
    """What comes in and what is counted is entered by the storehouse's keeper or a manager."""

    storehouse: str


@dataclass(eq=False)
class KeeperNotEmployed(DomainError):
    """A storehouse is kept by staff of its site."""

    person_id: UUID


@dataclass(eq=False)
class NotEnoughInStock(DomainError):
    """Less is available than is wanted: what others reserved is theirs."""

    part: str
    wanted: Decimal
    available: Decimal
    unit: str


@dataclass(eq=False)
class MoreThanTaken(DomainError):
    """An order gives back, or lets go, no more than it took or reserved."""

    part: str
    wanted: Decimal
    taken: Decimal
    unit: str


@dataclass(eq=False)
class StockTooMuch(DomainError):
    """More than can be written down would lie there: a quantity or a cost is mistyped. Money in yuan."""

    quantity: Decimal
    value: Decimal


@dataclass(eq=False)
class CountBelowReserved(DomainError):
    """Fewer were counted than are reserved: whose reservation falls away is for a person to say."""

    part: str
    counted: Decimal
    reserved: Decimal
