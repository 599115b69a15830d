"""Readings of several bus messages as one set of columns, each reading once."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from building.reading import ReadingBatch
from telemetry.errors import UnstorableBatch


@dataclass(frozen=True, slots=True, eq=False)
class SequencedReadings:
    """Columns of equal length, sorted by (point_no, ts_ms), each (point_no, ts_ms) once; `seq` is the bus sequence."""

    point_no: npt.NDArray[np.int32]
    ts_ms: npt.NDArray[np.int64]
    value: npt.NDArray[np.float64]
    quality: npt.NDArray[np.uint8]
    seq: npt.NDArray[np.int64]

    @classmethod
    def of(cls, batches: Sequence[tuple[int, ReadingBatch]]) -> "SequencedReadings":
        """Of the same reading, the highest sequence stays; within one message the last. Raises UnstorableBatch."""
        for sequence, batch in batches:
            if not len(batch.point_no) == len(batch.ts_ms) == len(batch.value) == len(batch.quality):
                raise UnstorableBatch(f"the columns of message {sequence} differ in length")
        whole = ReadingBatch.concat([batch for _, batch in batches])
        seq = np.repeat(
            np.array([sequence for sequence, _ in batches], np.int64), np.array([len(b) for _, b in batches], np.int64)
        )
        return cls.each_once(cls(whole.point_no, whole.ts_ms, whole.value, whole.quality, seq))

    @classmethod
    def each_once(cls, rows: "SequencedReadings") -> "SequencedReadings":
        """Rows in any order, sorted and resolved: of the same reading the highest sequence, of equal ones the last."""
        # lexsort is stable, so that within equal keys the order of arrival is kept and "last" is well defined.
        order = np.lexsort((rows.seq, rows.ts_ms, rows.point_no))
        point_no, ts_ms = rows.point_no[order], rows.ts_ms[order]
        is_last = np.ones(len(order), np.bool_)
        is_last[:-1] = (point_no[1:] != point_no[:-1]) | (ts_ms[1:] != ts_ms[:-1])
        kept = order[is_last]
        return cls(rows.point_no[kept], rows.ts_ms[kept], rows.value[kept], rows.quality[kept], rows.seq[kept])

    @classmethod
    def none(cls) -> "SequencedReadings":
        return cls.of([(0, ReadingBatch.empty())])

    @classmethod
    def concat(cls, parts: "Sequence[SequencedReadings]") -> "SequencedReadings":
        """Rows one after the other; not sorted, not resolved."""
        names = ("point_no", "ts_ms", "value", "quality", "seq")
        return cls(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))

    def __len__(self) -> int:
        return len(self.point_no)

    def where(self, mask: npt.NDArray[np.bool_]) -> "SequencedReadings":
        return SequencedReadings(
            self.point_no[mask], self.ts_ms[mask], self.value[mask], self.quality[mask], self.seq[mask]
        )

    def newest_of_each_point(self) -> "SequencedReadings":
        is_newest = np.ones(len(self), np.bool_)
        is_newest[:-1] = self.point_no[1:] != self.point_no[:-1]
        return self.where(is_newest)
