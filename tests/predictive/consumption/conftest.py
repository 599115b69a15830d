"""A site with meters in a real PostgreSQL, and a store that holds what they have shown."""

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import numpy as np
import pytest
from prometheus_client import CollectorRegistry
from sqlalchemy.ext.asyncio import AsyncSession

from building.declaration import parse_site
from building.reading import ReadingBatch
from catalog.directory import EquipmentEntry, LiveDirectory
from catalog.loader import apply_declaration, load_directory
from catalog.profiles import load_profiles
from catalog.service import CatalogService
from kit.clock import FakeClock
from kit.db import Database
from kit.jobs import new_app
from predictive.consumption.meters import meter_points
from predictive.consumption.register import Floats, Integers
from predictive.consumption.room import Consumption, build_consumption
from predictive.consumption.settings import ConsumptionSettings
from predictive.predictions.finding import Finding
from telemetry.rollup import roll_up
from telemetry.store import Series, SeriesQuery, StoreStats, TelemetryQueries
from tests.alarms.place import ROOT
from tests.predictive.consumption.homes import ZONE

SITE = """
[site]
code = "meters"
name = "表计小区"
city = "杭州"
timezone = "Asia/Shanghai"

[[buildings]]
code = "B01"
name = "1栋"

[[equipment]]
code = "BULK"
name = "1栋总表"
kind = "water_meter"
profile = "cjt188-water-meter"
building = "B01"
protocol = "mqtt"

[[equipment]]
code = "RISER"
name = "1栋立管"
kind = "riser"
building = "B01"
parent = "BULK"

[[equipment]]
for = { i = "1..24" }
code = "WM-{i:02}"
name = "{i}号水表"
kind = "water_meter"
profile = "nbiot-water-meter"
building = "B01"
parent = "RISER"
protocol = "mqtt"

[[equipment]]
code = "EM"
name = "公共照明电表"
kind = "electricity_meter"
profile = "eastron-sdm630"
building = "B01"
protocol = "modbus"
address = { host = "127.0.0.1", port = 15030, unit = 1 }
"""


class Shown(TelemetryQueries):
    """What registers showed, by the hour."""

    def __init__(self) -> None:
        self._points: dict[int, tuple[Integers, Floats]] = {}

    def put(self, point_no: int, ts_ms: Integers, value: Floats) -> None:
        self._points[point_no] = ts_ms, value

    async def raw(self, point_nos: Sequence[int], *, start_ms: int, end_ms: int, limit: int) -> ReadingBatch:
        parts = [self._of(number) for number in point_nos if number in self._points]
        found = ReadingBatch.concat(parts) if parts else ReadingBatch.empty()
        found = found.where((found.ts_ms >= start_ms) & (found.ts_ms < end_ms))
        order = np.argsort(found.ts_ms, kind="stable")[:limit]
        return ReadingBatch(found.point_no[order], found.ts_ms[order], found.value[order], found.quality[order])

    async def series(self, query: SeriesQuery) -> Series:
        raw = await self.raw([query.point_no], start_ms=query.start_ms, end_ms=query.end_ms, limit=10**9)
        return roll_up(raw, query)

    async def latest(self, point_nos: Sequence[int]) -> ReadingBatch:
        raise AssertionError("histories are asked for")

    async def stats(self) -> StoreStats:
        raise AssertionError("histories are asked for")

    def _of(self, number: int) -> ReadingBatch:
        ts_ms, value = self._points[number]
        count = len(ts_ms)
        return ReadingBatch(np.full(count, number, np.int32), ts_ms, value, np.zeros(count, np.uint8))


class Taken:
    """Keeps what the predictions are brought."""

    def __init__(self) -> None:
        self.findings: list[Finding] = []

    async def take(self, session: AsyncSession, findings: Sequence[Finding]) -> None:
        self.findings = list(findings)


@dataclass(frozen=True)
class MeterSite:
    directory: LiveDirectory
    store: Shown
    taken: Taken
    clock: FakeClock
    consumption: Consumption

    @property
    def site_id(self) -> UUID:
        return self.directory.current.entries[0].site_id

    def entry(self, code: str) -> EquipmentEntry:
        return next(entry for entry in self.directory.current.entries if entry.code == code)

    def show(self, code: str, ts_ms: Integers, register: Floats) -> None:
        points = meter_points(self.entry(code))
        assert points is not None
        self.store.put(points.register.point_no, ts_ms[: len(register)], register)


@pytest.fixture
async def meter_site(database: Database) -> MeterSite:
    async with database.transaction() as session:
        profiles = load_profiles(ROOT / "device_adapters" / "profiles")
        await apply_declaration(session, parse_site(tomllib.loads(SITE)), profiles)
        directory = LiveDirectory(await load_directory(session))
    store, taken, clock = Shown(), Taken(), FakeClock(datetime(2026, 8, 24, 6, 30, tzinfo=ZONE))
    consumption = build_consumption(
        database=database, app=new_app(database.url), queries=store, directory=directory,
        catalog=CatalogService(profiles), taking=taken, settings=ConsumptionSettings(), clock=clock,
        registry=CollectorRegistry(),
    )  # fmt: skip
    return MeterSite(directory, store, taken, clock, consumption)
