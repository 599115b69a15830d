"""Training from a real store: what is learnt, what waits, and what a kill leaves behind."""

import asyncio
import signal
import subprocess
import sys
import textwrap
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np
import pytest
from sqlalchemy import func, select, text, update

from catalog.directory import Directory
from kit.access import Scope
from kit.clock import FakeClock, to_ms
from kit.db import Database
from predictive.detectors.ensemble import Ensemble
from predictive.streaming.normal_time import Busy
from predictive.training import errors, planning
from predictive.training.card import ModelState
from predictive.training.figures import Failure
from predictive.training.models import TrainingPiece, TrainingState
from predictive.training.planning import learnt_spans
from predictive.training.trainer import MOST_ATTEMPTS, Progress
from tests.predictive.training.school import NOON, School, later, pump, pump_id, school
from tests.small_site import SmallSite, settle


@pytest.fixture
async def site(database: Database) -> SmallSite:
    return await settle(database, FakeClock(NOON))


@pytest.fixture
async def pumps(database: Database, site: SmallSite, tmp_path: Path) -> AsyncIterator[School]:
    async with school(database, tmp_path, site_id=site.site_id, numbers=range(1, 5)) as built:
        yield built


async def test_a_first_training_makes_a_champion_that_streams(pumps: School) -> None:
    run = await pumps.train()
    assert (run.state, run.failure, run.progress, run.learnt) == ("done", None, 1.0, 4)
    ((card, arrays),) = await pumps.models()
    assert card.state is ModelState.CHAMPION
    assert card.equipment_ids == tuple(pump_id(number) for number in range(1, 5))
    assert card.points == ("current", "flow", "pressure")
    assert all(len(array) == 4 for array in arrays.values())
    assert card.data_from >= NOON - timedelta(days=8)
    assert card.data_until <= NOON
    assert run.report is not None
    assert run.report["subjects"][card.subject]["learnt"] == 4
    assert 0 < run.report["peak_mb"] < 2048


async def test_a_second_training_runs_in_shadow_and_one_of_the_night_finds_nothing_to_do(pumps: School) -> None:
    await pumps.train()
    night = await pumps.train(is_complete=False)
    assert (night.state, night.equipment, night.report) == ("done", 0, None)
    await pumps.train()
    assert [card.state for card, _ in await pumps.models()] == [ModelState.SHADOW, ModelState.CHAMPION]


async def test_the_night_adds_new_equipment_to_the_champion_and_leaves_what_it_knew(pumps: School) -> None:
    everybody = pumps.directory.current.entries
    pumps.directory.replace(Directory.of(2, everybody[:3]))
    await pumps.train()
    pumps.directory.replace(Directory.of(3, everybody))
    night = await pumps.train(is_complete=False)
    assert (night.equipment, night.learnt) == (1, 1)
    (new, with_it), (old, without) = await pumps.models()
    assert (new.state, old.state) == (ModelState.CHAMPION, ModelState.RETIRED)
    assert new.equipment_ids == (*old.equipment_ids, pump_id(4))
    assert all(np.array_equal(with_it[name][:3], array, equal_nan=True) for name, array in without.items())


async def test_an_old_champion_gets_a_challenger_by_night_and_only_one(pumps: School) -> None:
    await pumps.train()
    pumps.clock.advance(seconds=31 * 86_400)
    # Its readings are too old by now: what can be learnt must come from the last days.
    first = await pumps.train(is_complete=False, days=40)
    assert first.learnt == 4
    assert [card.state for card, _ in await pumps.models()] == [ModelState.SHADOW, ModelState.CHAMPION]
    assert (await pumps.train(is_complete=False, days=40)).equipment == 0


async def test_time_with_alarms_and_before_a_repair_is_not_learnt_from(pumps: School) -> None:
    start_ms = to_ms(NOON - timedelta(days=8))
    day_ms = 86_400_000
    pumps.past.busy = {pump_id(1): [Busy(start_ms, start_ms + 4 * day_ms)], pump_id(2): [Busy(start_ms, None)]}
    run = await pumps.train()
    ((card, _),) = await pumps.models()
    assert card.equipment_ids == (pump_id(3), pump_id(4))
    assert run.report is not None
    learning = run.report["subjects"][card.subject]["learning"]
    assert 3.5 < learning[str(pump_id(1))] < 4.0, "days of normal time, of the five that are needed"
    assert learning[str(pump_id(2))] == 0


