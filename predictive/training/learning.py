"""What a process of training does: readings of some equipment of one subject in, what was learnt of each out.

Runs in processes of this machine or of others: everything that goes in or comes out is plain data, and nothing here
reads or writes anywhere.
"""

import os
import resource
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

import numpy as np

from building.reading import ReadingBatch
from predictive.detectors.contract import Arrays, Window, stacked
from predictive.detectors.ensemble import Ensemble
from predictive.streaming.frames import window_of
from predictive.streaming.normal_time import Busy, normal_days, normal_rows
from predictive.streaming.shape import Shape
from predictive.training.back_test import History, judge_split
from predictive.training.code_version import code_version
from predictive.training.figures import Failure, Tally
from predictive.training.splits import Split

# Normal time before this is none; far from the ends of int64, so that sums do not overflow.
EVER_MS: Final = 0
_WATCH: Final = "ends with its parent"
_LOOKS_EVERY_S: Final = 1.0


@dataclass(frozen=True, kw_only=True, eq=False)
class Pupil:
    """One equipment and its readings. Rows before `since_ms` are not normal: it was repaired then.

    `failures` are told only of those that are back-tested.
    """

    equipment_id: UUID
    shape: Shape
    readings: ReadingBatch
    busy: Sequence[Busy] = ()
    since_ms: int = EVER_MS
    failures: Sequence[Failure] = ()


@dataclass(frozen=True, kw_only=True, eq=False)
class Lesson:
    """Some equipment of one subject over one span, two multiples of the step. `memory_mb`: what the process may take
    of memory, None for as much as there is."""

    subject: str
    number: int
    pupils: Sequence[Pupil]
    start_ms: int
    end_ms: int
    learning_days: float
    code_version: str
    memory_mb: int | None = None


@dataclass(frozen=True, kw_only=True, eq=False)
class Learnt:
    """`model`: arrays stacked in the order of `equipment_ids`, empty where nothing was learnt; `spans_ms`: the first
    and last normal row of each. `learning`: days of normal time of those that have too little; `failed`: why.
    """

    subject: str
    number: int
    equipment_ids: tuple[UUID, ...]
    spans_ms: tuple[tuple[int, int], ...]
    model: Arrays = field(default_factory=dict)
    learning: dict[UUID, float] = field(default_factory=dict)
    failed: dict[UUID, str] = field(default_factory=dict)
    readings: int = 0
    took_s: float = 0.0
    peak_mb: int = 0


class OtherRelease(RuntimeError):
    """A worker has another release installed than the hub that asks it: what it learnt would not fit."""


def learn(lesson: Lesson) -> Learnt:
    """Calibrates every detector on each equipment's normal time. One that fails fails alone. Raises OtherRelease."""
    begun_s = time.monotonic()
    if lesson.code_version != code_version():
        raise OtherRelease(f"the worker has {code_version()}, the hub {lesson.code_version}: install the same release")
    _settle_in(lesson.memory_mb)
    windows: dict[UUID, Window] = {}
    learning: dict[UUID, float] = {}
    for pupil in lesson.pupils:
        window = normal_window(pupil, start_ms=lesson.start_ms, end_ms=lesson.end_ms)
        days = normal_days(window)
        if days < lesson.learning_days:
            learning[pupil.equipment_id] = round(days, 2)
        else:
            windows[pupil.equipment_id] = window
    models, failed = calibrated(windows)
    learnt = tuple(models)
    return Learnt(
        subject=lesson.subject, number=lesson.number, equipment_ids=learnt,
        spans_ms=tuple(_span(windows[one]) for one in learnt),
        model=stacked(list(models.values())) if models else {}, learning=learning, failed=failed,
        readings=sum(len(pupil.readings) for pupil in lesson.pupils),
        took_s=time.monotonic() - begun_s, peak_mb=peak_mb(),
    )  # fmt: skip


