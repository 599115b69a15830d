"""Health is reckoned from what is kept, shown with its reasons, and only where there is enough to go by."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

import numpy as np
import pytest
from prometheus_client import CollectorRegistry
from sqlalchemy import select, update

from building.profile import DeviceProfile
from building.reading import ReadingBatch
from catalog.directory import LiveDirectory
from catalog.errors import EquipmentNotFound
from catalog.loader import load_directory
from catalog.models import Site
from catalog.profiles import load_profiles
from catalog.service import CatalogService
from kit.access import Role, Scope
from kit.clock import to_ms
from kit.db import Database
from kit.ids import new_id
from predictive.health import endpoints
from predictive.health.book import HealthBook
from predictive.health.index import HealthState
from predictive.health.room import HealthRoom, build_health
from predictive.health.tally import EvidenceSum
from predictive.remaining_life.book import RemainingLifeBook
from predictive.streaming.models import EquipmentWatch
from telemetry.rollup import roll_up
from telemetry.store import Series, SeriesQuery, StoreStats, TelemetryQueries
from tests.alarms.place import NOON, ROOT, Place, small_site
from tests.api import FakeLogins, client_of, make_app

HOUR_MS = 3_600_000
SICK, WELL, YOUNG, UNKNOWN = "SMOKE-001", "SMOKE-002", "SMOKE-007", "SMOKE-008"
WATCHED = tuple(f"SMOKE-{number:03}" for number in range(1, 7))
POINT = "battery_pct"


class Batteries(TelemetryQueries):
    """What batteries show by the hour: the sick one less than the others."""

    def __init__(self, place: Place) -> None:
        self._levels = {
            entry.points[POINT].point_no: 40.0 if entry.code == SICK else 88.0 + number
            for number, entry in enumerate(entry for entry in place.directory.current.entries if entry.code in WATCHED)
        }

    async def series(self, query: SeriesQuery) -> Series:
        ts = np.arange(query.start_ms, query.end_ms, HOUR_MS, dtype=np.int64)
        level = self._levels.get(query.point_no, np.nan)
        shown = ReadingBatch(
            np.full(len(ts), query.point_no, np.int32), ts, np.full(len(ts), level), np.zeros(len(ts), np.uint8)
        )
        return roll_up(shown, query)

    async def raw(self, point_nos: Sequence[int], *, start_ms: int, end_ms: int, limit: int) -> ReadingBatch:
        raise AssertionError("hours are asked for")

    async def latest(self, point_nos: Sequence[int]) -> ReadingBatch:
        raise AssertionError("hours are asked for")

    async def stats(self) -> StoreStats:
        raise AssertionError("hours are asked for")


def _room(place: Place, profiles: dict[str, DeviceProfile]) -> HealthRoom:
    return build_health(
        queries=Batteries(place), directory=place.directory, profiles=profiles, catalog=CatalogService(profiles),
        lives=RemainingLifeBook(place.directory, place.clock), clock=place.clock, registry=CollectorRegistry(),
    )  # fmt: skip


def _watch(place: Place, code: str, state: str) -> EquipmentWatch:
    return EquipmentWatch(
        equipment_id=place.equipment_id(code), site_id=place.site_id, state=state, days=3.0 if code == YOUNG else 7.0,
        days_needed=7.0, score=0.0, changed_at=NOON,
    )  # fmt: skip


def _said(place: Place, code: str, *, score: float, at: datetime) -> EvidenceSum:
    excess = 100 * min(max((score - 0.5) / 0.5, 0.0), 4.0)
    return EvidenceSum(place.equipment_id(code), place.site_id, to_ms(at), 100, excess, score, 9, {POINT: 1.0})


async def _prepared(database: Database) -> tuple[Place, HealthRoom]:
    place = await small_site(database)
    async with database.transaction() as session:
        session.add_all([_watch(place, code, "watching") for code in WATCHED] + [_watch(place, YOUNG, "learning")])
        old = {"health": {"commissioned": {"smoke_detector": "2014-11-22", WELL: "2026-01-01", SICK: "no date"}}}
        await session.execute(update(Site).values(settings=old))
        place.directory.replace(await load_directory(session))
    return place, _room(place, dict(load_profiles(ROOT / "device_adapters" / "profiles")))


async def _a_day(database: Database, place: Place, room: HealthRoom, *, sick: float) -> None:
    async with database.transaction() as session:
        at = place.clock.now() - timedelta(hours=6)
        said = [_said(place, code, score=sick if code == SICK else 0.3, at=at) for code in (*WATCHED, YOUNG)]
        await HealthBook().keep(session, said)
    async with database.transaction() as session:
        await room.reckoning.reckon(session)


async def test_health_has_a_figure_with_reasons_a_place_and_a_trend(database: Database) -> None:
    place, room = await _prepared(database)
    assert isinstance(place.directory, LiveDirectory)
    async with database.transaction() as session:
        await place.alarms.apply(session, [place.detection(WELL, onset_s=-60, values={"smoke": 1})])
    for day in range(8):
        place.clock.advance(seconds=86_400 if day else 0)
        await _a_day(database, place, room, sick=0.6 + 0.1 * day)

    async with database.transaction() as session:
        scope, service = Scope.of(place.site_id), room.service
        sick = await service.of_equipment(session, scope, place.equipment_id(SICK))
        well = await service.of_equipment(session, scope, place.equipment_id(WELL))
        other = await service.of_equipment(session, scope, place.equipment_id(WATCHED[3]))
        young = await service.of_equipment(session, scope, place.equipment_id(YOUNG))
        unknown = await service.of_equipment(session, scope, place.equipment_id(UNKNOWN))
        with pytest.raises(EquipmentNotFound):
            await service.of_equipment(session, Scope.of(new_id()), place.equipment_id(SICK))

    assert sick.newest is not None
    assert sick.newest.health is not None
    assert 40 < sick.newest.health < 50  # a day at 1.3 times a detector's threshold
    assert (sick.newest.percentile, sick.newest.peers) == (0.0, 5)
    assert [part["part"] for part in sick.newest.parts] == ["behaviour"]
    assert sick.newest.points == [{"key": POINT, "share": 1.0}]
    assert sick.newest.comparison is not None
    assert (sick.newest.comparison["value"], sick.newest.comparison["below"]) == (40.0, 0.0)
    assert sick.newest.comparison["peers_low"] > 85
    assert sick.trend is not None
    assert sick.trend.heading == "falling"
    assert well.newest is not None
    assert [part["part"] for part in well.newest.parts] == ["alarms"]
    assert other.newest is not None
    assert [part["part"] for part in other.newest.parts] == ["age"]
    assert (young.state, young.newest and young.newest.health) == (HealthState.LEARNING, None)
    assert (unknown.state, unknown.newest and unknown.newest.health) == (HealthState.NO_DATA, None)
    await _look(database, place, room)


async def _look(database: Database, place: Place, room: HealthRoom) -> None:
    """What the API shows of it."""
    logins = FakeLogins()
    app = make_app(
        database, routers=[endpoints.router], rooms=["catalog", "predictive.health"], services=room.provided,
        status=endpoints.STATUS | {EquipmentNotFound: 404}, logins=logins,
    )  # fmt: skip
    engineer, stranger = logins.add(Role.ENGINEER, site_id=place.site_id), logins.add(Role.ENGINEER, site_id=new_id())
    async with client_of(app, token=engineer) as client:
        worst = (await client.get("/api/v1/predictive/health?limit=3")).json()
        assert (worst["total"], worst["items"][0]["code"]) == (6, SICK)
        assert [one["health"] for one in worst["items"]] == sorted(one["health"] for one in worst["items"])
        young = await client.get(_path(place, YOUNG), headers={"Accept-Language": "en"})
        assert young.json()["words"].startswith("Learning: 3 of 7 days")
        sick = (await client.get(_path(place, SICK))).json()
        assert (sick["points"][0]["name"]["zh-CN"], len(sick["days"])) == ("电池电量", 8)
    async with client_of(app, token=stranger) as client:
        assert (await client.get(_path(place, SICK))).status_code == 404
        assert (await client.get("/api/v1/predictive/health")).json()["total"] == 0


def _path(place: Place, code: str) -> str:
    return f"/api/v1/predictive/equipment/{place.equipment_id(code)}/health"


async def test_a_reckoning_of_long_ago_is_no_figure_and_is_forgotten(database: Database) -> None:
    place, room = await _prepared(database)
    await _a_day(database, place, room, sick=1.0)
    place.clock.advance(seconds=3 * 86_400)
    async with database.transaction() as session:
        view = await room.service.of_equipment(session, Scope.everywhere(), place.equipment_id(SICK))
        assert (view.state, view.newest, len(view.days)) == (HealthState.NO_DATA, None, 1)
    place.clock.advance(seconds=500 * 86_400)
    async with database.transaction() as session:
        await room.reckoning.forget(session)
        found: UUID | None = await session.scalar(select(EquipmentWatch.equipment_id).limit(1))
        view = await room.service.of_equipment(session, Scope.everywhere(), place.equipment_id(SICK))
        assert (found is not None, view.days) == (True, [])
