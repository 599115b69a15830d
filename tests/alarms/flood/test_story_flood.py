"""Two thousand devices fail at once, on a real PostgreSQL: few are told, all are listed, and life safety is no part."""

import tomllib
from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from alarms.detection import AlarmSource, Detection
from alarms.events import AlarmGroupGrew, AlarmRaised
from alarms.flood.control import FloodControl
from alarms.flood.group import GroupKind
from alarms.flood.models import AlarmGroup, AlarmNotice
from alarms.flood.planning import FLAPS, NOTICES_MAX, WINDOW
from alarms.flood.tending import BACK_WITHIN, FloodTending
from alarms.models import Alarm
from alarms.service import AlarmService
from building.declaration import parse_site
from building.severity import Severity
from catalog.directory import LiveDirectory
from catalog.loader import apply_declaration, load_directory
from catalog.models import Equipment
from catalog.profiles import load_profiles
from kit.clock import FakeClock
from kit.db import Database
from kit.events import RecordingOutbox
from tests.alarms.place import NOON, ROOT, Place

# Six gateways of which each carries 250 water meters, and the power of 40 pumps.
# In 20 buildings 20 elevators each, and a tank, a UPS and a smoke detector.
SITE = """
[site]
code = "storm"
name = "风暴小区"
city = "杭州"
timezone = "Asia/Shanghai"

[[buildings]]
for = { b = "1..20" }
code = "B{b:02}"
name = "{b}栋"

[[equipment]]
code = "POWER"
name = "1栋配电"
kind = "electricity_meter"
profile = "eastron-sdm630"
building = "B01"
protocol = "modbus"
address = { host = "127.0.0.1", port = 15020, unit = 1 }

[[equipment]]
for = { i = "1..6" }
code = "GW-{i:02}"
name = "{i}号网关"
kind = "gateway"
profile = "iot-gateway"
building = "B{i:02}"
protocol = "mqtt"

[[equipment]]
for = { g = "1..6", i = "1..250" }
code = "WATER-{g:02}-{i:03}"
name = "{g}号网关{i}号水表"
kind = "water_meter"
profile = "nbiot-water-meter"
building = "B{g:02}"
parent = "GW-{g:02}"
protocol = "mqtt"

[[equipment]]
for = { i = "1..40" }
code = "PUMP-{i:02}"
name = "{i}号水泵"
kind = "pump"
profile = "grundfos-cim-pump"
building = "B01"
parent = "POWER"
protocol = "modbus"
address = { host = "127.0.0.1", port = 15020, unit = 1 }

[[equipment]]
for = { b = "1..20", i = "1..20" }
code = "LIFT-{b:02}-{i:02}"
name = "{b}栋{i}号电梯"
kind = "elevator"
profile = "gb24476-elevator"
building = "B{b:02}"
protocol = "mqtt"

[[equipment]]
for = { b = "1..20" }
code = "TANK-{b:02}"
name = "{b}栋水箱"
kind = "tank"
profile = "water-tank"
building = "B{b:02}"
protocol = "mqtt"

[[equipment]]
for = { b = "1..20" }
code = "UPS-{b:02}"
name = "{b}栋UPS"
kind = "power_supply"
profile = "ups-battery"
building = "B{b:02}"
protocol = "mqtt"

[[equipment]]
for = { b = "1..20" }
code = "SMOKE-{b:02}"
name = "{b}栋烟感"
kind = "smoke_detector"
profile = "nbiot-smoke"
building = "B{b:02}"
protocol = "mqtt"
"""


class Storm(Place):
    """The site and what is said about it."""

    @property
    def tending(self) -> FloodTending:
        return FloodTending(FloodControl(self.directory, self.clock), self.directory, self.clock)

    def codes(self, start: str) -> list[str]:
        return [entry.code for entry in self.directory.current.entries if entry.code.startswith(start)]

    def silence(self, code: str, **facts: Any) -> Detection:
        severity = Severity.MAJOR if code.startswith("GW") else Severity.MINOR
        given: dict[str, Any] = {
            "source": AlarmSource.LINK,
            "source_id": "link",
            "fault_mode": "offline",
            "order": None,
        }
        return self.detection(code, severity=severity, **(given | facts))

    def says(self, code: str, fault_mode: str, **facts: Any) -> Detection:
        return self.detection(code, source_id=fault_mode, fault_mode=fault_mode, **facts)