async def test_what_was_learnt_before_a_fresh_start_is_dropped_and_learnt_anew(
    pumps: School, site: SmallSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    lift = site.equipment["LIFT-32"]  # a fresh start is of an equipment of the catalog
    entry = pump(1, pumps.site_id)
    named = type(entry)(**{**entry.__dict__, "equipment_id": lift})
    pumps.directory.replace(Directory.of(2, [named, pump(2, pumps.site_id)]))
    await pumps.train()
    async with pumps.database.transaction() as session:
        await pumps.training.fresh_starts.begin(
            session, equipment_id=lift, site_id=pumps.site_id, since=later(-6), reason="order 7"
        )
    night = await pumps.train(is_complete=False)
    assert (night.equipment, night.learnt) == (1, 1)
    (new, _), *_ = await pumps.models()
    assert learnt_spans(new)[lift][0] > to_ms(later(-6))
    assert learnt_spans(new)[pump_id(2)][0] < to_ms(later(-7))


async def test_one_that_is_under_way_refuses_a_second_and_can_be_cancelled(pumps: School) -> None:
    run = await pumps.ask()
    with pytest.raises(errors.TrainingUnderWay, match=str(run.id)):
        await pumps.ask()
    async with pumps.database.transaction() as session:
        await pumps.training.runs.cancel(session, Scope.of(pumps.site_id), run.id)
    assert await pumps.training.trainer.train_waiting(_unseen)
    assert (await pumps.run(run.id)).state == TrainingState.CANCELLED.value
    assert await pumps.models() == []
    with pytest.raises(errors.TrainingNotFound):
        async with pumps.database.transaction() as session:
            await pumps.training.runs.get(session, Scope.of(pump_id(9)), run.id)


async def test_a_site_without_anything_to_measure_is_told_so(pumps: School) -> None:
    pumps.directory.replace(Directory.of(2, []))
    with pytest.raises(errors.NothingToTrain):
        await pumps.ask()


async def test_cancelled_half_way_it_leaves_nothing_but_what_it_had_saved(
    pumps: School, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(planning, "MOST_AT_ONCE", 1)
    run = await pumps.ask()

    async def stop_after_one(progress: Progress) -> None:
        if progress.learnt == 1:
            async with pumps.database.transaction() as session:
                await pumps.training.runs.cancel(session, Scope.everywhere(), run.id)

    await pumps.training.trainer.train_waiting(stop_after_one)
    ended = await pumps.run(run.id)
    assert (ended.state, ended.learnt) == (TrainingState.CANCELLED.value, 2)
    assert await kept_pieces(pumps) == 0
    assert await pumps.models() == []


async def test_a_pump_that_fails_fails_alone(pumps: School, monkeypatch: pytest.MonkeyPatch) -> None:
    calibrate = Ensemble.calibrate

    def odd(ensemble: Any, window: Any) -> Any:
        if abs(np.nanmean(window.values) - 3.0) < 0.5:
            raise FloatingPointError("an odd history")
        return calibrate(ensemble, window)

    monkeypatch.setattr(Ensemble, "calibrate", odd)
    run = await pumps.train()
    ((card, _),) = await pumps.models()
    assert card.equipment_ids == tuple(pump_id(number) for number in (1, 2, 4))
    assert run.report is not None
    assert run.report["subjects"][card.subject]["failed"] == {str(pump_id(3)): "FloatingPointError: an odd history"}


async def test_a_back_test_is_stored_with_the_model(database: Database, site: SmallSite, tmp_path: Path) -> None:
    async with school(
        database, tmp_path, site_id=site.site_id, numbers=(1, 2), learning_days=2.0, back_test_equipment=2,
        back_test_splits=2,
    ) as built:  # fmt: skip
        at_ms = to_ms(later(-1))
        built.past.failures = {pump_id(2): [Failure(at_ms=at_ms, over_ms=at_ms + 3_600_000)]}
        await built.train()
        ((card, _),) = await built.models()
    metrics = card.metrics
    assert (metrics["failures"], metrics["equipment"], metrics["failed"]) == (1, 2, {})
    assert metrics["recall"] in (0.0, 1.0)
    assert metrics["equipment_days"] == pytest.approx(2 * 8 * 2 / 3, abs=0.1)
    assert [split["failures"] for split in metrics["splits"]] == [0, 1]


PROGRAM = """
    import asyncio, os, signal, sys
    from pathlib import Path
    from uuid import UUID
    from kit.db import Database
    from kit.events import RecordingOutbox
    from predictive.training import planning
    from tests.predictive.training.school import school

    planning.MOST_AT_ONCE = 1

    async def die_half_way(progress):
        if progress.learnt >= 2:
            os.kill(os.getpid(), signal.SIGKILL)

    async def main():
        async with Database(sys.argv[1]) as database:
            database.use_outbox(RecordingOutbox())
            async with school(
                database, Path(sys.argv[2]), site_id=UUID(sys.argv[3]), numbers=range(1, 5), processes=int(sys.argv[4])
            ) as built:
                await built.ask()
                await built.training.trainer.train_waiting(die_half_way)

    asyncio.run(main())
"""


def die_training(database_url: str, folder: Path, site_id: UUID, *, processes: int) -> None:
    """A process that trains and is killed with -9 when two of four pumps are learnt."""
    died = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(PROGRAM), database_url, str(folder), str(site_id), str(processes)],
        timeout=90, cwd=Path(__file__).parents[3], capture_output=True, text=True,
    )  # fmt: skip
    assert died.returncode == -signal.SIGKILL, died.stderr[-2000:]


