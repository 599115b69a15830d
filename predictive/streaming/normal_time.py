"""Which of an equipment's time is normal: not while an alarm lasted or an order was open, and not around it. Pure.

Who knows of alarms and orders stands above this room: `hub` asks them (`BusyTimes`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol
from uuid import UUID

import numpy as np
from sqlalchemy.ext.asyncio import AsyncSession

from predictive.detectors.contract import Window

# What is wrong began before it was noticed, and settles after it is over.
BEFORE_MS: Final = 2 * 3_600_000
AFTER_MS: Final = 1 * 3_600_000


@dataclass(frozen=True, slots=True)
class Busy:
    """A time, UTC, in which an equipment was not normal; `end_ms` None: it still is not."""

    start_ms: int
    end_ms: int | None


class BusyTimes(Protocol):
    """Alarms that lasted and orders that were open."""

    async def of(
        self, session: AsyncSession, equipment_ids: Sequence[UUID], *, start: datetime, end: datetime
    ) -> Mapping[UUID, Sequence[Busy]]:
        """The busy times that touch [start, end), by equipment; none for those that had none."""
        ...


def normal_rows(window: Window, busy: Sequence[Busy]) -> Window:
    """The window of one equipment (E = 1) with the rows of busy times all NaN: rows not read, for detectors."""
    if not busy:
        return window
    ts_ms = window.ts_ms[0]
    is_busy = np.zeros(len(ts_ms), np.bool_)
    for each in busy:
        end_ms = np.inf if each.end_ms is None else each.end_ms + AFTER_MS
        is_busy |= (ts_ms >= each.start_ms - BEFORE_MS) & (ts_ms < end_ms)
    values = window.values.copy()
    values[:, is_busy] = np.nan
    return Window(ts_ms=window.ts_ms, values=values, step_s=window.step_s)


def normal_days(window: Window) -> float:
    """How many days of rows with something read a window (E = 1) has."""
    read = int((~np.isnan(window.values[0]).all(axis=1)).sum())
    return read * (window.step_s or 0.0) / 86_400
