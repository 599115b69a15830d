"""What is told of remaining lives is kept by day, read with a scope, and no longer counts when nobody repeats it."""

from datetime import timedelta
from uuid import uuid4

import pytest

from building.equipment import EquipmentKind
from catalog.errors import EquipmentNotFound
from kit.access import Scope
from kit.db import Database
from predictive.remaining_life.book import RemainingLifeBook
from predictive.remaining_life.degradation import RemainingLife
from predictive.remaining_life.wear import ModeForecast
from tests.alarms.place import Place, small_site

DAY_S = 86_400


def told(mode: str, *, mid: float, share: float = 0.8) -> ModeForecast:
    life = RemainingLife(
        days_low=mid / 2, days_mid=mid, days_high=mid * 2, confidence=0.9, value=4.1, usual=3.0, limit=7.1,
        since_day=10.0, speed_a_day=0.1,
    )  # fmt: skip
    return ModeForecast(mode, "vibration_mm_s", share, life, peers_low=2.6, peers_high=3.0)


async def keep(database: Database, place: Place, code: str, *forecasts: ModeForecast) -> None:
    book, now = RemainingLifeBook(place.directory, place.clock), place.clock.now()
    async with database.transaction() as session:
        await book.keep(
            session, site_id=place.site_id, equipment_id=place.equipment_id(code), day=now.date(), at=now,
            forecasts=forecasts, first_day=now - timedelta(days=40),
        )  # fmt: skip


async def test_what_is_told_last_counts_and_the_days_before_are_its_history(database: Database) -> None:
    place = await small_site(database)
    book, pump = RemainingLifeBook(place.directory, place.clock), place.equipment_id("PUMP-01")
    await keep(database, place, "PUMP-01", told("bearing_wear", mid=30))
    place.clock.advance(seconds=1 * DAY_S)
    await keep(database, place, "PUMP-01", told("impeller_wear", mid=9))
    weaker, heavier = told("impeller_wear", mid=50, share=0.2), told("bearing_wear", mid=28)
    await keep(database, place, "PUMP-01", weaker, heavier)
    await keep(database, place, "PUMP-02", told("bearing_wear", mid=5))
    async with database.transaction() as session:
        newest = await book.newest(session, Scope.of(place.site_id), pump)
        history = await book.history(session, Scope.of(place.site_id), pump, span=timedelta(days=30))
        of_site = await book.of_site(session, Scope.everywhere(), place.site_id)
    assert [(row.mode, row.days_mid) for row in newest] == [("bearing_wear", 28), ("impeller_wear", 50)]
    assert newest[0].since_at == place.clock.now() - timedelta(days=30)
    assert [row.days_mid for row in history] == [28, 50, 30]
    assert [row.days_mid for row in of_site] == [5, 28, 50]


async def test_what_nobody_repeats_counts_no_longer_and_is_forgotten_in_the_end(database: Database) -> None:
    place = await small_site(database)
    book, pump = RemainingLifeBook(place.directory, place.clock), place.equipment_id("PUMP-01")
    await keep(database, place, "PUMP-01", told("bearing_wear", mid=30))
    place.clock.advance(seconds=4 * DAY_S)
    async with database.transaction() as session:
        assert await book.newest(session, Scope.everywhere(), pump) == []
        assert len(await book.history(session, Scope.everywhere(), pump, span=timedelta(days=30))) == 1
    place.clock.advance(seconds=500 * DAY_S)
    async with database.transaction() as session:
        await book.forget(session)
        assert await book.history(session, Scope.everywhere(), pump, span=timedelta(days=900)) == []


async def test_equipment_of_another_site_is_not_there(database: Database) -> None:
    place = await small_site(database)
    book = RemainingLifeBook(place.directory, place.clock)
    async with database.transaction() as session:
        with pytest.raises(EquipmentNotFound):
            await book.newest(session, Scope.of(uuid4()), place.equipment_id("PUMP-01"))
        assert await book.of_site(session, Scope.of(uuid4()), place.site_id) == []
        assert await book.priors(session, place.site_id, EquipmentKind.PUMP) == {}
