"""The part of the bench that judges 20,000 readings a second by 50,000 (rule × equipment) pairs on one core."""

import asyncio
import time
import tracemalloc
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
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
from hub.judge_past import remember, seed
from kit.clock import FakeClock, from_ms
from rules.reorder import OrderedJudge
from rules.rule import CompiledRule, PointList, Rule, compile_rule
from rules.rule_set import RuleSet
from telemetry.duckdb_store import DuckDbStore

_T0_MS = 1_795_320_000_000
_POINTS, _INTERVAL_S = 10, 5
_EQUIPMENT, _QUICK_EQUIPMENT = 10_000, 1_000
_ROUNDS, _QUICK_ROUNDS = 12, 3
_BATCHES_A_ROUND = 50
_WINDOW_S = 600
_JITTER_MS = 50
_READINGS_A_SECOND = 20_000

_PLAIN = (
    Rule(
        key="hot", when="p0 > limit", clear="p0 < limit - 5", for_ms=30_000, params={"limit": 80.0},
        name={}, message={}, severity=Severity.MAJOR, fault_mode="hot", profile="bench",
    ),
)  # fmt: skip
_WHEN = {
    "both": "p1 > 80 and p2 < 20",
    "apart": "abs(p3 - p4) > 75",
    "either": "p5 > 85 or p6 > 85",
    "low": "min(p7, p8) > 80",
}
MORE_PLAIN, MORE_WINDOWED = "p9 > 80", "avg(p9, '10m') > 80"


@dataclass(frozen=True)
class RulesPart:
    """The judge that judges live, fed as it is fed there; no bus, no database. The store is a real one."""

    name: str = "rules"
    words: str = (
        "judging by 50,000 (rule × equipment) pairs: one core, 10,000 pairs more, memory, rebuilding from the store"
    )

    def measure(self, context: Context) -> Details:
        equipment = fleet(_QUICK_EQUIPMENT if context.is_quick else _EQUIPMENT)
        rounds = _QUICK_ROUNDS if context.is_quick else _ROUNDS
        five = plain_rules()
        fed = {
            "base": judge(five, equipment),
            "plain": judge((*five, rule("more", MORE_PLAIN)), equipment),
            "windowed": judge((*five, rule("more", MORE_WINDOWED)), equipment),
        }
        for each in fed.values():
            for past in spoken(
                len(equipment), rounds=_WINDOW_S // _INTERVAL_S, first=-_WINDOW_S // _INTERVAL_S, only=9
            ):
                each.remember(past)
        took_s = _feed(fed, len(equipment), rounds)
        context.say(", ".join(f"{name} {took:.1f} s" for name, took in took_s.items()))
        windowed = (*five[:4], rule("more", MORE_WINDOWED))
        return {
            "pairs": fed["base"].rules.pairs, "more": len(equipment),
            "readings": len(equipment) * _POINTS * rounds, "took_s": took_s,
            "bytes_a_pair": _bytes_a_pair(five, equipment),
            **asyncio.run(rebuild(context.folder, windowed, equipment)),
        }  # fmt: skip

    def figures(self, details: Mapping[str, Any]) -> Sequence[Figure]:
        took_s, readings = details["took_s"], details["readings"]
        cost_us = {name: (took - took_s["base"]) / readings * 1e6 for name, took in took_s.items()}
        # As if exactly 10,000 were added.
        share = 10_000 / details["more"]
        at_speed = readings / took_s["base"]
        return [
            Figure(
                name="rules.speed", words=f"readings judged a second by {details['pairs']:,} pairs, one core",
                value=at_speed, unit="readings/s", aim=Aim(at_least=_READINGS_A_SECOND),
            ),
            Figure(
                name="rules.share", words=f"of a core at {_READINGS_A_SECOND:,} readings a second",
                value=100 * _READINGS_A_SECOND / at_speed, unit="%",
            ),
            Figure(
                name="rules.more.plain", words="a reading, for 10,000 pairs more", value=cost_us["plain"] * share,
                unit="µs", aim=Aim(at_most=1.0),
            ),
            Figure(
                name="rules.more.windowed", words="a reading, for 10,000 pairs more over windows of ten minutes",
                value=cost_us["windowed"] * share, unit="µs", aim=Aim(at_most=1.0),
            ),
            Figure(
                name="rules.memory", words="memory a pair, without windows", value=details["bytes_a_pair"], unit="B"
            ),
            Figure(
                name="rules.rebuild", words="state of so many pairs from the store, a fifth of them over windows",
                value=details["rebuild_s"], unit="s", aim=Aim(at_most=10.0),
                note=f"{details['rebuilt_readings']:,} readings read back",
            ),
            Figure(
                name="rules.rebuild.missing", words="readings of the windows that were not read back",
                value=details["missing_readings"], aim=Aim(at_most=0),
            ),
        ]  # fmt: skip


