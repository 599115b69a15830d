"""What is figured from work orders, and what an order counts as. Pure; the definitions in words: docs/figures.md."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID


class Figure(StrEnum):
    """Each is of a population of orders; some have `hits` among them, some an amount an order."""

    OPENED = "opened"
    COUNTED = "counted"
    CANCELLED = "cancelled"
    DUPLICATE = "duplicate"
    TEST = "test"
    UNPROVED = "unproved"
    RESPONSE_TIME = "response_time"
    RESOLUTION_TIME = "resolution_time"
    RESPONSE_MET = "response_met"
    ARRIVAL_MET = "arrival_met"
    RESOLUTION_MET = "resolution_met"
    FIRST_TIME_FIX = "first_time_fix"
    REPEATS = "repeats"
    LOAD = "load"
    RATING = "rating"
    COST = "cost"
    FAILURES = "failures"


# An order is one of these four, or counted: they and the counted ones are all that were opened.
LEFT_OUT = (Figure.CANCELLED, Figure.DUPLICATE, Figure.TEST, Figure.UNPROVED)


class Dimension(StrEnum):
    """What figures are told apart by."""

    SITE = "site"
    BUILDING = "building"
    KIND = "kind"
    CATEGORY = "category"
    PRIORITY = "priority"
    TECHNICIAN = "technician"
    EQUIPMENT = "equipment"
    EQUIPMENT_KIND = "equipment_kind"


class Part(StrEnum):
    """Which of a figure's orders: all, those that say yes, those that say no."""

    ALL = "all"
    HITS = "hits"
    MISSES = "misses"


@dataclass(frozen=True, kw_only=True)
class FigureFilter:
    """Orders opened from `since` until before `until`; None does not narrow. `without`: orders left out."""

    since: datetime
    until: datetime
    site_id: UUID | None = None
    building_id: UUID | None = None
    equipment_id: UUID | None = None
    equipment_kind: str | None = None
    assignee_id: UUID | None = None
    kind: str | None = None
    category: str | None = None
    priority: int | None = None
    without: frozenset[UUID] = frozenset()


@dataclass(frozen=True)
class Value:
    """What a figure is. `hits` None where nothing is asked of its orders; amounts in s, yuan or stars."""

    orders: int
    hits: int | None = None
    median: float | None = None
    p90: float | None = None
    mean: float | None = None
    total: float | None = None

    @property
    def share(self) -> float | None:
        return self.hits / self.orders if self.hits is not None and self.orders else None


@dataclass(frozen=True)
class Group:
    """All figures of the orders that share `key` (a dimension's value as text; None: they have none). `code`: of
    equipment, what its label says."""

    key: str | None
    values: dict[Figure, Value]
    code: str | None = None


@dataclass(frozen=True)
class Groups:
    """Some groups of a dimension, the largest first. `in_all`: how many there are."""

    groups: Sequence[Group]
    in_all: int


@dataclass(frozen=True, kw_only=True)
class Drill:
    """Which orders are asked for: those a figure counts, of one group of a dimension (`by`, `key`) or of all."""

    wanted: FigureFilter
    figure: Figure
    part: Part = Part.ALL
    by: Dimension | None = None
    key: str | None = None


@dataclass(frozen=True)
class Day:
    """A site's day: what was opened and done in it, what of that was done in time; and what is open now."""

    opened: int
    done: int
    done_in_time: int
    open: int
    overdue: int


@dataclass(frozen=True)
class LateOrder:
    """An open order past its time; `late_h`: by how many hours."""

    id: UUID
    number: str
    place: str
    priority: int
    late_h: float


@dataclass(frozen=True)
class FigureOrder:
    """An order behind a figure. `contact_phone` is whole here: whoever shows it masks it."""

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
