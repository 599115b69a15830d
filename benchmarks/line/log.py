"""The publisher's own record of what it published and when, in files that others read while it runs."""

from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import Self

import numpy as np
import numpy.typing as npt


class Count(IntEnum):
    """What publisher and listener tell each other while they run."""

    PUBLISHED = 0
    ACKNOWLEDGED = 1
    ALARMS_HEARD = 2
    NEWEST_EVENT_MS = 3
    CROSSINGS_UNTIL = 4


class Counts:
    """A handful of numbers in a mapped file, one writer each."""

    def __init__(self, path: Path) -> None:
        if not path.exists():
            path.write_bytes(bytes(8 * len(Count)))
        self._numbers: npt.NDArray[np.int64] = np.memmap(path, np.int64, mode="r+", shape=(len(Count),))

    def __getitem__(self, which: Count) -> int:
        return int(self._numbers[which])

    def __setitem__(self, which: Count, value: int) -> None:
        self._numbers[which] = value


@dataclass(frozen=True)
class PublicationLog:
    """Row n is message n: its device time (ms since the epoch) and when it was handed to the kernel (monotonic ns)."""

    ts_ms: npt.NDArray[np.int64]
    sent_ns: npt.NDArray[np.int64]

    @classmethod
    def create(cls, path: Path, *, messages: int) -> Self:
        # A sparse file: what is never published takes no room.
        both = np.memmap(path, np.int64, mode="w+", shape=(2, messages))
        return cls(both[0], both[1])

    @classmethod
    def read(cls, path: Path, *, published: int) -> Self:
        both = np.memmap(path, np.int64, mode="r").reshape(2, -1)
        return cls(np.array(both[0, :published]), np.array(both[1, :published]))
