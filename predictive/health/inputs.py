"""What the health of a site's equipment is reckoned from, gathered once for all of it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final, assert_never
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from alarms.recent import RecentAlarm, recent
from catalog.directory import EquipmentEntry
from kit.access import Scope
from predictive.health import repository
from predictive.health.index import (
    SERVICE_YEARS,
    Age,
    AlarmSeen,
    HealthState,
    LifeLeft,
    Watched,
    alarm_memory_h,
)
from predictive.health.tally import EvidenceSum, together
from predictive.remaining_life.book import RemainingLifeBook
from predictive.streaming.repository import WatchRepository
from predictive.streaming.watch import Watch, WatchState

# The last day, and what of its first quarter was before it.
EVIDENCE_SPAN: Final = timedelta(hours=24)
_YEAR_DAYS: Final = 365.25


@dataclass(frozen=True, eq=False)
class HealthInputs:
    """Of all equipment of a site, by equipment; who is absent has none."""

    watches: Mapping[UUID, Watch]
    evidence: Mapping[UUID, EvidenceSum]
    lives: Mapping[UUID, list[LifeLeft]]
    alarms: Mapping[UUID, list[AlarmSeen]]
    settings: Mapping[str, Any]
    now: datetime

    def watched(self, entry: EquipmentEntry) -> Watched:
        watch = self.watches.get(entry.equipment_id)
        if watch is None:
            return Watched(HealthState.NO_DATA, 0.0, 0.0)
        return Watched(_state(watch.state), watch.days, watch.days_needed)

    def age(self, entry: EquipmentEntry) -> Age | None:
        """Where the site's settings say when it was put into service, and somebody says how long such things last."""
        begun = _dates(self.settings, "commissioned", entry)
        years = _years(self.settings, entry)
        if begun is None or years is None:
            return None
        return Age(max((self.now.date() - begun).days, 0) / _YEAR_DAYS, years)


async def gather(
    session: AsyncSession, site_id: UUID, *, lives: RemainingLifeBook, settings: Mapping[str, Any], now: datetime
) -> HealthInputs:
    kept = await repository.evidence(session, site_id, since=now - EVIDENCE_SPAN)
    told = await lives.of_site(session, Scope.of(site_id), site_id)
    by_equipment: dict[UUID, list[LifeLeft]] = {}
    for one in told:
        left = LifeLeft(one.mode, one.days_mid, one.confidence, one.point_key)
        by_equipment.setdefault(one.equipment_id, []).append(left)
    since = now - timedelta(hours=alarm_memory_h())
    return HealthInputs(
        watches=await WatchRepository(session).of_site(Scope.of(site_id), site_id),
        evidence={key: whole for key, sums in kept.items() if (whole := together(sums)) is not None},
        lives=by_equipment, alarms=_alarms(await recent(session, site_id, since=since), now),
        settings=settings, now=now,
    )  # fmt: skip


def _alarms(found: Iterable[RecentAlarm], now: datetime) -> dict[UUID, list[AlarmSeen]]:
    alarms: dict[UUID, list[AlarmSeen]] = {}
    for one in found:
        over_h = 0.0 if one.over_at is None else max((now - one.over_at).total_seconds() / 3600, 0.0)
        alarms.setdefault(one.equipment_id, []).append(AlarmSeen(one.severity, over_h, one.point_keys))
    return alarms


def _state(state: WatchState) -> HealthState:
    match state:
        case WatchState.WATCHING:
            return HealthState.READY
        case WatchState.LEARNING | WatchState.RELEARNING:
            return HealthState.LEARNING
        case WatchState.CONSTANT:
            return HealthState.CONSTANT
        case WatchState.NO_DATA:
            return HealthState.NO_DATA
        case WatchState.FAILED:
            return HealthState.FAILED
        case WatchState.NOT_WATCHED:
            return HealthState.PARTIAL
        case other:
            assert_never(other)


def _dates(settings: Mapping[str, Any], key: str, entry: EquipmentEntry) -> date | None:
    """Of the equipment by its code, or of all of its kind. What is no date is nobody's."""
    table = settings.get(key)
    written = table.get(entry.code, table.get(entry.kind.value)) if isinstance(table, Mapping) else None
    try:
        return None if written is None else date.fromisoformat(str(written))
    except ValueError:
        return None


def _years(settings: Mapping[str, Any], entry: EquipmentEntry) -> float | None:
    table = settings.get("service_years")
    written = table.get(entry.kind.value) if isinstance(table, Mapping) else None
    if isinstance(written, int | float) and not isinstance(written, bool) and written > 0:
        return float(written)
    return SERVICE_YEARS.get(entry.kind)
