"""Cuts a batch into waves: in each, every equipment has readings of one instant at most.

Judging wave after wave then gives what judging instant after instant would give, and most batches are one wave.
"""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

Places = npt.NDArray[np.int64]


def waves(equipment: npt.NDArray[np.int32], ts_ms: npt.NDArray[np.int64]) -> Iterator[Places]:
    """Places in the batch, wave by wave, each in order of arrival.

    Neighbouring readings of an equipment with the same time are one instant. Equipment does not see each other, so
    only the order within one matters.
    """
    count = len(equipment)
    if not count:
        return
    if (ts_ms == ts_ms[0]).all():
        yield np.arange(count)
        return
    order = np.argsort(equipment, kind="stable")
    sorted_equipment, sorted_ts = equipment[order], ts_ms[order]
    is_first = np.ones(count, np.bool_)
    is_first[1:] = sorted_equipment[1:] != sorted_equipment[:-1]
    is_new = is_first.copy()
    is_new[1:] |= sorted_ts[1:] != sorted_ts[:-1]
    instant = np.cumsum(is_new)
    wave_sorted: Places = instant - np.repeat(instant[is_first], np.diff(np.append(np.flatnonzero(is_first), count)))
    last = int(wave_sorted.max())
    if last == 0:
        yield np.arange(count)
        return
    wave = np.empty(count, np.int64)
    wave[order] = wave_sorted
    by_wave = np.argsort(wave, kind="stable")
    ends = np.cumsum(np.bincount(wave, minlength=last + 1))
    yield from np.split(by_wave, ends[:-1])
