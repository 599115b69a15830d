"""What the API says of models in the line."""

from datetime import datetime
from typing import Self
from uuid import UUID

from kit.http import Schema
from predictive.streaming.watch import Watch, WatchState


class EquipmentWatchOut(Schema):
    """How it stands with the models of one equipment: `days_learnt` of `days_needed` days of normal time are learnt.
    `relearnt_since`: when it was repaired, where it is learnt anew. `score`: how unusual it is now; 1 is the models'
    own threshold. `words`: all of that in the reader's language."""

    equipment_id: UUID
    site_id: UUID
    state: WatchState
    words: str
    days_learnt: float
    days_needed: float
    relearnt_since: datetime | None
    read_at: datetime | None
    score: float
    model_id: UUID | None

    @classmethod
    def of(cls, watch: Watch, words: str) -> Self:
        return cls(
            equipment_id=watch.equipment_id, site_id=watch.site_id, state=watch.state, words=words,
            days_learnt=watch.days, days_needed=watch.days_needed, relearnt_since=watch.since, read_at=watch.read_at,
            score=watch.score, model_id=watch.model_id,
        )  # fmt: skip


class WatchCountsOut(Schema):
    """How many equipments are in each state."""

    counts: dict[WatchState, int]
