"""Figures on the wire. Times in seconds, money in yuan, stars 1 to 5, shares 0 to 1."""

from dataclasses import asdict
from datetime import datetime
from typing import Any, Self
from uuid import UUID

from pydantic import ConfigDict

from insight.service import NamedGroup, NamedOrder
from kit.http import Schema
from people.phones import masked
from ticketing.figures import Figure

_GROUP: dict[str, Any] = {
    "key": "pump", "name": "水泵",
    "figures": {"response_met": {"orders": 40, "hits": 38, "share": 0.95, "median": None, "p90": None, "mean": None,
                                 "total": None}},
    "reliability": {"failures": 3, "units": 12, "mtbf_h": 2876.5, "mttr_h": 3.4},
}  # fmt: skip


class FigureValueOut(Schema):
    """`orders`: how many it is of; `hits`: how many of them say yes. The amounts are of what docs/figures.md says."""

    orders: int
    hits: int | None
    share: float | None
    median: float | None
    p90: float | None
    mean: float | None
    total: float | None


class ReliabilityOut(Schema):
    failures: int
    units: int
    mtbf_h: float | None
    mttr_h: float | None


class FigureGroupOut(Schema):
    """All figures of the orders that have `key` in common. `name`: what people call it."""

    model_config = ConfigDict(json_schema_extra={"examples": [_GROUP]})

    key: str | None
    name: str
    figures: dict[Figure, FigureValueOut]
    reliability: ReliabilityOut | None

    @classmethod
    def of(cls, one: NamedGroup) -> Self:
        values = {
            figure: FigureValueOut(**asdict(value), share=value.share) for figure, value in one.group.values.items()
        }
        known = None if one.reliability is None else ReliabilityOut(**asdict(one.reliability))
        return cls(key=one.group.key, name=one.name, figures=values, reliability=known)


class FiguresOut(Schema):
    """`groups`: those with most orders, 500 at most; `groups_in_all`: how many there are. A file has 5,000."""

    since: datetime
    until: datetime
    groups: list[FigureGroupOut]
    groups_in_all: int


class FigureOrderOut(Schema):
    """An order behind a figure. `left_out`: why it counts in no other. `contact_phone` is masked."""

    id: UUID
    site_id: UUID
    number: str
    kind: str
    category: str
    state: str
    priority: int
    place: str
    equipment_code: str | None
    assignee_id: UUID | None
    assignee_name: str | None
    opened_at: datetime
    responded_at: datetime | None
    done_at: datetime | None
    response_s: float | None
    resolution_s: float | None
    held_s: float
    cost: float
    closing_code: str | None
    is_repeat: bool
    left_out: str | None
    contact_name: str | None
    contact_phone: str | None

    @classmethod
    def of(cls, one: NamedOrder) -> Self:
        own = asdict(one.order) | {"contact_phone": masked(one.order.contact_phone)}
        return cls(**own, assignee_name=one.assignee_name)
