"""A local day of all equipment of a subject, read from the store and made into features."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

import numpy as np

from building.reading import ReadingBatch
from catalog.directory import LiveDirectory
from kit.clock import to_ms
from predictive.detectors.contract import Floats, Window
from predictive.drift.days import Feature, days_of, features_of
from predictive.streaming.frames import Layout, nothing_held, rows
from predictive.streaming.shape import Shape, shape_of
from telemetry.errors import QueryTooSlow
from telemetry.history import history
from telemetry.store import TelemetryQueries

# What kind of point does what is learnt from so many days of so many machines.
LOOKS_AT_DAYS: Final = 7
LOOKS_AT_EQUIPMENT: Final = 12
# A store is not asked for more points at a time, and a turn of the sweep reads no more.
POINTS_AT_ONCE: Final = 2_000


@dataclass(frozen=True)
class Cohort:
    """The equipment in service of one subject at one site."""

    site_id: UUID
    subject: str
    timezone: str
    shapes: Mapping[UUID, Shape]

    @property
    def shape(self) -> Shape:
        return next(iter(self.shapes.values()))

    @property
    def at_once(self) -> int:
        """How many are gathered in one turn."""
        return max(1, POINTS_AT_ONCE // len(self.shape.point_nos))

    def day_at(self, now: datetime) -> date:
        return now.astimezone(ZoneInfo(self.timezone)).date()

    def midnight_ms(self, day: date) -> int:
        return to_ms(datetime.combine(day, time(), ZoneInfo(self.timezone)))


class Gatherer:
    """`readings`: how many are asked for at a time."""

    def __init__(self, *, queries: TelemetryQueries, directory: LiveDirectory, readings: int) -> None:
        self._queries = queries
        self._directory = directory
        self._readings = readings

    def cohorts(self) -> list[Cohort]:
        found: dict[tuple[UUID, str, str], dict[UUID, Shape]] = {}
        for entry in self._directory.current.entries:
            shape = shape_of(entry)
            if shape is not None:
                found.setdefault((entry.site_id, shape.subject, entry.timezone), {})[entry.equipment_id] = shape
        return [Cohort(site_id, subject, timezone, shapes) for (site_id, subject, timezone), shapes in found.items()]

    async def features(self, cohort: Cohort, *, today: date) -> tuple[Feature, ...]:
        """Which there are, none where nothing was read in the last week. Raises QueryTooSlow, StoreUnavailable."""
        start_ms, end_ms = cohort.midnight_ms(today - timedelta(days=LOOKS_AT_DAYS)), cohort.midnight_ms(today)
        shapes = list(cohort.shapes.values())[:LOOKS_AT_EQUIPMENT]
        readings = await self._read(shapes, start_ms=start_ms, end_ms=end_ms)
        return await asyncio.to_thread(_features, shapes, readings, start_ms, end_ms) if len(readings) else ()

    async def day(
        self, cohort: Cohort, features: Sequence[Feature], day: date, equipment: Sequence[UUID]
    ) -> dict[UUID, Floats]:
        """Features of each, float64[F], NaN where too little was read; without those that the store could not read
        in time, not even one by one. Raises StoreUnavailable."""
        start_ms, end_ms = cohort.midnight_ms(day), cohort.midnight_ms(day + timedelta(days=1))
        shapes = {one: cohort.shapes[one] for one in equipment}
        try:
            readings = await self._read(list(shapes.values()), start_ms=start_ms, end_ms=end_ms)
        except QueryTooSlow:
            if len(equipment) <= 1:
                return {}
            half = len(equipment) // 2
            first = await self.day(cohort, features, day, equipment[:half])
            return first | await self.day(cohort, features, day, equipment[half:])
        return await asyncio.to_thread(_days, shapes, features, readings, start_ms, end_ms)

    async def _read(self, shapes: Sequence[Shape], *, start_ms: int, end_ms: int) -> ReadingBatch:
        points = [number for shape in shapes for number in shape.point_nos]
        before_ms = max(shape.look_back_ms for shape in shapes)
        pages = [
            page.readings
            async for page in history(
                self._queries, points, start_ms=start_ms - before_ms, end_ms=end_ms, readings=self._readings
            )
        ]
        return ReadingBatch.concat(pages) if pages else ReadingBatch.empty()


def _features(shapes: Sequence[Shape], readings: ReadingBatch, start_ms: int, end_ms: int) -> tuple[Feature, ...]:
    return features_of(_window(shapes, readings, start_ms, end_ms), measures=shapes[0].averages)


def _days(
    shapes: Mapping[UUID, Shape], features: Sequence[Feature], readings: ReadingBatch, start_ms: int, end_ms: int
) -> dict[UUID, Floats]:
    # A row is named by its end: that of midnight belongs to the day before.
    edges_ms = np.array([start_ms, end_ms], dtype=np.int64) + 1
    window = _window(list(shapes.values()), readings, start_ms, end_ms)
    values = days_of(window, features, edges_ms=edges_ms).values[:, 0]
    return dict(zip(shapes, values, strict=True))


def _window(shapes: Sequence[Shape], readings: ReadingBatch, start_ms: int, end_ms: int) -> Window:
    """The rows of all of them, as the line sees them; the readings begin before the start, for values that hold."""
    step_ms = shapes[0].step_ms
    first_ms = start_ms // step_ms * step_ms
    before = -(-max(shape.look_back_ms for shape in shapes) // step_ms)
    layout, held = Layout.of(shapes), nothing_held(len(shapes), len(shapes[0].point_keys))
    rows(layout, held, readings, start_ms=first_ms - before * step_ms, count=before)
    return rows(layout, held, readings, start_ms=first_ms, count=(end_ms - first_ms) // step_ms)
