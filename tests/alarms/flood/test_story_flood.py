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
from alarms.events import AlarmGroupGrew, AlarmRaised, AlarmSeverityChanged
from alarms.flood import tending
from alarms.flood.control import FloodControl
from alarms.flood.group import GroupKind
from alarms.flood.models import AlarmGroup, AlarmNotice
from alarms.flood.planning import FLAPS, NOTICES_MAX, STAYS, WINDOW
from alarms.flood.tending import BACK_WITHIN, FloodTending
from alarms.lifecycle import AlarmState
from alarms.models import Alarm, MaintenanceWindow
from alarms.service import AlarmService
from building.declaration import parse_site
from building.severity import Severity
from catalog.directory import LiveDirectory
from catalog.loader import apply_declaration, load_directory
from catalog.models import Equipment
from catalog.profiles import load_profiles
from kit.access import Scope
from kit.clock import FakeClock
from kit.db import Database
from kit.events import RecordingOutbox
from kit.ids import new_id
from people.models import Person
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
        return self.detection(code, **({"source_id": fault_mode, "fault_mode": fault_mode} | facts))


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
    for sweep in storm.tending.sweeps():
        async with database.transaction() as session:
            await sweep.call(session)


async def lift(database: Database, storm: Storm) -> None:
    async with database.transaction() as session:
        await storm.alarms.lift_suppression(session)


async def somebody(database: Database) -> UUID:
    person = Person(id=new_id(), kind="staff", name="王工")
    async with database.transaction() as session:
        session.add(person)
    return person.id


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
    await tend(database, storm, after=timedelta(seconds=30))
    assert (await everything(database))[0][alarm.id].flapping_since is not None
    await tend(database, storm, after=WINDOW)
    assert (await everything(database))[0][alarm.id].flapping_since is None
    assert len(outbox.of(AlarmRaised)) == FLAPS + 3
    assert not (await blink(60 * FLAPS + 300 + int(WINDOW.total_seconds()))).is_quiet


async def test_what_flaps_and_then_stays_is_told_once_it_has_stayed_and_what_became_worse_at_once(
    database: Database, storm: Storm, outbox: RecordingOutbox
) -> None:
    says = partial(storm.says, "TANK-01", "level")
    for number in range(FLAPS + 2):
        storm.clock.advance(seconds=40)
        await apply(database, storm, [says(onset_s=40 * number)])
        if number <= FLAPS:
            await apply(database, storm, [says(active=False, onset_s=40 * number, at_s=40 * number + 20)])
    assert [event.is_quiet for event in outbox.of(AlarmRaised)] == [False] * FLAPS + [True] * 2
    worse = partial(storm.says, "TANK-01", "level", source_id="level#critical", severity=Severity.CRITICAL)
    for number in range(2):
        onset_s = 290 + 10 * number
        storm.clock.advance(seconds=10)
        await apply(database, storm, [worse(onset_s=onset_s)])
        await apply(database, storm, [worse(active=False, onset_s=onset_s, at_s=onset_s + 5)])
    rose = [event for event in outbox.of(AlarmSeverityChanged) if event.is_worse]
    assert [(event.severity, event.is_quiet) for event in rose] == [("critical", False), ("critical", True)]
    outbox.events.clear()
    await tend(database, storm, after=STAYS - timedelta(seconds=30))
    assert outbox.of(AlarmRaised) == []
    await tend(database, storm, after=timedelta(seconds=30))
    [raised] = outbox.of(AlarmRaised)
    assert (told(outbox), raised.onset_at) == (1, NOON + timedelta(seconds=40 * (FLAPS + 1)))
    await tend(database, storm, after=STAYS)
    assert len(outbox.of(AlarmRaised)) == 1


async def test_what_began_many_times_while_it_was_held_back_is_told_when_it_begins_again(
    database: Database, storm: Storm, outbox: RecordingOutbox
) -> None:
    async with database.transaction() as session:
        inhibition = await storm.alarms.inhibit(session, equipment_id=storm.equipment_id("TANK-01"), reason="WO-1")
    says = partial(storm.says, "TANK-01", "level")
    for number in range(FLAPS + 1):
        storm.clock.advance(seconds=40)
        await apply(database, storm, [says(onset_s=40 * number)])
        await apply(database, storm, [says(active=False, onset_s=40 * number, at_s=40 * number + 20)])
    async with database.transaction() as session:
        await storm.alarms.release(session, inhibition_id=inhibition)
    await lift(database, storm)
    assert outbox.of(AlarmRaised) == []
    for number in range(FLAPS + 1, FLAPS + 3):
        await apply(database, storm, [says(onset_s=40 * number)])
        await apply(database, storm, [says(active=False, onset_s=40 * number, at_s=40 * number + 20)])
    assert [event.is_quiet for event in outbox.of(AlarmRaised)] == [False, True]