async def test_killed_with_9_it_is_gone_on_with_where_it_was(
    database: Database, database_url: str, site: SmallSite, tmp_path: Path
) -> None:
    die_training(database_url, tmp_path, site.site_id, processes=1)
    async with school(database, tmp_path, site_id=site.site_id, numbers=range(1, 5)) as built:
        async with database.transaction() as session:
            (left,) = await built.training.runs.find(session, Scope.everywhere())
        assert (left.state, left.learnt) == (TrainingState.RUNNING.value, 2)
        assert await kept_pieces(built) >= 2
        shown: list[int] = []

        async def show(progress: Progress) -> None:
            shown.append(progress.learnt)

        assert await built.training.trainer.train_waiting(show)
        assert shown[-1] == 4
        assert shown[1] > 2, "what the killed process had learnt was not learnt again"
        ended = await built.run(left.id)
        assert (ended.state, ended.attempts) == (TrainingState.DONE.value, 2)
        assert await kept_pieces(built) == 0
        resumed = await built.models()
        await built.train()
        whole, *_ = await built.models()
    assert resumed[0][1].keys() == whole[1].keys()
    assert all(np.allclose(array, whole[1][name], equal_nan=True) for name, array in resumed[0][1].items())


async def test_a_piece_that_was_changed_meanwhile_is_learnt_again(
    pumps: School, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(planning, "MOST_AT_ONCE", 1)
    await pumps.ask()

    async def stop(progress: Progress) -> None:
        if progress.learnt == 2:
            raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await pumps.training.trainer.train_waiting(stop)
    assert await kept_pieces(pumps) == 2
    async with pumps.database.transaction() as session:
        await session.execute(update(TrainingPiece).values(content=b"somebody's own"))
    await pumps.training.trainer.train_waiting(_unseen)
    ((card, _),) = await pumps.models()
    assert len(card.equipment_ids) == 4


async def test_one_that_ended_processes_again_and_again_is_given_up(pumps: School) -> None:
    run = await pumps.ask()
    async with pumps.database.transaction() as session:
        row = await pumps.training.runs.get(session, Scope.everywhere(), run.id)
        row.attempts = MOST_ATTEMPTS
    await pumps.training.trainer.train_waiting(_unseen)
    ended = await pumps.run(run.id)
    assert (ended.state, ended.failure) == (TrainingState.FAILED.value, "crashed")


async def test_two_processes_do_not_train_at_once(pumps: School) -> None:
    await pumps.ask()
    seen: list[bool] = []

    async def a_second_looks(_progress: Progress) -> None:
        seen.append(await pumps.training.trainer.train_waiting(_unseen))

    assert await pumps.training.trainer.train_waiting(a_second_looks)
    assert seen
    assert not any(seen)


async def test_the_night_asks_once_at_the_sites_own_hour(database: Database, pumps: School) -> None:
    runs = pumps.training.runs

    async def asked() -> int:
        async with database.transaction() as session:
            return len(await runs.find(session, Scope.everywhere()))

    async with pumps.app.open_async():
        # Noon in UTC is eight in the evening in Hangzhou: two in the morning is six hours away.
        for hours, expected in ((5, 0), (1, 1), (0.5, 1)):
            pumps.clock.advance(seconds=hours * 3600)
            async with database.transaction() as session:
                await runs.ask_for_the_night(session)
            assert await asked() == expected
        async with database.transaction() as session:
            await runs.resume(session)
            jobs = await session.execute(text("SELECT task_name FROM procrastinate_jobs"))
    assert [name for (name,) in jobs] == ["predictive.train"] * 2, "one when it was asked for, one as nobody was at it"


async def kept_pieces(built: School) -> int:
    async with built.database.transaction() as session:
        return await session.scalar(select(func.count()).select_from(TrainingPiece)) or 0


async def _unseen(_progress: Progress) -> None:
    return
