"""Who acts on an order, and in which quality."""

from dataclasses import dataclass
from typing import Self
from uuid import UUID

from kit.access import Grant, Principal, Role
from ticketing.flow import Hat

_HATS = {
    Role.ENGINEER: frozenset({Hat.ENGINEER}),
    Role.DISPATCHER: frozenset({Hat.DISPATCHER}),
    Role.MANAGER: frozenset({Hat.MANAGER}),
    Role.ADMIN: frozenset({Hat.ENGINEER, Hat.DISPATCHER, Hat.MANAGER}),
}


@dataclass(frozen=True)
class Actor:
    """A person with the roles they hold, or the hub itself (`person_id` None).

    `is_reporter`: they act on a report of their own. Whoever makes such an actor has checked that it is.
    """

    person_id: UUID | None
    grants: frozenset[Grant] = frozenset()
    is_reporter: bool = False

    @classmethod
    def of(cls, principal: Principal) -> Self:
        return cls(principal.person_id, principal.grants)

    @classmethod
    def system(cls) -> Self:
        return cls(None)

    @classmethod
    def reporter(cls, person_id: UUID | None) -> Self:
        """Who reported, or holds the signed link of a report (then nobody knows who it is)."""
        return cls(person_id, is_reporter=True)

    def roles(self, site_id: UUID) -> frozenset[Role]:
        """The roles held at a site; the hub itself has every one."""
        if self.is_reporter:
            return frozenset({Role.OWNER})
        if self.person_id is None:
            return frozenset(Role)
        return frozenset(grant.role for grant in self.grants if grant.site_id in (None, site_id))

    def hats(self, *, site_id: UUID, assignee_id: UUID | None) -> frozenset[Hat]:
        """What this actor may be for an order of that site, assigned to that person."""
        if self.is_reporter:
            return frozenset({Hat.OWNER})
        if self.person_id is None:
            return frozenset({Hat.SYSTEM})
        hats = frozenset[Hat]().union(*(_HATS.get(role, frozenset()) for role in self.roles(site_id)))
        return hats | {Hat.ASSIGNEE} if self.person_id == assignee_id else hats
