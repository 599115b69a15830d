"""What a person may ask of readings: latest values, a series, its export; each point behind the scope of its site."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import assert_never
from uuid import UUID

from building.point import Reporting, ReportingMode
from building.profile import DeviceProfile, PointSpec
from building.quality import Quality
from building.reading import Reading, ReadingBatch
from catalog.directory import EquipmentEntry, LiveDirectory, PointEntry
from catalog.errors import EquipmentNotFound, PointNotFound
from kit.access import Scope
from kit.clock import Clock, from_ms, to_ms
from telemetry.buckets import check_period
from telemetry.errors import NothingAsked, TooManyReadings
from telemetry.store import MAX_RAW_READINGS, Series, SeriesQuery, TelemetryQueries


@dataclass(frozen=True, kw_only=True)
class PointValue:
    """A point and its newest reading. Never read: `at`, `age_s` and `value` are None and the quality is unknown.

    `label`: the word for the value, by language. `is_overdue`: older than its reporting interval allows.
    """

    equipment: EquipmentEntry
    point: PointEntry
    name: Mapping[str, str]
    decimals: int
    label: Mapping[str, str] | None
    value: float | None
    quality: Quality
    at: datetime | None
    age_s: float | None
    is_overdue: bool


@dataclass(frozen=True, kw_only=True)
class PointSeries:
    equipment: EquipmentEntry
    point: PointEntry
    name: Mapping[str, str]
    decimals: int
    series: Series


@dataclass(frozen=True, kw_only=True)
class PointReadings:
    equipment: EquipmentEntry
    point: PointEntry
    readings: ReadingBatch


# A periodic reading may be this many intervals old before it counts as overdue: one lost message is no silence.
_INTERVALS_GRACE = 3


class TelemetryService:
    """Answers from whichever `TelemetryQueries` it is given: the store itself, or the store of another process."""

    def __init__(
        self,
        *,
        queries: TelemetryQueries,
        directory: LiveDirectory,
        profiles: Mapping[str, DeviceProfile],
        clock: Clock,
    ) -> None:
        self._queries = queries
        self._directory = directory
        self._profiles = profiles
        self._clock = clock

    async def latest(
        self, scope: Scope, *, equipment_id: UUID | None = None, point_nos: Sequence[int] = ()
    ) -> list[PointValue]:
        """Of all points of an equipment and of the points named.

        Raises EquipmentNotFound, PointNotFound, NothingAsked, StoreUnavailable.
        """
        asked: list[tuple[EquipmentEntry, PointEntry]] = []
        if equipment_id is not None:
            equipment = self._equipment(scope, equipment_id)
            asked += [(equipment, point) for point in equipment.points.values()]
        asked += [self._point(scope, point_no) for point_no in point_nos]
        if equipment_id is None and not asked:
            raise NothingAsked
        found = await self._queries.latest([point.point_no for _, point in asked])
        newest = {reading.point_no: reading for reading in found}
        return [self._value(equipment, point, newest.get(point.point_no)) for equipment, point in asked]

    async def series(
        self, scope: Scope, point_no: int, *, start: datetime, end: datetime, bucket_s: int | None
    ) -> PointSeries:
        """Raises PointNotFound, BadPeriod, TooManyBuckets, QueryTooSlow."""
        equipment, point = self._point(scope, point_no)
        query = SeriesQuery.of(
            point_no=point_no,
            start_ms=to_ms(start),
            end_ms=to_ms(end),
            bucket_ms=None if bucket_s is None else bucket_s * 1000,
        )
        spec = self._spec(equipment, point)
        return PointSeries(
            equipment=equipment,
            point=point,
            name=spec.name if spec else {},
            decimals=spec.decimals if spec else 2,
            series=await self._queries.series(query),
        )

    async def readings(self, scope: Scope, point_no: int, *, start: datetime, end: datetime) -> PointReadings:
        """Every reading of a period. Raises PointNotFound, BadPeriod, TooManyReadings, QueryTooSlow."""
        equipment, point = self._point(scope, point_no)
        start_ms, end_ms = to_ms(start), to_ms(end)
        check_period(start_ms=start_ms, end_ms=end_ms)
        found = await self._queries.raw([point_no], start_ms=start_ms, end_ms=end_ms, limit=MAX_RAW_READINGS + 1)
        if len(found) > MAX_RAW_READINGS:
            raise TooManyReadings(limit=MAX_RAW_READINGS)
        return PointReadings(equipment=equipment, point=point, readings=found)

    def _equipment(self, scope: Scope, equipment_id: UUID) -> EquipmentEntry:
        entry = self._directory.current.by_id.get(equipment_id)
        if entry is None or not scope.allows(entry.site_id):
            raise EquipmentNotFound(equipment_id)
        return entry

    def _point(self, scope: Scope, point_no: int) -> tuple[EquipmentEntry, PointEntry]:
        found = self._directory.current.by_point.get(point_no)
        if found is None or not scope.allows(found[0].site_id):
            raise PointNotFound(point_no)
        return found

    def _spec(self, equipment: EquipmentEntry, point: PointEntry) -> PointSpec | None:
        profile = self._profiles.get(equipment.profile_key)
        return profile.points.get(point.key) if profile else None

    def _value(self, equipment: EquipmentEntry, point: PointEntry, reading: Reading | None) -> PointValue:
        spec = self._spec(equipment, point)
        has_value = reading is not None and reading.quality.has_value
        age_s = max(0.0, (to_ms(self._clock.now()) - reading.ts_ms) / 1000) if reading else None
        return PointValue(
            equipment=equipment,
            point=point,
            name=spec.name if spec else {},
            decimals=spec.decimals if spec else 2,
            label=spec.labels.get(f"{reading.value:g}") if spec and reading and has_value else None,
            value=reading.value if reading and has_value else None,
            quality=reading.quality if reading else Quality.UNKNOWN,
            at=from_ms(reading.ts_ms) if reading else None,
            age_s=age_s,
            is_overdue=age_s is None or age_s > allowed_age_s(point.reporting),
        )


def allowed_age_s(reporting: Reporting) -> float:
    """How long a reading holds before its point counts as silent."""
    match reporting.mode:
        case ReportingMode.PERIODIC:
            return reporting.interval_s * _INTERVALS_GRACE
        case ReportingMode.ON_CHANGE:
            return reporting.interval_s
        case other:
            assert_never(other)
