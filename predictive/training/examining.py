"""The back-test of a training: some of its equipment, walked forward through their own history."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from kit.clock import to_ms
from predictive.streaming.shape import Shape
from predictive.training.code_version import code_version
from predictive.training.figures import Failure, Tally
from predictive.training.gathering import Gatherer
from predictive.training.learning import Examination, Marks, Pupil, examine
from predictive.training.models import TrainingRun
from predictive.training.planning import process_memory_mb, sample
from predictive.training.pool import Pool
from predictive.training.settings import TrainingSettings
from predictive.training.splits import Split, walk_forward


class Examining:
    def __init__(self, *, gatherer: Gatherer, settings: TrainingSettings) -> None:
        self._gatherer = gatherer
        self._settings = settings

    async def marks(self, run: TrainingRun, shapes: Mapping[UUID, Shape], pool: Pool) -> dict[str, Any]:
        """Figures over all splits and for each, as stored with a model; empty where back-tests are switched off."""
        if not self._settings.back_test_equipment:
            return {}
        end_ms = to_ms(run.until)
        start_ms = to_ms(run.until - timedelta(days=run.days))
        horizon = timedelta(days=self._settings.horizon_days)
        failures = await self._gatherer.failures([*shapes], start_ms=start_ms, end_ms=end_ms, horizon=horizon)
        chosen = sample([*shapes], failed=failures, size=self._settings.back_test_equipment)
        splits = walk_forward(since_ms=start_ms, until_ms=end_ms, splits=self._settings.back_test_splits)
        found: list[Marks] = []
        for at in range(0, len(chosen), pool.size):
            some = {one: shapes[one] for one in chosen[at : at + pool.size]}
            asked = await self._examinations(run, some, failures, splits, pool)
            found += await asyncio.to_thread(pool.map, examine, asked)
        return summed_up(found, splits, horizon_days=self._settings.horizon_days)

    async def _examinations(
        self, run: TrainingRun, shapes: Mapping[UUID, Shape], failures: Mapping[UUID, Sequence[Failure]],
        splits: list[Split], pool: Pool,
    ) -> list[Examination]:  # fmt: skip
        shape = next(iter(shapes.values()))
        start_ms = splits[0].learn_from_ms // shape.step_ms * shape.step_ms
        end_ms = splits[-1].judge_until_ms // shape.step_ms * shape.step_ms
        pupils = await self._gatherer.pupils(
            run.site_id, shapes, start_ms=start_ms, end_ms=end_ms, failures=failures
        )  # fmt: skip
        return [self._examination(pupil, splits, start_ms, end_ms, pool) for pupil in pupils]

    def _examination(self, pupil: Pupil, splits: list[Split], start_ms: int, end_ms: int, pool: Pool) -> Examination:
        memory_mb = process_memory_mb(memory_mb=self._settings.memory_mb, processes=pool.size)
        return Examination(
            pupil=pupil, splits=splits, start_ms=start_ms, end_ms=end_ms, learning_days=self._settings.learning_days,
            horizon_ms=round(self._settings.horizon_days * 86_400_000), code_version=code_version(),
            memory_mb=memory_mb if pool.others else None,
        )  # fmt: skip


def summed_up(found: list[Marks], splits: list[Split], *, horizon_days: float) -> dict[str, Any]:
    """Of all equipment together: over all splits, and split by split in order of time."""
    by_split = [
        sum((one.tallies[place] or Tally() for one in found if not one.failed), start=Tally())
        for place in range(len(splits))
    ]
    return {
        "horizon_days": horizon_days,
        "equipment": len(found),
        "failed": {str(one.equipment_id): one.failed for one in found if one.failed},
        **sum(by_split, start=Tally()).figures(),
        "splits": [
            {"learnt_until_ms": split.learn_until_ms, "judged_until_ms": split.judge_until_ms, **part.figures()}
            for split, part in zip(splits, by_split, strict=True)
        ],
    }
