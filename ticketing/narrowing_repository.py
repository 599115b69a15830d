"""What a list of work orders is narrowed to, in SQL."""

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from sqlalchemy import (
    Boolean,
    ColumnElement,
    CompoundSelect,
    Text,
    and_,
    cast,
    func,
    literal_column,
    or_,
    select,
    union,
)
from sqlalchemy.dialects.postgresql import ARRAY, array

from kit.access import Scope
from ticketing.kinds import SETTLED, OrderState
from ticketing.models import COMMON_KIND, GRAMS, RARE_KIND, STILL_OPEN, UNPROVED, WorkOrder, WorkOrderTask
from ticketing.proof.verdict import Proof
from ticketing.tasks import UNFINISHED
from ticketing.working.models import Helper

# Somebody who types the beginning of a number means the number.
_NUMBER = re.compile(r"wo-(\d{0,8})[\d-]*$", re.IGNORECASE)
_PAIR = 2
FEW_SITES = 10


@dataclass(frozen=True)
class OrderFilter:
    """What a list is narrowed to; empty or None means "any". `mine`: assigned to them and open, or a task of it is."""

    states: Collection[OrderState] = ()
    kinds: Collection[str] = ()
    priorities: Collection[int] = ()
    site_id: UUID | None = None
    building_id: UUID | None = None
    equipment_id: UUID | None = None
    assignee_id: UUID | None = None
    mine: UUID | None = None
    is_open: bool | None = None
    is_overdue: bool | None = None
    is_repeat: bool | None = None
    proof: Proof | None = None
    root_id: UUID | None = None
    opened_since: datetime | None = None
    opened_until: datetime | None = None
    words: str | None = None
    without: Collection[UUID] = ()

    @property
    def is_of_open_ones(self) -> bool:
        """Nothing settled can match: however many years there are, it is the work that is left."""
        states_are_open = bool(self.states) and SETTLED.isdisjoint(self.states)
        return bool(self.is_open) or bool(self.is_overdue) or self.mine is not None or states_are_open

    def is_of_a_place(self, scope: Scope) -> bool:
        """A small part of all can match, or a person's."""
        ids = (self.site_id, self.building_id, self.equipment_id, self.assignee_id)
        is_of_few_sites = scope.site_ids is not None and len(scope.site_ids) <= FEW_SITES
        return is_of_few_sites or any(one is not None for one in ids)

    @property
    def spoken(self) -> str | None:
        """The words, unless they are the beginning of a number."""
        return None if self.words is None or _NUMBER.match(self.words) else self.words or None


def conditions(scope: Scope, wanted: OrderFilter, *, now: datetime) -> list[ColumnElement[bool]]:
    """All but words that are spoken: those are asked in one of two ways (`speaks_of`, `found_by_words`)."""
    where = [scope.where(WorkOrder.site_id), *_values(wanted)]
    if wanted.is_of_open_ones or wanted.is_open is not None:
        where.append(~is_open() if wanted.is_open is False else is_open())
    for condition, flag in (
        (overdue(now), wanted.is_overdue),
        (WorkOrder.repeat_of_id.is_not(None), wanted.is_repeat),
    ):
        if flag is not None:
            where.append(condition if flag else ~condition)
    if wanted.proof is not None:
        # Few are unproved at any time: those words are the words of their own index.
        is_unproved = wanted.proof is Proof.UNPROVED
        where.append(
            literal_column(f"work_order.{UNPROVED}", Boolean) if is_unproved else WorkOrder.proof == wanted.proof
        )
    if wanted.root_id is not None:
        where.append(WorkOrder.parent_id == wanted.root_id)
    if wanted.mine is not None:
        where.append(WorkOrder.id.in_(_orders_of(wanted.mine)))
    if wanted.without:
        where.append(WorkOrder.id.not_in(wanted.without))
    if wanted.opened_since is not None:
        where.append(WorkOrder.opened_at >= wanted.opened_since)
    if wanted.opened_until is not None:
        where.append(WorkOrder.opened_at < wanted.opened_until)
    if wanted.words and wanted.spoken is None:
        where += _numbered(wanted.words)
    return where


