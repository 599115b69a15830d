"""What a prediction's change of state means outside: its alarm, and events."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from alarms.detection import LEVEL_MARK, AlarmSource, Detection, OrderJoining, OrderPolicy
from alarms.service import AlarmService
from building.severity import Severity
from kit.clock import Clock, to_ms
from kit.events import publish
from predictive.predictions.events import PredictionChanged, PredictionWithdrawn
from predictive.predictions.life import PredictionState
from predictive.predictions.models import Prediction
from predictive.predictions.voices import of_json

ORDER_KIND = "repair"
# Nothing has failed yet: planned work, after what has. What is folded into a visit makes that no more urgent.
PRIORITY = 3
FOLDED_PRIORITY = 4

_TOLD = frozenset({PredictionState.RAISED, PredictionState.ORDERED})
# An alarm that becomes work becomes worse: that is how alarms tell it anew.
_LEVELS = {PredictionState.RAISED: Severity.WARNING, PredictionState.ORDERED: Severity.MINOR}


@dataclass(frozen=True)
class Change:
    """A prediction that went from `before` (None: it is new) to its state. `joins`: which order it would join."""

    row: Prediction
    before: PredictionState | None
    joins: OrderJoining = OrderJoining.FAULT

    @property
    def after(self) -> PredictionState:
        return PredictionState(self.row.state)


class Announcing:
    def __init__(self, alarms: AlarmService, clock: Clock) -> None:
        self._alarms = alarms
        self._clock = clock

    async def tell(self, session: AsyncSession, changes: Sequence[Change]) -> None:
        """Raises, makes worse or ends the alarms of predictions that changed, and publishes what happened."""
        now = self._clock.now()
        moved = [change for change in changes if change.before is not change.after]
        for change in moved:
            _stamp(change, now)
        await session.flush()
        detections = [one for change in moved for one in _detections(change, now)]
        if detections:
            moves = await self._alarms.apply(session, detections)
            alarm_ids = {(move.message.equipment_id, move.message.rule): move.message.alarm_id for move in moves}
            for change in moved:
                key = change.row.equipment_id, change.row.mode
                if change.after in _TOLD and change.row.alarm_id is None:
                    change.row.alarm_id = alarm_ids.get(key)
        await session.flush()
        await publish(session, *(event for change in moved for event in _events(change)))


def _stamp(change: Change, now: datetime) -> None:
    row, after = change.row, change.after
    if after in _TOLD:
        row.raised_at = row.raised_at or now
        row.alarm_onset_at = row.alarm_onset_at or now
    if after is PredictionState.ORDERED:
        row.ordered_at = row.ordered_at or now
    if after.is_over:
        row.ended_at = now


def _detections(change: Change, now: datetime) -> Iterable[Detection]:
    row, after = change.row, change.after
    if row.alarm_onset_at is None:
        return
    if after in _TOLD:
        yield _detection(row, _LEVELS[after], now, order=_policy(change))
    elif change.before in _TOLD:
        yield from (_detection(row, level, now, is_active=False) for level in _LEVELS.values())


def _detection(
    row: Prediction, level: Severity, now: datetime, *, is_active: bool = True, order: OrderPolicy | None = None
) -> Detection:
    assert row.alarm_onset_at is not None  # it has been raised
    return Detection(
        source=AlarmSource.PREDICTION, source_id=f"{row.mode}{LEVEL_MARK}{level.value}",
        equipment_id=row.equipment_id, site_id=row.site_id, active=is_active, onset_ms=to_ms(row.alarm_onset_at),
        at_ms=to_ms(now), severity=level, fault_mode=row.mode, life_safety=False, message=dict(row.reason),
        values={one.point_key: one.value for one in of_json(row.points) if one.value is not None and one.is_reading},
        order=order,
    )  # fmt: skip


def _policy(change: Change) -> OrderPolicy | None:
    if change.after is not PredictionState.ORDERED:
        return None
    is_folded = change.row.visit_at is not None
    if is_folded:
        return OrderPolicy(ORDER_KIND, FOLDED_PRIORITY, OrderJoining.EQUIPMENT)
    return OrderPolicy(ORDER_KIND, PRIORITY, change.joins)


def _events(change: Change) -> Iterable[PredictionChanged | PredictionWithdrawn]:
    row, after = change.row, change.after
    yield PredictionChanged(
        site_id=row.site_id, prediction_id=row.id, equipment_id=row.equipment_id, state=after.value
    )  # fmt: skip
    is_withdrawn = after in (PredictionState.WITHDRAWN, PredictionState.EXPIRED)
    if is_withdrawn and row.alarm_id is not None:
        yield PredictionWithdrawn(
            site_id=row.site_id, prediction_id=row.id, alarm_id=row.alarm_id, equipment_id=row.equipment_id,
            why=after.value,
        )  # fmt: skip
