"""When a maintenance window is in force, and what stands in it. Pure.

Once: from `starts_at` to `ends_at`. On days of the week: from a time of day at the site for so many minutes, which may
reach into the next day; what a change of the clocks makes of that day does not matter, the minutes are real ones.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from alarms.models import Inhibition, InhibitionKind, MaintenanceWindow
from catalog.directory import EquipmentEntry

WEEK = timedelta(days=7)
# Deeper than equipment hangs anywhere; a ring in the catalog ends here.
DEEPEST = 8


@dataclass(frozen=True)
class Occurrence:
    """One time at which a window holds, UTC; `ends_at` is the first moment at which it does not."""

    starts_at: datetime
    ends_at: datetime


def occurrence_at(window: MaintenanceWindow, at: datetime) -> Occurrence | None:
    """The occurrence that `at` is in, None when the window does not hold then."""
    return next((one for one in _around(window, at) if one.starts_at <= at < one.ends_at), None)


def coming(window: MaintenanceWindow, after: datetime) -> Occurrence | None:
    """The occurrence that `after` is in or, when it is in none, the next; None when there is none any more."""
    begin = max(after, window.starts_at)
    found = [one for one in _around(window, begin, ahead=WEEK) if one.ends_at > after]
    return min(found, key=lambda one: one.starts_at, default=None)


def lineage(entry: EquipmentEntry, by_id: Mapping[UUID, EquipmentEntry]) -> list[UUID]:
    """An equipment and what it hangs on, the nearest first."""
    found = [entry.equipment_id]
    while entry.parent_id is not None and len(found) < DEEPEST and entry.parent_id not in found:
        found.append(entry.parent_id)
        above = by_id.get(entry.parent_id)
        if above is None:
            break
        entry = above
    return found


def holds_on(
    windows: Iterable[MaintenanceWindow], entry: EquipmentEntry, line: Collection[UUID], *, now: datetime
) -> list[Inhibition]:
    """What holds the nuisance alarms of an equipment now, as inhibitions that are on no book.

    `line` is its `lineage`: a window on an equipment is one on all that hangs on it.
    """
    found: list[Inhibition] = []
    for window in windows:
        if window.ended_at is not None or not _concerns(window, entry, line):
            continue
        if occurrence := occurrence_at(window, now):
            found.append(
                Inhibition(
                    site_id=window.site_id, equipment_id=entry.equipment_id, kind=InhibitionKind.MAINTENANCE,
                    reason=window.reason, person_id=window.created_by, until=occurrence.ends_at,
                    created_at=occurrence.starts_at,
                )
            )  # fmt: skip
    return found


def _concerns(window: MaintenanceWindow, entry: EquipmentEntry, line: Collection[UUID]) -> bool:
    if window.site_id != entry.site_id:
        return False
    if window.equipment_ids:
        named = {UUID(each) for each in window.equipment_ids}
        return not named.isdisjoint(line)
    return window.building_id in (None, entry.building_id)


def _around(window: MaintenanceWindow, at: datetime, *, ahead: timedelta = timedelta()) -> Sequence[Occurrence]:
    """The occurrences that may hold at `at`, or begin within `ahead` of it."""
    if not window.weekdays:
        assert window.ends_at is not None  # the table's own condition
        return [Occurrence(window.starts_at, window.ends_at)]
    local = at.astimezone(ZoneInfo(window.timezone)).date()
    days = [local + timedelta(days=n) for n in range(-1, ahead.days + 1)]
    found = [_on(window, day) for day in days if day.isoweekday() in window.weekdays]
    return [one for one in found if one is not None]


def _on(window: MaintenanceWindow, day: date) -> Occurrence | None:
    """The occurrence that begins on that day, cut to what the window is agreed for."""
    assert window.from_min is not None  # the table's own condition
    assert window.duration_min is not None
    clock = time(*divmod(window.from_min, 60))
    begins = datetime.combine(day, clock, ZoneInfo(window.timezone)).astimezone(UTC)
    ends = begins + timedelta(minutes=window.duration_min)
    begins = max(begins, window.starts_at)
    ends = ends if window.ends_at is None else min(ends, window.ends_at)
    return Occurrence(begins, ends) if begins < ends else None
