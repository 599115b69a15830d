"""Night after night: days are gathered from stored readings, and what wears becomes a prediction that is an order."""

from datetime import UTC, datetime, timedelta

import numpy as np
from prometheus_client import CollectorRegistry
from sqlalchemy import select

from alarms.service import AlarmService
from building.reading import ReadingBatch
from catalog.profiles import load_profiles
from hub.texts import load_texts
from kit.clock import to_ms
from kit.db import Database
from predictive.drift.gathering import Gatherer
from predictive.drift.models import DriftSubject, EquipmentDay
from predictive.drift.nights import DriftNights
from predictive.predictions.life import PredictionState
from predictive.predictions.models import Prediction
from predictive.predictions.room import build_predictions
from predictive.predictions.settings import PredictionSettings
from predictive.predictions.visits import NoVisits
from predictive.remaining_life.book import RemainingLifeBook
from predictive.remaining_life.modes import load_modes
from predictive.training.fresh_start import FreshStarts
from telemetry.store import TelemetryQueries
from tests.alarms.place import NOON, ROOT, Place, small_site
from tests.predictive.drift.store import Store, batch

HOUR_MS = 3_600_000
FIRST = datetime(2026, 9, 1, tzinfo=UTC)
HOURS = 46 * 24
WORN, WELL = "SMOKE-001", tuple(f"SMOKE-{number:03}" for number in range(2, 9))


async def test_a_battery_that_drains_is_an_order_with_its_name_and_withdrawn_when_it_is_well(
    database: Database,
) -> None:
    place = await small_site(database)
    store = Store(_readings(place))
    nights = _nights(place, store)
    place.clock.advance(seconds=(FIRST + timedelta(days=40, hours=2) - NOON).total_seconds())
    assert await _until_nothing_is_left(database, nights, turns=20) == 20
    nights = _nights(place, store)  # broken off, and begun again
    await _until_nothing_is_left(database, nights)
    async with database.transaction() as session:
        (subject,) = (await session.scalars(select(DriftSubject))).all()
        assert subject.judged_on == subject.days_until
        days = [day for day in await session.scalars(select(EquipmentDay)) if any(day.features)]
        assert len({day.equipment_id for day in days}) == 8
        assert len({day.day for day in days}) == 35
        (found,) = (await session.scalars(select(Prediction))).all()
        assert found.equipment_id == place.equipment_id(WORN)
        assert (found.mode, found.state) == ("battery_drain", PredictionState.ORDERED)
        assert found.days_median is not None
        assert found.points[0]["point_key"] == "battery_pct"
    assert await _until_nothing_is_left(database, nights) == 0

    place.clock.advance(seconds=5 * 86_400)  # since the 41st day it has a new battery
    await _until_nothing_is_left(database, nights)
    async with database.transaction() as session:
        (found,) = (await session.scalars(select(Prediction))).all()
        assert found.state == PredictionState.WITHDRAWN


async def test_a_store_that_is_away_or_slow_costs_those_it_is_asked_for_and_nobody_else(database: Database) -> None:
    place = await small_site(database)
    store, registry = Store(_readings(place)), CollectorRegistry()
    nights = _nights(place, store, registry)
    place.clock.advance(seconds=(FIRST + timedelta(days=40, hours=2) - NOON).total_seconds())
    await _until_nothing_is_left(database, nights, turns=3)
    store.is_away = True
    assert await _until_nothing_is_left(database, nights) == 0
    left_out = registry.get_sample_value("hub_equipment_days_left_out_total")
    async with database.transaction() as session:
        assert left_out is not None
        assert left_out >= len(set(await session.scalars(select(EquipmentDay.equipment_id))))
    store.is_away = False
    assert await _until_nothing_is_left(database, nights) == 0  # it rests
    place.clock.advance(seconds=3_600)
    store.slow = place.directory.current.by_id[place.equipment_id(WELL[0])].points["battery_pct"].point_no
    assert await _until_nothing_is_left(database, nights, turns=2) == 2
    assert registry.get_sample_value("hub_equipment_days_left_out_total") == left_out + 2
    async with database.transaction() as session:
        (subject,) = (await session.scalars(select(DriftSubject))).all()
        newest = select(EquipmentDay).where(EquipmentDay.day == subject.days_until - timedelta(days=1))
        read = {day.equipment_id for day in await session.scalars(newest) if any(day.features)}
        assert read == {place.equipment_id(code) for code in (WORN, *WELL[1:])}


async def _until_nothing_is_left(database: Database, nights: DriftNights, *, turns: int = 1_000) -> int:
    for turn in range(turns):
        async with database.transaction() as session:
            if not await nights.advance(session):
                return turn
    return turns


def _nights(place: Place, store: TelemetryQueries, registry: CollectorRegistry | None = None) -> DriftNights:
    profiles = load_profiles(ROOT / "device_adapters" / "profiles")
    predictions = build_predictions(
        alarms=AlarmService(place.directory, place.clock), visits=NoVisits(), directory=place.directory,
        profiles=profiles, texts=load_texts(), settings=PredictionSettings(), clock=place.clock,
        registry=CollectorRegistry(),
    )  # fmt: skip
    return DriftNights(
        gatherer=Gatherer(queries=store, directory=place.directory, readings=100_000), intake=predictions.intake,
        fresh_starts=FreshStarts(), remaining_lives=RemainingLifeBook(place.directory, place.clock), modes=load_modes(),
        directory=place.directory, clock=place.clock, registry=registry or CollectorRegistry(),
    )  # fmt: skip


def _readings(place: Place) -> ReadingBatch:
    """Eight of the detectors, by the hour; the first one's battery falls from the 25th day on, till the 41st."""
    chance = np.random.default_rng(3)
    hours = np.arange(HOURS)
    parts = []
    for code in (WORN, *WELL):
        entry = place.directory.current.by_id[place.equipment_id(code)]
        drained = np.clip((hours - 25 * 24) / (20 * 24), 0, 1) * (hours < 41 * 24) if code == WORN else 0 * hours
        values = {
            "battery_pct": np.round(90 - hours / 264 - 70 * drained),
            "temperature_c": 20 + 3 * np.sin(hours / 24 * 2 * np.pi) + chance.normal(0, 0.3, HOURS),
            "smoke_level": 0.01 + chance.normal(0, 0.001, HOURS),
        }
        for key, column in values.items():
            number = np.full(HOURS, entry.points[key].point_no, np.int32)
            parts.append(batch(number, to_ms(FIRST) + hours * HOUR_MS, column))
    whole = ReadingBatch.concat(parts)
    order = np.argsort(whole.ts_ms, kind="stable")
    return ReadingBatch(whole.point_no[order], whole.ts_ms[order], whole.value[order], whole.quality[order])
