"""Wire shapes of health."""

from datetime import date, datetime
from typing import Self
from uuid import UUID

from kit.http import Schema
from predictive.health.index import HealthPart, HealthState
from predictive.health.service import HealthLine, HealthView
from predictive.health.standing import Heading


class HealthPartOut(Schema):
    """What takes health away: `damage` (0…1) by itself, `share` (0…1) of all; `facts` say from what; `points`: share by
    point of this part."""

    part: HealthPart
    damage: float
    share: float
    facts: dict[str, float | str]
    points: dict[str, float]


class HealthPointOut(Schema):
    """A point and its share (0…1) of all that is taken away."""

    key: str
    name: dict[str, str]
    share: float


class HealthTrendOut(Schema):
    """`per_month`: by how much health changes in 30 days."""

    heading: Heading
    per_month: float
    days: int


class HealthComparisonOut(Schema):
    """The leading point beside the same point of `peers` others; low and high are the middle four in five of them, at a
    load like this one's where `load_point` tells it. `below`: the share of peers with less."""

    point_key: str
    value: float
    peers_low: float
    peers_high: float
    below: float
    peers: int
    load_point: str | None
    load: float | None


class HealthDayOut(Schema):
    """A day; without a figure `health` is None."""

    day: date
    health: float | None


class EquipmentHealthOut(Schema):
    """How well an equipment is: `health` 0…100, None where `state` and `words` say why. `percentile` (0…100): the share
    of the `peers` others of its kind, profile and site that are worse; None where they are too few."""

    equipment_id: UUID
    state: HealthState
    words: str
    health: float | None
    days_known: float
    days_needed: float
    reckoned_at: datetime | None
    percentile: float | None
    peers: int
    trend: HealthTrendOut | None
    parts: list[HealthPartOut]
    points: list[HealthPointOut]
    comparison: HealthComparisonOut | None
    days: list[HealthDayOut]

    @classmethod
    def of(cls, view: HealthView, words: str) -> Self:
        row = view.newest
        return cls(
            equipment_id=view.entry.equipment_id, state=view.state, words=words,
            health=row.health if row else None, days_known=row.days_known if row else 0.0,
            days_needed=row.days_needed if row else 0.0, reckoned_at=row.reckoned_at if row else None,
            percentile=row.percentile if row else None, peers=row.peers if row else 0,
            trend=None if view.trend is None else HealthTrendOut.model_validate(view.trend),
            parts=[HealthPartOut(**part) for part in row.parts] if row else [],
            points=[
                HealthPointOut(key=one["key"], name=view.names.get(one["key"], {}), share=one["share"])
                for one in (row.points if row else [])
            ],
            comparison=HealthComparisonOut(**row.comparison) if row and row.comparison else None,
            days=[HealthDayOut(day=day.day, health=day.health) for day in view.days],
        )  # fmt: skip


class HealthLineOut(Schema):
    """An equipment in the list of a site's worst. `leading_point`: which point has the largest share."""

    equipment_id: UUID
    site_id: UUID
    code: str
    name: str
    kind: str
    state: HealthState
    health: float | None
    percentile: float | None
    peers: int
    leading_part: HealthPart | None
    leading_point: str | None

    @classmethod
    def of(cls, line: HealthLine) -> Self:
        row, entry = line.row, line.entry
        return cls(
            equipment_id=row.equipment_id, site_id=row.site_id, code=entry.code, name=entry.name,
            kind=entry.kind.value, state=HealthState(row.state), health=row.health, percentile=row.percentile,
            peers=row.peers, leading_part=HealthPart(row.parts[0]["part"]) if row.parts else None,
            leading_point=row.points[0]["key"] if row.points else None,
        )  # fmt: skip
