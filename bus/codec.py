"""A ReadingBatch on the wire: a short header and the four columns as they lie in memory, little-endian.

0   4  magic "ZRB1"
4   4  n, uint32
8  8n  ts_ms int64 | 8n value float64 | 4n point_no int32 | n quality uint8
"""

import struct

import numpy as np

from building.quality import Quality
from building.reading import ReadingBatch

MAGIC = b"ZRB1"
_HEADER = struct.Struct("<4sI")
_ROW_BYTES = 8 + 8 + 4 + 1
# Asked of every batch: looking through the enumeration each time costs more than decoding the batch.
_HIGHEST_QUALITY = max(Quality)


class BadBatch(ValueError):
    """Bytes that are no batch of ours. The message says what is wrong with them."""


def encode(batch: ReadingBatch) -> bytes:
    return b"".join(
        (
            _HEADER.pack(MAGIC, len(batch)),
            batch.ts_ms.astype("<i8", copy=False).tobytes(),
            batch.value.astype("<f8", copy=False).tobytes(),
            batch.point_no.astype("<i4", copy=False).tobytes(),
            batch.quality.astype("u1", copy=False).tobytes(),
        )
    )


def decode(data: bytes) -> ReadingBatch:
    """The batch in `data`; its columns are read-only views of it. Raises BadBatch."""
    if len(data) < _HEADER.size:
        raise BadBatch(f"{len(data)} bytes are too few for a header")
    magic, rows = _HEADER.unpack_from(data)
    if magic != MAGIC:
        raise BadBatch(f"starts with {magic!r}, not {MAGIC!r}")
    if len(data) != _HEADER.size + rows * _ROW_BYTES:
        raise BadBatch(f"{rows} readings need {_HEADER.size + rows * _ROW_BYTES} bytes, there are {len(data)}")
    at = _HEADER.size
    ts_ms = np.frombuffer(data, "<i8", rows, at)
    value = np.frombuffer(data, "<f8", rows, at + 8 * rows)
    point_no = np.frombuffer(data, "<i4", rows, at + 16 * rows)
    quality = np.frombuffer(data, "u1", rows, at + 20 * rows)
    if rows and int(quality.max()) > _HIGHEST_QUALITY:
        raise BadBatch(f"quality {int(quality.max())} is unknown")
    return ReadingBatch(point_no, ts_ms, value, quality)
