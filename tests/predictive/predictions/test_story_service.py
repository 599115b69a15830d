"""A pump's hours come near its service: an order in time, done, and not asked for again."""

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from building.reading import ReadingBatch
from kit.clock import to_ms
from predictive.predictions.life import PredictionState
from predictive.remaining_life.modes import load_modes
from predictive.remaining_life.services import DAY_MS, ServiceMornings
from telemetry.errors import QueryTooSlow
from telemetry.store import Series, SeriesQuery, StoreStats, TelemetryQueries
from tests.predictive.predictions.plant import DAY, PUMP, Plant
from ticketing.kinds import ClosingCode

HOURS_A_DAY = 12.0


class Counter(TelemetryQueries):
    """A counter that shows `hours` at `at_ms` and goes on evenly."""

    def __init__(self, *, hours: float, at_ms: int) -> None:
        self._hours, self._at_ms = hours, at_ms
        self.is_slow = False

    async def series(self, query: SeriesQuery) -> Series:
        if self.is_slow:
            raise QueryTooSlow(deadline_s=10)
        ts_ms = np.arange(query.start_ms, query.end_ms, query.bucket_ms)
        shown = self._hours + (ts_ms + query.bucket_ms - self._at_ms) / DAY_MS * HOURS_A_DAY
        count = np.full(len(ts_ms), 24)
        return Series(query.start_ms, query.bucket_ms, ts_ms, shown, shown, shown, count, np.zeros_like(count))

    async def raw(self, point_nos: Sequence[int], *, start_ms: int, end_ms: int, limit: int) -> ReadingBatch:
        raise AssertionError("services are reckoned from whole days")

    async def latest(self, point_nos: Sequence[int]) -> ReadingBatch:
        raise AssertionError("services are reckoned from whole days")

    async def stats(self) -> StoreStats:
        raise AssertionError("services are reckoned from whole days")


async def test_hours_become_an_order_in_time_and_once(plant: Plant) -> None:
    now = plant.town.clock.now()
    counter = Counter(hours=4_000.0 - 40 * HOURS_A_DAY, at_ms=to_ms(now))
    mornings = ServiceMornings(
        queries=counter, directory=plant.directory, intake=plant.room.intake, modes=load_modes(), clock=plant.town.clock
    )

    async def morning() -> None:
        async with plant.town.database.transaction() as session:
            await mornings.look(session)
        await plant.hear()

    await morning()
    assert not await plant.rows(), "forty days are far away"
    plant.town.clock.advance(seconds=timedelta(days=22).total_seconds())
    counter.is_slow = True
    await morning()
    counter.is_slow = False
    await morning()
    (order,) = await plant.town.orders()
    assert order.equipment_id == plant.town.equipment[PUMP]
    assert order.title["zh-CN"].startswith("运行时间接近检修期：")
    assert "days left" in order.title["en"]
    (row,) = await plant.rows()
    assert row.days_median == pytest.approx(18, abs=1.5)

    plant.town.clock.advance(seconds=10 * DAY.total_seconds())
    await morning()
    await plant.finish(ClosingCode.NO_FAULT_FOUND)
    (row,) = await plant.rows()
    assert (row.state, row.label) == (PredictionState.SETTLED, "true")
    for _ in range(3):
        plant.town.clock.advance(seconds=10 * DAY.total_seconds())
        await morning()
    assert len(await plant.rows()) == 1, "it was served for these four thousand hours"


def test_the_services_that_we_ship_can_be_a_sites_own(tmp_path: Path) -> None:
    own = tmp_path / "modes.toml"
    own.write_text("[[services]]\nkey = 'run_hours'\nkinds = ['pump']\npoint = 'run_hours'\nevery = 2000\n", "utf-8")
    (hours,) = [one for one in load_modes(own).services if one.key == "run_hours"]
    assert hours.every == 2_000.0
