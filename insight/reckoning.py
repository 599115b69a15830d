"""Reckoning with figures: time between failures, and what a digest says. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from ticketing.figures import Dimension, Figure, FigureFilter, Group

# A hub that starts late in the day tells nobody in the evening what was meant for the morning.
DIGEST_WINDOW = timedelta(hours=4)
_BY_EQUIPMENT = (Dimension.EQUIPMENT, Dimension.EQUIPMENT_KIND)


@dataclass(frozen=True)
class Reliability:
    """`mtbf_h`: hours of operation between two failures; None without one. `mttr_h`: hours until it was repaired."""

    failures: int
    units: int
    mtbf_h: float | None
    mttr_h: float | None


def reliability(group: Group, *, units: int, since: datetime, until: datetime, now: datetime) -> Reliability:
    """Of `units` equipments that were watched from `since` to `until`, or to now.

    Time in which they stood still is not time between failures.
    """
    failed = group.values[Figure.FAILURES]
    watched_s = max((min(until, now) - since).total_seconds(), 0.0) * units
    running_s = max(watched_s - (failed.total or 0.0), 0.0)
    mtbf_h = running_s / failed.orders / 3600 if failed.orders else None
    return Reliability(failed.orders, units, mtbf_h, failed.mean / 3600 if failed.mean is not None else None)


def has_reliability(by: Dimension | None) -> bool:
    return by in _BY_EQUIPMENT


def counts_all_failures(wanted: FigureFilter) -> bool:
    """Whether the figures are of every failure of the equipments: only then is there a time between two."""
    narrowing = (wanted.assignee_id, wanted.kind, wanted.category, wanted.priority)
    return all(one is None for one in narrowing)


@dataclass(frozen=True)
class LocalDay:
    """A day of a site: from its midnight to the next, UTC."""

    since: datetime
    until: datetime


def day_before(moment: datetime, zone: ZoneInfo) -> LocalDay:
    """The site's whole day before the one that `moment` is in."""
    today = datetime.combine(moment.astimezone(zone).date(), time(), zone)
    # By the calendar, not by 24 hours: a day on which clocks are changed is shorter or longer.
    yesterday = datetime.combine(today.date() - timedelta(days=1), time(), zone)
    return LocalDay(yesterday.astimezone(moment.tzinfo), today.astimezone(moment.tzinfo))


def is_due(moment: datetime, zone: ZoneInfo, *, at: time) -> bool:
    """Whether it is time for the day's digest: from `at` on, local, for DIGEST_WINDOW and not over midnight."""
    local = moment.astimezone(zone)
    due = datetime.combine(local.date(), at, zone)
    return due <= local < due + DIGEST_WINDOW


def percent(part: int, whole: int) -> str:
    """As people read it; — where there is nothing to take a part of."""
    return f"{round(100 * part / whole)}%" if whole else "—"


def late_words(lines: Sequence[tuple[str, str, float]]) -> str:
    """Number, place and how late, of each: `WO-20261122-0007 3栋 5.2h`."""
    return "; ".join(f"{number} {place} {late_h:.1f}h" for number, place, late_h in lines)
