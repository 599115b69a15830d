"""Wire shapes of predictions."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import ConfigDict, Field

from building.equipment import EquipmentKind
from catalog.directory import EquipmentEntry
from kit.clock import from_ms
from kit.http import Schema
from predictive.predictions.costing import KindCosts
from predictive.predictions.finding import Manner, Method, PointEvidence
from predictive.predictions.label import LabelWhy, PredictionLabel
from predictive.predictions.life import HeldBack, PredictionState
from predictive.predictions.models import Prediction, PredictionVoice
from predictive.predictions.policy import Costs
from predictive.predictions.service import Explanation
from predictive.predictions.voices import of_json

# A chart of a prediction shows what was usual before it, too.
SHOWN_BEFORE = timedelta(days=14)
MOST_MONEY = Decimal("9999999999.99")

Money = Annotated[Decimal, Field(ge=0, le=MOST_MONEY, decimal_places=2)]
Note = Annotated[str, Field(min_length=1, max_length=500)]


class PredictionDaysOut(Schema):
    """Days until it fails, from `found_at` on: likely not before `low`, likely by `high`."""

    low: float
    median: float
    high: float

    @classmethod
    def of(cls, row: Prediction | PredictionVoice) -> Self | None:
        if row.days_low is None or row.days_median is None or row.days_high is None:
            return None
        return cls(low=row.days_low, median=row.days_median, high=row.days_high)


class PredictionPointOut(Schema):
    """A point that speaks for it. `share` of the whole evidence, 0…1; `usual`: its own normal value; `change` since as
    a part of that (0.38 is 38 % more); `peers_low`, `peers_high`: what the others of its kind have. `manner`:
    what of it has changed: its level, its unrest from reading to reading, its relation to the other points (all in the
    point's unit), or the share of the day for which a state stands (0…1). None where nothing is known. `point_no` None:
    the point is gone."""

    point_key: str
    point_no: int | None
    unit: str | None
    share: float
    manner: Manner
    value: float | None
    usual: float | None
    change: float | None
    since: datetime | None
    peers_low: float | None
    peers_high: float | None


class PredictionOut(Schema):
    """`reason` in both languages. `held_back`: why it raises nothing. `since`: since when the readings show it;
    `expires_at`: it ends then unless it is found again. `of_going`, `of_waiting`: expected cost of an order now (a
    visit for nothing) and of none (a failure within the time that planning takes, `fails_in_time` its chance): the
    dearer is avoided. `visit_at`: the planned visit it was folded into. `order_id`: the order that said what it was."""

    id: UUID
    site_id: UUID
    equipment_id: UUID
    equipment_code: str
    equipment_kind: EquipmentKind
    mode: str
    state: PredictionState
    is_shadow: bool
    held_back: HeldBack | None
    method: Method
    model_id: UUID | None
    reason: dict[str, str]
    confidence: float
    score: float
    days_left: PredictionDaysOut | None
    since: datetime
    opened_at: datetime
    found_at: datetime
    expires_at: datetime
    raised_at: datetime | None
    ordered_at: datetime | None
    ended_at: datetime | None
    of_going: Decimal
    of_waiting: Decimal
    fails_in_time: float
    visit_at: datetime | None
    alarm_id: UUID | None
    label: PredictionLabel | None
    label_why: LabelWhy | None
    labelled_at: datetime | None
    order_id: UUID | None
    note: str

    @classmethod
    def of(cls, row: Prediction) -> Self:
        named = {name: getattr(row, name) for name in cls.model_fields if name not in ("days_left", "since")}
        return cls(**named, since=row.since_at, days_left=PredictionDaysOut.of(row))


class PredictionVoiceOut(Schema):
    """What one method last said of it. `is_present` False: it has taken back what it said."""

    method: Method
    model_id: UUID | None
    is_present: bool
    at: datetime
    since: datetime
    confidence: float
    score: float
    days_left: PredictionDaysOut | None
    points: list[PredictionPointOut]


class PredictionChartOut(Schema):
    """What to draw: the series of these points in this span, the heaviest first."""

    point_nos: list[int]
    start: datetime
    end: datetime


class PredictionWhyOut(Schema):
    """`similar`: earlier ones of the same mode that are over, on this equipment first, then on others of its profile:
    what they turned out to be, and the orders that say what was done."""

    prediction: PredictionOut
    points: list[PredictionPointOut]
    voices: list[PredictionVoiceOut]
    chart: PredictionChartOut
    similar: list[PredictionOut]

    @classmethod
    def of(cls, found: Explanation, *, now: datetime) -> Self:
        row = found.row
        points = _points(row.points, found.entry)
        return cls(
            prediction=PredictionOut.of(row),
            points=points,
            voices=[_voice(one, found.entry) for one in found.voices],
            chart=PredictionChartOut(
                point_nos=[one.point_no for one in points if one.point_no is not None],
                start=row.since_at - SHOWN_BEFORE, end=row.ended_at or now,
            ),
            similar=[PredictionOut.of(one) for one in found.similar],
        )  # fmt: skip


class PredictionAnswerIn(Schema):
    """What somebody who looked found. A prediction that is a work order is answered by that order's closing code."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"label": "false", "note": "现场检查正常"}]}
    )

    label: PredictionLabel
    note: Note


