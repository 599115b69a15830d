"""Scenes: what a device says over time, and which alarms of the whole library that raises and ends, and when.

All scenes of a profile are judged in one go, each on an equipment of its own, by the judge that the hub runs.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from itertools import pairwise
from uuid import UUID

import numpy as np
import numpy.typing as npt

from building.point import ReportingMode
from building.profile import PointSpec
from building.quality import Quality
from building.reading import ReadingBatch
from catalog.directory import EquipmentEntry, PointEntry
from catalog.profiles import load_profiles
from rules.durations import parse_duration_ms
from rules.judge import Judge
from rules.rule import CompiledRule, PointList, compile_rule
from rules.rule_set import RuleSet
from rules.shipped import shipped_rules
from rules.surroundings import Anywhere
from tests.alarms.place import ROOT

PROFILES = load_profiles(ROOT / "device_adapters" / "profiles")
RULES = {definition.key: definition for definition in shipped_rules()}
# Midnight in Shanghai, 22 November 2025.
MIDNIGHT_MS = 1_763_740_800_000
# How often a point that reports on change says the same again, as a share of the longest time its value holds.
_REPEATS = 0.9

_PARENT = "parent."
ANYWHERE = {
    line: Anywhere.of((profile.points.values() for profile in PROFILES.values()), life_safety=line)
    for line in (True, False)
}

# Points as a scene names them, and their numbers.
Numbers = Mapping[str, int]
Changes = Mapping[str, Mapping[str, float]]
# (rule, whether it begins, milliseconds after the scene's start)
Told = tuple[str, bool, int]


@dataclass(frozen=True)
class Scene:
    """`rule` is what the scene is about, `changes` what the device says from a time on ("2m": {point: value}).

    `alarm` is when it is raised and ended ("2m15s..7m30s", without the second where it lasts), empty for a near miss.
    `also` are other rules' alarms, which are just as exact. `begins` is the local time; `still` are points that do not
    tremble. What the device said before it begins is `before`, else the good values.
    """

    rule: str
    story: str
    changes: Changes
    alarm: str = ""
    also: Mapping[str, str] = field(default_factory=dict)
    begins: str = "10h"
    lasts: str = ""
    still: frozenset[str] = frozenset()
    before: Mapping[str, float] = field(default_factory=dict)

    def expected(self) -> set[Told]:
        spans = {**self.also, **({self.rule: self.alarm} if self.alarm else {})}
        return {
            (rule, begins, _ms(at))
            for rule, span in spans.items()
            for begins, at in zip((True, False), span.split(".."), strict=True)
            if at
        }

    def end_ms(self) -> int:
        """Long enough for the rule to have raised, had it been going to."""
        if self.lasts:
            return _ms(self.lasts)
        rule = RULES[self.rule].to_rule()
        waits_ms = 0 if self.alarm else rule.for_ms
        last_ms = max([at for _, _, at in self.expected()] + [_ms(at) for at in self.changes])
        return last_ms + waits_ms + 120_000


@dataclass(frozen=True)
class Book:
    """Scenes of one profile. `good` is what it says in good times, `trembles` by how much a point then goes to and fro.
    Periodic points report every `pace` intervals (3 at most, else there are gaps). `parent` is the profile of what
    each of them stands under; its points are named `parent.…`."""

    profile: str
    good: Mapping[str, float]
    scenes: Sequence[Scene]
    trembles: Mapping[str, float] = field(default_factory=dict)
    pace: int = 1
    parent: str = ""

    def spec(self, key: str) -> PointSpec:
        name = key.removeprefix(_PARENT)
        return PROFILES[self.profile if name == key else self.parent].points[name]


def play(book: Book) -> list[set[Told]]:
    """What the library's rules tell in each scene."""
    entries = [_entry(book.profile, number) for number in range(len(book.scenes))]
    parents = {}
    if book.parent:
        parents = {one.equipment_id: _entry(book.parent, number, over=one) for number, one in enumerate(entries)}
        entries = [replace(one, parent_id=parents[one.equipment_id].equipment_id) for one in entries]
    place = {entry.equipment_id: number for number, entry in enumerate(entries)}
    numbers = [_numbers(one, parents.get(one.equipment_id)) for one in entries]
    told: list[set[Told]] = [set() for _ in book.scenes]
    for life_safety in (False, True):
        rules = RuleSet.of(_compiled(book.profile), entries, life_safety=life_safety, around=parents.values())
        judge = Judge(rules, on_failure=_fail)
        judge.remember(_before(book, numbers, reach_ms=judge.rules.longest_window_ms))
        batch = _joined([_said(book, scene, known) for scene, known in zip(book.scenes, numbers, strict=True)])
        found = judge.judge(batch, now_ms=MIDNIGHT_MS).detections
        for number, scene in enumerate(book.scenes):
            end_ms = _start_ms(scene) + scene.end_ms()
            among = np.array([place[key] == number for _, key in judge.rules.pair_keys], np.bool_)
            found += judge.tick(now_ms=end_ms, settled_ms=end_ms, among=among)
        for detection in found:
            number = place[detection.equipment_id]
            since_ms = detection.at_ms - _start_ms(book.scenes[number])
            told[number].add((detection.source_id, detection.active, since_ms))
    return told


