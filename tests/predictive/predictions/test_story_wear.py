"""Months of readings, night after night, to an order, to what the engineer found, to a figure that everybody sees."""

from datetime import UTC, datetime, timedelta

import numpy as np
from prometheus_client import CollectorRegistry

from building.reading import ReadingBatch
from kit.clock import to_ms
from people.kinds import Duty, Skill
from predictive.drift.gathering import Gatherer
from predictive.drift.nights import DriftNights
from predictive.remaining_life.book import RemainingLifeBook
from predictive.remaining_life.modes import load_modes
from predictive.training.fresh_start import FreshStarts
from tests.predictive.drift.store import Store, batch
from tests.predictive.predictions.plant import Plant
from ticketing.kinds import ClosingCode

SMOKE = "SMOKE-01"
FIRST = datetime(2026, 11, 22, tzinfo=UTC)
HOUR_MS = 3_600_000
DAYS, WEARS_FROM, DAYS_OF_WEAR = 45, 22, 20


async def test_a_battery_that_drains_is_predicted_visited_and_counted(plant: Plant) -> None:
    nights, town = _nights(plant), plant.town
    for day in (9, *range(33, DAYS)):
        town.clock.advance(seconds=(FIRST + timedelta(days=day, hours=2) - town.clock.now()).total_seconds())
        await _through(plant, nights)
        if await town.orders():
            break
    (row,), (alarm,), order = await plant.rows(), await plant.alarms(), await town.only_order()
    assert (row.mode, row.state, alarm.severity, order.fault_mode) == ("battery_drain", "ordered", "minor", row.mode)
    assert row.confidence >= 0.7
    assert row.expires_at > town.clock.now()
    assert row.days_low is not None
    assert row.days_high is not None
    assert row.days_low < DAYS_OF_WEAR + WEARS_FROM - day < row.days_high
    assert order.title["zh-CN"].startswith("电池电量将耗尽：电池电量 ")
    assert order.title["en"].startswith("Battery running out: Battery ")
    assert ("预计还能运行" in order.title["zh-CN"], "days left" in order.title["en"]) == (True, True)

    await town.hire("fire_engineer", "周杰", Duty.ENGINEER, Skill.FIRE, certified=True)
    await plant.finish(ClosingCode.REAL_FAULT, who="fire_engineer", fault_mode="battery_drain", remedy="replaced")
    (figures,) = await plant.ask("GET", "/insight/prediction-figures")
    assert (figures["method"], figures["equipment_kind"], figures["true"], figures["precision"]) == (
        "drift", "smoke_detector", 1, 1.0,
    )  # fmt: skip
    page = await plant.ask("GET", f"/predictive/equipment/{row.equipment_id}/page")
    assert (page["predictions"][0]["label"], page["predictions"][0]["order_id"]) == ("true", str(order.id))
    assert page["remaining_life"][0]["mode"] == "battery_drain"


async def _through(plant: Plant, nights: DriftNights) -> None:
    """One night, turn by turn, until nothing is left of it."""
    is_left = True
    while is_left:
        async with plant.town.database.transaction() as session:
            is_left = await nights.advance(session)
    await plant.hear()


def _nights(plant: Plant) -> DriftNights:
    gatherer = Gatherer(queries=Store(_readings(plant)), directory=plant.directory, readings=100_000)
    return DriftNights(
        gatherer=gatherer, intake=plant.room.intake, fresh_starts=FreshStarts(),
        remaining_lives=RemainingLifeBook(plant.directory, plant.town.clock), modes=load_modes(),
        directory=plant.directory, clock=plant.town.clock, registry=CollectorRegistry(),
    )  # fmt: skip


def _readings(plant: Plant) -> ReadingBatch:
    """By the hour; the battery falls from the 23rd day on."""
    chance, hours = np.random.default_rng(3), np.arange(DAYS * 24)
    entry = plant.directory.current.by_id[plant.town.equipment[SMOKE]]
    drained = np.clip((hours - WEARS_FROM * 24) / (DAYS_OF_WEAR * 24), 0, 1)
    values = {
        "battery_pct": np.round(90 + chance.normal(0, 0.8, len(hours)) - 70 * drained),
        "temperature_c": 20 + 3 * np.sin(hours / 24 * 2 * np.pi) + chance.normal(0, 0.3, len(hours)),
        "smoke_level": 0.01 + chance.normal(0, 0.001, len(hours)),
    }
    parts = [
        batch(np.full(len(hours), entry.points[key].point_no, np.int32), to_ms(FIRST) + hours * HOUR_MS, column)
        for key, column in values.items()
    ]
    whole = ReadingBatch.concat(parts)
    order = np.argsort(whole.ts_ms, kind="stable")
    return ReadingBatch(whole.point_no[order], whole.ts_ms[order], whole.value[order], whole.quality[order])
