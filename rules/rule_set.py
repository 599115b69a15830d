"""Rules laid out over the equipment of a partition: one row a (rule, equipment) pair, in arrays.

Pairs of one rule lie side by side, so that a rule is run once for all its touched equipment. Immutable: changed rules
or a changed catalog make a new RuleSet, and `rules.judge` carries the state over.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from uuid import UUID

import numpy as np
import numpy.typing as npt

from building.point import Reporting, ReportingMode
from catalog.directory import EquipmentEntry, PointEntry
from rules.copies import Copies
from rules.history import Kept
from rules.rule import CompiledRule, Rule
from rules.surroundings import Binder, LeftOut, Neighbours
from rules.tree import Function, Point
from rules.windows import ScheduleTerm

Ints = npt.NDArray[np.int64]
Rows = npt.NDArray[np.int32]

# A periodic point may miss this many readings before its silence is a gap.
MISSED_INTERVALS = 3.0
PairKey = tuple[str, UUID]
# Whose clock it is: an equipment's, or that of a pair which looks at several equipments.
PlaceKey = UUID | PairKey


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

    A place is what is judged by one clock: an equipment (`places` begins with them; `equipment_of_…` are places). A
    pair that looks at several equipments has a place of its own, as if it were an equipment with just the points it
    names: so their readings are judged in one order, and nobody else waits for that. The points there are `copies`;
    the first `own_slots` are the points themselves. `left_out` are pairs that cannot be judged.
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
    places: tuple[PlaceKey, ...]
    own_slots: int
    copies: Copies | None
    left_out: tuple[LeftOut, ...]

    @classmethod
    def of(
        cls,
        rules: Sequence[CompiledRule],
        entries: Iterable[EquipmentEntry],
        *,
        life_safety: bool,
        around: Iterable[EquipmentEntry] = (),
    ) -> "RuleSet":
        """Lays out those of `rules` that belong to the line, over the entries that are in service; a level of a rule as
        a rule of its own. `around` is where rules find other equipment that they name, beside the entries; it is looked
        at, not judged."""
        ours = [rule for rule in rules if rule.rule.life_safety is life_safety]
        every = list(entries)
        judged = [entry for entry in every if entry.in_service]
        named = [rule for rule in ours if rule.elsewhere]
        neighbours = Neighbours.of([*around, *every]) if named else Neighbours()
        ids = {entry.equipment_id for entry in judged} if named else set()
        looked_at = {
            other.equipment_id: other
            for rule in named
            for entry in judged
            if is_for(rule.rule, entry)
            for other in neighbours.named_by(rule, entry)
            if other.equipment_id not in ids and other.in_service and other.partition == entry.partition
        }
        layout = _Layout(judged, list(looked_at.values()), neighbours, life_safety=life_safety)
        binders = {rule.rule.key: Binder.of(rule, neighbours) for rule in named}
        levels = [(each, binders.get(rule.rule.key)) for rule in ours for each in rule.judged]
        for compiled, binder in sorted(levels, key=lambda one: one[0].rule.key):
            layout.add(compiled, binder)
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
    def longest_need_apart_ms(self) -> int:
        """`longest_need_ms` of pairs that look at several equipments."""
        needs = np.maximum(self.need_ms, self.clear_need_ms)[~self.is_missing & ~self._is_at_home]
        return int(needs.max(initial=0))

    def needed_back(self, *, beyond_ms: int) -> tuple[Rows, Ints]:
        """The slots whose readings matter longer than that to a duration of their own equipment, and how far back what
        their equipment said matters: the duration, and the value that holds at its beginning."""
        needs = np.where(self.is_missing | ~self._is_at_home, 0, np.maximum(self.need_ms, self.clear_need_ms))
        slot_of_link = np.repeat(np.arange(len(self.point_nos)), np.diff(self.pair_starts))
        need_ms = np.zeros(len(self.point_nos), np.int64)
        np.maximum.at(need_ms, slot_of_link, needs[self.pairs_by_slot])
        slots = np.flatnonzero(need_ms > beyond_ms).astype(np.int32)
        reach_ms = np.zeros(len(self.places), np.int64)
        np.maximum.at(reach_ms, self.equipment_of_slot[slots], need_ms[slots] + self.hold_ms[slots])
        return slots, reach_ms[self.equipment_of_slot[slots]]

    @property
    def longest_window_ms(self) -> int:
        """How far functions over time look back: the window, and the value that holds at its beginning."""
        return int((self.kept.window_ms + self.kept.hold_ms).max(initial=0))

    @cached_property
    def is_watched(self) -> npt.NDArray[np.bool_]:
        """The slots that some rule looks at, and those that are looked at elsewhere."""
        watched: npt.NDArray[np.bool_] = self.pair_starts[1:] > self.pair_starts[:-1]
        return watched if self.copies is None else watched | self.copies.are_of

    @property
    def _is_at_home(self) -> npt.NDArray[np.bool_]:
        """The pairs that look at their own equipment alone."""
        at_home: npt.NDArray[np.bool_] = self.equipment_of_pair < len(self.equipment)
        return at_home

    @property
    def own_point_nos(self) -> Ints:
        """Every point once."""
        return self.point_nos[: self.own_slots]

    def spread(
        self, slots: Rows, ts_ms: Ints, value: npt.NDArray[np.float64]
    ) -> tuple[Rows, Ints, npt.NDArray[np.float64]]:
        """Readings with their copies, in columns of equal length. All of `slots` are points themselves."""
        if self.copies is None:
            return slots, ts_ms, value
        of, copied = self.copies.of(slots)
        return (
            np.concatenate([slots, copied]), np.concatenate([ts_ms, ts_ms[of]]), np.concatenate([value, value[of]]),
        )  # fmt: skip

    def history_floor_ms(self, seen_ms: Ints) -> Ints:
        """Of each kept point the instant before which nobody will look, given what was seen of the slots."""
        floor_ms = seen_ms[self.kept.slot]
        if self.copies is not None:
            tracks = self.kept.track_of_slot[self.own_slots :]
            kept = tracks >= 0
            np.minimum.at(floor_ms, tracks[kept], seen_ms[self.own_slots :][kept])
        return floor_ms

    def slots_in(self, other: "RuleSet") -> Rows:
        """The slot of each of ours in another layout, -1 where that has none."""
        slots = other.slots_of(self.point_nos.astype(np.int32))
        slots[self.own_slots :] = -1
        if self.copies is not None and other.copies is not None:
            theirs = other.copy_names
            for name, slot in self.copy_names.items():
                slots[slot] = theirs.get(name, -1)
        return slots

    @cached_property
    def copy_names(self) -> Mapping[tuple[PairKey, str, int], int]:
        """(pair, name in its rule, point) → slot."""
        return {
            ((group.compiled.rule.key, entry.equipment_id), name, int(self.point_nos[slot])): slot
            for group in self.groups
            if group.compiled.elsewhere
            for name, slots in zip(group.compiled.points, group.slots.tolist(), strict=True)
            for entry, slot in zip(group.equipment, slots, strict=True)
        }

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

    def __init__(
        self,
        judged: Sequence[EquipmentEntry],
        looked_at: Sequence[EquipmentEntry],
        neighbours: Neighbours,
        *,
        life_safety: bool,
    ) -> None:
        self.life_safety = life_safety
        self.judged = judged
        self.neighbours = neighbours
        self.equipment = (*judged, *looked_at)
        self.points: list[tuple[int, PointEntry]] = [
            (place, point)
            for place, entry in enumerate(self.equipment)
            for point in entry.points.values()
            if point.life_safety is life_safety
        ]
        self.slot = {point.point_no: slot for slot, (_, point) in enumerate(self.points)}
        self.own_slots = len(self.points)
        self.place_keys: list[PlaceKey] = [entry.equipment_id for entry in self.equipment]
        self.copied: list[int] = []  # the slot itself of each copy
        self.left_out: list[LeftOut] = []
        self.groups: list[RuleGroup] = []
        self.places: list[Rows] = []
        self.pair_keys: list[PairKey] = []
        self.links: list[tuple[Ints, Ints]] = []  # (slot, pair)

    def add(self, compiled: CompiledRule, binder: Binder | None = None) -> None:
        places = [place for place, entry in enumerate(self.judged) if self._fits(compiled, entry)]
        if binder is not None:
            places = self._bound(compiled, binder, places)
        if not places:
            return
        entries = tuple(self.judged[place] for place in places)
        start, rule = len(self.pair_keys), compiled.rule
        stop = start + len(places)
        keys: list[PairKey] = [(rule.key, entry.equipment_id) for entry in entries]
        if binder is None:
            rows = [[self.slot[entry.points[name].point_no] for entry in entries] for name in compiled.points]
        else:
            places, rows = self._places_apart(compiled, entries, keys)
        slots = np.array(rows, np.int32).reshape(len(compiled.points), len(places))
        values = [[rule.parameter(name, entry.equipment_id) for entry in entries] for name in compiled.parameters]
        parameters = np.array(values, np.float64).reshape(len(compiled.parameters), len(places))
        zones = np.array([entry.timezone for entry in entries])
        self.groups.append(RuleGroup(compiled, start, stop, entries, slots, parameters, zones))
        self.places.append(np.array(places, np.int32))
        self.pair_keys += keys
        self._link(compiled, entries, start, slots)

    def _bound(self, compiled: CompiledRule, binder: Binder, places: Sequence[int]) -> list[int]:
        """Those where all that the rule names is there; the others are noted down."""
        refusals = [(place, binder.refusal(self.judged[place])) for place in places]
        key = compiled.rule.key
        self.left_out += [LeftOut(key, self.judged[place], refusal) for place, refusal in refusals if refusal]
        return [place for place, refusal in refusals if refusal is None]

    def _places_apart(
        self, compiled: CompiledRule, entries: Sequence[EquipmentEntry], keys: Sequence[PairKey]
    ) -> tuple[list[int], list[list[int]]]:
        """A place of its own for each pair, and the slots of what it names there."""
        first = len(self.place_keys)
        self.place_keys += keys
        places = list(range(first, first + len(entries)))
        of = {point.name: point for point in compiled.elsewhere}
        sides = list(zip(places, entries, strict=True))
        rows = [
            [self._copy(self._point(entry, of.get(name), name), place) for place, entry in sides]
            for name in compiled.points
        ]
        return places, rows

    def _point(self, entry: EquipmentEntry, elsewhere: Point | None, name: str) -> PointEntry:
        if elsewhere is None or elsewhere.of is None:
            return entry.points[name]
        found = self.neighbours.find(entry, elsewhere.of)
        assert found is not None  # the binder saw to it
        return found.points[elsewhere.key]

    def _copy(self, point: PointEntry, place: int) -> int:
        self.copied.append(self.slot[point.point_no])
        self.points.append((place, point))
        return len(self.points) - 1

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
        if not is_for(compiled.rule, entry):
            return False
        if not compiled.points:
            return any(point.point_no in self.slot for point in entry.points.values())
        return all(name in entry.points and entry.points[name].point_no in self.slot for name in compiled.own_points)

    def finished(self) -> RuleSet:
        rules = [(group.compiled.rule, group.stop - group.start) for group in self.groups]
        counts = [count for _, count in rules]
        missing = [rule.missing_ms for rule, _ in rules]
        every = np.array([point.point_no for _, point in self.points], np.int64)
        numbers = every[: self.own_slots]
        first = int(numbers.min()) if len(numbers) else 0
        slot_by_point = np.full(int(numbers.max()) - first + 1 if len(numbers) else 0, -1, np.int32)
        slot_by_point[numbers - first] = np.arange(len(numbers), dtype=np.int32)
        pair_starts, pairs_by_slot = self._pairs_by_slot()
        return RuleSet(
            life_safety=self.life_safety,
            equipment=self.equipment,
            groups=tuple(self.groups),
            group_bounds=np.array([group.start for group in self.groups] + [len(self.pair_keys)], np.int64),
            point_nos=every,
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
            places=tuple(self.place_keys),
            own_slots=self.own_slots,
            copies=Copies.laid_out(self.copied, first=self.own_slots, slots=len(every)) if self.copied else None,
            left_out=tuple(self.left_out),
        )

    def _kept(self) -> Kept:
        windows: dict[int, int] = {}
        originals = np.array([*range(self.own_slots), *self.copied], np.int64)
        for group in self.groups:
            for term in group.compiled.terms:
                if isinstance(term, ScheduleTerm) or term.signal.function is Function.AGE:
                    continue
                for slot in originals[group.slots[term.row]].tolist():
                    windows[slot] = max(windows.get(slot, 0), term.signal.window_ms)
        slots = sorted(windows)
        points = [self.points[slot][1] for slot in slots]
        track_of_slot = np.full(len(self.points), -1, np.int32)
        track_of_slot[slots] = np.arange(len(slots))
        track_of_slot = track_of_slot[originals]  # what was said is kept once, whoever looks back at it
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


def is_for(rule: Rule, entry: EquipmentEntry) -> bool:
    """Whether a rule is meant for an equipment; whether that has the points is another matter."""
    return (
        rule.profile in (None, entry.profile_key)
        and rule.kind in (None, entry.kind)
        and rule.site_id in (None, entry.site_id)
        and (not rule.equipment or entry.equipment_id in rule.equipment)
    )


def hold_ms(reporting: Reporting) -> int:
    """How long a reading stands for its point: a few intervals of a periodic one, the longest hold of the other."""
    factor = MISSED_INTERVALS if reporting.mode is ReportingMode.PERIODIC else 1.0
    return int(reporting.interval_s * factor * 1000)


def _reach_ms(reporting: Reporting) -> int:
    return hold_ms(reporting) if reporting.mode is ReportingMode.PERIODIC else 0