def _values(wanted: OrderFilter) -> list[ColumnElement[bool]]:
    where: list[ColumnElement[bool]] = []
    for column, values in (
        (WorkOrder.state, wanted.states),
        (WorkOrder.kind, wanted.kinds),
        (WorkOrder.priority, wanted.priorities),
    ):
        if values:
            where.append(column.in_(values))
    if wanted.kinds and COMMON_KIND not in wanted.kinds:
        where.append(literal_column(f"work_order.{RARE_KIND}", Boolean))  # in the words of their own index
    for attribute, value in (
        (WorkOrder.site_id, wanted.site_id),
        (WorkOrder.building_id, wanted.building_id),
        (WorkOrder.equipment_id, wanted.equipment_id),
        (WorkOrder.assignee_id, wanted.assignee_id),
    ):
        if value is not None:
            where.append(attribute == value)
    return where


def is_open() -> ColumnElement[bool]:
    """In the very words of the index of open orders."""
    return literal_column(f"work_order.{STILL_OPEN}", Boolean)


def overdue(now: datetime) -> ColumnElement[bool]:
    """Open, and past the time of its answer, of somebody's arrival or of its end; a hold stops the clocks."""
    late_answer = and_(WorkOrder.responded_at.is_(None), WorkOrder.response_due_at < now)
    late_arrival = and_(WorkOrder.arrived_at.is_(None), WorkOrder.arrival_due_at < now)
    late_end = and_(WorkOrder.done_at.is_(None), WorkOrder.resolution_due_at < now)
    is_running = and_(WorkOrder.state != OrderState.DONE, WorkOrder.held_since.is_(None))
    return and_(is_open(), is_running, or_(late_answer, late_arrival, late_end))


def speaks_of(words: str) -> ColumnElement[bool]:
    """Row by row, for where another condition leads."""
    return func.strpos(WorkOrder.searched, words.lower()) > 0


def found_by_words(words: str) -> ColumnElement[bool]:
    """The same by the index of letters and pairs: whoever has pairs of all letters of the words is looked at."""
    letters = words.lower()
    pairs = sorted(
        {letters[at : at + _PAIR] for at in (*range(0, len(letters) - 1, _PAIR), max(len(letters) - _PAIR, 0))}
    )
    has_all = literal_column(GRAMS, ARRAY(Text)).contains(cast(array(pairs), ARRAY(Text)))
    return has_all if len(letters) <= _PAIR else and_(has_all, speaks_of(words))


def shifted(time: datetime, *, days: int) -> datetime:
    """UTC; the beginning or end of time where that is passed."""
    try:
        return time.astimezone(UTC) + timedelta(days=days)
    except OverflowError:
        return datetime.max.replace(tzinfo=UTC) if days > 0 else datetime.min.replace(tzinfo=UTC)


def _numbered(words: str) -> list[ColumnElement[bool]]:
    """By the beginning of a number, and by when such numbers were given, which is what a list is sorted by."""
    where = [WorkOrder.number.startswith(words.upper(), autoescape=True)]
    matched = _NUMBER.match(words)
    assert matched is not None
    first, last = _days_of(matched.group(1))
    if first is not None:
        # Numbers have the day of the site, which is at most one off that of UTC.
        where.append(WorkOrder.opened_at >= shifted(first, days=-1))
    if last is not None:
        where.append(WorkOrder.opened_at < shifted(last, days=2))
    return where


def _days_of(digits: str) -> tuple[datetime | None, datetime | None]:
    """The first and the last day of a year, month or day; None where the digits do not say it."""
    if len(digits) < 4:
        return None, None
    year, month, day = digits[:4], digits[4:6], digits[6:8]
    try:
        first = datetime(int(year), int(month or 1), int(day or 1), tzinfo=UTC)
    except ValueError:
        return None, None
    if len(digits) == 8:
        return first, first
    return first, shifted(first, days=31 if len(digits) == 6 else 366)


def _orders_of(person_id: UUID) -> CompoundSelect[tuple[UUID]]:
    """Open orders of a person, those with a task for them, and those they help with. A union: of an "or" PostgreSQL
    expects half of all."""
    tasks = select(WorkOrderTask.work_order_id).where(
        WorkOrderTask.assignee_id == person_id, WorkOrderTask.state.in_(UNFINISHED)
    )
    helped = select(Helper.work_order_id).where(Helper.person_id == person_id, Helper.left_at.is_(None))
    return union(select(WorkOrder.id).where(WorkOrder.assignee_id == person_id, is_open()), tasks, helped)