class PredictionMutingIn(Schema):
    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "site_id": "019a0000-0000-7000-8000-000000000001", "method": "detectors",
                    "equipment_kind": "pump", "note": "水泵房改造期间",
                }
            ]
        },
    )  # fmt: skip

    site_id: UUID
    method: Method
    equipment_kind: EquipmentKind
    note: Note


class PredictionMutingLiftIn(Schema):
    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"note": "改造结束"}]})

    note: Note


class PredictionMutingOut(Schema):
    """A method that raises nothing for a kind of equipment at a site. `muted_by` None: it was below its bar, and
    `facts` are the figures that say so."""

    id: UUID
    site_id: UUID
    method: Method
    equipment_kind: EquipmentKind
    muted_at: datetime
    muted_by: UUID | None
    note: str
    facts: dict[str, Any]
    lifted_at: datetime | None
    lifted_by: UUID | None
    lifted_note: str


class PredictionCostOut(Schema):
    """What a visit and a failure (beyond its repair) cost. `version` None: the usual, nobody has set them."""

    equipment_kind: EquipmentKind
    visit: Decimal
    failure: Decimal
    version: int | None

    @classmethod
    def of(cls, found: KindCosts) -> Self:
        costs = found.costs
        return cls(equipment_kind=found.kind, visit=costs.visit, failure=costs.failure, version=found.version)


class PredictionCostIn(Schema):
    """`version`: as last seen; left out where nobody has set them."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"site_id": "019a0000-0000-7000-8000-000000000001", "visit": "200.00", "failure": "5000.00"}]
        },
    )

    site_id: UUID
    visit: Annotated[Decimal, Field(gt=0, le=MOST_MONEY, decimal_places=2)]
    failure: Money
    version: int | None = None

    @property
    def costs(self) -> Costs:
        return Costs(self.visit, self.failure)


def _voice(voice: PredictionVoice, entry: EquipmentEntry | None) -> PredictionVoiceOut:
    return PredictionVoiceOut(
        method=Method(voice.method), model_id=voice.model_id, is_present=voice.is_present, at=voice.at,
        since=voice.since_at, confidence=voice.confidence, score=voice.score,
        days_left=PredictionDaysOut.of(voice), points=_points(voice.points, entry),
    )  # fmt: skip


def _points(points: Iterable[dict[str, Any]], entry: EquipmentEntry | None) -> list[PredictionPointOut]:
    return [_point(evidence, entry) for evidence in of_json(points)]


def _point(evidence: PointEvidence, entry: EquipmentEntry | None) -> PredictionPointOut:
    point = None if entry is None else entry.points.get(evidence.point_key)
    return PredictionPointOut(
        point_key=evidence.point_key, point_no=None if point is None else point.point_no,
        unit=None if point is None else point.unit, share=evidence.share, manner=evidence.manner,
        value=evidence.value, usual=evidence.usual, change=evidence.change,
        since=None if evidence.since_ms is None else from_ms(evidence.since_ms),
        peers_low=evidence.peers_low, peers_high=evidence.peers_high,
    )  # fmt: skip
