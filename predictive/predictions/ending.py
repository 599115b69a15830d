"""How predictions end that no model takes back: by time, or because somebody has looked."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from kit.access import Scope
from kit.clock import Clock
from kit.sweeps import Sweep
from predictive.predictions import repository
from predictive.predictions.announcing import Announcing, Change
from predictive.predictions.errors import AnswerByOrder, PredictionNotFound, PredictionOver
from predictive.predictions.label import LabelWhy, PredictionLabel
from predictive.predictions.life import Happening, PredictionState, next_state
from predictive.predictions.models import Prediction

EVERY_FIVE_MINUTES = "*/5 * * * *"
AT_ONCE = 200


class Ending:
    def __init__(self, announcing: Announcing, clock: Clock) -> None:
        self._announcing = announcing
        self._clock = clock

    def sweeps(self) -> tuple[Sweep, ...]:
        return (Sweep("predictive.expire_predictions", EVERY_FIVE_MINUTES, self.expire),)

    async def expire(self, session: AsyncSession) -> bool:
        """A sweep: ends what was not found again in time. Whether something is left to do."""
        await repository.take_turns(session)
        rows = await repository.expired(session, now=self._clock.now(), limit=AT_ONCE)
        await self._end(session, rows, Happening.LAPSED)
        return len(rows) == AT_ONCE

    async def answer(
        self, session: AsyncSession, scope: Scope, prediction_id: UUID, *, label: PredictionLabel, note: str, by: UUID
    ) -> Prediction:
        """A person says what it was. Raises PredictionNotFound, PredictionOver, AnswerByOrder."""
        await repository.take_turns(session)
        row = await repository.get(session, scope, prediction_id, for_update=True)
        if row is None:
            raise PredictionNotFound(prediction_id)
        state = PredictionState(row.state)
        if state.is_over:
            raise PredictionOver(state.value)
        if state is PredictionState.ORDERED:
            raise AnswerByOrder
        _write_label(row, label, LabelWhy.PERSON, at=self._clock.now(), by=by, note=note)
        await self._end(session, [row], Happening.ANSWERED)
        return row

    async def of_alarms(
        self, session: AsyncSession, alarm_ids: list[UUID], *, opened_by: datetime
    ) -> list[Prediction]:  # fmt: skip
        """The predictions behind these alarms, held, that were raised by then: those that somebody has looked at."""
        await repository.take_turns(session)
        rows = await repository.of_alarms(session, alarm_ids)
        return [row for row in rows if row.raised_at is not None and row.raised_at <= opened_by]

    async def settle(
        self, session: AsyncSession, row: Prediction, *, label: PredictionLabel, why: LabelWhy, order_id: UUID
    ) -> None:
        """An order says what it was, the last one counts. One that is over already keeps how it ended."""
        _write_label(row, label, why, at=self._clock.now(), order_id=order_id)
        await self._end(session, [row], Happening.ANSWERED)

    async def unlabelled(self, session: AsyncSession, *, ended_before: datetime) -> Sequence[Prediction]:
        """Up to AT_ONCE of those that ended before and of which nobody has said what they were, held."""
        await repository.take_turns(session)
        return await repository.unlabelled(session, ended_before=ended_before, limit=AT_ONCE)

    async def label(self, session: AsyncSession, row: Prediction, *, label: PredictionLabel, why: LabelWhy) -> None:
        """Of one that is over."""
        _write_label(row, label, why, at=self._clock.now())
        await session.flush()

    async def _end(self, session: AsyncSession, rows: Sequence[Prediction], happening: Happening) -> None:
        changes = []
        for row in rows:
            before = PredictionState(row.state)
            row.state = next_state(before, happening, held_back=None)
            changes.append(Change(row, before))
        await self._announcing.tell(session, changes)


def _write_label(
    row: Prediction, label: PredictionLabel, why: LabelWhy, *, at: datetime, order_id: UUID | None = None,
    by: UUID | None = None, note: str = "",
) -> None:  # fmt: skip
    row.label, row.label_why, row.labelled_at = label.value, why.value, at
    row.order_id, row.labelled_by = order_id or row.order_id, by
    row.note = note or row.note
