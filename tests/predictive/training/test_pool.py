"""Where training is worked at: processes here, or dask's; bounded in memory, and gone when their asker is."""

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from kit.clock import FakeClock, to_ms
from kit.db import Database
from predictive.streaming.shape import Shape, shape_of
from predictive.training import planning
from predictive.training.code_version import code_version
from predictive.training.learning import Learnt, Lesson, OtherRelease, Pupil, learn
from predictive.training.planning import PROCESS_MB, portion_size, process_memory_mb
from predictive.training.pool import BackendUnavailable, opened_pool
from predictive.training.process import TrainingProcessFailed, train_in_process
from predictive.training.settings import TrainingSettings
from tests.conftest import LIVENESS_S
from tests.predictive.training.school import DAYS, NOON, later, pump, pump_id, readings, school
from tests.predictive.training.test_trainer import die_training
from tests.small_site import settle


def lesson(*numbers: int, memory_mb: int | None = None, code: str | None = None, days: float = DAYS) -> Lesson:
    shapes = {number: shape_of(pump(number, pump_id(0))) for number in numbers}
    return Lesson(
        subject="pump", number=0, start_ms=to_ms(later(-days)), end_ms=to_ms(NOON), learning_days=5.0,
        pupils=[
            Pupil(equipment_id=pump_id(number), shape=shape, readings=readings(number, days=days))
            for number, shape in shapes.items() if shape is not None
        ],
        code_version=code or code_version(), memory_mb=memory_mb,
    )  # fmt: skip


def same(one: Learnt, two: Learnt) -> bool:
    return one.equipment_ids == two.equipment_ids and all(
        np.allclose(array, two.model[name], equal_nan=True) for name, array in one.model.items()
    )


def dask_cluster(workers: int, *, processes: bool) -> Any:
    from distributed import LocalCluster  # half a second that the other tests need not wait for

    make: Any = LocalCluster
    return make(n_workers=workers, threads_per_worker=1, processes=processes, dashboard_address=None)


def test_work_is_done_by_processes_of_their_own_that_end_with_the_block() -> None:
    with opened_pool(TrainingSettings(processes=2)) as pool:
        workers = set(pool.map(os.path.realpath, ["/proc/self"] * 4))
    assert workers
    assert f"/proc/{os.getpid()}" not in workers
    # One that nobody has waited for yet has no command line any more.
    assert not [one for one in workers if Path(one).exists() and (Path(one) / "cmdline").read_bytes()]


def test_dask_is_asked_where_the_settings_say_so() -> None:
    # Threads of this process: that it is asked at all. Its processes are a matter of make test-long.
    with dask_cluster(1, processes=False) as cluster:
        settings = TrainingSettings(backend="dask", scheduler=cluster.scheduler_address, processes=1)
        with opened_pool(settings) as pool:
            assert pool.others == 0
            assert same(pool.map(learn, [lesson(1)])[0], learn(lesson(1)))


def test_dask_without_an_address_or_without_an_answer_is_refused_with_what_to_set(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with pytest.raises(ValidationError, match="HUB_TRAINING_SCHEDULER"):
        TrainingSettings(backend="dask")
    monkeypatch.setattr("predictive.training.pool._DASK_ANSWERS_S", 0.2)
    silent = TrainingSettings(backend="dask", scheduler="tcp://127.0.0.1:9")
    with pytest.raises(BackendUnavailable, match=r"HUB_TRAINING_SCHEDULER \(tcp://127.0.0.1:9\)"), opened_pool(silent):
        pytest.fail("nobody answers there")


def test_a_worker_of_another_release_learns_nothing() -> None:
    with pytest.raises(OtherRelease, match="install the same release"):
        learn(lesson(1, code="0.0.9+abc"))


@pytest.mark.parametrize(("days", "points"), [(30, 6), (30, 32), (366, 32)])
@pytest.mark.parametrize("processes", [1, 2, 8])
def test_portions_grow_no_larger_than_memory_allows(days: int, points: int, processes: int) -> None:
    keys = tuple(str(place) for place in range(points))
    shape = Shape("x", 60_000, keys, tuple(range(points)), (True,) * points, (90_000,) * points)
    sizes = [
        portion_size(shape, rows=days * 1440, memory_mb=memory_mb, processes=processes)
        for memory_mb in (512, 2048, 8192, 65_536)
    ]
    assert sizes == sorted(sizes)
    assert sizes[0] >= 1
    assert sizes[-1] <= planning.MOST_AT_ONCE
    share = process_memory_mb(memory_mb=2048, processes=processes)
    assert share * (processes + 1) <= max(2048, PROCESS_MB * (processes + 1))


async def test_a_process_that_fails_is_said_so_and_one_that_is_told_to_stop_stops() -> None:
    await train_in_process([sys.executable, "-c", "pass"])
    with pytest.raises(TrainingProcessFailed, match="ended with 7"):
        await train_in_process([sys.executable, "-c", "raise SystemExit(7)"])


@pytest.mark.long
def test_processes_learn_what_one_alone_does() -> None:
    lessons = [lesson(1), lesson(2)]
    with opened_pool(TrainingSettings(processes=2)) as two, opened_pool(TrainingSettings(processes=1)) as alone:
        assert all(same(*both) for both in zip(two.map(learn, lessons), alone.map(learn, lessons), strict=True))


@pytest.mark.long
def test_what_takes_more_memory_than_it_may_fails_alone() -> None:
    with opened_pool(TrainingSettings(processes=2)) as pool:
        (large, small) = pool.map(learn, [lesson(1, days=3000, memory_mb=300), lesson(2, memory_mb=300)])
    assert list(large.failed) == [pump_id(1)]
    assert "MemoryError" in large.failed[pump_id(1)]
    assert small.equipment_ids == (pump_id(2),)


@pytest.mark.long
async def test_processes_end_when_whoever_asked_them_was_killed_with_9(
    database: Database, database_url: str, tmp_path: Path
) -> None:
    site = await settle(database, FakeClock(NOON))
    before = loky_processes()
    die_training(database_url, tmp_path, site.site_id, processes=2)
    deadline = time.monotonic() + 2 * LIVENESS_S
    while loky_processes() - before and time.monotonic() < deadline:
        time.sleep(0.5)
    assert not loky_processes() - before


def loky_processes() -> set[int]:
    listed = subprocess.run(["ps", "-eo", "pid,args"], capture_output=True, text=True, check=True).stdout
    return {int(line.split()[0]) for line in listed.splitlines() if "loky" in line and "ps -eo" not in line}


@pytest.mark.long
async def test_a_dask_cluster_of_processes_trains_what_this_machine_would(database: Database, tmp_path: Path) -> None:
    site = await settle(database, FakeClock(NOON))
    with dask_cluster(2, processes=True) as cluster:
        async with school(
            database, tmp_path, site_id=site.site_id, numbers=range(1, 7), backend="dask", processes=2,
            scheduler=cluster.scheduler_address,
        ) as built:  # fmt: skip
            run = await built.train()
            assert (run.state, run.learnt) == ("done", 6)
            ((_, spread),) = await built.models()
    async with school(database, tmp_path, site_id=site.site_id, numbers=range(1, 7)) as built:
        await built.train()
        (_, here), *_ = await built.models()
    assert spread.keys() == here.keys()
    assert all(np.allclose(array, here[name], equal_nan=True) for name, array in spread.items())