async def built(database: Database, site: str) -> Storm:
    profiles = load_profiles(ROOT / "device_adapters" / "profiles")
    async with database.transaction() as session:
        await apply_declaration(session, parse_site(tomllib.loads(site)), profiles)
        directory = LiveDirectory(await load_directory(session))
    clock = FakeClock(NOON)
    return Storm(directory, clock, AlarmService(directory, clock))


@pytest.fixture
async def storm(database: Database, outbox: RecordingOutbox) -> Storm:
    """The same site with few devices."""
    storm = await built(
        database, SITE.replace("1..250", "1..5").replace("1..40", "1..2").replace('i = "1..20"', 'i = "1..1"')
    )
    outbox.events.clear()
    return storm


async def apply(database: Database, storm: Storm, detections: Sequence[Detection]) -> None:
    async with database.transaction() as session:
        await storm.alarms.apply(session, detections)


async def tend(database: Database, storm: Storm, *, after: timedelta) -> None:
    storm.clock.advance(seconds=after.total_seconds())
    async with database.transaction() as session:
        await storm.tending.tend(session)


async def everything(database: Database) -> tuple[dict[UUID, Alarm], dict[UUID, AlarmGroup]]:
    async with database.transaction() as session:
        alarms = {row.id: row for row in await session.scalars(select(Alarm))}
        return alarms, {row.id: row for row in await session.scalars(select(AlarmGroup))}


def told(outbox: RecordingOutbox) -> int:
    """How many things anybody is told, besides life safety."""
    alone = [event for event in outbox.of(AlarmRaised) if not event.life_safety and event.is_told_alone]
    return len(alone) + len(outbox.of(AlarmGroupGrew))


async def test_two_thousand_devices_fail_at_once(database: Database, outbox: RecordingOutbox) -> None:
    storm = await built(database, SITE)
    outbox.events.clear()
    # Some are found silent before the gateway is, whose power went; then the rest, in batches as they come.
    await apply(database, storm, [storm.silence(code) for code in storm.codes("WATER-01")[:4]])
    await apply(database, storm, [storm.silence("GW-01", onset_s=20)])
    water = [storm.silence(code, onset_s=30) for code in storm.codes("WATER")]
    gateways = [storm.silence(code, onset_s=25) for code in storm.codes("GW")[1:]]
    power = storm.says("POWER", "power_loss", onset_s=26, severity=Severity.CRITICAL)
    pumps = [storm.says(code, "pump_fault", onset_s=27) for code in storm.codes("PUMP")]
    smoke = [storm.smoke(code, onset_s=28) for code in storm.codes("SMOKE")]
    rest = [
        storm.says(code, f"fault_{code[:2]}", onset_s=29)
        for start in ("LIFT", "TANK", "UPS")
        for code in storm.codes(start)
    ]
    every = [power, *gateways, *pumps, *rest, *water]
    for start in range(0, len(every), 400):
        storm.clock.advance(seconds=2)
        await apply(database, storm, every[start : start + 400])
    await apply(database, storm, smoke)
    for seconds in (10, 30, 60, 120, 180, 150):
        await tend(database, storm, after=timedelta(seconds=seconds))

    alarms, groups = await everything(database)
    assert len(alarms) == 2007
    assert told(outbox) <= NOTICES_MAX
    urgent = [event for event in outbox.of(AlarmRaised) if event.life_safety]
    assert (len(urgent), all(event.is_told_alone for event in urgent)) == (20, True)
    by_code = {alarm.equipment_code: alarm for alarm in alarms.values()}
    # Every silent meter is listed under its gateway, those found before it too; every pump under the power.
    for number in range(1, 7):
        under = {alarm.root_id for code, alarm in by_code.items() if code.startswith(f"WATER-{number:02}")}
        assert under == {by_code[f"GW-{number:02}"].id}
    assert {by_code[code].root_id for code in storm.codes("PUMP")} == {by_code["POWER"].id}
    families = {group.root_id: group.alarms for group in groups.values() if group.kind == GroupKind.ROOT}
    assert families == {by_code[f"GW-{number:02}"].id: 250 for number in range(1, 7)} | {by_code["POWER"].id: 40}
    # Nothing is hidden: whatever is not told by itself is in a group that was, or under a root.
    for alarm in alarms.values():
        if alarm.life_safety:
            assert (alarm.root_id, alarm.group_id) == (None, None)
        elif alarm.group_id is not None and alarm.root_id is None:
            assert groups[alarm.group_id].tellings >= 1
    listed = Counter(alarm.group_id for alarm in alarms.values() if alarm.group_id is not None)
    assert {group_id: groups[group_id].alarms for group_id in listed} == dict(listed)
    async with database.transaction() as session:
        notices = (await session.scalars(select(AlarmNotice))).all()
    assert len(notices) == told(outbox)