def fleet(count: int) -> list[EquipmentEntry]:
    """`count` machines of ten points that report every five seconds."""
    reporting = Reporting(ReportingMode.PERIODIC, _INTERVAL_S)
    return [
        EquipmentEntry(
            equipment_id=UUID(int=number + 1), site_id=UUID(int=0), site_code="bench", code=f"M-{number}", name="",
            kind=EquipmentKind.PUMP, profile_key="bench", protocol="mqtt", external_id="", address={}, partition=1,
            parent_id=None, building_id=None, in_service=True,
            points={
                f"p{at}": PointEntry(
                    number * _POINTS + at, f"p{at}", PointKind.SENSOR, "", -1e9, 1e9, reporting, life_safety=False
                )
                for at in range(_POINTS)
            },
        )
        for number in range(count)
    ]  # fmt: skip


def judge(rules: Sequence[Rule], equipment: Sequence[EquipmentEntry]) -> OrderedJudge:
    points = PointList.of(equipment[0].points.values())
    compiled = [compile_rule(rule, points) for rule in rules]
    return OrderedJudge(RuleSet.of(compiled, equipment, life_safety=False), on_failure=_fail)


def spoken(count: int, *, rounds: int, first: int = 0, only: int | None = None) -> Iterator[ReadingBatch]:
    """What `count` machines say, by time, in batches as the bus brings them; of one point `only`, if given. A reading
    in a thousand is far too high."""
    chance = np.random.default_rng(first + 1_000)
    offsets = np.arange(_POINTS) if only is None else np.array([only])
    for number in range(first, first + rounds):
        for part, machines in enumerate(np.array_split(np.arange(count), _BATCHES_A_ROUND)):
            at_ms = _T0_MS + number * _INTERVAL_S * 1_000 + part * _INTERVAL_S * 1_000 // _BATCHES_A_ROUND
            point_no = (machines[:, None] * _POINTS + offsets[None, :]).reshape(-1).astype(np.int32)
            value = np.where(chance.random(len(point_no)) < 0.001, 90.0, chance.normal(50.0, 5.0, len(point_no)))
            # No machine keeps its interval to the millisecond: readings leave a window between others.
            ts_ms = np.repeat(at_ms + chance.integers(0, _JITTER_MS, len(machines)), len(offsets))
            yield ReadingBatch(point_no, ts_ms, value.round(1), np.zeros(len(point_no), np.uint8))


def plain_rules() -> list[Rule]:
    return [*_PLAIN, *(rule(key, when) for key, when in _WHEN.items())]


def rule(key: str, when: str) -> Rule:
    return replace(_PLAIN[0], key=key, when=when, clear=None, for_ms=0, params={})


def _fail(_rule: CompiledRule, error: Exception) -> None:
    raise error


def _feed(judges: Mapping[str, OrderedJudge], count: int, rounds: int) -> dict[str, float]:
    """CPU seconds of each; they take turns, so that whatever else the machine does strikes all alike."""
    took_s = dict.fromkeys(judges, 0.0)
    for batch in spoken(count, rounds=rounds):
        now_ms = int(batch.ts_ms[-1])
        for name, each in judges.items():
            took_s[name] += _timed(partial(each.judge, batch, now_ms=now_ms))
    return took_s


def _timed(work: Callable[[], object]) -> float:
    begun = time.process_time()
    work()
    return time.process_time() - begun


def _bytes_a_pair(rules: Sequence[Rule], equipment: Sequence[EquipmentEntry]) -> float:
    """What is added by all rules but the first."""
    held = []
    for some in (rules[:1], rules):
        tracemalloc.start()
        it = judge(some, equipment)
        held.append((tracemalloc.get_traced_memory()[0], it.rules.pairs))
        tracemalloc.stop()
    (few_bytes, few), (many_bytes, many) = held
    return (many_bytes - few_bytes) / (many - few)


async def rebuild(folder: Path, rules: Sequence[Rule], equipment: Sequence[EquipmentEntry]) -> Details:
    """A judge of a store that holds ten minutes of the point with windows and the newest of the others."""
    past = list(spoken(len(equipment), rounds=_WINDOW_S // _INTERVAL_S, first=-_WINDOW_S // _INTERVAL_S, only=9))
    past += spoken(len(equipment), rounds=1)
    before_ms = _T0_MS + _INTERVAL_S * 1_000
    async with DuckDbStore(folder / "store", clock=FakeClock(from_ms(before_ms))) as store:
        for start in range(0, len(past), _BATCHES_A_ROUND):
            await store.append(list(enumerate(past[start : start + _BATCHES_A_ROUND], start=start + 1)))
        begun = time.perf_counter()
        it = judge(rules, equipment)
        await seed(it, store, before_ms=before_ms)
        await remember(it, store, before_ms=before_ms)
        took_s = time.perf_counter() - begun
    known = it.history.readings
    asked = int((np.concatenate([each.point_no for each in past]) % _POINTS == 9).sum())
    return {"rebuild_s": took_s, "rebuilt_readings": known, "missing_readings": asked - known}
