"""Equipment and rules made by hand, for judging without any server."""

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from building.equipment import EquipmentKind
from building.point import PointKind, Reporting, ReportingMode
from building.reading import Reading, ReadingBatch
from building.severity import Severity
from catalog.directory import EquipmentEntry, PointEntry
from rules.judge import Judge
from rules.rule import CompiledRule, PointList, Rule, compile_rule
from rules.rule_set import RuleSet
from rules.surroundings import Anywhere

# Point keys: `p…` report every 10 s, `c…` on change (held for an hour), `s…` are life safety.
KEYS = ("pa", "pb", "ca", "cb", "sa")
T0 = 1_763_784_000_000


def entry(
    number: int, *, profile: str = "plant", keys: Sequence[str] = KEYS, in_service: bool = True, parent: int = 0
) -> EquipmentEntry:
    points = {key: point(number * 10 + place, key) for place, key in enumerate(keys)}
    return EquipmentEntry(
        equipment_id=UUID(int=number),
        site_id=UUID(int=1_000),
        site_code="test",
        code=f"P-{number:02}",
        name=f"{number}号",
        kind=EquipmentKind.PUMP,
        profile_key=profile,
        protocol="mqtt",
        external_id=f"P-{number:02}",
        address={},
        partition=1,
        parent_id=UUID(int=parent) if parent else None,
        building_id=None,
        in_service=in_service,
        points=points,
    )


def point(point_no: int, key: str) -> PointEntry:
    reporting = Reporting(ReportingMode.PERIODIC, 10) if key[0] == "p" else Reporting(ReportingMode.ON_CHANGE, 3600)
    return PointEntry(point_no, key, PointKind.SENSOR, "", -1e9, 1e9, reporting, life_safety=key[0] == "s")


def rule(key: str = "rule", **changes: Any) -> Rule:
    facts: dict[str, Any] = {
        "name": {"zh-CN": key, "en": key},
        "message": {"zh-CN": "告警", "en": "alarm"},
        "severity": Severity.MAJOR,
        "fault_mode": "fault",
        "profile": "plant",
    }
    return Rule(key=key, **(facts | changes))


def compiled(rules: Iterable[Rule]) -> list[CompiledRule]:
    known = [point(place, key) for place, key in enumerate(KEYS)]
    points = PointList.of(known)
    return [compile_rule(one, points, Anywhere.of([known], life_safety=one.life_safety)) for one in rules]


def judge(*rules: Rule, equipment: Sequence[EquipmentEntry] | None = None, life_safety: bool = False) -> Judge:
    def fail(_rule: CompiledRule, error: Exception) -> None:
        raise error

    equipment = [entry(1)] if equipment is None else equipment
    return Judge(RuleSet.of(compiled(rules), equipment, life_safety=life_safety), on_failure=fail)


def at(second: float, *, equipment: int = 1, **values: float) -> list[Reading]:
    """Readings of one equipment at one instant, seconds after T0."""
    return [Reading(equipment * 10 + KEYS.index(key), T0 + int(second * 1000), value) for key, value in values.items()]


def batch(*readings: Iterable[Reading]) -> ReadingBatch:
    return ReadingBatch.of([reading for some in readings for reading in some])


def seconds(detections: Iterable[Any]) -> list[tuple[bool, float, float]]:
    """(active, onset, at) in seconds after T0."""
    return [(d.active, (d.onset_ms - T0) / 1000, (d.at_ms - T0) / 1000) for d in detections]


def judged(judge: Judge, *readings: Iterable[Reading], now_s: float = 0) -> list[tuple[bool, float, float]]:
    return seconds(judge.judge(batch(*readings), now_ms=T0 + int(now_s * 1000)).detections)


def ticked(judge: Judge, now_s: float) -> list[tuple[bool, float, float]]:
    now_ms = T0 + int(now_s * 1000)
    return seconds(judge.tick(now_ms=now_ms, settled_ms=now_ms))