async def test_a_device_that_stays_silent_when_its_gateway_is_back_is_told_by_itself_then(
    database: Database, storm: Storm, outbox: RecordingOutbox
) -> None:
    meters = storm.codes("WATER-02")[:5]
    await apply(database, storm, [storm.silence("GW-02"), *[storm.silence(code, onset_s=5) for code in meters]])
    assert told(outbox) == 1
    storm.clock.advance(seconds=1200)
    await apply(database, storm, [storm.silence("GW-02", active=False, at_s=1200)])
    back = [storm.silence(code, onset_s=5, active=False, at_s=1230) for code in meters[1:]]
    await apply(database, storm, back)
    await tend(database, storm, after=timedelta(minutes=1))
    outbox.events.clear()
    await tend(database, storm, after=BACK_WITHIN)
    [raised] = outbox.of(AlarmRaised)
    assert (raised.equipment_id, raised.is_told_alone) == (storm.equipment_id(meters[0]), True)
    await tend(database, storm, after=BACK_WITHIN)
    assert len(outbox.of(AlarmRaised)) == 1


async def test_power_above_a_gateway_that_is_noticed_last_is_the_root_of_all(
    database: Database, storm: Storm, outbox: RecordingOutbox
) -> None:
    entry = storm.directory.current.by_id
    gateway, power = storm.equipment_id("GW-01"), storm.equipment_id("POWER")
    async with database.transaction() as session:
        (await session.get_one(Equipment, gateway)).parent_id = power
        await session.flush()
        storm.directory.replace(await load_directory(session))
    assert entry[gateway].parent_id is None
    meters = storm.codes("WATER-01")[:3]
    await apply(database, storm, [storm.silence(code) for code in meters])
    await apply(database, storm, [storm.silence("GW-01", onset_s=5)])
    await tend(database, storm, after=timedelta(seconds=10))
    await apply(database, storm, [storm.says("POWER", "power_loss", onset_s=15)])
    await tend(database, storm, after=timedelta(seconds=10))
    by_code = {alarm.equipment_code: alarm for alarm in (await everything(database))[0].values()}
    assert {by_code[code].root_id for code in ("GW-01", *meters)} == {by_code["POWER"].id}
    assert by_code["POWER"].root_id is None


async def test_a_condition_that_comes_and_goes_is_told_as_flapping_and_then_no_more_until_it_was_quiet(
    database: Database, storm: Storm, outbox: RecordingOutbox
) -> None:
    async def blink(onset_s: int) -> AlarmRaised:
        """Now its rule itself, now a level of it."""
        source_id = f"level{'#critical' * (onset_s % 120 > 0)}"
        says = partial(storm.detection, "TANK-01", source_id=source_id, fault_mode="level", onset_s=onset_s)
        storm.clock.advance(seconds=onset_s - (storm.clock.now() - NOON).total_seconds())
        await apply(database, storm, [says()])
        await apply(database, storm, [says(active=False, at_s=onset_s + 20)])
        last: AlarmRaised = outbox.of(AlarmRaised)[-1]
        return last

    quiet = [(await blink(60 * number)).is_quiet for number in range(FLAPS + 3)]
    assert quiet == [False] * FLAPS + [True] * 3
    [alarm] = (await everything(database))[0].values()
    assert alarm.flapping_since == NOON + timedelta(seconds=60 * (FLAPS - 1))
    assert not (await blink(60 * FLAPS + 300 + int(WINDOW.total_seconds()))).is_quiet
    assert (await everything(database))[0][alarm.id].flapping_since is None
