"""Frames: rows of an equipment's points at a regular step, from readings that come as they come.

A row covers [end - step, end) of event time and is labelled with its end: nothing later is in it. Where nothing was
read the last value holds as long as its point says, then the cell is NaN. The line and training build their frames
here, so that what was learnt is what is judged. The order in which readings came changes nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from building.quality import Quality
from building.reading import ReadingBatch
from predictive.detectors.contract import Arrays, Floats, Integers, Window
from predictive.streaming.shape import Shape

NEVER_MS = np.iinfo(np.int64).min // 4


@dataclass(frozen=True, eq=False)
class Layout:
    """Where the readings of E equipment of one subject go.

    point_no: int32[E × P], ascending. cell: int64[E × P], the place e × P + p of each.
    """

    shape: Shape
    equipment: int
    point_no: NDArray[np.int32]
    cell: Integers

    @classmethod
    def of(cls, shapes: Sequence[Shape]) -> "Layout":
        """Of at least one; all of one subject."""
        assert len({shape.subject for shape in shapes}) == 1
        point_no = np.array([shape.point_nos for shape in shapes], np.int32).ravel()
        order = np.argsort(point_no, kind="stable")
        return cls(shapes[0], len(shapes), point_no[order], order.astype(np.int64))


def nothing_held(equipment: int, points: int) -> Arrays:
    """What a frame remembers between two blocks, before the first: the last value of each cell and its time."""
    return {
        "held_value": np.full((equipment, points), np.nan),
        "held_ms": np.full((equipment, points), NEVER_MS, np.int64),
    }


def rows(layout: Layout, held: Arrays, readings: ReadingBatch, *, start_ms: int, count: int) -> Window:
    """The `count` rows that begin at `start_ms`, a multiple of the step; `held` goes along.

    Readings outside of those rows, of other points, and all but the last of one point and instant are passed over. A
    reading without a value (a fault, not finite) ends what was held.
    """
    shape, cells = layout.shape, layout.equipment * len(layout.shape.point_keys)
    cell, row, ts_ms, value = _placed(layout, readings, start_ms=start_ms, count=count)
    mean, last, last_ms = _by_cell(cell * count + row, ts_ms, value, size=cells * count)
    averages = np.tile(np.array(shape.averages), layout.equipment)[:, None]
    values = np.where(averages, mean.reshape(cells, count), last.reshape(cells, count))
    ends_ms = start_ms + shape.step_ms * np.arange(1, count + 1, dtype=np.int64)
    hold_ms = np.tile(np.array(shape.hold_ms, np.int64), layout.equipment)
    filled = _filled(values, last.reshape(cells, count), last_ms.reshape(cells, count), held, ends_ms, hold_ms)
    by_equipment = filled.reshape(layout.equipment, -1, count).transpose(0, 2, 1)
    return Window(
        ts_ms=np.broadcast_to(ends_ms, (layout.equipment, count)),
        values=np.ascontiguousarray(by_equipment),
        step_s=shape.step_s,
    )


def hold(layout: Layout, held: Arrays, readings: ReadingBatch, *, before_ms: int) -> None:
    """Remembers in `held` the newest of `readings` of each cell that lies before `before_ms`."""
    place = np.minimum(np.searchsorted(layout.point_no, readings.point_no), len(layout.point_no) - 1)
    ours = (layout.point_no[place] == readings.point_no) & (readings.ts_ms < before_ms)
    cell, ts_ms = layout.cell[place[ours]], readings.ts_ms[ours]
    good = (readings.quality[ours] <= Quality.STALE) & np.isfinite(readings.value[ours])
    value = np.where(good, readings.value[ours], np.nan)
    order = np.argsort(ts_ms, kind="stable")  # of several for one cell the last assignment stays
    held["held_value"].reshape(-1)[cell[order]] = value[order]
    held["held_ms"].reshape(-1)[cell[order]] = ts_ms[order]


def window_of(shape: Shape, batch: ReadingBatch, *, start_ms: int, end_ms: int) -> Window:
    """The rows of one equipment (E = 1) between two multiples of its step, as the line would have seen them.

    `batch` should begin `shape.look_back_ms` before `start_ms`, for the values that hold.
    """
    layout = Layout.of([shape])
    held = nothing_held(1, len(shape.point_keys))
    before = -(-shape.look_back_ms // shape.step_ms)
    rows(layout, held, batch, start_ms=start_ms - before * shape.step_ms, count=before)
    return rows(layout, held, batch, start_ms=start_ms, count=max(0, (end_ms - start_ms) // shape.step_ms))


def _placed(
    layout: Layout, readings: ReadingBatch, *, start_ms: int, count: int
) -> tuple[Integers, Integers, Integers, Floats]:
    """Cell, row, time and value of the readings that are ours, in order of (cell, time), one of each."""
    place = np.searchsorted(layout.point_no, readings.point_no)
    place = np.minimum(place, len(layout.point_no) - 1)
    row = (readings.ts_ms - start_ms) // layout.shape.step_ms
    ours = (layout.point_no[place] == readings.point_no) & (row >= 0) & (row < count)
    cell, row, ts_ms = layout.cell[place[ours]], row[ours], readings.ts_ms[ours]
    good = (readings.quality[ours] <= Quality.STALE) & np.isfinite(readings.value[ours])
    value = np.where(good, readings.value[ours], np.nan)
    order = np.lexsort((ts_ms, cell))  # stable: of two of one instant the later came last
    cell, row, ts_ms, value = cell[order], row[order], ts_ms[order], value[order]
    is_last = np.ones(len(cell), np.bool_)
    is_last[:-1] = (cell[1:] != cell[:-1]) | (ts_ms[1:] != ts_ms[:-1])
    return cell[is_last], row[is_last], ts_ms[is_last], value[is_last]


def _by_cell(key: Integers, ts_ms: Integers, value: Floats, *, size: int) -> tuple[Floats, Floats, Integers]:
    """Mean, last value and time of the last reading of each of `size` keys; `key` ascends."""
    mean, last = np.full(size, np.nan), np.full(size, np.nan)
    last_ms = np.full(size, NEVER_MS, np.int64)
    if not len(key):
        return mean, last, last_ms
    begins = np.flatnonzero(np.r_[True, key[1:] != key[:-1]])
    ends = np.r_[begins[1:], len(key)] - 1
    valid = ~np.isnan(value)
    sums = np.add.reduceat(np.where(valid, value, 0.0), begins)
    counts = np.add.reduceat(valid.astype(np.float64), begins)
    mean[key[begins]] = np.divide(sums, counts, out=np.full(len(sums), np.nan), where=counts > 0)
    last[key[begins]] = value[ends]
    last_ms[key[begins]] = ts_ms[ends]
    return mean, last, last_ms


def _filled(
    values: Floats, last: Floats, last_ms: Integers, held: Arrays, ends_ms: Integers, hold_ms: Integers
) -> Floats:
    """`values` [cells, rows] with what holds where nothing was read; `held` is advanced to the last row."""
    cells, count = values.shape
    value = np.concatenate([held["held_value"].reshape(cells, 1), last], axis=1)
    at_ms = np.concatenate([held["held_ms"].reshape(cells, 1), last_ms], axis=1)
    was_read = at_ms > NEVER_MS
    was_read[:, 0] = True
    newest = np.maximum.accumulate(np.where(was_read, np.arange(count + 1), 0), axis=1)
    value, at_ms = np.take_along_axis(value, newest, axis=1), np.take_along_axis(at_ms, newest, axis=1)
    holds = ends_ms[None, :] - at_ms[:, 1:] <= hold_ms[:, None]
    held["held_value"] = value[:, -1].reshape(held["held_value"].shape)
    held["held_ms"] = at_ms[:, -1].reshape(held["held_ms"].shape)
    return np.where(was_read[:, 1:], values, np.where(holds, value[:, 1:], np.nan))
