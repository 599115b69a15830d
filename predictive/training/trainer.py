"""Trains what waits to be trained: one process of an installation at a time, whichever it is."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from kit.access import Scope
from kit.clock import Clock, to_ms
from kit.db import Database
from kit.logs import logger
from predictive.streaming.shape import Shape
from predictive.training import runs_repository
from predictive.training.card import Family
from predictive.training.code_version import code_version
from predictive.training.errors import TrainingStopped
from predictive.training.examining import Examining
from predictive.training.gathering import Gatherer
from predictive.training.learning import Learnt, Lesson, OtherRelease, learn, peak_mb
from predictive.training.models import TrainingRun, TrainingState
from predictive.training.pieces import Pieces, Sum
from predictive.training.planning import (
    Lineage,
    Purpose,
    Wanted,
    portion_size,
    portions,
    process_memory_mb,
    wanted,
)
from predictive.training.pool import BackendUnavailable, Pool, opened_pool
from predictive.training.saving import Saving
from predictive.training.settings import TrainingSettings
from predictive.training.store import ModelStore
from telemetry.errors import QueryTooSlow, StoreUnavailable

log = logger(__name__)

# A training that has ended processes so often without a word (killed for memory, say) would end the next one too.
MOST_ATTEMPTS: Final = 5
CRASHED: Final = "crashed"


@dataclass(frozen=True, kw_only=True)
class Progress:
    """How far a training is: `learnt` of `equipment`, working on `subject`."""

    run_id: UUID
    site_id: UUID
    subject: str
    learnt: int
    equipment: int


Show = Callable[[Progress], Awaitable[None]]


@dataclass
class _Count:
    """How far the whole run is, over its subjects."""

    learnt: int
    equipment: int


class Trainer:
    def __init__(
        self, *, database: Database, store: ModelStore, gatherer: Gatherer, pieces: Pieces, saving: Saving,
        examining: Examining, settings: TrainingSettings, clock: Clock,
    ) -> None:  # fmt: skip
        self._database = database
        self._store = store
        self._gatherer = gatherer
        self._pieces = pieces
        self._saving = saving
        self._examining = examining
        self._settings = settings
        self._clock = clock

    async def train_waiting(self, show: Show) -> bool:
        """Trains what waits or was left behind by a process that died, until nothing does. Whether it was this
        process's turn: another may be training already, and that one does it all. Raises BackendUnavailable."""
        async with self._database.transaction() as lock:
            if not await runs_repository.is_the_trainer(lock):
                return False
            while (run := await self._next()) is not None:
                await self._train(run, show)
        return True

    # --- one run ---------------------------------------------------------------------------------------------------

    async def _next(self) -> TrainingRun | None:
        async with self._database.transaction() as session:
            waiting = await runs_repository.under_way(session, Scope.everywhere())
            return waiting[0] if waiting else None

    async def _train(self, run: TrainingRun, show: Show) -> None:
        async with self._database.transaction() as session:
            attempt = await runs_repository.begin(session, run.id, at=self._clock.now())
        if attempt > MOST_ATTEMPTS:
            await self._end(run, TrainingState.FAILED, CRASHED)
            return
        try:
            await self._learn_all(run, show)
        except TrainingStopped:
            await self._end(run, TrainingState.CANCELLED)
        except (QueryTooSlow, StoreUnavailable) as error:
            log.warning("training failed", run_id=str(run.id), error=str(error))
            await self._end(run, TrainingState.FAILED, error.code())
        except (BackendUnavailable, OtherRelease) as error:
            log.warning("training failed", run_id=str(run.id), error=str(error))
            await self._end(run, TrainingState.FAILED, str(error))
        except Exception as error:  # the others wait for their turn; whoever asked is told
            log.exception("training failed", run_id=str(run.id))
            await self._end(run, TrainingState.FAILED, f"unexpected: {type(error).__name__}: {error}")
        else:
            await self._end(run, TrainingState.DONE)

    async def _learn_all(self, run: TrainingRun, show: Show) -> None:
        plan = await self._plan(run)
        count = _Count(0, sum(len(each.equipment_ids) for each, _ in plan))
        await self._go_on(run, "", count, show)
        # Opened here, so that a backend that does not answer ends the run and not the process.
        with opened_pool(self._settings) as pool:
            for each, shapes in plan:
                await self._learn_subject(run, each, shapes, pool, count, show)

    async def _plan(self, run: TrainingRun) -> list[tuple[Wanted, dict[UUID, Shape]]]:
        """What is to be learnt and has not been saved by an earlier attempt."""
        by_subject, fresh = self._gatherer.shapes(run.site_id), await self._gatherer.fresh_starts(run.site_id)
        async with self._database.transaction() as session:
            scope = Scope.of(run.site_id)
            champions = {
                one.subject: one for one in await self._store.champions(session, scope, family=Family.DETECTORS)
            }
            shadows = {one.subject: one for one in await self._store.shadows(session, scope, family=Family.DETECTORS)}
            saved = set((run.report or {}).get("subjects", {}))
        found: list[tuple[Wanted, dict[UUID, Shape]]] = []
        for subject, shapes in sorted(by_subject.items()):
            if subject in saved or run.subject not in (None, subject, subject.partition("/")[0]):
                continue
            lineage = Lineage(
                subject=subject, shapes=shapes, champion=champions.get(subject), shadow=shadows.get(subject),
                fresh_starts=fresh,
            )  # fmt: skip
            each = wanted(
                lineage, is_complete=run.is_complete, code_version=code_version(), now=self._clock.now(),
                challenger_after=timedelta(days=self._settings.challenger_days),
            )  # fmt: skip
            if each is not None:
                found.append((each, shapes))
        return found

    # --- one subject -----------------------------------------------------------------------------------------------

    async def _learn_subject(
        self, run: TrainingRun, each: Wanted, shapes: dict[UUID, Shape], pool: Pool, count: _Count, show: Show
    ) -> None:
        async with self._database.transaction() as session:
            done = await self._pieces.so_far(session, run_id=run.id, site_id=run.site_id, subject=each.subject)
        left = [one for one in each.equipment_ids if one not in done.done]
        count.learnt += len(each.equipment_ids) - len(left)
        await self._lessons(run, each, {one: shapes[one] for one in left}, pool, done, count, show)
        marks: dict[str, Any] = {}
        if each.purpose is not Purpose.ADDED and done.equipment_ids:
            marks = await self._examining.marks(run, {one: shapes[one] for one in done.equipment_ids}, pool)
        shape = shapes[each.equipment_ids[0]]
        async with self._database.transaction() as session:
            await self._saving.save(session, run, each, shape, done, marks, peak_mb=self._peak_mb(pool, done))

    async def _lessons(
        self, run: TrainingRun, each: Wanted, shapes: dict[UUID, Shape], pool: Pool, done: Sum, count: _Count,
        show: Show,
    ) -> None:  # fmt: skip
        """While the processes learn, the next lessons are read."""
        if not shapes:
            return
        size = self._portion_size(run, next(iter(shapes.values())), pool)
        rounds = portions([*shapes], size=size * pool.size)
        reading = asyncio.create_task(self._read(run, each, shapes, rounds[0], size, done.next_number, pool))
        try:
            for place in range(len(rounds)):
                lessons = await reading
                if place + 1 < len(rounds):
                    number = lessons[-1].number + 1
                    reading = asyncio.create_task(
                        self._read(run, each, shapes, rounds[place + 1], size, number, pool)
                    )  # fmt: skip
                for learnt in await asyncio.to_thread(pool.map, learn, lessons):
                    await self._keep(run, learnt, done)
                    count.learnt += sum(map(len, (learnt.equipment_ids, learnt.learning, learnt.failed)))
                await self._go_on(run, each.subject, count, show)
        finally:
            reading.cancel()

    async def _read(
        self, run: TrainingRun, each: Wanted, shapes: dict[UUID, Shape], some: Sequence[UUID], size: int,
        number: int, pool: Pool,
    ) -> list[Lesson]:  # fmt: skip
        start_ms, end_ms = span_ms(run, shapes[some[0]])
        pupils = await self._gatherer.pupils(
            run.site_id, {one: shapes[one] for one in some}, start_ms=start_ms, end_ms=end_ms
        )
        memory_mb = process_memory_mb(memory_mb=self._settings.memory_mb, processes=pool.size)
        return [
            Lesson(
                subject=each.subject, number=number + place, pupils=pupils[at : at + size], start_ms=start_ms,
                end_ms=end_ms, learning_days=self._settings.learning_days, code_version=code_version(),
                memory_mb=memory_mb if pool.others else None,
            )
            for place, at in enumerate(range(0, len(pupils), size))
        ]  # fmt: skip

    async def _keep(self, run: TrainingRun, learnt: Learnt, done: Sum) -> None:
        for equipment_id, why in learnt.failed.items():
            log.warning("equipment could not be learnt", equipment_id=str(equipment_id), why=why)
        async with self._database.transaction() as session:
            await self._pieces.keep(session, learnt, run_id=run.id, site_id=run.site_id)
        done.take(learnt)

    # --- inside ----------------------------------------------------------------------------------------------------

    def _portion_size(self, run: TrainingRun, shape: Shape, pool: Pool) -> int:
        start_ms, end_ms = span_ms(run, shape)
        rows = (end_ms - start_ms) // shape.step_ms
        return portion_size(shape, rows=rows, memory_mb=self._settings.memory_mb, processes=pool.size)

    def _peak_mb(self, pool: Pool, done: Sum) -> int:
        """Of all processes on this machine together, at most: they need not have had their peaks at once."""
        return peak_mb() + done.peak_mb * pool.others

    async def _go_on(self, run: TrainingRun, subject: str, count: _Count, show: Show) -> None:
        """Raises TrainingStopped."""
        share = count.learnt / count.equipment if count.equipment else 1.0
        async with self._database.transaction() as session:
            # The back-test and the saving of the last subject are still to come.
            is_on = await runs_repository.go_on(
                session, run.id, progress=min(share, 0.99), learnt=count.learnt, equipment=count.equipment
            )
        if not is_on:
            raise TrainingStopped
        await show(
            Progress(
                run_id=run.id, site_id=run.site_id, subject=subject, learnt=count.learnt, equipment=count.equipment
            )
        )

    async def _end(self, run: TrainingRun, state: TrainingState, failure: str | None = None) -> None:
        async with self._database.transaction() as session:
            await runs_repository.end(session, run.id, state, at=self._clock.now(), failure=failure)


def span_ms(run: TrainingRun, shape: Shape) -> tuple[int, int]:
    """The run's history as two multiples of the step."""
    end_ms = to_ms(run.until) // shape.step_ms * shape.step_ms
    start_ms = to_ms(run.until - timedelta(days=run.days)) // shape.step_ms * shape.step_ms
    return start_ms, end_ms
