"""Learning a thousand machines from a month of minutes, by the processes of training: frames, then every detector."""

import time
from dataclasses import dataclass

from benchmarks.part import Details
from benchmarks.predictive.machines import MINUTE_MS, START_MS, machines, said
from predictive.training.code_version import code_version
from predictive.training.learning import Lesson, learn, peak_mb
from predictive.training.pool import opened_pool
from predictive.training.settings import TrainingSettings

DAYS = 30
MACHINES_A_LESSON = 10
_MINUTES = DAYS * 1_440


@dataclass(frozen=True)
class Task:
    first: int
    count: int


@dataclass(frozen=True)
class Done:
    """`took_s`: of learning alone; the readings are made up in the same process before it."""

    learnt: int
    took_s: float
    peak_mb: int


def learn_some(task: Task) -> Done:
    """Called in a process of training."""
    from predictive.training.learning import Pupil

    some = machines(task.count, first=task.first)
    start_ms = START_MS - _MINUTES * MINUTE_MS
    pupils = [
        Pupil(
            equipment_id=one.equipment_id, shape=one.shape,
            readings=said([one], first_minute=-_MINUTES, minutes=_MINUTES, seed=one.shape.point_nos[0]),
        )
        for one in some
    ]  # fmt: skip
    lesson = Lesson(
        subject=some[0].shape.subject, number=task.first, pupils=pupils, start_ms=start_ms, end_ms=START_MS,
        learning_days=7.0, code_version=code_version(),
    )  # fmt: skip
    found = learn(lesson)
    assert not found.failed, found.failed
    return Done(len(found.equipment_ids), found.took_s, peak_mb())


def learnt_in_processes(equipment: int, *, processes: int = 2) -> Details:
    """`seconds` is what learning takes when so many processes share it evenly; making up readings is left out."""
    tasks = [Task(first, min(MACHINES_A_LESSON, equipment - first)) for first in range(0, equipment, MACHINES_A_LESSON)]
    begun = time.monotonic()
    with opened_pool(TrainingSettings(processes=processes)) as pool:
        done = pool.map(learn_some, tasks)
    return {
        "equipment": sum(each.learnt for each in done), "days": DAYS, "processes": processes,
        "seconds": sum(each.took_s for each in done) / processes, "wall_s": time.monotonic() - begun,
        "peak_mb": max(each.peak_mb for each in done) * processes + peak_mb(),
    }  # fmt: skip