def judge_of(rule: str) -> tuple[Judge, EquipmentEntry]:
    """A judge of one rule and one equipment."""
    definition = RULES[rule]
    profile = definition.profile or next(key for key, one in PROFILES.items() if one.kind == definition.kind)
    entry = _entry(profile, 0)
    points = PointList.of(PROFILES[profile].points.values())
    compiled = compile_rule(definition.to_rule(), points, ANYWHERE[definition.life_safety])
    return Judge(RuleSet.of([compiled], [entry], life_safety=definition.life_safety), on_failure=_fail), entry


# --- what is judged ------------------------------------------------------------------------------------------------


@cache
def _compiled(profile: str) -> tuple[CompiledRule, ...]:
    """The library's conditions for a profile; silence is tried elsewhere, by the hub's clock."""
    points = PointList.of(PROFILES[profile].points.values())
    return tuple(
        compile_rule(definition.to_rule(), points, ANYWHERE[definition.life_safety])
        for definition in RULES.values()
        if definition.missing is None and fits(definition.key, profile)
    )


@cache
def fits(rule: str, profile: str) -> bool:
    """Whether a rule of the library is for devices with that profile."""
    definition = RULES[rule]
    if definition.profile is not None:
        return definition.profile == profile
    names = {point.key for point in PROFILES[profile].points.values()}
    return definition.kind == PROFILES[profile].kind and set(_points_of(rule)) <= names


def _points_of(rule: str) -> tuple[str, ...]:
    every = [point for profile in PROFILES.values() for point in profile.points.values()]
    return compile_rule(RULES[rule].to_rule(), PointList.of(every), ANYWHERE[RULES[rule].life_safety]).own_points


def _entry(profile_key: str, number: int, *, over: EquipmentEntry | None = None) -> EquipmentEntry:
    """`over`: the equipment that it is the parent of."""
    profile, first = PROFILES[profile_key], 1 if over is None else 51
    assert len(profile.points) <= 50
    points = {
        spec.key: PointEntry(
            first + number * 100 + place,
            spec.key,
            spec.kind,
            spec.unit,
            spec.low,
            spec.high,
            spec.reporting,
            spec.life_safety,
        )
        for place, spec in enumerate(profile.points.values())
    }
    return EquipmentEntry(
        UUID(int=first + number * 100), UUID(int=1), "test", f"X-{number}-{first}", "X", profile.kind, profile.key,
        profile.protocol, f"X-{number}", {}, 1, None, None, True, points,
    )  # fmt: skip


def _fail(_rule: CompiledRule, error: Exception) -> None:
    raise error


# --- what is said --------------------------------------------------------------------------------------------------


