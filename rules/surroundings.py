"""Other equipment that rules name: the parent, or one of the same site by its code.

What one equipment is called depends on who asks, so a rule that names others is looked at for every equipment it is
for. Where what it names is not there, or not judged by the same judge, that pair is left out, and it is said why.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from uuid import UUID

from building.point import Reporting
from catalog.directory import EquipmentEntry, PointEntry
from kit.errors import DomainError
from rules import errors
from rules.language import nearest_of
from rules.rule import CompiledRule, KnownPoint, PointList, check_conditions
from rules.tree import Another, Point
from rules.vocabulary import Vocabulary


@dataclass(frozen=True)
class Neighbours:
    """Equipment by what a rule may call it: `by_code` of a site, and by the id that a child knows its parent by."""

    by_id: Mapping[UUID, EquipmentEntry] = field(default_factory=dict)
    by_code: Mapping[tuple[UUID, str], EquipmentEntry] = field(default_factory=dict)

    @classmethod
    def of(cls, entries: Iterable[EquipmentEntry]) -> "Neighbours":
        every = list(entries)
        return cls({one.equipment_id: one for one in every}, {(one.site_id, one.code): one for one in every})

    def find(self, entry: EquipmentEntry, another: Another) -> EquipmentEntry | None:
        if another.code is not None:
            return self.by_code.get((entry.site_id, another.code))
        return None if entry.parent_id is None else self.by_id.get(entry.parent_id)

    def named_by(self, rule: CompiledRule, entry: EquipmentEntry) -> list[EquipmentEntry]:
        """What the rule names on that equipment, as far as it is there."""
        found = (self.find(entry, point.of) for point in rule.elsewhere if point.of is not None)
        return list({one.equipment_id: one for one in found if one is not None}.values())

    def points_named_by(self, rule: CompiledRule, entry: EquipmentEntry) -> tuple[PointEntry, ...]:
        """The points of others that the rule looks at on that equipment, as far as they are there."""
        found = ((point.key, self.find(entry, point.of)) for point in rule.elsewhere if point.of is not None)
        return tuple(one.points[key] for key, one in found if one is not None and key in one.points)


@dataclass(frozen=True)
class Around:
    """What stands around one equipment."""

    entry: EquipmentEntry
    neighbours: Neighbours
    life_safety: bool

    def words_of(self, another: Another, *, column: int) -> Vocabulary:
        """Raises NoParent, UnknownOther, OtherInAnotherBuilding, OtherOutOfService."""
        found = self.neighbours.find(self.entry, another)
        if found is None:
            raise self._missing(another, column)
        if found.partition != self.entry.partition:
            raise errors.OtherInAnotherBuilding(column, of=str(another), equipment=self.entry.code, other=found.code)
        if not found.in_service:
            raise errors.OtherOutOfService(of=str(another), other=found.code)
        return PointList.of(found.points.values()).vocabulary(parameters=(), life_safety=self.life_safety)

    def _missing(self, another: Another, column: int) -> errors.ExpressionError:
        if another.code is None:
            return errors.NoParent(column)
        here = [
            code
            for (site_id, code), one in self.neighbours.by_code.items()
            if site_id == self.entry.site_id and one.partition == self.entry.partition
        ]
        return errors.UnknownOther(column, other=another.code, known=", ".join(nearest_of(another.code, here)))


@dataclass(frozen=True)
class Anywhere:
    """For a text whose equipment is not known yet: every point that any device has. `codes` are those that equipment
    has; None: it may have any."""

    words: Vocabulary
    codes: Collection[str] | None = None

    @classmethod
    def of(cls, devices: Iterable[Iterable[KnownPoint]], *, life_safety: bool) -> "Anywhere":
        """Of a key that devices have in several units, or report in several ways, neither is known."""
        every = [point for points in devices for point in points]
        units: dict[str, set[str]] = defaultdict(set)
        reporting: dict[str, set[Reporting]] = defaultdict(set)
        for point in every:
            units[point.key].add(point.unit)
            reporting[point.key].add(point.reporting)
        points = PointList(
            frozenset(point.key for point in every if not point.life_safety),
            frozenset(point.key for point in every if point.life_safety),
            {key: next(iter(some)) for key, some in units.items() if len(some) == 1},
            {key: next(iter(some)) for key, some in reporting.items() if len(some) == 1},
        )
        return cls(points.vocabulary(parameters=(), life_safety=life_safety))

    def words_of(self, another: Another, *, column: int) -> Vocabulary:
        """Raises UnknownOther."""
        if another.code is None or self.codes is None or another.code in self.codes:
            return self.words
        raise errors.UnknownOther(column, other=another.code, known=", ".join(nearest_of(another.code, self.codes)))


@dataclass(frozen=True)
class LeftOut:
    """A pair that is not judged, and why."""

    rule_key: str
    equipment: EquipmentEntry
    refusal: DomainError


# Whether a text fits the points and surroundings of one equipment; raises a DomainError.
Check = Callable[[PointList, Around], object]


class Binder:
    """Finds what one text names on each equipment. Equipment with the same surroundings is looked at once."""

    def __init__(self, elsewhere: Sequence[Point], neighbours: Neighbours, check: Check, *, life_safety: bool) -> None:
        self._elsewhere = elsewhere
        self._neighbours = neighbours
        self._check = check
        self._life_safety = life_safety
        self._known: dict[object, DomainError | None] = {}

    @classmethod
    def of(cls, rule: CompiledRule, neighbours: Neighbours) -> "Binder":
        check = partial(check_conditions, rule.rule)
        return cls(rule.elsewhere, neighbours, check, life_safety=rule.rule.life_safety)

    def refusal(self, entry: EquipmentEntry) -> DomainError | None:
        """Why it cannot be judged there; None: it can."""
        alike = self._likeness(entry)
        if alike not in self._known:
            self._known[alike] = self._refusal(entry)
        return self._known[alike]

    def _refusal(self, entry: EquipmentEntry) -> DomainError | None:
        try:
            self._check(PointList.of(entry.points.values()), Around(entry, self._neighbours, self._life_safety))
        except DomainError as error:
            return error
        return None

    def _likeness(self, entry: EquipmentEntry) -> object:
        """All that a refusal depends on, and what it names."""
        return entry.profile_key, *(self._look_of(entry, point) for point in self._elsewhere)

    def _look_of(self, entry: EquipmentEntry, point: Point) -> object:
        assert point.of is not None
        found = self._neighbours.find(entry, point.of)
        if found is None:
            return None if point.of.code is None else (entry.site_id, entry.partition)
        if found.partition != entry.partition:
            return entry.equipment_id
        known = found.points.get(point.key)
        if known is None or not found.in_service:
            return found.equipment_id
        return known.unit, known.reporting, known.life_safety