async def test_the_end_of_a_hold_is_told_as_a_flood_and_every_alarm_of_it_has_its_place(
    database: Database, outbox: RecordingOutbox
) -> None:
    storm = await built(database, SITE.replace('i = "1..20"', 'i = "1..3"').replace("1..250", "1..20"))
    window = MaintenanceWindow(
        site_id=storm.site_id, reason="停电检修", equipment_ids=[], timezone="Asia/Shanghai", starts_at=NOON,
        ends_at=NOON + timedelta(hours=1), weekdays=[], created_by=await somebody(database), created_at=NOON,
    )  # fmt: skip
    async with database.transaction() as session:
        session.add(window)
    outbox.events.clear()
    kinds = ("LIFT", "TANK", "UPS", "PUMP")
    meters = [storm.silence(one, onset_s=9) for one in storm.codes("WATER-01")]
    others = [storm.says(one, f"fault_{one[:2]}") for kind in kinds for one in storm.codes(kind)]
    await apply(database, storm, [storm.silence("GW-01"), *meters, *others])
    await tend(database, storm, after=timedelta(minutes=1))
    alarms, groups = await everything(database)
    assert (outbox.of(AlarmRaised), groups) == ([], {})
    gateway = next(alarm for alarm in alarms.values() if alarm.equipment_code == "GW-01")
    assert sum(alarm.root_id == gateway.id for alarm in alarms.values()) == 20
    storm.clock.advance(seconds=3600)
    await lift(database, storm)
    assert told(outbox) <= NOTICES_MAX
    assert len(outbox.of(AlarmRaised)) == len(alarms) == 161
    told_alone = {event.alarm_id for event in outbox.of(AlarmRaised) if event.is_told_alone}
    for alarm in (await everything(database))[0].values():
        assert alarm.suppressed_by is None
        assert (alarm.id in told_alone) is (alarm.group_id is None)
    placed = Counter(event.group_id for event in outbox.of(AlarmRaised) if event.group_id is not None)
    groups = (await everything(database))[1]
    assert {group_id: groups[group_id].alarms for group_id in placed} == dict(placed)
    # Under the gateway, once nothing holds them: its own meters.
    assert next(group.alarms for group in groups.values() if group.root_id == gateway.id) == 20


async def test_a_child_that_is_held_back_is_let_go_of_without_a_word_and_no_other_is_lost(
    database: Database, storm: Storm, outbox: RecordingOutbox
) -> None:
    meters = storm.codes("WATER-02")[:3]
    await apply(database, storm, [storm.silence("GW-02"), *[storm.silence(code, onset_s=5) for code in meters]])
    alarms = {alarm.equipment_code: alarm for alarm in (await everything(database))[0].values()}
    async with database.transaction() as session:
        shelf = timedelta(hours=8)
        everywhere = Scope.everywhere()
        await storm.alarms.shelve(session, everywhere, alarms[meters[0]].id, span=shelf, actor=None, note="换表")
        await storm.alarms.acknowledge(session, Scope.everywhere(), alarms[meters[1]].id, actor=None)
    await apply(database, storm, [storm.silence("GW-02", active=False, at_s=600)])
    storm.clock.advance(seconds=600)
    outbox.events.clear()
    await tend(database, storm, after=BACK_WITHIN)
    assert {event.equipment_id for event in outbox.of(AlarmRaised)} == {storm.equipment_id(code) for code in meters[1:]}
    rows = {alarm.equipment_code: alarm for alarm in (await everything(database))[0].values()}
    assert {(rows[code].root_id, rows[code].state) for code in meters} == {(None, AlarmState.UNACKED)}
    storm.clock.advance(seconds=8 * 3600)
    await lift(database, storm)
    assert outbox.of(AlarmRaised)[-1].equipment_id == storm.equipment_id(meters[0])


async def test_an_alarm_that_gets_worse_in_a_group_or_under_a_root_makes_that_be_told_again(
    database: Database, storm: Storm, outbox: RecordingOutbox
) -> None:
    lifts = [storm.says(code, "door_fault") for code in storm.codes("LIFT")]
    pumps = [storm.says(code, "pump_fault", onset_s=5) for code in storm.codes("PUMP")]
    await apply(database, storm, [storm.says("POWER", "power_loss"), *lifts, *pumps])
    await tend(database, storm, after=timedelta(seconds=40))
    before = {event.group_id: event.telling for event in outbox.of(AlarmGroupGrew)}
    worse = [
        storm.says(code, mode, source_id=f"{mode}#critical", severity=Severity.CRITICAL, onset_s=50)
        for code, mode in (("LIFT-03-01", "door_fault"), ("PUMP-01", "pump_fault"))
    ]
    outbox.events.clear()
    await apply(database, storm, worse)
    await tend(database, storm, after=timedelta(seconds=10))
    told_again = {event.group_id: (event.telling, event.severity) for event in outbox.of(AlarmGroupGrew)}
    assert told_again == {id_: (telling + 1, Severity.CRITICAL) for id_, telling in before.items()}
    assert {event.is_told_alone for event in outbox.of(AlarmSeverityChanged)} == {False}


async def test_alarms_that_nothing_explains_are_not_in_the_way_of_those_that_something_does(
    database: Database, storm: Storm, outbox: RecordingOutbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tending, "ALARMS_A_SWEEP", 2)
    meters = storm.codes("WATER-03")
    await apply(database, storm, [storm.says(code, "low_battery") for code in meters])
    await apply(database, storm, [storm.silence(code, onset_s=3) for code in meters])
    await apply(database, storm, [storm.silence("GW-03", onset_s=5)])
    for _ in range(3):
        await tend(database, storm, after=timedelta(seconds=10))
    under = [alarm for alarm in (await everything(database))[0].values() if alarm.root_id is not None]
    assert {(alarm.equipment_code, alarm.fault_mode) for alarm in under} == {(code, "offline") for code in meters}


async def test_what_became_a_matter_of_life_is_put_into_no_group_afterwards(
    database: Database, storm: Storm, outbox: RecordingOutbox
) -> None:
    await apply(database, storm, [storm.says("TANK-01", "level"), storm.says("TANK-01", "flooding")])
    worse = {"life_safety": True, "severity": Severity.CRITICAL, "source_id": "level#critical", "onset_s": 5}
    await apply(database, storm, [storm.says("TANK-01", "level", **worse)])
    await apply(database, storm, [storm.says("TANK-01", "overflow", onset_s=9)])
    [group] = (await everything(database))[1].values()
    assert group.tellings == 1
    grave = next(alarm for alarm in (await everything(database))[0].values() if alarm.life_safety)
    assert (grave.fault_mode, grave.group_id) == ("level", None)
