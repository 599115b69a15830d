"""What an order, or the time after a prediction, says about the prediction: pure decisions."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from predictive.predictions.label import LabelWhy, PredictionLabel
from ticketing.kinds import ClosingCode
from ticketing.outcomes import Outcome

# Modes that name no fault: whatever was found, it was that.
VAGUE: Final = frozenset({"unusual", "drift"})
_BROKEN: Final = frozenset({ClosingCode.REAL_FAULT.value, ClosingCode.MISUSE.value})
_NOTHING: Final = frozenset({ClosingCode.FALSE_ALARM.value, ClosingCode.NO_FAULT_FOUND.value})


@dataclass(frozen=True)
class Said:
    label: PredictionLabel
    why: LabelWhy


def by_order(
    *, mode: str, raised_at: datetime, outcome: Outcome, parts_used: bool, is_counted: bool = False
) -> Said | None:
    """What the order that a prediction became, or was folded into, says of it. None: nobody has said yet.

    `is_counted`: it was a service that fell due by a counter: it was due whatever was found.

    Another fault than the predicted one makes the visit worth its while, not the prediction's name right; where the
    order was there before, its fault says nothing of the prediction.
    """
    if outcome.closing_code in _BROKEN:
        if mode in VAGUE or outcome.fault_mode is None or outcome.fault_mode == mode:
            return Said(PredictionLabel.TRUE, LabelWhy.CLOSING_CODE)
        was_its_own = outcome.by_alarm and outcome.opened_at >= raised_at
        return Said(PredictionLabel.TRUE if was_its_own else PredictionLabel.UNKNOWN, LabelWhy.OTHER_FAULT)
    if is_counted and outcome.closing_code == ClosingCode.NO_FAULT_FOUND.value:
        return Said(PredictionLabel.TRUE, LabelWhy.CLOSING_CODE)
    if outcome.closing_code == ClosingCode.NO_FAULT_FOUND.value and parts_used:
        # Somebody put a part in all the same: what was worn was not broken yet.
        return Said(PredictionLabel.TRUE, LabelWhy.PARTS_USED)
    if outcome.closing_code in _NOTHING:
        return Said(PredictionLabel.FALSE, LabelWhy.CLOSING_CODE)
    return None


def by_time(
    *, mode: str, opened_at: datetime, ended_at: datetime, was_ordered: bool, horizon: timedelta,
    outcomes: Iterable[Outcome],
) -> Said:  # fmt: skip
    """What became of one that no order speaks of, once `horizon` has passed since its end. `outcomes`: of orders on its
    equipment."""
    for outcome in outcomes:
        noticed_at = min(outcome.opened_at, outcome.reported_at or outcome.opened_at)
        is_same = mode in VAGUE or outcome.fault_mode in (None, mode)
        if outcome.closing_code in _BROKEN and is_same and opened_at <= noticed_at <= ended_at + horizon:
            return Said(PredictionLabel.TRUE, LabelWhy.FAILED_LATER)
    if was_ordered:
        return Said(PredictionLabel.UNKNOWN, LabelWhy.NOBODY_LOOKED)
    return Said(PredictionLabel.FALSE, LabelWhy.DID_NOT_FAIL)


def is_failure(outcome: Outcome) -> bool:
    return outcome.closing_code in _BROKEN
