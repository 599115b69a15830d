"""What is told about contractors to other rooms and to the endpoints."""

from dataclasses import dataclass
from datetime import date
from uuid import UUID


@dataclass(frozen=True)
class ContactView:
    """Somebody to call. `phone` is whole here: endpoints mask it unless the caller's role needs it."""

    name: str
    title: str
    phone: str


@dataclass(frozen=True)
class ContractorPersonView:
    person_id: UUID
    name: str


@dataclass(frozen=True)
class ContractorView:
    """A company at a site. `contacts` in the order in which to call them."""

    id: UUID
    site_id: UUID
    name: str
    license_no: str | None
    hotline: str | None
    is_active: bool
    contacts: tuple[ContactView, ...]
    people: tuple[ContractorPersonView, ...]
    version: int


@dataclass(frozen=True)
class ContractView:
    """Who maintains an equipment and from when to when. `name` is the contractor's; `arrival_min` in minutes."""

    id: UUID
    site_id: UUID
    contractor_id: UUID
    name: str
    equipment_id: UUID
    equipment_code: str
    number: str
    starts_on: date
    ends_on: date | None
    arrival_min: float
    version: int
