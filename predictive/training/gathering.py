"""Reads what processes of training learn from: readings, busy times, fresh starts, failures."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from building.reading import ReadingBatch
from catalog.directory import LiveDirectory
from kit.access import Scope
from kit.clock import from_ms, to_ms
from kit.db import Database
from predictive.streaming.normal_time import BusyTimes
from predictive.streaming.shape import Shape, shape_of
from predictive.training import repository
from predictive.training.figures import Failure
from predictive.training.learning import EVER_MS, Pupil
from predictive.training.past import Failures
from telemetry.history import history
from telemetry.store import TelemetryQueries


class Gatherer:
    """`readings`: how many are asked for at a time; fewer where the store answers in messages."""

    def __init__(
        self, *, database: Database, queries: TelemetryQueries, directory: LiveDirectory, busy: BusyTimes,
        failures: Failures, readings: int,
    ) -> None:  # fmt: skip
        self._database = database
        self._queries = queries
        self._directory = directory
        self._busy = busy
        self._failures = failures
        self._readings = readings

    def shapes(self, site_id: UUID) -> dict[str, dict[UUID, Shape]]:
        """The equipment in service at a site that models can learn from, by subject."""
        found: dict[str, dict[UUID, Shape]] = {}
        for entry in self._directory.current.entries:
            shape = shape_of(entry) if entry.site_id == site_id else None
            if shape is not None:
                found.setdefault(shape.subject, {})[entry.equipment_id] = shape
        return found

    async def pupils(
        self, site_id: UUID, shapes: Mapping[UUID, Shape], *, start_ms: int, end_ms: int,
        failures: Mapping[UUID, Sequence[Failure]] | None = None,
    ) -> list[Pupil]:  # fmt: skip
        """With everything that learning wants to know of them. Raises QueryTooSlow, StoreUnavailable."""
        start, end, wanted = from_ms(start_ms), from_ms(end_ms), list(shapes)
        async with self._database.transaction() as session:
            busy = await self._busy.of(session, wanted, start=start, end=end)
            fresh = await repository.fresh_starts(session, Scope.of(site_id))
        return [
            Pupil(
                equipment_id=one, shape=shape, readings=await self._read(shape, start_ms=start_ms, end_ms=end_ms),
                busy=tuple(busy.get(one, ())), since_ms=to_ms(fresh[one]) if one in fresh else EVER_MS,
                failures=tuple((failures or {}).get(one, ())),
            )
            for one, shape in shapes.items()
        ]  # fmt: skip

    async def failures(
        self, equipment_ids: Sequence[UUID], *, start_ms: int, end_ms: int, horizon: timedelta
    ) -> Mapping[UUID, Sequence[Failure]]:
        """Also those after the end that a finding before it could have foreseen."""
        start, end = from_ms(start_ms), from_ms(end_ms)
        async with self._database.transaction() as session:
            return await self._failures.of(session, equipment_ids, start=start, end=end + horizon)

    async def fresh_starts(self, site_id: UUID) -> Mapping[UUID, datetime]:
        async with self._database.transaction() as session:
            return await repository.fresh_starts(session, Scope.of(site_id))

    async def _read(self, shape: Shape, *, start_ms: int, end_ms: int) -> ReadingBatch:
        pages = [
            page.readings
            async for page in history(
                self._queries, shape.point_nos, start_ms=start_ms - shape.look_back_ms, end_ms=end_ms,
                readings=self._readings,
            )
        ]  # fmt: skip
        return ReadingBatch.concat(pages) if pages else ReadingBatch.empty()
