"""Readings on their way to the bus as growing columns: no object a value. Pure."""

from array import array
from collections.abc import Sequence

import numpy as np

from building.quality import Quality
from building.reading import Reading, ReadingBatch


class Columns:
    """The readings of one partition in the order they came. What adds to them keeps the columns equally long.

    `value` and `point_no` have an item a reading; `moments` (ms since the epoch) one for each run of readings of one
    instant, whose lengths are in `runs`. `odd` holds the qualities that are not OK, by index.
    """

    __slots__ = ("moments", "odd", "point_no", "runs", "value")

    def __init__(self) -> None:
        self.point_no = array("i")
        self.value = array("d")
        self.moments: list[int] = []
        self.runs: list[int] = []
        self.odd: dict[int, int] = {}

    def __len__(self) -> int:
        return len(self.value)

    def add(self, readings: Sequence[Reading]) -> None:
        for reading in readings:
            if reading.quality is not Quality.OK:
                self.odd[len(self.value)] = int(reading.quality)
            self.point_no.append(reading.point_no)
            self.value.append(reading.value)
            self.moments.append(reading.ts_ms)
            self.runs.append(1)

    def add_batch(self, batch: ReadingBatch) -> None:
        """As `add`, for readings that are columns already."""
        for index in np.flatnonzero(batch.quality).tolist():
            self.odd[len(self.value) + index] = int(batch.quality[index])
        self.point_no.frombytes(batch.point_no.astype(np.int32, copy=False).tobytes())
        self.value.frombytes(batch.value.tobytes())
        self.moments += batch.ts_ms.tolist()
        self.runs += [1] * len(batch)

    def batches(self, *, most: int) -> list[ReadingBatch]:
        """Everything, in batches of at most `most` readings. The columns must not grow any more."""
        quality = np.zeros(len(self), np.uint8)
        if self.odd:
            quality[list(self.odd)] = list(self.odd.values())
        whole = ReadingBatch(
            np.frombuffer(self.point_no, np.int32),
            np.repeat(np.array(self.moments, np.int64), self.runs),
            np.frombuffer(self.value, np.float64),
            quality,
        )
        if len(self) <= most:
            return [whole]
        return [_cut(whole, start, start + most) for start in range(0, len(self), most)]


def _cut(batch: ReadingBatch, start: int, stop: int) -> ReadingBatch:
    part = slice(start, stop)
    return ReadingBatch(batch.point_no[part], batch.ts_ms[part], batch.value[part], batch.quality[part])
