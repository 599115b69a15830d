"""Power and gateways are lost and elevators fail at once: how much really reaches people, by alerts and by orders."""

from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry
from sqlalchemy import select

from alarms.detection import AlarmSource, Detection, OrderPolicy
from alarms.events import AlarmGroupGrew, AlarmRaised, AlarmReminded, AlarmSeverityChanged
from alarms.flood.control import FloodControl
from alarms.flood.planning import NOTICES_MAX
from alarms.flood.tending import FloodTending
from alarms.models import Alarm
from alarms.testing.service import TestWindowService
from building.severity import Severity
from catalog.directory import LiveDirectory
from catalog.loader import load_directory
from kit.clock import to_ms
from kit.db import Database
from kit.events import RecordingOutbox, Subscription, on
from kit.i18n import Texts
from kit.jobs import new_app
from kit.sweeps import Sweep
from notify.alerting.escalating import is_for_people, is_ordinary_group
from notify.alerting.room import AlertNeighbours, build_alerting
from notify.models import Notification
from notify.policy import Urgency
from notify.service import NotifyService
from notify.settings import NotifySettings
from notify.template import TemplateRegistry
from tests.ticketing.town import NOON, SITE, Town, settled, staff_up
from ticketing.handlers import is_work
from ticketing.models import WorkOrder

FLOODED = """
[[equipment]]
code = "POWER"
name = "5栋配电"
kind = "electricity_meter"
profile = "eastron-sdm630"
building = "B05"
protocol = "modbus"
address = {{ host = "127.0.0.1", port = 15020, unit = 2 }}

[[equipment]]
for = {{ g = "1..2" }}
code = "GW-{{g}}"
name = "{{g}}号网关"
kind = "gateway"
profile = "iot-gateway"
building = "B03"
protocol = "mqtt"

[[equipment]]
for = {{ g = "1..2", i = "1..METERS" }}
code = "WATER-{{g}}-{{i}}"
name = "{{g}}号网关{{i}}号水表"
kind = "water_meter"
profile = "nbiot-water-meter"
building = "B03"
parent = "GW-{{g}}"
protocol = "mqtt"

[[equipment]]
for = {{ i = "1..PUMPS" }}
code = "FED-{{i}}"
name = "{{i}}号水泵"
kind = "pump"
profile = "grundfos-cim-pump"
building = "B05"
parent = "POWER"
protocol = "modbus"
address = {{ host = "127.0.0.1", port = 15020, unit = 1 }}

[[equipment]]
for = {{ i = "1..LIFTS" }}
code = "CAR-{{i}}"
name = "{{i}}号梯"
kind = "elevator"
profile = "gb24476-elevator"
building = "B03"
protocol = "mqtt"
"""
REPAIR = OrderPolicy("repair", 2)


@dataclass
class FloodedTown:
    """The town, and whoever is told of alarms as they are told in the hub."""

    town: Town
    heard: Sequence[Subscription]
    sweeps: Sequence[Sweep]

    def says(self, code: str, fault_mode: str, **facts: Any) -> Detection:
        at_ms = to_ms(NOON)
        given: dict[str, Any] = {
            "source": AlarmSource.RULE, "source_id": fault_mode, "severity": Severity.MAJOR, "order": REPAIR,
            "life_safety": False, "message": {"zh-CN": fault_mode, "en": fault_mode},
        }  # fmt: skip
        return Detection(
            equipment_id=self.town.equipment[code], site_id=self.town.site_id, active=True, onset_ms=at_ms,
            at_ms=at_ms, fault_mode=fault_mode, **(given | facts),
        )  # fmt: skip

    def codes(self, start: str) -> list[str]:
        return [code for code in self.town.equipment if code.startswith(start)]

    async def apply(self, detections: Sequence[Detection]) -> None:
        async with self.town.database.transaction() as session:
            await self.town.alarms.apply(session, detections)
        await self.deliver()

    async def deliver(self) -> None:
        """To alerting first: what is told does not hang on who hears first."""
        while self.town.delivered < len(self.town.outbox.events):
            event = self.town.outbox.events[self.town.delivered]
            for subscription in self.heard:
                if subscription.event is type(event) and (subscription.when is None or subscription.when(event)):
                    async with self.town.database.transaction() as session:
                        await subscription.handler(session, event)
            self.town.delivered += 1
            await self.town.hand_out(event)

    async def later(self, *, seconds: float) -> None:
        await self.town.sweep(seconds=seconds)
        for sweep in self.sweeps:
            async with self.town.database.transaction() as session:
                await sweep.call(session)
        await self.deliver()


