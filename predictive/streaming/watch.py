"""What a person is told about the models of an equipment: what they do, and what they wait for. Pure."""

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

from predictive.detectors.contract import Arrays
from predictive.streaming.cohort import Cohort, Member
from predictive.streaming.frames import NEVER_MS

DAY_MS: Final = 86_400_000
# Nothing read for so long is said; shorter pauses are a device's own business.
SILENT_MS: Final = 900_000
# Sensors that all stand still for so long measure nothing, or nothing happens: neither can be judged.
CONSTANT_MS: Final = DAY_MS


class WatchState(StrEnum):
    NOT_WATCHED = "not_watched"
    NO_DATA = "no_data"
    CONSTANT = "constant"
    LEARNING = "learning"
    RELEARNING = "relearning"
    FAILED = "failed"
    WATCHING = "watching"


@dataclass(frozen=True, kw_only=True)
class Watch:
    """`days` of `days_needed` are learnt. since: of its repair, where it is learnt anew. score: 1 = threshold."""

    equipment_id: UUID
    site_id: UUID
    state: WatchState
    days: float = 0.0
    days_needed: float = 0.0
    since: datetime | None = None
    read_at: datetime | None = None
    score: float = 0.0
    model_id: UUID | None = None
    reason: str | None = None


@dataclass(frozen=True)
class Learning:
    """What is needed of normal time, and of which equipment it counts from when."""

    days_needed: float
    since: datetime | None = None
    failure: str | None = None


def watch_of(cohort: Cohort, place: int, *, now_ms: int, learning: Learning) -> Watch:
    """Of one member, as it stands at `now_ms`."""
    member, memory = cohort.members[place], cohort.memory
    read_ms = int(memory["read_ms"][place])
    return Watch(
        equipment_id=member.equipment_id,
        site_id=member.site_id,
        state=_state(member, memory, place, now_ms=now_ms, learning=learning),
        days=_days(member, int(memory["rows_read"][place]), now_ms=now_ms, learning=learning),
        days_needed=learning.days_needed,
        since=learning.since,
        read_at=None if read_ms == NEVER_MS else datetime.fromtimestamp(read_ms / 1000, UTC),
        score=round(float(memory["score"][place]), 3) if member.model_id is not None else 0.0,
        model_id=member.model_id,
        reason=learning.failure,
    )


def _state(member: Member, memory: Arrays, place: int, *, now_ms: int, learning: Learning) -> WatchState:
    read_ms, moved_ms = int(memory["read_ms"][place]), int(memory["moved_ms"][place])
    if now_ms - read_ms > max(SILENT_MS, 3 * member.shape.step_ms):
        return WatchState.NO_DATA
    if learning.failure is not None:
        return WatchState.FAILED
    if read_ms - moved_ms > CONSTANT_MS:
        return WatchState.CONSTANT
    if member.model_id is not None:
        return WatchState.WATCHING
    return WatchState.LEARNING if learning.since is None else WatchState.RELEARNING


def _days(member: Member, rows_read: int, *, now_ms: int, learning: Learning) -> float:
    """Learnt days are days with readings, since the repair where there was one."""
    days = rows_read * member.shape.step_ms / DAY_MS
    if learning.since is not None:
        days = min(days, (now_ms / 1000 - learning.since.timestamp()) * 1000 / DAY_MS)
    return round(min(max(days, 0.0), learning.days_needed), 2)