def _numbers(entry: EquipmentEntry, parent: EquipmentEntry | None) -> Numbers:
    own = {key: point.point_no for key, point in entry.points.items()}
    theirs = {} if parent is None else {_PARENT + key: point.point_no for key, point in parent.points.items()}
    return own | theirs


def _said(book: Book, scene: Scene, numbers: Numbers) -> ReadingBatch:
    return _joined(_points_said(book, scene, numbers))


def _points_said(book: Book, scene: Scene, numbers: Numbers) -> Iterable[ReadingBatch]:
    times = sorted(((_ms(at), values) for at, values in scene.changes.items()), key=lambda turn: turn[0])
    end_ms = scene.end_ms()
    for key, good in book.good.items():
        turns = [(0, scene.before.get(key, good))] + [(at, values[key]) for at, values in times if key in values]
        spec = book.spec(key)
        at_ms = np.unique(np.concatenate([_grid(book, spec, 0, end_ms), _own_instants(spec, turns)]))
        since = np.searchsorted([at for at, _ in turns], at_ms, side="right") - 1
        values = np.array([value for _, value in turns], np.float64)[since] + _tremble(book, scene, key, at_ms)
        yield _readings(numbers[key], _start_ms(scene) + at_ms, values)


def _before(book: Book, every: Sequence[Numbers], *, reach_ms: int) -> ReadingBatch:
    """What was said before the scenes begin, for as long as any rule looks back."""
    parts = []
    for scene, numbers in zip(book.scenes, every, strict=True):
        for key, good in book.good.items():
            at_ms = _grid(book, book.spec(key), -reach_ms - 3_600_000, -1)
            values = scene.before.get(key, good) + _tremble(book, scene, key, at_ms)
            parts.append(_readings(numbers[key], _start_ms(scene) + at_ms, values))
    return _joined(parts)


def _grid(book: Book, spec: PointSpec, first_ms: int, last_ms: int) -> npt.NDArray[np.int64]:
    is_periodic = spec.reporting.mode is ReportingMode.PERIODIC
    step_ms = int(spec.reporting.interval_s * 1000 * (book.pace if is_periodic else _REPEATS))
    return np.arange(-(-first_ms // step_ms), last_ms // step_ms + 1, dtype=np.int64) * step_ms


def _own_instants(spec: PointSpec, turns: Sequence[tuple[int, float]]) -> npt.NDArray[np.int64]:
    if spec.reporting.mode is ReportingMode.PERIODIC:
        return np.empty(0, np.int64)  # a change shows with the next report
    return np.array([0] + [at for (_, old), (at, new) in pairwise(turns) if old != new], np.int64)


def _tremble(book: Book, scene: Scene, key: str, at_ms: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    by = 0.0 if key in scene.still else book.trembles.get(key, 0.0)
    interval_ms = int(book.spec(key).reporting.interval_s * 1000 * book.pace)
    return np.asarray(by * (at_ms // interval_ms % 2), np.float64)


def _readings(
    point_no: int, ts_ms: npt.NDArray[np.int64], values: npt.NDArray[np.float64] | np.float64 | float
) -> ReadingBatch:
    count = len(ts_ms)
    return ReadingBatch(
        np.full(count, point_no, np.int32),
        ts_ms,
        np.broadcast_to(np.asarray(values, np.float64), (count,)),
        np.full(count, Quality.OK, np.uint8),
    )


def _joined(parts: Iterable[ReadingBatch]) -> ReadingBatch:
    """In order of time; what an equipment says at one instant stands together."""
    each = list(parts)
    columns = [np.concatenate([getattr(part, name) for part in each]) for name in ReadingBatch.__slots__]
    order = np.lexsort((columns[0], columns[1]))
    return ReadingBatch(*(column[order] for column in columns))


def _start_ms(scene: Scene) -> int:
    return MIDNIGHT_MS + _ms(scene.begins)


def _ms(text: str) -> int:
    return 0 if text == "0s" else parse_duration_ms(text)
