"""Dispatch on the wire: what waits to be taken, plans and what became of them."""

from datetime import datetime
from uuid import UUID

from pydantic import ConfigDict, Field
from pydantic.config import JsonDict

from kit.http import Schema
from ticketing.dispatch.replanning import Applied, ItemOutcome, PlanItem, PlanPage
from ticketing.dispatch.scoring import Reason
from ticketing.dispatch.waiting import Waiting
from ticketing.order_kind import Distribution

_ID = "019aa9f2-7c1e-7b6d-9a53-0c5d1e2f3a4b"
_REASONS: list[JsonDict] = [
    {"factor": "skill", "points": 100, "count": 1}, {"factor": "distance", "points": -3, "count": 160},
]  # fmt: skip
_ITEM: JsonDict = {
    "work_order_id": _ID, "number": "WO-20261122-0007", "before_name": "李强", "person_id": _ID,
    "person_name": "张伟", "score": 97, "reasons": list(_REASONS), "outcome": None,
}  # fmt: skip
MOST_APPLIED = 500


class WaitingOut(Schema):
    """An order that nobody has: `mode` grab stands in the pool until `ends_at`, manual is for the desk to give out.

    `is_mine`: the caller may take it, with the action `accept`.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "work_order_id": _ID, "number": "WO-20261122-0007", "title": {"zh-CN": "漏水", "en": "Water leak"},
                    "place": "3栋2单元502", "priority": 3, "mode": "grab", "began_at": "2026-11-22T04:00:00Z",
                    "ends_at": "2026-11-22T04:15:00Z", "is_mine": True,
                }
            ]
        }
    )  # fmt: skip

    work_order_id: UUID
    number: str
    title: dict[str, str]
    place: str
    priority: int
    mode: Distribution
    began_at: datetime
    ends_at: datetime
    is_mine: bool

    @classmethod
    def of(cls, one: Waiting) -> "WaitingOut":
        order, wait = one.order, one.wait
        return cls(
            work_order_id=order.id, number=order.number, title=order.title, place=order.place,
            priority=order.priority, mode=Distribution(wait.mode), began_at=wait.began_at, ends_at=wait.ends_at,
            is_mine=one.is_mine,
        )  # fmt: skip


class PlanIn(Schema):
    model_config = ConfigDict(json_schema_extra={"examples": [{"site_id": _ID}]})

    site_id: UUID


class PlanReasonOut(Schema):
    """A part of a score: a word, its points, and what they were multiplied with (of a distance: the metres)."""

    factor: str
    points: int
    count: int

    @classmethod
    def of(cls, reason: Reason) -> "PlanReasonOut":
        return cls(factor=reason.factor, points=reason.points, count=reason.count)


class PlanItemOut(Schema):
    """An order that the plan gives to somebody else, and why. `outcome` null: not applied yet."""

    model_config = ConfigDict(json_schema_extra={"examples": [_ITEM]})

    work_order_id: UUID
    number: str
    before_name: str | None
    person_id: UUID
    person_name: str
    score: int | None
    reasons: list[PlanReasonOut]
    outcome: ItemOutcome | None

    @classmethod
    def of(cls, item: PlanItem) -> "PlanItemOut":
        return cls(
            work_order_id=item.work_order_id, number=item.number, before_name=item.before_name,
            person_id=item.person_id, person_name=item.person_name, score=item.score,
            reasons=[PlanReasonOut.of(one) for one in item.reasons], outcome=item.outcome,
        )  # fmt: skip


class PlanOut(Schema):
    """A plan: how many orders were looked at, with how many people, and a page of what would change hands."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": _ID, "site_id": _ID, "made_at": "2026-11-22T04:00:00Z", "orders": 214, "people": 12,
                    "changes": 37, "items": [_ITEM],
                }
            ]
        }
    )  # fmt: skip

    id: UUID
    site_id: UUID
    made_at: datetime
    orders: int
    people: int
    changes: int
    items: list[PlanItemOut]

    @classmethod
    def of(cls, page: PlanPage) -> "PlanOut":
        plan = page.plan
        return cls(
            id=plan.id, site_id=plan.site_id, made_at=plan.made_at, orders=plan.orders, people=plan.people,
            changes=page.total, items=[PlanItemOut.of(one) for one in page.items],
        )  # fmt: skip


class ApplyIn(Schema):
    """`work_order_ids`: only these; without it whatever the plan changes, `limit` of them at a time."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"limit": 200}, {"work_order_ids": [_ID]}]})

    work_order_ids: list[UUID] | None = Field(None, min_length=1, max_length=MOST_APPLIED)
    limit: int = Field(200, ge=1, le=MOST_APPLIED)


class AppliedOut(Schema):
    """What became of the orders taken up now; `left`: changes of the plan nobody has taken up yet."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"applied": 1, "left": 36, "items": [{**_ITEM, "outcome": "applied"}]}]}
    )

    applied: int
    left: int
    items: list[PlanItemOut]

    @classmethod
    def of(cls, done: Applied) -> "AppliedOut":
        items = [PlanItemOut.of(one) for one in done.items]
        return cls(applied=sum(one.outcome is ItemOutcome.APPLIED for one in items), left=done.left, items=items)
