"""Who is asking, and which sites they may see. Repositories take a Scope and cannot be asked without one."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol
from uuid import UUID

from sqlalchemy import ColumnElement, true
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from kit.errors import DomainError


class Role(StrEnum):
    OWNER = "owner"
    ENGINEER = "engineer"
    DISPATCHER = "dispatcher"
    MANAGER = "manager"
    TESTER = "tester"
    ADMIN = "admin"


STAFF = frozenset({Role.ENGINEER, Role.DISPATCHER, Role.MANAGER, Role.TESTER, Role.ADMIN})


@dataclass(frozen=True)
class Scope:
    """The sites one may see; `site_ids=None` means every site of the installation."""

    site_ids: frozenset[UUID] | None

    @classmethod
    def everywhere(cls) -> "Scope":
        """For the hub's own work (jobs, pipeline), never for a request."""
        return cls(None)

    @classmethod
    def of(cls, *site_ids: UUID) -> "Scope":
        return cls(frozenset(site_ids))

    def allows(self, site_id: UUID) -> bool:
        return self.site_ids is None or site_id in self.site_ids

    def where(self, site_id: InstrumentedAttribute[Any]) -> ColumnElement[bool]:
        """The SQL condition that keeps a query inside this scope."""
        return true() if self.site_ids is None else site_id.in_(self.site_ids)


@dataclass(frozen=True)
class Grant:
    """A role at one site, or at every site when `site_id` is None."""

    role: Role
    site_id: UUID | None


@dataclass(frozen=True)
class Principal:
    """An authenticated caller."""

    person_id: UUID
    name: str
    grants: frozenset[Grant]

    def has(self, *roles: Role) -> bool:
        return any(grant.role in roles for grant in self.grants)

    def scope(self, *roles: Role) -> Scope:
        """The sites where this caller holds one of `roles`. An admin may do what any role may."""
        wanted = {*roles, Role.ADMIN}
        granted = [grant.site_id for grant in self.grants if grant.role in wanted]
        if None in granted:
            return Scope.everywhere()
        return Scope(frozenset(site_id for site_id in granted if site_id is not None))


class Authenticator(Protocol):
    async def authenticate(self, session: AsyncSession, token: str) -> Principal:
        """The caller behind a bearer token. Raises NotAuthenticated."""
        ...


@dataclass(eq=False)
class NotAuthenticated(DomainError):
    """No token, or one that is expired, revoked or forged."""


@dataclass(eq=False)
class NotAllowed(DomainError):
    """The caller is known but holds none of the roles this needs."""

    needs: str
