"""A small site in a real PostgreSQL, with the alarm service on it, and short words for detections."""

import tomllib
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from alarms.detection import AlarmSource, Detection, OrderPolicy
from alarms.service import AlarmService
from building.declaration import parse_site
from building.severity import Severity
from catalog.directory import LiveDirectory
from catalog.loader import apply_declaration, load_directory
from catalog.profiles import load_profiles
from kit.clock import FakeClock, to_ms
from kit.db import Database

ROOT = Path(__file__).parents[2]
NOON = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)

SITE = """
[site]
code = "test"
name = "测试小区"
city = "杭州"
timezone = "Asia/Shanghai"

[[buildings]]
code = "B01"
name = "1栋"

[[equipment]]
for = { i = "1..2" }
code = "LIFT-{i:02}"
name = "{i}号电梯"
kind = "elevator"
profile = "gb24476-elevator"
building = "B01"
protocol = "mqtt"

[[equipment]]
for = { i = "1..2" }
code = "PUMP-{i:02}"
name = "{i}号水泵"
kind = "pump"
profile = "grundfos-cim-pump"
building = "B01"
protocol = "modbus"
address = { host = "127.0.0.1", port = 15020, unit = 1 }

[[equipment]]
for = { i = "1..300" }
code = "SMOKE-{i:03}"
name = "{i}号烟感"
kind = "smoke_detector"
profile = "nbiot-smoke"
building = "B01"
protocol = "mqtt"
"""


@dataclass(frozen=True)
class Place:
    """The site under test and short words for it."""

    directory: LiveDirectory
    clock: FakeClock
    alarms: AlarmService

    def equipment_id(self, code: str) -> UUID:
        return next(entry.equipment_id for entry in self.directory.current.entries if entry.code == code)

    @property
    def site_id(self) -> UUID:
        return self.directory.current.entries[0].site_id

    def detection(self, code: str = "PUMP-01", *, onset_s: float = 0, active: bool = True, **changes: Any) -> Detection:
        """`onset_s` counts from noon; an end is at `at_s`, or a minute after the onset."""
        onset_ms = to_ms(NOON) + int(onset_s * 1000)
        at_s = changes.pop("at_s", onset_s if active else onset_s + 60)
        facts: dict[str, Any] = {
            "source": AlarmSource.RULE,
            "source_id": "pump-bearing-wear",
            "severity": Severity.MAJOR,
            "fault_mode": "bearing_wear",
            "life_safety": False,
            "message": {"zh-CN": "轴承磨损", "en": "Bearing wear"},
            "values": {"bearing_temp_c": 81.5},
            "order": OrderPolicy("repair", 2),
        }
        return Detection(
            equipment_id=self.equipment_id(code),
            site_id=self.site_id,
            active=active,
            onset_ms=onset_ms,
            at_ms=to_ms(NOON) + int(at_s * 1000),
            **(facts | changes),
        )

    def smoke(self, code: str = "SMOKE-001", **changes: Any) -> Detection:
        facts = {"source_id": "smoke-detected", "fault_mode": "smoke_detected", "severity": Severity.CRITICAL}
        return self.detection(code, life_safety=True, order=OrderPolicy("smoke", 1), **(facts | changes))


async def small_site(database: Database) -> Place:
    async with database.transaction() as session:
        await apply_declaration(
            session, parse_site(tomllib.loads(SITE)), load_profiles(ROOT / "device_adapters" / "profiles")
        )
        directory = LiveDirectory(await load_directory(session))
    clock = FakeClock(NOON)
    return Place(directory, clock, AlarmService(directory, clock))
