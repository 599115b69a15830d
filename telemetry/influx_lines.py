"""Readings as InfluxDB keeps them, pure: line protocol one way, rows of answers the other.

InfluxDB overwrites: of two writes with the same series and time the last stays, whatever it carries. The hub's rule is
another one: of the same (point, ts_ms) the highest bus sequence wins, in any order of arrival. So two messages never
write the same place: within its millisecond a reading lies at the nanosecond `sequence mod 1,000,000`, and the field
`stamp` says which is the younger (sequence × 8 + quality). A redelivered message lands on itself; whoever reads takes,
of the versions of a millisecond, the one with the highest stamp. Only two sequences a multiple of 1,000,000 apart that
carry the same reading would meet, and then the last written stays.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from building.quality import Quality
from building.reading import ReadingBatch
from telemetry.columns import SequencedReadings
from telemetry.errors import UnstorableBatch

MEASUREMENT = "readings"
LINES_A_WRITE = 10_000
NS_A_MS = 1_000_000

_QUALITY_BITS = 3
_QUALITY_MASK = 2**_QUALITY_BITS - 1
_SEQUENCE_END = 2 ** (63 - _QUALITY_BITS)
# What fits InfluxDB's nanoseconds in 64 bits.
_FIRST_MS, _END_MS = -(2**63) // NS_A_MS + 1, 2**63 // NS_A_MS - 1


def line_bodies(readings: SequencedReadings) -> Iterator[bytes]:
    """Line protocol with times in nanoseconds, some thousand lines a body."""
    for start in range(0, len(readings), LINES_A_WRITE):
        lines = _lines(readings, slice(start, start + LINES_A_WRITE))
        yield "\n".join(lines).encode()


def check_storable(readings: SequencedReadings) -> None:
    """Raises UnstorableBatch for what InfluxDB has no way to say: a value that is not finite, a time out of range."""
    has_value = readings.quality <= Quality.STALE
    if not np.isfinite(readings.value[has_value]).all():
        raise UnstorableBatch("a reading whose quality has a value has none that is finite")
    if len(readings) and not (readings.ts_ms.min() >= _FIRST_MS and readings.ts_ms.max() < _END_MS):
        raise UnstorableBatch("a reading lies outside the years InfluxDB can say (1678 to 2261)")
    if len(readings) and not (readings.seq.min() >= 0 and readings.seq.max() < _SEQUENCE_END):
        raise UnstorableBatch("a bus sequence is out of range")


def _lines(readings: SequencedReadings, part: slice) -> Iterator[str]:
    quality, value = readings.quality[part], readings.value[part]
    stamp = (readings.seq[part] << _QUALITY_BITS) | quality
    time_ns = readings.ts_ms[part] * NS_A_MS + readings.seq[part] % NS_A_MS
    has_value = (quality <= Quality.STALE).tolist()
    columns = (readings.point_no[part].tolist(), value.tolist(), stamp.tolist(), time_ns.tolist(), has_value)
    for point, number, mark, at, valued in zip(*columns, strict=True):
        if valued:
            yield f"{MEASUREMENT},point={point} value={number!r},stamp={mark}i {at}"
        else:
            yield f"{MEASUREMENT},point={point} stamp={mark}i {at}"


@dataclass(frozen=True, slots=True, eq=False)
class Versions:
    """Columns of equal length as they lie in InfluxDB: a reading may be there several times, under several stamps."""

    point_no: npt.NDArray[np.int32]
    ts_ms: npt.NDArray[np.int64]
    value: npt.NDArray[np.float64]
    stamp: npt.NDArray[np.int64]

    @classmethod
    def of(cls, rows: Sequence[Sequence[Any]], *, point_no: int | None = None) -> "Versions":
        """Rows of (time in ms, stamp, value or None, point as text); without the last they are all of `point_no`.

        InfluxDB shows a row that is being written field by field: what is not whole yet is left out.
        """
        whole = [row for row in rows if row[1] is not None and (row[2] is not None or _without_value(row[1]))]
        count = len(whole)
        points = (int(row[3]) for row in whole) if point_no is None else (point_no for _ in whole)
        return cls(
            np.fromiter(points, np.int32, count),
            np.fromiter((row[0] for row in whole), np.int64, count),
            np.fromiter((np.nan if row[2] is None else row[2] for row in whole), np.float64, count),
            np.fromiter((row[1] for row in whole), np.int64, count),
        )

    @classmethod
    def concat(cls, parts: Sequence["Versions"]) -> "Versions":
        return cls(
            np.concatenate([part.point_no for part in parts]),
            np.concatenate([part.ts_ms for part in parts]),
            np.concatenate([part.value for part in parts]),
            np.concatenate([part.stamp for part in parts]),
        )

    def __len__(self) -> int:
        return len(self.point_no)

    def where(self, mask: npt.NDArray[np.bool_]) -> "Versions":
        return Versions(self.point_no[mask], self.ts_ms[mask], self.value[mask], self.stamp[mask])

    def resolved(self) -> ReadingBatch:
        """Each reading once, that of the highest sequence; oldest first, then by point."""
        order = np.lexsort((self.stamp, self.point_no, self.ts_ms))
        point_no, ts_ms = self.point_no[order], self.ts_ms[order]
        is_last = np.ones(len(order), np.bool_)
        is_last[:-1] = (point_no[1:] != point_no[:-1]) | (ts_ms[1:] != ts_ms[:-1])
        kept = order[is_last]
        quality = (self.stamp[kept] & _QUALITY_MASK).astype(np.uint8)
        return ReadingBatch(self.point_no[kept], self.ts_ms[kept], self.value[kept], quality)


def _without_value(stamp: int) -> bool:
    return bool((stamp & _QUALITY_MASK) > Quality.STALE)
