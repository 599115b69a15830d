"""What ticketing is told of the telemetry behind an alarm: whether it may be believed, and how it went."""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from alarms.detection import AlarmSource
from building.equipment import EquipmentKind
from building.quality import Quality
from catalog.directory import EquipmentEntry, LiveDirectory, PointEntry
from catalog.errors import EquipmentNotFound
from catalog.service import CatalogService
from catalog.views import EquipmentView
from kit.access import Scope
from kit.clock import from_ms, to_ms
from kit.errors import DomainError
from kit.logs import logger
from rules.service import RuleService
from telemetry.buckets import smallest_bucket_ms
from telemetry.service import PointSeries, TelemetryService, allowed_age_s
from telemetry.store import Bucket
from ticketing.proof.evidence import ChartLine, Suspect
from ticketing.proof.trust import Heard, least, trust_of
from ticketing.proof.verdict import Doubt, Trust

log = logger(__name__)

STORE_DEADLINE_S = 10.0
# A few polls lost, a connection made anew: that is no silence when the question is about minutes.
LOST_POLLS = timedelta(minutes=1)
# Enough for a chart the width of a page, little enough to be kept with an order.
CHART_BUCKETS = 120
CHART_LINES = 6

_DOUBTS = {
    Quality.OK: None,
    Quality.STALE: Doubt.STALE,
    Quality.FAULT: Doubt.SENSOR_FAULT,
    Quality.DOWN: Doubt.LINK_DOWN,
    Quality.UNKNOWN: Doubt.SENSOR_FAULT,
}


class TelemetryProof:
    """`ticketing.proof.evidence.ProofSource` from rules, links and the telemetry store."""

    def __init__(
        self, telemetry: TelemetryService, rules: RuleService, catalog: CatalogService, directory: LiveDirectory
    ) -> None:
        self._telemetry = telemetry
        self._rules = rules
        self._catalog = catalog
        self._directory = directory

    async def trust(self, session: AsyncSession, suspect: Suspect, *, since: datetime, now: datetime) -> Trust:
        equipment = self._directory.current.by_id.get(suspect.equipment_id)
        if equipment is None or not equipment.in_service:
            return Trust.none(Doubt.OUT_OF_SERVICE)
        gateway = await self._gateway(session, equipment, since=since)
        if suspect.source == AlarmSource.LINK:
            return gateway  # whether it answers is the very thing in question; that nobody could hear it is not
        if suspect.source != AlarmSource.RULE:
            return least([gateway, await self._link(session, equipment.equipment_id, since=since)], since=since)
        watch = await self._rules.watch(session, suspect.source_id, equipment)
        if watch is None:
            return Trust.none(Doubt.RULE_GONE)
        if watch.of_silence:
            return gateway
        own = await self._link(session, equipment.equipment_id, since=since)
        links = least([gateway, own], since=since)
        if links.doubt is not None:
            return links
        points = [equipment.points[key] for key in watch.points if key in equipment.points] + list(watch.elsewhere)
        heard = [await self._heard(point, since=since, now=now) for point in points]
        return least([links, *heard], since=since)

    async def chart(
        self, session: AsyncSession, suspects: Sequence[Suspect], *, start: datetime, end: datetime
    ) -> Sequence[ChartLine]:
        points: dict[int, PointEntry] = {}
        for suspect in suspects:
            for point in await self._looked_at(session, suspect):
                points[point.point_no] = point
        width_ms = smallest_bucket_ms(start_ms=to_ms(start), end_ms=to_ms(end), buckets=CHART_BUCKETS)
        async with asyncio.timeout(STORE_DEADLINE_S):
            return [
                _line(
                    await self._telemetry.series(
                        Scope.everywhere(), point_no, start=start, end=end, bucket_s=width_ms // 1000
                    )
                )
                for point_no in list(points)[:CHART_LINES]
            ]

    # --- inside ----------------------------------------------------------------------------------------------------

    async def _looked_at(self, session: AsyncSession, suspect: Suspect) -> list[PointEntry]:
        equipment = self._directory.current.by_id.get(suspect.equipment_id)
        if equipment is None or suspect.source != AlarmSource.RULE:
            return []
        watch = await self._rules.watch(session, suspect.source_id, equipment)
        if watch is None:
            return []
        keys = watch.points or (tuple(equipment.points) if watch.of_silence else ())
        return [equipment.points[key] for key in keys if key in equipment.points] + list(watch.elsewhere)

    async def _gateway(self, session: AsyncSession, equipment: EquipmentEntry, *, since: datetime) -> Trust:
        """That of the gateway the equipment speaks through; only its own parent can be that."""
        parent = self._directory.current.by_id.get(equipment.parent_id) if equipment.parent_id else None
        if parent is None or parent.kind is not EquipmentKind.GATEWAY:
            return Trust(since)
        found = await self._link(session, parent.equipment_id, since=since)
        return Trust.none(Doubt.GATEWAY_DOWN) if found.doubt is not None else found

    async def _link(self, session: AsyncSession, equipment_id: UUID, *, since: datetime) -> Trust:
        try:
            view: EquipmentView = await self._catalog.equipment(session, Scope.everywhere(), equipment_id)
        except EquipmentNotFound:
            return Trust.none(Doubt.OUT_OF_SERVICE)
        if view.link_up is False:
            return Trust.none(Doubt.LINK_DOWN)
        return Trust(max(since, view.link_changed_at or since))

    async def _heard(self, point: PointEntry, *, since: datetime, now: datetime) -> Trust:
        holds = max(timedelta(seconds=allowed_age_s(point.reporting)), LOST_POLLS)
        try:
            async with asyncio.timeout(STORE_DEADLINE_S):
                found = await self._telemetry.readings(
                    Scope.everywhere(), point.point_no, start=since - holds, end=now + timedelta(milliseconds=1)
                )
        except (TimeoutError, DomainError) as error:
            log.warning("the store does not say what an order's proof needs", error=str(error))
            return Trust.none(Doubt.STORE_AWAY)
        readings = found.readings
        heard = [
            Heard(from_ms(at_ms), _DOUBTS[Quality(quality)])
            for at_ms, quality in zip(readings.ts_ms.tolist(), readings.quality.tolist(), strict=True)
        ]
        return trust_of(heard, holds=holds, since=since, now=now)


def _line(found: PointSeries) -> ChartLine:
    rows: list[Bucket] = list(found.series.rows)
    return ChartLine(
        key=found.point.key,
        name=dict(found.name),
        unit=found.point.unit,
        decimals=found.decimals,
        at=[from_ms(row.ts_ms) for row in rows],
        avg=[row.avg for row in rows],
        low=[row.min for row in rows],
        high=[row.max for row in rows],
        bad=[row.bad for row in rows],
    )
