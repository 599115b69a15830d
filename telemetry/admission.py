"""Which readings may go on: known, plausible, of this time. Pure and vectorised; store and judge both ask it."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from building.quality import Quality
from building.reading import ReadingBatch
from catalog.directory import Directory, PointColumns
from telemetry.buckets import DAY_MS, EARLIEST_MS

AHEAD_TOLERANCE_MS = DAY_MS


class RefusalReason(StrEnum):
    """Why a reading is a dead letter; the words are those of `/dead-letters`."""

    UNKNOWN_POINT = "unknown_point"
    NOT_A_NUMBER = "not_a_number"
    IMPLAUSIBLE = "implausible"
    TIME_AHEAD = "time_ahead"
    TIME_LOST = "time_lost"  # before 2000: the device's clock has never been set


@dataclass(frozen=True, slots=True, eq=False)
class Refused:
    """Readings refused for one reason, as they came."""

    reason: RefusalReason
    readings: ReadingBatch


@dataclass(frozen=True, slots=True, eq=False)
class Admission:
    """`batch` goes on, in its order; each reading that does not is in exactly one of `refused`."""

    batch: ReadingBatch
    refused: tuple[Refused, ...]


def admit(batch: ReadingBatch, directory: Directory, now_ms: int) -> Admission:
    """Sorts a batch into what goes on and what is refused.

    Refused are points nobody knows, values that are not finite although their quality says there is one, values outside
    the point's plausible range, times more than a day ahead of `now_ms` or before 2000. A life-safety reading is never
    refused for its range or time: with such a time it is stamped with the hub's. A reading whose quality has no value
    goes on as NaN with its quality.
    """
    is_known, low, high, life_safety = _looked_up(batch.point_no, directory.point_columns)
    has_value = batch.quality <= Quality.STALE
    is_finite = np.isfinite(batch.value)
    outside = has_value & is_finite & ((batch.value < low) | (batch.value > high)) & ~life_safety
    is_ahead = batch.ts_ms > now_ms + AHEAD_TOLERANCE_MS
    is_lost = batch.ts_ms < EARLIEST_MS
    batch = _stamped(batch, life_safety & (is_ahead | is_lost), now_ms)
    faults = (
        (RefusalReason.UNKNOWN_POINT, ~is_known),
        (RefusalReason.NOT_A_NUMBER, has_value & ~is_finite),
        (RefusalReason.TIME_AHEAD, is_ahead & ~life_safety),
        (RefusalReason.TIME_LOST, is_lost & ~life_safety),
        (RefusalReason.IMPLAUSIBLE, outside),
    )
    going = np.ones(len(batch), np.bool_)
    refused: list[Refused] = []
    for reason, mask in faults:
        caught = going & mask
        if caught.any():
            refused.append(Refused(reason, batch.where(caught)))
            going &= ~mask
    return Admission(_without_values_of_bad_quality(batch.where(going)), tuple(refused))


def admit_all(
    batches: Sequence[ReadingBatch], directory: Directory, arrivals_ms: Sequence[int]
) -> list[ReadingBatch] | None:
    """Each batch as `admit` lets it go on, looked at together; None when one of them has to be looked at by itself.

    That is where a reading is refused or stamped, or columns are crooked.
    """
    sizes = [len(batch) for batch in batches]
    if any({len(batch.ts_ms), len(batch.value), len(batch.quality)} != {len(batch)} for batch in batches):
        return None
    whole = ReadingBatch.concat(batches)
    is_known, low, high, _ = _looked_up(whole.point_no, directory.point_columns)
    value, has_value = whole.value, whole.quality <= Quality.STALE
    latest_ms = np.repeat(np.array(arrivals_ms, np.int64), sizes) + AHEAD_TOLERANCE_MS
    in_time = (whole.ts_ms <= latest_ms) & (whole.ts_ms >= EARLIEST_MS)
    plausible = np.isfinite(value) & (value >= low) & (value <= high)
    if not (is_known & in_time & (plausible | ~has_value)).all():
        return None
    going, ends = _without_values_of_bad_quality(whole), np.cumsum(sizes).tolist()
    return [going.between(end - size, end) for size, end in zip(sizes, ends, strict=True)]


def _looked_up(
    point_no: npt.NDArray[np.int32], points: PointColumns
) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.float64], npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
    """Known?, low, high, life safety? of each reading's point."""
    if not len(points.point_no):
        nothing = np.zeros(len(point_no))
        return nothing.astype(np.bool_), nothing, nothing, nothing.astype(np.bool_)
    slot = np.minimum(np.searchsorted(points.point_no, point_no), len(points.point_no) - 1)
    is_known = points.point_no[slot] == point_no
    return is_known, points.low[slot], points.high[slot], points.life_safety[slot] & is_known


def _stamped(batch: ReadingBatch, mask: npt.NDArray[np.bool_], now_ms: int) -> ReadingBatch:
    """The batch with hub time where `mask` says so: the last gets now, each before it a millisecond less, so that two
    readings of one point stay two and in order."""
    count = int(mask.sum())
    if not count:
        return batch
    ts_ms = batch.ts_ms.copy()
    ts_ms[mask] = now_ms - np.arange(count - 1, -1, -1)
    return ReadingBatch(batch.point_no, ts_ms, batch.value, batch.quality)


def _without_values_of_bad_quality(batch: ReadingBatch) -> ReadingBatch:
    if not len(batch) or int(batch.quality.max()) <= Quality.STALE:
        return batch
    value = np.where(batch.quality <= Quality.STALE, batch.value, np.nan)
    quality = np.minimum(batch.quality, Quality.UNKNOWN).astype(np.uint8)
    return ReadingBatch(batch.point_no, batch.ts_ms, value, quality)
