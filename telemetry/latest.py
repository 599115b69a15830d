"""The newest reading of every point: in memory, or asked of a server page by page."""

from collections.abc import Awaitable, Callable, Sequence

import numpy as np
import numpy.typing as npt

from building.reading import ReadingBatch
from telemetry.columns import SequencedReadings


class LatestValues:
    """Newest by event time; of equal times the highest bus sequence. Kept as columns sorted by point."""

    def __init__(self) -> None:
        self._known = SequencedReadings.none()

    def __len__(self) -> int:
        return len(self._known)

    def note(self, readings: SequencedReadings) -> None:
        fresh = readings.newest_of_each_point()
        slots, is_known = self._find(fresh.point_no)
        known = self._known
        at = slots[is_known]
        newer = np.zeros(len(fresh), np.bool_)
        newer[is_known] = (fresh.ts_ms[is_known] > known.ts_ms[at]) | (
            (fresh.ts_ms[is_known] == known.ts_ms[at]) & (fresh.seq[is_known] >= known.seq[at])
        )
        at = slots[newer]
        for column in ("ts_ms", "value", "quality", "seq"):
            getattr(known, column)[at] = getattr(fresh, column)[newer]
        if not is_known.all():
            self._known = _merged(known, fresh, ~is_known)

    def of(self, point_nos: Sequence[int]) -> ReadingBatch:
        """Those of the points that have a reading, in the order asked."""
        slots, is_known = self._find(np.array(point_nos, np.int32))
        at = slots[is_known]
        known = self._known
        return ReadingBatch(known.point_no[at], known.ts_ms[at], known.value[at], known.quality[at])

    def forget_before(self, ts_ms: int) -> None:
        self._known = self._known.where(self._known.ts_ms >= ts_ms)

    def _find(self, point_no: npt.NDArray[np.int32]) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.bool_]]:
        slots = np.searchsorted(self._known.point_no, point_no)
        inside = slots < len(self._known)
        is_known = np.zeros(len(point_no), np.bool_)
        is_known[inside] = self._known.point_no[slots[inside]] == point_no[inside]
        return slots, is_known


async def latest_by_pages(
    point_nos: Sequence[int], ask: Callable[[Sequence[int]], Awaitable[ReadingBatch]], *, points: int
) -> ReadingBatch:
    """The newest readings, in the order asked; `ask` is given at most `points` of them at once, each point once."""
    wanted = list(dict.fromkeys(point_nos))
    pages = [await ask(wanted[start : start + points]) for start in range(0, len(wanted), points)]
    if not pages:
        return ReadingBatch.empty()
    found = ReadingBatch.concat(pages)
    row_of = {point: row for row, point in enumerate(found.point_no.tolist())}
    rows = np.array([row_of[point] for point in point_nos if point in row_of], np.intp)
    return ReadingBatch(found.point_no[rows], found.ts_ms[rows], found.value[rows], found.quality[rows])


def _merged(known: SequencedReadings, fresh: SequencedReadings, is_new: npt.NDArray[np.bool_]) -> SequencedReadings:
    new = fresh.where(is_new)
    both = SequencedReadings.concat([known, new])
    order = np.argsort(both.point_no, kind="stable")
    return SequencedReadings(
        both.point_no[order], both.ts_ms[order], both.value[order], both.quality[order], both.seq[order]
    )
