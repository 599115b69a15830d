"""The library tried on a recording of the simulated fleet with known faults: which of them it finds, which it misses,
and which of its alarms are about nothing."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import numpy as np
import pyarrow.parquet as pq

from building.declaration import SiteDeclaration
from building.profile import PointSpec
from building.reading import ReadingBatch
from catalog.directory import EquipmentEntry, PointEntry
from kit.clock import SystemClock
from rules.replay.engine import Replay
from rules.replay.episode import Episode
from rules.replay.running import run
from rules.rule import CompiledRule, PointList, compile_rule
from rules.rule_set import RuleSet
from rules.shipped import shipped_rules
from simulators.fast_time import FastFleet, Pace, taped_points, write_days
from simulators.faults.plan import PlannedFault, write_plan
from simulators.fleet.fleet import Fleet
from telemetry.duckdb_store import DuckDbStore
from tests.rules.library.scenes import ANYWHERE, PROFILES

BEGINS_S = 1_790_812_800.0  # 2026-10-01 00:00 UTC
# What a fault leaves behind does not vanish with it: a bearing cools, a report comes an hour later.
AFTERWARDS_MS = 2 * 3_600_000


@dataclass(frozen=True)
class KnownFault:
    name: str
    device: str
    begins_ms: int
    ends_ms: int

    def explains(self, episode: Episode, device: str) -> bool:
        """Whether the alarm is of that device and began while the fault was there, or soon after."""
        return device == self.device and self.begins_ms <= episode.raised_ms <= self.ends_ms + AFTERWARDS_MS


@dataclass(frozen=True)
class Trial:
    """`found`: of each fault, the rules that raised something and after how many minutes; `false`: alarms (rule,
    device, hours after the beginning) that no fault explains, the first of each."""

    found: Mapping[KnownFault, Mapping[str, float]]
    false: Sequence[tuple[str, str, float]]
    readings: int

    def rules_by_fault(self) -> dict[tuple[str, str], set[str]]:
        return {(fault.name, fault.device): set(by) for fault, by in self.found.items()}

    def lines(self) -> Iterator[str]:
        for fault, by in self.found.items():
            told = ", ".join(
                f"{rule} after {after:.0f} min" for rule, after in sorted(by.items(), key=lambda one: one[1])
            )
            yield f"{'found ' if by else 'MISSED'} {fault.name} of {fault.device}{': ' if by else ''}{told}"
        yield from (f"FALSE  {rule} of {device} after {after:.1f} h" for rule, device, after in self.false)
        yield f"{self.readings:,} readings"


def record(
    site: SiteDeclaration, folder: Path, plan: Sequence[PlannedFault], *, days: float, pace: Pace, seed: int = 1
) -> None:
    """As `simulators export --faults`, at another pace."""
    fleet = Fleet(site, seed=seed, speed=1.0, started_unix_s=BEGINS_S)
    points = taped_points(fleet, PROFILES)
    fast = FastFleet(fleet, PROFILES, points, seed=seed, unix_s=BEGINS_S, plan=plan, pace=pace)
    for _ in write_days(fast, points, folder, days=days):
        pass
    write_plan(plan, folder, unix_s=BEGINS_S)


async def tried(site: SiteDeclaration, folder: Path, store_folder: Path) -> Trial:
    """Every shipped rule over the recording in `folder`, read back from a store as a replay reads it."""
    faults = [
        KnownFault(one["name"], one["device"], one["begins_ms"], one["ends_ms"])
        for one in json.loads((folder / "faults.json").read_text("utf-8"))
    ]
    entries = _entries(site, json.loads((folder / "points.json").read_text("utf-8")))
    replays = list(_replays(entries))
    since_ms, until_ms = round(BEGINS_S * 1000), round(BEGINS_S * 1000)
    async with DuckDbStore(store_folder, clock=SystemClock()) as store:
        for number, file in enumerate(sorted(folder.glob("hour-*.parquet")), start=1):
            await store.append([(number, _batch(file))])
            until_ms = since_ms + number * 3_600_000
        readings = await run(replays, store, since_ms=since_ms, until_ms=until_ms, on_progress=_go_on)
    codes = {entry.equipment_id: entry.code for entry in entries}
    episodes = [one for replay in replays for one in replay.episodes(until_ms=until_ms)]
    return _judged(faults, episodes, codes, readings)


def _judged(
    faults: Sequence[KnownFault], episodes: Sequence[Episode], codes: Mapping[UUID, str], readings: int
) -> Trial:
    found: dict[KnownFault, dict[str, float]] = {fault: {} for fault in faults}
    false: dict[tuple[str, str], float] = {}
    for one in sorted(episodes, key=lambda each: each.raised_ms):
        device = codes[one.equipment_id]
        behind = [fault for fault in faults if fault.explains(one, device)]
        for fault in behind:
            found[fault].setdefault(one.rule_key, (one.raised_ms - fault.begins_ms) / 60_000)
        if not behind:
            false.setdefault((one.rule_key, device), (one.raised_ms / 1000 - BEGINS_S) / 3600)
    return Trial(found, tuple((*what, after) for what, after in false.items()), readings)


def _replays(entries: Sequence[EquipmentEntry]) -> Iterator[Replay]:
    """One a rule: what is fast of one is not held up by another."""
    for definition in shipped_rules():
        fitting = [entry for entry in entries if _fits(definition.profile, definition.kind, entry)]
        if not fitting:
            continue
        points = PointList.of(PROFILES[fitting[0].profile_key].points.values())
        compiled = compile_rule(definition.to_rule(), points, ANYWHERE[definition.life_safety])
        yield Replay(RuleSet.of([compiled], fitting, life_safety=definition.life_safety), on_failure=_fail)


def _fits(profile: str | None, kind: object, entry: EquipmentEntry) -> bool:
    return entry.profile_key == profile or (profile is None and entry.kind == kind)


def _entries(site: SiteDeclaration, points: Sequence[Mapping[str, object]]) -> list[EquipmentEntry]:
    numbers: dict[str, dict[str, int]] = {}
    for point in points:
        numbers.setdefault(str(point["device"]), {})[str(point["key"])] = int(str(point["point_no"]))
    profiles = {item.code: item.profile for item in site.equipment}
    return [
        _entry(number, device, str(profiles[device]), keys, site.timezone)
        for number, (device, keys) in enumerate(numbers.items(), start=1)
    ]


def _entry(number: int, device: str, profile_key: str, keys: Mapping[str, int], timezone: str) -> EquipmentEntry:
    profile = PROFILES[profile_key]
    return EquipmentEntry(
        equipment_id=UUID(int=number), site_id=UUID(int=9_999), site_code="recorded", code=device, name=device,
        kind=profile.kind, profile_key=profile_key, protocol=profile.protocol, external_id=device, address={},
        partition=1, parent_id=None, building_id=None, in_service=True, timezone=timezone,
        points={key: _point(point_no, profile.points[key]) for key, point_no in keys.items()},
    )  # fmt: skip


def _point(point_no: int, spec: PointSpec) -> PointEntry:
    return PointEntry(
        point_no, spec.key, spec.kind, spec.unit, spec.low, spec.high, spec.reporting, life_safety=spec.life_safety
    )


def _batch(file: Path) -> ReadingBatch:
    table = pq.read_table(file)
    columns = {name: table[name].to_numpy() for name in ("point_no", "ts_ms", "value")}
    return ReadingBatch(columns["point_no"], columns["ts_ms"], columns["value"], np.zeros(table.num_rows, np.uint8))


async def _go_on(_progress: float) -> bool:
    return True


def _fail(_rule: CompiledRule, error: Exception) -> None:
    raise error