def normal_window(pupil: Pupil, *, start_ms: int, end_ms: int) -> Window:
    """The equipment's rows (E = 1), those of busy times and before a repair as if nothing had been read."""
    window = window_of(pupil.shape, pupil.readings, start_ms=start_ms, end_ms=end_ms)
    normal = normal_rows(window, pupil.busy)
    if pupil.since_ms <= start_ms:
        return normal
    values = normal.values.copy()
    values[:, normal.ts_ms[0] <= pupil.since_ms] = np.nan
    return Window(ts_ms=normal.ts_ms, values=values, step_s=normal.step_s)


def calibrated(windows: dict[UUID, Window]) -> tuple[dict[UUID, Arrays], dict[UUID, str]]:
    """The model of each equipment alone, and of the others why there is none.

    Equipment by equipment: what one takes of memory is given back before the next.
    """
    ensemble = Ensemble()
    models: dict[UUID, Arrays] = {}
    failed: dict[UUID, str] = {}
    for equipment_id, window in windows.items():
        try:
            models[equipment_id] = dict(ensemble.calibrate(window))
        except Exception as error:  # one equipment's odd history must not keep the others from their models
            failed[equipment_id] = f"{type(error).__name__}: {error}"
    return models, failed


@dataclass(frozen=True, kw_only=True, eq=False)
class Examination:
    """A pupil over a whole history, and the splits to judge it by."""

    pupil: Pupil
    splits: Sequence[Split]
    start_ms: int
    end_ms: int
    learning_days: float
    horizon_ms: int
    code_version: str
    memory_mb: int | None = None


@dataclass(frozen=True, kw_only=True)
class Marks:
    """A tally for each split that had enough to learn from, in order of time; the others are None."""

    equipment_id: UUID
    tallies: tuple[Tally | None, ...]
    failed: str | None = None


def examine(examination: Examination) -> Marks:
    """Walks forward through the history of one equipment. Raises OtherRelease."""
    if examination.code_version != code_version():
        raise OtherRelease(
            f"the worker has {code_version()}, the hub {examination.code_version}: install the same release"
        )
    _settle_in(examination.memory_mb)
    pupil = examination.pupil
    try:
        tallies = _judged(examination)
    except Exception as error:  # as in `calibrated`
        return Marks(equipment_id=pupil.equipment_id, tallies=(), failed=f"{type(error).__name__}: {error}")
    return Marks(equipment_id=pupil.equipment_id, tallies=tuple(tallies))


def _judged(examination: Examination) -> list[Tally | None]:
    pupil, start_ms, end_ms = examination.pupil, examination.start_ms, examination.end_ms
    window = window_of(pupil.shape, pupil.readings, start_ms=start_ms, end_ms=end_ms)
    normal = normal_window(pupil, start_ms=start_ms, end_ms=end_ms)
    history = History(window, np.isfinite(normal.values[0]).any(axis=1), pupil.failures)
    ensemble = Ensemble()
    row_days = (window.step_s or 0.0) / 86_400
    found: list[Tally | None] = []
    for split in examination.splits:
        known = window.ts_ms[0] < split.learn_until_ms
        has_enough = int((history.is_normal & known).sum()) * row_days >= examination.learning_days
        found.append(
            judge_split(history, split, ensemble=ensemble, horizon_ms=examination.horizon_ms) if has_enough else None
        )
    return found


def peak_mb() -> int:
    """The most memory this process ever held."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def _span(window: Window) -> tuple[int, int]:
    """The first and the last row with something read in it."""
    read = window.ts_ms[0][np.isfinite(window.values[0]).any(axis=1)]
    return int(read[0]), int(read[-1])


def _settle_in(memory_mb: int | None) -> None:
    """In a process of this machine: what is asked for beyond its memory raises MemoryError here, instead of having the
    machine kill somebody; and it ends with whoever asked it, however that ended."""
    if memory_mb is None:
        return
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    resource.setrlimit(resource.RLIMIT_DATA, (memory_mb << 20, hard))
    if not any(thread.name == _WATCH for thread in threading.enumerate()):
        threading.Thread(target=_end_with, args=(os.getppid(),), name=_WATCH, daemon=True).start()


def _end_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(_LOOKS_EVERY_S)
    os._exit(1)
