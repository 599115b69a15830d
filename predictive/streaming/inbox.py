"""Readings that wait until their row is over: bounded, each kept once for its cohort, what comes too late counted.

Whether a reading counts depends on its own time and on when the bus took it, never on when somebody looked: reading
the bus again gives the same rows.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from building.reading import ReadingBatch
from predictive.detectors.contract import Integers
from predictive.streaming.cohort import Cohort

# About 150 MB. Twenty thousand readings a second fill it in four minutes, when nothing can be judged so long.
MOST_PENDING: Final = 5_000_000
# A device whose clock runs ahead by more is believed about what it measured, not about when.
AHEAD_MS: Final = 5_000


@dataclass(frozen=True, eq=False)
class Routes:
    """Every watched point once, ascending: the place of its cohort, its step and how late its readings may come."""

    point_no: NDArray[np.int32]
    cohort: Integers
    step_ms: Integers
    late_ms: Integers

    @classmethod
    def of(cls, cohorts: Sequence[Cohort], *, lateness_ms: int) -> "Routes":
        """A point that two cohorts look at (a champion's and a shadow's) is routed by `Inbox` to each."""
        numbers = [cohort.layout.point_no for cohort in cohorts]
        point_no = np.concatenate([np.empty(0, np.int32), *numbers])
        sizes = [len(each) for each in numbers]
        steps = np.repeat(np.array([cohort.shape.step_ms for cohort in cohorts], np.int64), sizes)
        places = np.repeat(np.arange(len(cohorts), dtype=np.int64), sizes)
        order = np.argsort(point_no, kind="stable")
        point_no, places, steps = point_no[order], places[order], steps[order]
        first = np.r_[True, point_no[1:] != point_no[:-1]] if len(point_no) else np.zeros(0, np.bool_)
        late_ms = np.array([lateness(int(step), lateness_ms) for step in steps], np.int64)
        return cls(point_no[first], places[first], steps[first], late_ms[first])


def lateness(step_ms: int, lateness_ms: int) -> int:
    """How long after its end a row waits for what is late: never longer than half a step."""
    return min(lateness_ms, step_ms // 2)


class Inbox:
    """`left_out`: readings that counted for no row, by reason, since the start."""

    def __init__(self, *, lateness_ms: int) -> None:
        self._lateness_ms = lateness_ms
        self._cohorts: Sequence[Cohort] = ()
        self._routes = Routes.of([], lateness_ms=lateness_ms)
        self._pending: list[ReadingBatch] = []
        self._size = 0
        self.left_out: Counter[str] = Counter()

    def __len__(self) -> int:
        return self._size

    def route(self, cohorts: Sequence[Cohort]) -> None:
        """From now on for these; what waits already waits on."""
        self._cohorts = cohorts
        self._routes = Routes.of(cohorts, lateness_ms=self._lateness_ms)

    def take(self, batch: ReadingBatch, *, arrived_ms: Integers | int, again: bool = False) -> int:
        """Keeps what is watched and in time; how many readings that were. `again`: some were judged before."""
        routes = self._routes
        if not len(routes.point_no) or not len(batch):
            return 0
        place = np.minimum(np.searchsorted(routes.point_no, batch.point_no), len(routes.point_no) - 1)
        is_ours = routes.point_no[place] == batch.point_no
        ts_ms = np.where(batch.ts_ms > arrived_ms + np.int64(AHEAD_MS), arrived_ms, batch.ts_ms)
        step_ms = routes.step_ms[place]
        ends_ms = (ts_ms // step_ms + 1) * step_ms
        in_time = ends_ms + routes.late_ms[place] > arrived_ms
        self._count("late", is_ours & ~in_time)
        is_over = ts_ms < np.array([cohort.next_ms for cohort in self._cohorts], np.int64)[routes.cohort[place]]
        if not again:  # the clocks of the bus and of this process disagree
            self._count("missed", is_ours & in_time & is_over)
        kept = is_ours & in_time & ~is_over
        self._keep(ReadingBatch(batch.point_no[kept], ts_ms[kept], batch.value[kept], batch.quality[kept]))
        return int(kept.sum())

    def take_stored(self, batch: ReadingBatch) -> int:
        """As `take`, of what the store has: nobody knows any more when it came."""
        return self.take(batch, arrived_ms=batch.ts_ms, again=True)

    def pending(self) -> ReadingBatch:
        """All that waits, in the order of its arrival."""
        if len(self._pending) != 1:
            self._pending = [ReadingBatch.concat(self._pending)] if self._pending else [ReadingBatch.empty()]
        return self._pending[0]

    def let_go(self) -> None:
        """Forgets what lies before the next row of its cohort."""
        batch, routes = self.pending(), self._routes
        if not len(batch) or not len(routes.point_no):
            self._put([])
            return
        next_ms = _next_ms(self._cohorts)
        place = np.minimum(np.searchsorted(routes.point_no, batch.point_no), len(routes.point_no) - 1)
        waits = (routes.point_no[place] == batch.point_no) & (batch.ts_ms >= next_ms[place])
        self._put([batch.where(waits)])

    def clear(self) -> None:
        self._put([])

    def _keep(self, batch: ReadingBatch) -> None:
        if not len(batch):
            return
        # A message each: whatever looks at all that waits would do so thousands of times a second.
        self._pending.append(batch)
        self._size += len(batch)
        while self._size > MOST_PENDING:
            oldest = len(self._pending.pop(0))
            self._size -= oldest
            self.left_out["overflow"] += oldest

    def _put(self, pending: list[ReadingBatch]) -> None:
        self._pending = pending
        self._size = sum(map(len, pending))

    def _count(self, reason: str, mask: NDArray[np.bool_]) -> None:
        if found := int(mask.sum()):
            self.left_out[reason] += found


def _next_ms(cohorts: Sequence[Cohort]) -> Integers:
    """For each routed point the earliest row that any cohort still wants of it."""
    point_no = np.concatenate([cohort.layout.point_no for cohort in cohorts])
    next_ms = np.concatenate([np.full(len(cohort.layout.point_no), cohort.next_ms, np.int64) for cohort in cohorts])
    order = np.lexsort((next_ms, point_no))
    point_no, next_ms = point_no[order], next_ms[order]
    return next_ms[np.r_[True, point_no[1:] != point_no[:-1]]]