@asynccontextmanager
async def flooded(database: Database, outbox: RecordingOutbox, files: Path, site: str) -> AsyncIterator[FloodedTown]:
    async with settled(database, outbox, files, declared=SITE + site) as town:
        await staff_up(town)
        async with database.transaction() as session:
            directory = LiveDirectory(await load_directory(session))
        app, clock = new_app(database.url, pool_size=2), town.clock
        notify = NotifyService(
            app=app, people=town.people, catalog=town.catalog, templates=TemplateRegistry.load(), clock=clock,
            settings=NotifySettings(_env_file=None),
        )  # fmt: skip
        async with app.open_async():
            room = build_alerting(
                AlertNeighbours(
                    database=database, app=app, alarms=town.alarms,
                    tests=TestWindowService(town.catalog, directory, clock), catalog=town.catalog, people=town.people,
                    notify=notify, carriers=(), allowed=(), robots={}, master="", is_work=is_work,
                    link_base_url="https://hub.example", keep_days=30, texts=Texts.load(["kit", "notify"]),
                    clock=clock, registry=CollectorRegistry(),
                )
            )  # fmt: skip
            heard = [
                on(AlarmRaised, room.escalations.on_alarm_raised, when=is_for_people),
                on(AlarmSeverityChanged, room.escalations.on_alarm_raised, when=is_for_people),
                on(AlarmGroupGrew, room.escalations.on_group_grew, when=is_ordinary_group),
                on(AlarmReminded, room.escalations.on_alarm_reminded),
            ]
            tending = FloodTending(FloodControl(directory, clock), directory, clock)
            yield FloodedTown(town, heard, [*tending.sweeps(), *room.sweeps()])


@pytest.mark.parametrize(
    ("meters", "pumps", "lifts"),
    [(4, 3, 3), pytest.param(900, 40, 160, marks=[pytest.mark.long, pytest.mark.timeout(1800)])],
    ids=["a few", "two thousand"],
)
async def test_of_a_flood_nobody_gets_more_than_ten_messages_by_alerts_and_orders_together(
    database: Database, outbox: RecordingOutbox, tmp_path: Path, meters: int, pumps: int, lifts: int
) -> None:
    site = FLOODED.replace("METERS", str(meters)).replace("PUMPS", str(pumps)).replace("LIFTS", str(lifts))
    async with flooded(database, outbox, tmp_path / "files", site) as flood:
        silent = {"source": AlarmSource.LINK, "source_id": "link", "order": None}
        every = [
            flood.says("POWER", "power_loss", severity=Severity.CRITICAL, order=OrderPolicy("repair", 1)),
            *[flood.says(code, "offline", **silent) for code in (*flood.codes("GW"), *flood.codes("WATER"))],
            *[flood.says(code, "pump_fault") for code in flood.codes("FED")],
            *[flood.says(code, "door_fault") for code in flood.codes("CAR")],
        ]
        smoke = flood.says(
            "SMOKE-01", "smoke_detected", life_safety=True, severity=Severity.CRITICAL, order=OrderPolicy("smoke", 1)
        )
        await flood.apply([*every, smoke])
        for seconds in (45, 240, 300):
            await flood.later(seconds=seconds)
        async with database.transaction() as session:
            alarms = (await session.scalars(select(Alarm))).all()
            orders = (await session.scalars(select(WorkOrder))).all()
            notices = (await session.scalars(select(Notification))).all()
        assert (len(alarms), len(orders)) == (len(every) + 1, 1 + pumps + lifts + 1)
        named = {id_ for alarm in alarms for id_ in (alarm.root_id, alarm.group_id) if id_ is not None}
        alone = [alarm for alarm in alarms if alarm.root_id is None and alarm.group_id is None]
        assert {alarm.equipment_code for alarm in alone} == {"POWER", "GW-1", "GW-2", "SMOKE-01"}
        assert {alarm.id for alarm in alone if not alarm.life_safety} <= named, "what explains others"
        ordinary = Counter(one.person_id for one in notices if one.urgency != Urgency.LIFE_SAFETY)
        assert 0 < max(ordinary.values()) <= NOTICES_MAX
        assert [one for one in notices if one.urgency == Urgency.LIFE_SAFETY]
