"""What the line bench puts under load: this hub, or a peer. All read one broker and tell alarms on one topic."""

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

from benchmarks.broker import Mosquitto
from benchmarks.line.workload import Fleet


@dataclass(frozen=True)
class StoredReadings:
    """What a store holds of a period: columns of equal length, one row a reading, in any order.

    `device` and `point` count from 0 as in the workload; a reading that is there twice is two rows.
    """

    device: npt.NDArray[np.int64]
    point: npt.NDArray[np.int64]
    ts_ms: npt.NDArray[np.int64]
    value: npt.NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.ts_ms)

    @classmethod
    def concat(cls, parts: Sequence["StoredReadings"]) -> "StoredReadings":
        return cls(
            np.concatenate([np.empty(0, np.int64), *(part.device for part in parts)]),
            np.concatenate([np.empty(0, np.int64), *(part.point for part in parts)]),
            np.concatenate([np.empty(0, np.int64), *(part.ts_ms for part in parts)]),
            np.concatenate([np.empty(0, np.float64), *(part.value for part in parts)]),
        )


class Running(Protocol):
    """A subject that is up and listens to the broker."""

    @property
    def pids(self) -> Iterable[int]:
        """Its processes; what they started is found by the bench."""
        ...

    def newest_ms(self) -> npt.NDArray[np.int64]:
        """The time of each device's newest stored reading, 0 for none; shape (devices,). Cheap: asked repeatedly."""
        ...

    def stored(self, *, start_ms: int, end_ms: int) -> StoredReadings:
        """Everything stored with `start_ms` <= time < `end_ms`."""
        ...


@dataclass(frozen=True)
class Place:
    """Where a subject may write, and whom it listens to."""

    folder: Path
    broker: Mosquitto
    fleet: Fleet


@dataclass(frozen=True)
class Subject:
    """`start` gives it running, with its `version` words; it may raise SubjectUnavailable.

    `most_at_once`: messages that a burst has at most, and that sustained load runs ahead at most, where the subject
    is so slow that more would only measure its queue.
    """

    name: str
    version: Callable[[], str]
    start: Callable[[Place], AbstractContextManager[Running]]
    most_at_once: int | None = None
    most_devices: int | None = None


class SubjectUnavailable(RuntimeError):
    """A peer that cannot be installed or started here. The message says why."""
