"""The part of the bench that replays rules over a month of 500 equipments, read from the embedded store."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np

from benchmarks.part import Aim, Context, Details, Figure
from building.equipment import EquipmentKind
from building.point import PointKind, Reporting, ReportingMode
from building.reading import ReadingBatch
from building.severity import Severity
from catalog.directory import EquipmentEntry, PointEntry
from kit.clock import SystemClock, to_ms
from rules.replay.engine import Replay
from rules.replay.running import run
from rules.rule import CompiledRule, PointList, Rule, compile_rule
from rules.rule_set import RuleSet
from telemetry.duckdb_store import DuckDbStore

_AIM_S = 30.0
_DAY_MS = 86_400_000
_STEP_MS = 60_000
_POINT = "temp_c"
_RULES = {
    "threshold": "temp_c > hot_c",
    "window": "avg(temp_c, '10m') > hot_c",
}


@dataclass(frozen=True)
class ReplayPart:
    """A reading a minute and equipment; each gets hot for some minutes about every second day."""

    name: str = "replay"
    words: str = "a rule replayed over 30 days of 500 equipments, read from the embedded store"

    def measure(self, context: Context) -> Details:
        days, equipment = (3, 100) if context.is_quick else (30, 500)
        return asyncio.run(measured(context, days=days, equipment=equipment))

    def figures(self, details: Mapping[str, Any]) -> Sequence[Figure]:
        words = (
            f"replay of {details['equipment']} equipments × {details['days']} days, {details['readings']:,} readings"
        )
        return [
            Figure(
                name=f"replay.{rule}.took", words=words, value=took["took_s"], unit="s", column=rule,
                aim=Aim(at_most=_AIM_S) if rule == "threshold" else None, note=f"{took['alarms']:,} alarms",
            )
            for rule, took in details["rules"].items()
        ]  # fmt: skip


async def measured(context: Context, *, days: int, equipment: int) -> Details:
    """`hot` is how often an equipment was: what the rule without a window must find."""
    since_ms = to_ms(SystemClock().now()) // _DAY_MS * _DAY_MS - days * _DAY_MS
    until_ms = since_ms + days * _DAY_MS
    entries = [_entry(number) for number in range(equipment)]
    found: dict[str, Any] = {}
    async with DuckDbStore(Path(context.folder) / "telemetry", clock=SystemClock()) as store:
        readings, hot = await _filled(store, since_ms, days=days, equipment=equipment)
        context.say(f"{readings:,} readings stored and compacted")
        for name, when in _RULES.items():
            replay = Replay(_laid_out(name, when, entries), on_failure=_failed)
            begun = time.perf_counter()
            await run([replay], store, since_ms=since_ms, until_ms=until_ms, on_progress=_go_on)
            alarms = len(replay.episodes(until_ms=until_ms))
            found[name] = {"took_s": time.perf_counter() - begun, "alarms": alarms}
            context.say(f"{name}: {found[name]['took_s']:.1f} s, {alarms:,} alarms")
    return {"days": days, "equipment": equipment, "readings": readings, "hot": hot, "rules": found}


async def _filled(store: DuckDbStore, since_ms: int, *, days: int, equipment: int) -> tuple[int, int]:
    """How many readings, and how many hot stretches among them."""
    hot, chance = 0, np.random.default_rng(7)
    a_day = _DAY_MS // _STEP_MS
    point_no = np.repeat(np.arange(1, equipment + 1, dtype=np.int32), a_day)
    # Devices do not speak in step.
    phase_ms = np.repeat(chance.integers(0, _STEP_MS, equipment), a_day)
    for day in range(days):
        ts_ms = since_ms + day * _DAY_MS + np.tile(np.arange(a_day) * _STEP_MS, equipment) + phase_ms
        value = 60 + 3 * chance.standard_normal(len(ts_ms))
        for place in np.flatnonzero(chance.random(equipment) < 0.5).tolist():
            begin = place * a_day + int(chance.integers(0, a_day - 30))
            value[begin : begin + int(chance.integers(3, 30))] = 90
            hot += 1
        readings = ReadingBatch(point_no, ts_ms, value, np.zeros(len(ts_ms), np.uint8))
        await store.append([(day + 1, readings)])
    await store.compact()
    return days * a_day * equipment, hot


def _laid_out(key: str, when: str, entries: Sequence[EquipmentEntry]) -> RuleSet:
    rule = Rule(
        key=key, name={}, message={}, severity=Severity.MAJOR, fault_mode="hot", kind=EquipmentKind.PUMP, when=when,
        for_ms=2 * _STEP_MS, params={"hot_c": 75.0},
    )  # fmt: skip
    compiled = compile_rule(rule, PointList.of(entries[0].points.values()))
    return RuleSet.of([compiled], entries, life_safety=False)


def _entry(number: int) -> EquipmentEntry:
    reporting = Reporting(ReportingMode.PERIODIC, _STEP_MS / 1000)
    point = PointEntry(number + 1, _POINT, PointKind.SENSOR, "°C", -50, 200, reporting, life_safety=False)
    return EquipmentEntry(
        equipment_id=UUID(int=number + 1), site_id=UUID(int=1_000_000), site_code="bench", code=f"P-{number}",
        name=f"{number}号泵", kind=EquipmentKind.PUMP, profile_key="bench", protocol="mqtt", external_id=f"P-{number}",
        address={}, partition=1, parent_id=None, building_id=None, in_service=True, points={_POINT: point},
    )  # fmt: skip


async def _go_on(_progress: float) -> bool:
    return True


def _failed(_rule: CompiledRule, error: Exception) -> None:
    raise error
