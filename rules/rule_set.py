"""Rules laid out over the equipment of a partition: one row a (rule, equipment) pair, in arrays.

Pairs of one rule lie side by side, so that a rule is run once for all its touched equipment. Immutable: changed rules
or a changed catalog make a new RuleSet, and `rules.judge` carries the state over.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

import numpy as np
import numpy.typing as npt

from building.point import Reporting, ReportingMode
from catalog.directory import EquipmentEntry, PointEntry
from rules.history import Kept
from rules.rule import CompiledRule
from rules.tree import Function
from rules.windows import ScheduleTerm

Ints = npt.NDArray[np.int64]
Rows = npt.NDArray[np.int32]

# A periodic point may miss this many readings before its silence is a gap.
MISSED_INTERVALS = 3.0
PairKey = tuple[str, UUID]


@dataclass(frozen=True, eq=False)
class RuleGroup:
    """One rule and its equipment: rows `start` … `stop` of the state arrays.

    `slots` (points, pairs) and `parameters` (parameters, pairs) have the columns of a Frame; `zones` (pairs) are
    the time zones of the equipment's sites.
    """

    compiled: CompiledRule
    start: int
    stop: int
    equipment: tuple[EquipmentEntry, ...]
    slots: Rows
    parameters: npt.NDArray[np.float64]
    zones: npt.NDArray[np.str_]


@dataclass(frozen=True, eq=False)
class RuleSet:
    """What one judge judges: the points of one line (life safety or not) of its equipment, and the rules over them.

    A slot is a point's place in the arrays. `pair_starts[slot]` … `pair_starts[slot + 1]` is where its pairs are found
    in `pairs_by_slot`. `hold_ms` is how long a slot's value holds, `reach_ms` how long a periodic one may be silent
    (else 0); `need_ms` and `clear_need_ms` belong to pairs. `is_timed` are pairs whose condition may turn by the
    passing of time alone, `kept` the points that functions over time look back at.
    """

    life_safety: bool
    equipment: tuple[EquipmentEntry, ...]
    groups: tuple[RuleGroup, ...]
    group_bounds: Ints
    point_nos: Ints
    first_point_no: int
    slot_by_point: Rows
    equipment_of_slot: Rows
    hold_ms: Ints
    reach_ms: Ints
    pair_starts: Ints
    pairs_by_slot: Rows
    equipment_of_pair: Rows
    need_ms: Ints
    clear_need_ms: Ints
    is_missing: npt.NDArray[np.bool_]
    is_timed: npt.NDArray[np.bool_]
    kept: Kept
    pair_keys: tuple[PairKey, ...]

    @classmethod
    def of(cls, rules: Sequence[CompiledRule], entries: Iterable[EquipmentEntry], *, life_safety: bool) -> "RuleSet":
        """Lays out those of `rules` that belong to the line, over the entries that are in service; a level of a rule as
        a rule of its own."""
        layout = _Layout(entries, life_safety=life_safety)
        for compiled in sorted((each for rule in rules for each in rule.judged), key=lambda c: c.rule.key):
            if compiled.rule.life_safety is life_safety:
                layout.add(compiled)
        return layout.finished()

    @property
    def pairs(self) -> int:
        return len(self.pair_keys)

    @property
    def longest_need_ms(self) -> int:
        """How far back readings may matter to a duration under way; the silence of missing-data rules aside."""
        needs = np.maximum(self.need_ms, self.clear_need_ms)[~self.is_missing]
        return int(needs.max(initial=0))

    @property
    def longest_window_ms(self) -> int:
        """How far functions over time look back: the window, and the value that holds at its beginning."""
        return int((self.kept.window_ms + self.kept.hold_ms).max(initial=0))

    def slots_of(self, point_no: npt.NDArray[np.int32]) -> Rows:
        """The slot of each point, -1 for points that are not judged here."""
        place = point_no.astype(np.int64) - self.first_point_no
        inside = (place >= 0) & (place < len(self.slot_by_point))
        slots = np.full(len(point_no), -1, np.int32)
        slots[inside] = self.slot_by_point[place[inside]]
        return slots

    def pairs_touched(self, slots: Rows) -> Ints:
        """The pairs that look at any of these slots, each once, ascending."""
        starts = self.pair_starts[slots]
        counts = self.pair_starts[slots + 1] - starts
        total = int(counts.sum())
        if not total:
            return np.empty(0, np.int64)
        within = np.arange(total) - np.repeat(np.cumsum(counts) - counts, counts)
        pairs = np.sort(self.pairs_by_slot[np.repeat(starts, counts) + within])
        is_first = np.empty(total, np.bool_)
        is_first[0] = True
        np.not_equal(pairs[1:], pairs[:-1], out=is_first[1:])
        return pairs[is_first].astype(np.int64)


class _Layout:
    """Collects rows while a RuleSet is laid out."""

    def __init__(self, entries: Iterable[EquipmentEntry], *, life_safety: bool) -> None:
        self.life_safety = life_safety
        self.equipment = tuple(entry for entry in entries if entry.in_service)
        self.points: list[tuple[int, PointEntry]] = [
            (place, point)
            for place, entry in enumerate(self.equipment)
            for point in entry.points.values()
            if point.life_safety is life_safety
        ]
        self.slot = {point.point_no: slot for slot, (_, point) in enumerate(self.points)}
        self.groups: list[RuleGroup] = []
        self.places: list[Rows] = []
        self.pair_keys: list[PairKey] = []
        self.links: list[tuple[Ints, Ints]] = []  # (slot, pair)

    def add(self, compiled: CompiledRule) -> None:
        places = [place for place, entry in enumerate(self.equipment) if self._fits(compiled, entry)]
        if not places:
            return
        entries = tuple(self.equipment[place] for place in places)
        start, rule = len(self.pair_keys), compiled.rule
        stop = start + len(places)
        slots = np.array(
            [[self.slot[entry.points[name].point_no] for entry in entries] for name in compiled.points], np.int32
        ).reshape(len(compiled.points), len(places))
        values = [[rule.parameter(name, entry.equipment_id) for entry in entries] for name in compiled.parameters]
        parameters = np.array(values, np.float64).reshape(len(compiled.parameters), len(places))
        zones = np.array([entry.timezone for entry in entries])
        self.groups.append(RuleGroup(compiled, start, stop, entries, slots, parameters, zones))
        self.places.append(np.array(places, np.int32))
        self.pair_keys += [(rule.key, entry.equipment_id) for entry in entries]
        self._link(compiled, entries, start, slots)

    def _link(self, compiled: CompiledRule, entries: tuple[EquipmentEntry, ...], start: int, slots: Rows) -> None:
        pairs = np.arange(start, start + len(entries))
        if compiled.points:
            self.links += [(row.astype(np.int64), pairs) for row in slots]
            return
        # A missing-data rule without named points looks at everything its equipment says.
        every = [
            (self.slot[point.point_no], start + column)
            for column, entry in enumerate(entries)
            for point in entry.points.values()
            if point.point_no in self.slot
        ]
        self.links.append((np.array([s for s, _ in every], np.int64), np.array([p for _, p in every], np.int64)))

    def _fits(self, compiled: CompiledRule, entry: EquipmentEntry) -> bool:
        rule = compiled.rule
        if rule.profile is not None and entry.profile_key != rule.profile:
            return False
        if rule.kind is not None and entry.kind != rule.kind:
            return False
        if rule.site_id is not None and entry.site_id != rule.site_id:
            return False
        if rule.equipment and entry.equipment_id not in rule.equipment:
            return False
        if not compiled.points:
            return any(point.point_no in self.slot for point in entry.points.values())
        return all(name in entry.points and entry.points[name].point_no in self.slot for name in compiled.points)

    def finished(self) -> RuleSet:
        rules = [(group.compiled.rule, group.stop - group.start) for group in self.groups]
        counts = [count for _, count in rules]
        missing = [rule.missing_ms for rule, _ in rules]
        numbers = np.array([point.point_no for _, point in self.points], np.int64)
        first = int(numbers.min()) if len(numbers) else 0
        slot_by_point = np.full(int(numbers.max()) - first + 1 if len(numbers) else 0, -1, np.int32)
        slot_by_point[numbers - first] = np.arange(len(numbers), dtype=np.int32)
        pair_starts, pairs_by_slot = self._pairs_by_slot()
        return RuleSet(
            life_safety=self.life_safety,
            equipment=self.equipment,
            groups=tuple(self.groups),
            group_bounds=np.array([group.start for group in self.groups] + [len(self.pair_keys)], np.int64),
            point_nos=numbers,
            first_point_no=first,
            slot_by_point=slot_by_point,
            equipment_of_slot=np.array([place for place, _ in self.points], np.int32),
            hold_ms=np.array([hold_ms(point.reporting) for _, point in self.points], np.int64),
            reach_ms=np.array([_reach_ms(point.reporting) for _, point in self.points], np.int64),
            pair_starts=pair_starts,
            pairs_by_slot=pairs_by_slot,
            equipment_of_pair=np.concatenate(self.places) if self.places else np.empty(0, np.int32),
            need_ms=np.repeat(
                np.array([rule.missing_ms if rule.when is None else rule.for_ms for rule, _ in rules], np.int64), counts
            ),
            clear_need_ms=np.repeat(np.array([rule.clear_for_ms for rule, _ in rules], np.int64), counts),
            is_missing=np.repeat(np.array([ms is not None for ms in missing], np.bool_), counts),
            is_timed=np.repeat(np.array([bool(group.compiled.terms) for group in self.groups], np.bool_), counts),
            kept=self._kept(),
            pair_keys=tuple(self.pair_keys),
        )

    def _kept(self) -> Kept:
        windows: dict[int, int] = {}
        for group in self.groups:
            for term in group.compiled.terms:
                if isinstance(term, ScheduleTerm) or term.signal.function is Function.AGE:
                    continue
                for slot in group.slots[term.row].tolist():
                    windows[slot] = max(windows.get(slot, 0), term.signal.window_ms)
        slots = sorted(windows)
        points = [self.points[slot][1] for slot in slots]
        track_of_slot = np.full(len(self.points), -1, np.int32)
        track_of_slot[slots] = np.arange(len(slots))
        return Kept(
            track_of_slot=track_of_slot,
            slot=np.array(slots, np.int32),
            point_no=np.array([point.point_no for point in points], np.int64),
            window_ms=np.array([windows[slot] for slot in slots], np.int64),
            hold_ms=np.array([hold_ms(point.reporting) for point in points], np.int64),
            is_periodic=np.array([point.reporting.mode is ReportingMode.PERIODIC for point in points], np.bool_),
        )

    def _pairs_by_slot(self) -> tuple[Ints, Rows]:
        nothing = np.empty(0, np.int64)
        slots = np.concatenate([nothing, *(slots for slots, _ in self.links)])
        pairs = np.concatenate([nothing, *(pairs for _, pairs in self.links)])
        order = np.argsort(slots, kind="stable")
        starts = np.searchsorted(slots[order], np.arange(len(self.points) + 1))
        return starts.astype(np.int64), pairs[order].astype(np.int32)


def hold_ms(reporting: Reporting) -> int:
    """How long a reading stands for its point: a few intervals of a periodic one, the longest hold of the other."""
    factor = MISSED_INTERVALS if reporting.mode is ReportingMode.PERIODIC else 1.0
    return int(reporting.interval_s * factor * 1000)


def _reach_ms(reporting: Reporting) -> int:
    return hold_ms(reporting) if reporting.mode is ReportingMode.PERIODIC else 0
