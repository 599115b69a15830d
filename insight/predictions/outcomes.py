"""Closing codes and parts become labels of predictions."""

from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from insight.predictions import labelling
from insight.predictions.labelling import VAGUE
from kit.access import Scope
from kit.clock import Clock
from kit.sweeps import Sweep
from predictive.predictions.ending import AT_ONCE, Ending
from predictive.predictions.finding import Method
from predictive.predictions.label import PredictionLabel
from predictive.predictions.models import Prediction
from predictive.predictions.settings import PredictionSettings
from predictive.training.fresh_start import FreshStarts
from stock.service import StockService
from ticketing.events import WorkOrderMoved
from ticketing.kinds import ClosingCode, OrderState
from ticketing.outcome_book import OutcomeBook
from ticketing.outcomes import Outcome

HOURLY = "23 * * * *"
_SAID = frozenset({OrderState.DONE.value, OrderState.VERIFIED.value, OrderState.CLOSED.value})


def says_something(event: WorkOrderMoved) -> bool:
    """Whether somebody may have said what it was."""
    return event.after in _SAID


def _found_a_fault(event: WorkOrderMoved, outcome: Outcome) -> bool:
    """Told once an order: what follows upon its being done says no more of the machine."""
    return event.after == OrderState.DONE.value and outcome.closing_code == ClosingCode.REAL_FAULT.value


class PredictionOutcomes:
    def __init__(
        self, *, ending: Ending, outcomes: OutcomeBook, stock: StockService, fresh: FreshStarts,
        settings: PredictionSettings, clock: Clock,
    ) -> None:  # fmt: skip
        self._ending = ending
        self._outcomes = outcomes
        self._stock = stock
        self._fresh = fresh
        self._settings = settings
        self._clock = clock

    def sweeps(self) -> tuple[Sweep, ...]:
        return (Sweep("insight.label_predictions", HOURLY, self.label_by_time),)

    async def on_order_moved(self, session: AsyncSession, event: WorkOrderMoved) -> None:
        """An order is done: its predictions are settled, so that their alarms return and the work can be proved. What
        was repaired begins afresh: what was normal while it wore out is not what is normal now."""
        everywhere = Scope.everywhere()
        outcome = await self._outcomes.about(session, everywhere, event.work_order_id)
        if outcome is None:
            return
        alarms = await self._outcomes.of_order(session, everywhere, event.work_order_id)
        rows = await self._ending.of_alarms(
            session, [one.alarm_id for one in alarms], opened_by=event.at
        )  # fmt: skip
        parts_used = any(part.used > 0 for part in await self._stock.of_order(session, event.work_order_id))
        is_repaired = parts_used and _found_a_fault(event, outcome)
        for row in rows:
            is_repaired |= await self._settle(session, row, outcome, parts_used=parts_used)
        if is_repaired:
            await self._fresh.begin(
                session, equipment_id=outcome.equipment_id, site_id=event.site_id,
                since=outcome.over_at or self._clock.now(), reason=outcome.number,
            )  # fmt: skip

    async def label_by_time(self, session: AsyncSession) -> bool:
        """A sweep: labels what no order speaks of, once the time is over in which it would have failed."""
        horizon = timedelta(days=self._settings.plan_days)
        now = self._clock.now()
        rows = await self._ending.unlabelled(session, ended_before=now - horizon)
        for row in rows:
            assert row.ended_at is not None  # asked for by it
            outcomes = await self._outcomes.of_equipment(
                session, Scope.everywhere(), [row.equipment_id], since=row.opened_at, until=now
            )
            said = labelling.by_time(
                mode=row.mode, opened_at=row.opened_at, ended_at=row.ended_at, was_ordered=row.ordered_at is not None,
                horizon=horizon, outcomes=outcomes,
            )  # fmt: skip
            await self._ending.label(session, row, label=said.label, why=said.why)
        return len(rows) == AT_ONCE

    async def _settle(self, session: AsyncSession, row: Prediction, outcome: Outcome, *, parts_used: bool) -> bool:
        """Whether what it predicted was there, and has been repaired."""
        assert row.raised_at is not None  # it has an alarm
        said = labelling.by_order(
            mode=row.mode, raised_at=row.raised_at, outcome=outcome, parts_used=parts_used,
            is_counted=row.method == Method.REMAINING_LIFE.value,
        )  # fmt: skip
        if said is None:
            return False
        await self._ending.settle(session, row, label=said.label, why=said.why, order_id=outcome.order_id)
        is_true = said.label is PredictionLabel.TRUE and outcome.equipment_id == row.equipment_id
        return is_true and (outcome.fault_mode == row.mode or row.mode in VAGUE or parts_used)
