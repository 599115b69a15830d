"""Makes models of what a training has learnt, and reports what became of it."""

from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from kit.access import Scope
from kit.clock import from_ms
from kit.logs import logger
from predictive.detectors.contract import Arrays, stacked, taken
from predictive.streaming.shape import Shape
from predictive.training import repository, runs_repository
from predictive.training.card import Draft, Family, ModelCard, ModelState
from predictive.training.errors import ModelRefused
from predictive.training.models import TrainingRun
from predictive.training.packing import pack_arrays
from predictive.training.pieces import Sum
from predictive.training.planning import Purpose, Wanted, current_in, learnt_spans, parameters
from predictive.training.store import ModelStore

log = logger(__name__)


class Saving:
    def __init__(self, *, store: ModelStore, learning_days: float) -> None:
        self._store = store
        self._learning_days = learning_days

    async def save(
        self, session: AsyncSession, run: TrainingRun, each: Wanted, shape: Shape, done: Sum, marks: dict[str, Any],
        *, peak_mb: int,
    ) -> None:  # fmt: skip
        """All of one subject, and that it is done, in the caller's transaction: a kill leaves it whole or to do."""
        made = await self._models(session, run, each, shape, done, marks) if done.equipment_ids else []
        report = await self._report(session, run)
        report["subjects"][each.subject] = {
            "purpose": each.purpose.value, "learnt": len(done.equipment_ids), "readings": done.readings,
            "learning": {str(one): days for one, days in done.learning.items()},
            "failed": {str(one): why for one, why in done.failed.items()},
            "models": [str(card.id) for card in made], "took_s": round(done.took_s, 1), "back_test": marks,
        }  # fmt: skip
        report["peak_mb"] = max(report["peak_mb"], peak_mb)
        await runs_repository.note(session, run.id, report)
        await runs_repository.forget_pieces(session, run.id, each.subject)

    async def _report(self, session: AsyncSession, run: TrainingRun) -> dict[str, Any]:
        row = await runs_repository.get(session, Scope.of(run.site_id), run.id)
        await session.refresh(row)
        known = (row.report if row else None) or {}
        return {"subjects": dict(known.get("subjects", {})), "peak_mb": known.get("peak_mb", 0)}

    async def _models(
        self, session: AsyncSession, run: TrainingRun, each: Wanted, shape: Shape, done: Sum, marks: dict[str, Any]
    ) -> list[ModelCard]:
        scope = Scope.of(run.site_id)
        own = self._draft(run, each.subject, shape, done.equipment_ids, done.spans_ms, done.model(), marks)
        (champion,) = await self._store.find(
            session, scope, family=Family.DETECTORS, states=(ModelState.CHAMPION,), site_id=run.site_id,
            subject=each.subject,
        ) or (None,)  # fmt: skip
        if champion is None or (old := await self._arrays(session, champion)) is None:
            return [await self._store.save(session, own, state=ModelState.CHAMPION)]
        if not _fit(old, done.model()):
            # Its detectors are not those of this release any more: what it holds cannot be streamed with.
            log.warning("a model of other detectors is replaced", subject=each.subject, model_id=str(champion.id))
            return [await self._store.save(session, own, state=ModelState.CHAMPION)]
        made = [] if each.purpose is Purpose.ADDED else [await self._store.save(session, own)]
        joined = await self._joined(session, run, shape, champion, old, done)
        return made if joined is None else [*made, await self._store.save(session, joined, state=ModelState.CHAMPION)]

    async def _joined(
        self, session: AsyncSession, run: TrainingRun, shape: Shape, champion: ModelCard, old: Arrays, done: Sum
    ) -> Draft | None:
        """The champion with the equipment that it lacked; None where it lacked none. What it knew stays as it was."""
        fresh = await repository.fresh_starts(session, Scope.of(run.site_id))
        current, spans = current_in(champion, fresh), learnt_spans(champion)
        kept = [place for place, one in enumerate(champion.equipment_ids) if one in current]
        added = [place for place, one in enumerate(done.equipment_ids) if one not in current]
        if not added:
            return None
        kept_ids = [champion.equipment_ids[place] for place in kept]
        arrays = stacked([taken(old, kept), taken(done.model(), added)])
        return self._draft(
            run, champion.subject, shape, [*kept_ids, *(done.equipment_ids[place] for place in added)],
            [*(spans[one] for one in kept_ids), *(done.spans_ms[place] for place in added)], arrays,
            dict(champion.metrics),
        )  # fmt: skip

    async def _arrays(self, session: AsyncSession, card: ModelCard) -> Arrays | None:
        try:
            return await self._store.load(session, card)
        except ModelRefused as refused:
            log.warning("a model that is refused is replaced", model_id=str(card.id), reason=refused.reason.value)
            return None

    def _draft(
        self, run: TrainingRun, subject: str, shape: Shape, equipment_ids: list[UUID], spans: list[tuple[int, int]],
        arrays: Arrays, metrics: dict[str, Any],
    ) -> Draft:  # fmt: skip
        return Draft(
            site_id=run.site_id, family=Family.DETECTORS, subject=subject, packed=pack_arrays(arrays),
            data_from=from_ms(min(first for first, _ in spans)), data_until=from_ms(max(last for _, last in spans)),
            equipment_ids=equipment_ids, points=shape.point_keys, step_s=shape.step_s,
            parameters=parameters(days=run.days, learning_days=self._learning_days, spans_ms=spans),
            metrics=metrics, run_id=run.id,
        )  # fmt: skip


def _fit(old: Arrays, new: Arrays) -> bool:
    """Whether both are of the same detectors: the same arrays, of the same shapes but for the number of equipment."""
    return old.keys() == new.keys() and all(
        (old[name].shape[1:], old[name].dtype.kind) == (new[name].shape[1:], new[name].dtype.kind) for name in old
    )
