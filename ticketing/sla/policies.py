"""Which policy holds for an order, pure: what is more specific wins, field by field.

A policy says for which site, kind, priority and maintenance contract it is; what it leaves open fits everything. A
contract outweighs a site, a site a kind, a kind a priority.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

from ticketing.sla.levels import LEVEL_FIELDS, Levels


@dataclass(frozen=True)
class About:
    """What is known of an order when its service level is looked up."""

    site_id: UUID
    kind: str
    priority: int
    contract_no: str | None = None


@dataclass(frozen=True)
class Policy:
    """`says`: some of `LEVEL_FIELDS`, as `Levels` has them. `source` names it in an order's picture."""

    source: str
    says: Mapping[str, Any]
    site_id: UUID | None = None
    kind: str | None = None
    priority: int | None = None
    contract_no: str | None = None

    @property
    def specificity(self) -> tuple[bool, ...]:
        return tuple(one is not None for one in (self.contract_no, self.site_id, self.kind, self.priority))

    def fits(self, about: About) -> bool:
        pairs = (
            (self.contract_no, about.contract_no),
            (self.site_id, about.site_id),
            (self.kind, about.kind),
            (self.priority, about.priority),
        )
        return all(wanted is None or wanted == given for wanted, given in pairs)


@dataclass(frozen=True)
class Resolved:
    """Levels, and which policy each field that is not a default comes from."""

    levels: Levels
    sources: Mapping[str, str] = field(default_factory=dict)


def resolve(defaults: Levels, policies: Iterable[Policy], about: About) -> Resolved:
    """What holds for an order. Of two that are as specific the later one wins: what a contract says by itself stands
    before what a policy says of that contract. No two policies are for the same: a constraint sees to that."""
    fitting = sorted((one for one in policies if one.fits(about)), key=lambda one: one.specificity)
    says: dict[str, Any] = {}
    sources: dict[str, str] = {}
    for policy in fitting:
        for name in LEVEL_FIELDS:
            if name in policy.says:
                says[name], sources[name] = policy.says[name], policy.source
    return Resolved(replace(defaults, **says), sources)
