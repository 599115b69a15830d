"""Refusals about contractors."""

from dataclasses import dataclass
from datetime import date
from uuid import UUID

from kit.errors import DomainError


@dataclass(eq=False)
class ContractorNotFound(DomainError):
    contractor_id: UUID


@dataclass(eq=False)
class ContractNotFound(DomainError):
    contract_id: UUID


@dataclass(eq=False)
class ContractorNameTaken(DomainError):
    name: str


@dataclass(eq=False)
class AlreadyMaintained(DomainError):
    """Another contract covers the equipment on some of these days."""

    equipment: str
    by_name: str


@dataclass(eq=False)
class NoContractorsPerson(DomainError):
    """Only people of kind contractor work for a contractor."""

    person: str


@dataclass(eq=False)
class ContractEndsEarly(DomainError):
    """A contract that ends before it starts."""

    starts_on: date
