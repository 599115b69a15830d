"""Readings, one and many. A batch is columnar, as the bus, the judge and the stores handle it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from building.quality import Quality


@dataclass(frozen=True, slots=True)
class Reading:
    """One value of one point at one instant.

    `ts_ms` is event time, milliseconds since the epoch, UTC. `value` is NaN unless the quality has a value.
    """

    point_no: int
    ts_ms: int
    value: float
    quality: Quality = Quality.OK


@dataclass(frozen=True, slots=True, eq=False)
class ReadingBatch:
    """Columns of equal length: `point_no` int32, `ts_ms` int64 (UTC), `value` float64, `quality` uint8.

    The order is that of arrival. Identity of a reading is (point_no, ts_ms); the highest bus sequence wins.
    """

    point_no: npt.NDArray[np.int32]
    ts_ms: npt.NDArray[np.int64]
    value: npt.NDArray[np.float64]
    quality: npt.NDArray[np.uint8]

    @classmethod
    def of(cls, readings: Sequence[Reading]) -> "ReadingBatch":
        return cls(
            np.fromiter((r.point_no for r in readings), np.int32, len(readings)),
            np.fromiter((r.ts_ms for r in readings), np.int64, len(readings)),
            np.fromiter((r.value for r in readings), np.float64, len(readings)),
            np.fromiter((r.quality for r in readings), np.uint8, len(readings)),
        )

    @classmethod
    def empty(cls) -> "ReadingBatch":
        return cls.of([])

    @classmethod
    def concat(cls, batches: Sequence["ReadingBatch"]) -> "ReadingBatch":
        return cls(
            np.concatenate([b.point_no for b in batches]),
            np.concatenate([b.ts_ms for b in batches]),
            np.concatenate([b.value for b in batches]),
            np.concatenate([b.quality for b in batches]),
        )

    def __len__(self) -> int:
        return len(self.point_no)

    def __iter__(self) -> Iterator[Reading]:
        rows = zip(self.point_no.tolist(), self.ts_ms.tolist(), self.value.tolist(), self.quality.tolist(), strict=True)
        for point_no, ts_ms, value, quality in rows:
            yield Reading(point_no, ts_ms, value, Quality(quality))

    def between(self, start: int, stop: int) -> "ReadingBatch":
        """Rows `start` … `stop`, as views of these."""
        part = slice(start, stop)
        return ReadingBatch(self.point_no[part], self.ts_ms[part], self.value[part], self.quality[part])

    def where(self, mask: npt.NDArray[np.bool_]) -> "ReadingBatch":
        return ReadingBatch(self.point_no[mask], self.ts_ms[mask], self.value[mask], self.quality[mask])
