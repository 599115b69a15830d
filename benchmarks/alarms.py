"""The part of the bench in which 2,000 devices fail within a minute: what is told of it, and what an alarm costs."""

import asyncio
import itertools
import random
import statistics
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import select

from alarms.detection import AlarmSource, Detection
from alarms.events import AlarmGroupGrew, AlarmRaised
from alarms.flood.control import FloodControl
from alarms.flood.tending import FloodTending
from alarms.models import Alarm
from alarms.service import AlarmService
from benchmarks.part import Aim, Context, Details, Figure
from building.declaration import parse_site
from building.severity import Severity
from catalog.directory import EquipmentEntry, LiveDirectory
from catalog.loader import apply_declaration, load_directory
from catalog.profiles import load_profiles
from hub.migrate import upgrade
from kit.clock import FakeClock, to_ms
from kit.db import Database
from kit.events import RecordingOutbox
from kit.supervision.postgres import running_postgres

_NOON = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)
_FAILING_S = 60
# As many as the judge hands on at once when much happens.
_A_BATCH = 100
# What a site is told at most in ten minutes, and how long it is looked at.
_NOTICES_AIM, _LOOKED_AT_S, _SWEEP_S = 10, 600, 30
_BUILDINGS, _GATEWAYS = 20, 8
_SMOKE = 20


@dataclass(frozen=True)
class AlarmsPart:
    """The room of alarms on a PostgreSQL of its own; who is told by which channel is behind it and not measured."""

    name: str = "alarms"
    words: str = "2,000 devices that fail within a minute, and smoke in the middle of it: what is told, what it costs"

    def measure(self, context: Context) -> Details:
        return asyncio.run(_measured(context, devices=400 if context.is_quick else 2_000))

    def figures(self, details: Mapping[str, Any]) -> Sequence[Figure]:
        return [figure for scene, found in details["scenes"].items() for figure in _figures(scene, found)]


def _figures(scene: str, found: Mapping[str, Any]) -> Iterator[Figure]:
    words = {"gateways": "gateways lost", "unlike": "unlike devices", "alone": "one transaction an alarm"}[scene]

    def figure(name: str, text: str, value: float, *, unit: str = "", aim: Aim | None = None) -> Figure:
        return Figure(name=f"alarms.{scene}.{name}", words=text, value=value, unit=unit, column=words, aim=aim)

    yield figure("alarms", "alarms within a minute", found["alarms"])
    yield figure("cost.p50", "an alarm, from detection to commit, median", found["ms_an_alarm"], unit="ms")
    yield figure("longest", "the longest transaction", found["longest_ms"], unit="ms")
    if scene == "alone":
        return
    yield figure(
        "notices", "notices in ten minutes, life safety apart", found["notices"], aim=Aim(at_most=_NOTICES_AIM)
    )
    yield figure("hidden", "alarms neither told nor listed under what was", found["hidden"], aim=Aim(at_most=0))
    yield figure("smoke", "matters of life not told at once, each by itself", found["untold"], aim=Aim(at_most=0))
    yield figure("smoke.ms", "a matter of life in the middle of it, longest", found["smoke_ms"], unit="ms")


