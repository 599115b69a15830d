"""Every morning: which equipment will have done as much as it may until its next service, and when."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

import numpy as np
from sqlalchemy.ext.asyncio import AsyncSession

from building.equipment import EquipmentKind
from catalog.directory import EquipmentEntry, LiveDirectory, PointEntry
from kit.clock import Clock, to_ms
from kit.logs import logger
from kit.sweeps import Sweep
from predictive.predictions.finding import DaysLeft, Finding, Method, PointEvidence
from predictive.predictions.intake import Intake
from predictive.remaining_life import repository
from predictive.remaining_life.modes import Modes, Service
from predictive.remaining_life.service_due import ServiceDue, service_due
from telemetry.errors import QueryTooSlow
from telemetry.store import SeriesQuery, TelemetryQueries

log = logger(__name__)

DAY_MS: Final = 86_400_000
# Eight weeks: what they counted in them is what they will.
LOOKS_BACK_DAYS: Final = 56
# So many days ahead a service is told; one that moved farther away, because less is used, is taken back.
TOLD_DAYS, TAKEN_BACK_DAYS = 30.0, 45.0
# Counters do not err; the use of a machine may change.
CONFIDENCE: Final = 0.9
# Early morning in China, when nothing else is reckoned.
DAILY: Final = "47 20 * * *"


@dataclass(frozen=True, slots=True)
class Counted:
    entry: EquipmentEntry
    point: PointEntry
    service: Service


class ServiceMornings:
    def __init__(
        self, *, queries: TelemetryQueries, directory: LiveDirectory, intake: Intake, modes: Modes, clock: Clock
    ) -> None:
        self._queries = queries
        self._directory = directory
        self._intake = intake
        self._modes = modes
        self._clock = clock

    def sweeps(self) -> tuple[Sweep, ...]:
        return (Sweep("predictive.services", DAILY, self.look),)

    async def look(self, session: AsyncSession) -> None:
        """Raises StoreUnavailable; equipment whose counter is too slow to read keeps what was said of it."""
        now = self._clock.now()
        counted = self._counted()
        served = await repository.last_settled(session, modes={one.service.key for one in counted})
        findings = []
        for one in counted:
            try:
                due = await self._due(one, now, served)
            except QueryTooSlow:
                log.warning("a counter was not read in time", equipment=one.entry.code, point=one.point.key)
                continue
            if due is not None and (finding := _finding(one, due, now)) is not None:
                findings.append(finding)
        await self._intake.take(session, findings)

    def _counted(self) -> Sequence[Counted]:
        return [
            Counted(entry, entry.points[service.point], service)
            for entry in self._directory.current.entries
            if entry.in_service
            for service in self._modes.services_of(EquipmentKind(entry.kind))
            if service.point in entry.points
        ]

    async def _due(self, one: Counted, now: datetime, served: Mapping[tuple[UUID, str], datetime]) -> ServiceDue | None:
        end_ms = to_ms(now) // DAY_MS * DAY_MS
        start_ms = end_ms - LOOKS_BACK_DAYS * DAY_MS
        series = await self._queries.series(
            SeriesQuery(point_no=one.point.point_no, start_ms=start_ms, end_ms=end_ms, bucket_ms=DAY_MS)
        )
        known = np.isfinite(series.max)
        days = (series.ts_ms[known] - start_ms) / DAY_MS
        served_at = served.get((one.entry.equipment_id, one.service.key))
        served_day = None if served_at is None else (to_ms(served_at) - start_ms) / DAY_MS
        return service_due(days, series.max[known], every=one.service.every, served_day=served_day)


def _finding(one: Counted, due: ServiceDue, now: datetime) -> Finding | None:
    """None between being told and being taken back: what was said stands."""
    if TOLD_DAYS < due.days_mid <= TAKEN_BACK_DAYS:
        return None
    at_ms = to_ms(now)
    return Finding(
        site_id=one.entry.site_id, equipment_id=one.entry.equipment_id, method=Method.REMAINING_LIFE,
        mode=one.service.key, at_ms=at_ms, since_ms=at_ms, confidence=CONFIDENCE, score=1.0,
        is_present=due.days_mid <= TOLD_DAYS,
        days_left=DaysLeft(low=due.days_low, median=due.days_mid, high=due.days_high),
        points=(PointEvidence(point_key=one.point.key, share=1.0, value=due.value),),
    )  # fmt: skip
