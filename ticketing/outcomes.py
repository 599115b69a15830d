"""What became of orders on equipment: what rules are measured by. Changes nothing."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID


@dataclass(frozen=True)
class Outcome:
    """An order about an equipment. `fault_mode` is the one found, else the one it was opened for. `reported_at` is when
    a person first reported it; `by_alarm`: an alarm opened it. `closing_code` None: nobody has said yet.

    `labour_min` is all people's, `travel_min` from accepting to arriving. Cancelled orders, duplicates and tests are no
    outcomes.
    """

    order_id: UUID
    number: str
    equipment_id: UUID
    fault_mode: str | None
    opened_at: datetime
    over_at: datetime | None
    reported_at: datetime | None
    by_alarm: bool
    closing_code: str | None
    labour_min: Decimal
    travel_min: Decimal


@dataclass(frozen=True)
class AlarmOutcome:
    """The order behind an episode of an alarm."""

    alarm_id: UUID
    onset_at: datetime
    outcome: Outcome