async def _measured(context: Context, *, devices: int) -> Details:
    """`alone` is the floor: the same alarms of unlike devices, entered one by one."""
    found: dict[str, Any] = {}
    async with running_postgres(Path(context.folder) / "postgres", password="bench") as url:  # noqa: S106 - loopback
        await asyncio.to_thread(upgrade, url)
        async with Database(url) as database:
            for scene in ("gateways", "unlike", "alone"):
                storm = await settled(database, scene, devices=devices // 10 if scene == "alone" else devices)
                found[scene] = await storm.rage()
                context.say(f"{scene}: {found[scene]}")
    return {"devices": devices, "scenes": found}


@dataclass(frozen=True)
class Storm:
    """A site of its own, of which everything fails. `rage` may be called once."""

    database: Database
    outbox: RecordingOutbox
    directory: LiveDirectory
    clock: FakeClock
    scene: str
    site_id: UUID

    async def rage(self) -> dict[str, Any]:
        """ms of the transactions, and what was told of how many alarms."""
        failing = self._failing()
        size = 1 if self.scene == "alone" else _A_BATCH
        batches = [failing[start : start + size] for start in range(0, len(failing), size)]
        smoke = self._entries("SMOKE")
        took_ms, smoke_ms = [], []
        for number, batch in enumerate(batches):
            self.clock.advance(seconds=_FAILING_S / len(batches))
            took_ms.append(await self._entered(batch))
            if number == len(batches) // 2:
                smoke_ms = [await self._entered([self._smoke(entry)]) for entry in smoke]
        await self._tended()
        return {
            "alarms": len(failing),
            "ms_an_alarm": statistics.median(took / len(batch) for took, batch in zip(took_ms, batches, strict=True)),
            "longest_ms": max(took_ms), "smoke_ms": max(smoke_ms), "untold": len(smoke) - self._told_of_life(),
            "notices": self._notices(), "hidden": await self._hidden(),
        }  # fmt: skip

    def _entries(self, start: str) -> list[EquipmentEntry]:
        return [
            entry for entry in self.directory.current.entries
            if entry.site_id == self.site_id and entry.code.startswith(start)
        ]  # fmt: skip

    def _failing(self) -> list[Detection]:
        """In an order drawn from a seed: nobody's children come together."""
        failing = [*self._entries("GW"), *self._entries("DEV")]
        random.Random(7).shuffle(failing)  # noqa: S311 - draws a storm, guards nothing
        return [self._detection(entry, number) for number, entry in enumerate(failing)]

    def _detection(self, entry: EquipmentEntry, number: int) -> Detection:
        onset_ms = to_ms(_NOON) + number
        is_link = self.scene == "gateways"
        mode = "offline" if is_link else f"fault_{number % 7}"
        return Detection(
            source=AlarmSource.LINK if is_link else AlarmSource.RULE, source_id="link" if is_link else mode,
            equipment_id=entry.equipment_id, site_id=entry.site_id, active=True, onset_ms=onset_ms, at_ms=onset_ms,
            severity=Severity.MAJOR if entry.code.startswith("GW") else Severity.MINOR, fault_mode=mode,
            life_safety=False, message={"zh-CN": "设备故障", "en": "Fault"}, values={}, order=None,
        )  # fmt: skip

    def _smoke(self, entry: EquipmentEntry) -> Detection:
        at_ms = to_ms(self.clock.now())
        return Detection(
            source=AlarmSource.RULE, source_id="smoke-detected", equipment_id=entry.equipment_id,
            site_id=entry.site_id, active=True, onset_ms=at_ms, at_ms=at_ms, severity=Severity.CRITICAL,
            fault_mode="smoke_detected", life_safety=True, message={"zh-CN": "烟雾报警", "en": "Smoke"}, values={},
            order=None,
        )  # fmt: skip

    async def _entered(self, batch: Sequence[Detection]) -> float:
        service, begun = AlarmService(self.directory, self.clock), time.perf_counter()
        async with self.database.transaction() as session:
            await service.apply(session, batch)
        return (time.perf_counter() - begun) * 1000

    async def _tended(self) -> None:
        tending = FloodTending(FloodControl(self.directory, self.clock), self.directory, self.clock)
        for _ in range(0, _LOOKED_AT_S - _FAILING_S, _SWEEP_S):
            self.clock.advance(seconds=_SWEEP_S)
            for sweep in tending.sweeps():
                async with self.database.transaction() as session:
                    await sweep.call(session)

    def _notices(self) -> int:
        alone = [one for one in self.outbox.of(AlarmRaised) if one.is_told_alone and not one.life_safety]
        return len(alone) + len(self.outbox.of(AlarmGroupGrew))

    def _told_of_life(self) -> int:
        return sum(one.life_safety and one.is_told_alone for one in self.outbox.of(AlarmRaised))

    async def _hidden(self) -> int:
        """Alarms that nobody was told of: neither by themselves, nor by their group, nor by what explains them."""
        alone = {one.alarm_id for one in self.outbox.of(AlarmRaised) if one.is_told_alone}
        groups = {one.group_id for one in self.outbox.of(AlarmGroupGrew)}
        asked = select(Alarm.id, Alarm.root_id, Alarm.group_id).where(Alarm.site_id == self.site_id)
        async with self.database.transaction() as session:
            rows = (await session.execute(asked)).all()
        told = alone | {row.id for row in rows if row.group_id in groups}
        return sum(row.id not in told and row.root_id not in told for row in rows)


async def settled(database: Database, scene: str, *, devices: int) -> Storm:
    """A new site for this scene, of so many devices behind gateways, or of kinds of their own."""
    outbox = RecordingOutbox()
    database.use_outbox(outbox)
    root = Path(__file__).parents[1]
    async with database.transaction() as session:
        declared = parse_site(_site(scene, devices=devices))
        await apply_declaration(session, declared, load_profiles(root / "device_adapters" / "profiles"))
        directory = LiveDirectory(await load_directory(session))
    outbox.events.clear()
    site_id = next(one.site_id for one in directory.current.entries if one.code.startswith(f"SMOKE-{scene}"))
    return Storm(database, outbox, directory, FakeClock(_NOON), scene, site_id)


def _site(scene: str, *, devices: int) -> dict[str, Any]:
    gateways = _GATEWAYS if scene == "gateways" else 0
    return {
        "site": {"code": f"storm-{scene}", "name": "风暴小区", "city": "杭州", "timezone": "Asia/Shanghai"},
        "buildings": [{"code": f"B{number:02}", "name": f"{number}栋"} for number in range(_BUILDINGS)],
        "equipment": [
            *(_device("GW", scene, number, kind="gateway", profile="iot-gateway") for number in range(gateways)),
            *itertools.islice(_devices(scene, gateways), devices - gateways),
            *(
                _device("SMOKE", scene, number, kind="smoke_detector", profile="nbiot-smoke")
                for number in range(_SMOKE)
            ),
        ],
    }


def _devices(scene: str, gateways: int) -> Iterator[dict[str, Any]]:
    kinds = (("water_meter", "nbiot-water-meter"), ("elevator", "gb24476-elevator"), ("tank", "water-tank"))
    for number in itertools.count():
        kind, profile = kinds[0] if gateways else kinds[number % len(kinds)]
        device = _device("DEV", scene, number, kind=kind, profile=profile)
        yield device | ({"parent": f"GW-{scene}-{number % gateways:04}"} if gateways else {})


def _device(start: str, scene: str, number: int, *, kind: str, profile: str) -> dict[str, Any]:
    return {
        "code": f"{start}-{scene}-{number:04}", "name": f"{number}号", "kind": kind, "profile": profile,
        "building": f"B{number % _BUILDINGS:02}", "protocol": "mqtt",
    }  # fmt: skip
