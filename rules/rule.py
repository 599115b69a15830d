"""A rule: on which equipment, what is abnormal, for how long, and what it raises. And its compiled form."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from string import Formatter
from typing import Protocol
from uuid import UUID

from alarms.detection import LEVEL_MARK, OrderPolicy
from building.equipment import EquipmentKind
from building.point import Reporting
from building.severity import Severity
from rules import errors
from rules.forms import ActiveHours, Repeats, during, or_after, repeated
from rules.language import parse
from rules.program import Program, Rows, compile_condition
from rules.schedules import Schedule
from rules.tree import Condition, Point, walk
from rules.vocabulary import Surroundings, Vocabulary
from rules.windows import AgeLimit, ScheduleTerm, Term, age_limits_of, terms_of


@dataclass(frozen=True, kw_only=True)
class Level:
    """A worse degree of what a rule is about. Of one alarm with the others; `order` None: the order of the rule."""

    severity: Severity
    when: str
    clear: str | None = None
    for_ms: int = 0
    clear_for_ms: int = 0
    order: OrderPolicy | None = None


@dataclass(frozen=True, kw_only=True)
class Rule:
    """What people write. Applies to equipment with `profile`, or of `kind`; to `equipment` only, unless empty.

    Either `when` (with `clear`, `for_ms`, `clear_for_ms`) or `missing_ms` (with `missing_points`, empty: any point).
    Without `clear` the condition ends when `when` is known not to hold. `equipment_params` overrides `params`.
    `units` are those of parameters. `site_id` None: every site. `version` counts its changes. `levels` are worse than
    the rule itself, each of another severity; they are judged by themselves and make one alarm with it.
    With `repeats`, `when` says what must have come about so often; `active_hours` hold for levels too.
    """

    key: str
    name: Mapping[str, str]
    message: Mapping[str, str]
    severity: Severity
    fault_mode: str
    profile: str | None = None
    kind: EquipmentKind | None = None
    site_id: UUID | None = None
    equipment: frozenset[UUID] = frozenset()
    when: str | None = None
    clear: str | None = None
    for_ms: int = 0
    clear_for_ms: int = 0
    missing_ms: int | None = None
    missing_points: tuple[str, ...] = ()
    params: Mapping[str, float] = field(default_factory=dict)
    units: Mapping[str, str] = field(default_factory=dict)
    schedules: Mapping[str, Schedule] = field(default_factory=dict)
    equipment_params: Mapping[UUID, Mapping[str, float]] = field(default_factory=dict)
    life_safety: bool = False
    order: OrderPolicy | None = None
    levels: tuple[Level, ...] = ()
    repeats: Repeats | None = None
    active_hours: ActiveHours | None = None
    version: int = 1

    def of_level(self, level: Level) -> "Rule":
        """What is judged for one level."""
        return replace(
            self,
            key=f"{self.key}{LEVEL_MARK}{level.severity}",
            severity=level.severity,
            when=level.when,
            clear=level.clear,
            for_ms=level.for_ms,
            clear_for_ms=level.clear_for_ms,
            order=level.order or self.order,
            levels=(),
            repeats=None,
        )

    def parameter(self, name: str, equipment_id: UUID) -> float:
        return self.equipment_params.get(equipment_id, {}).get(name, self.params[name])


@dataclass(frozen=True)
class CompiledRule:
    """A rule ready to run. Both programs take the same Frame: rows as in `points`, `parameters` and `terms`.

    Each of `levels` is judged as a rule of its own, with the same points and parameters. `elsewhere` are those of
    `points` that are another equipment's.
    """

    rule: Rule
    points: tuple[str, ...]
    parameters: tuple[str, ...]
    when: Program | None
    clear: Program | None
    terms: tuple[Term | ScheduleTerm, ...] = ()
    age_limits: tuple[AgeLimit, ...] = ()
    levels: tuple["CompiledRule", ...] = ()
    elsewhere: tuple[Point, ...] = ()

    @property
    def own_points(self) -> tuple[str, ...]:
        if not self.elsewhere:
            return self.points
        named = {point.name for point in self.elsewhere}
        return tuple(name for name in self.points if name not in named)

    @property
    def judged(self) -> tuple["CompiledRule", ...]:
        """What is judged for it: itself and its levels."""
        return (self, *self.levels)


class KnownPoint(Protocol):
    """What a rule must know of a point, wherever it is written down."""

    @property
    def key(self) -> str: ...
    @property
    def unit(self) -> str: ...
    @property
    def reporting(self) -> Reporting: ...
    @property
    def life_safety(self) -> bool: ...


@dataclass(frozen=True)
class PointList:
    """The points that a kind of equipment has, by the line they come on; units and ways of reporting where known."""

    ordinary: frozenset[str]
    life_safety: frozenset[str]
    units: Mapping[str, str] = field(default_factory=dict)
    reporting: Mapping[str, Reporting] = field(default_factory=dict)

    @classmethod
    def of(cls, points: Iterable[KnownPoint]) -> "PointList":
        every = list(points)
        return cls(
            frozenset(point.key for point in every if not point.life_safety),
            frozenset(point.key for point in every if point.life_safety),
            {point.key: point.unit for point in every},
            {point.key: point.reporting for point in every},
        )

    def vocabulary(
        self,
        *,
        parameters: Iterable[str],
        life_safety: bool,
        units: Mapping[str, str] | None = None,
        schedules: Iterable[str] = (),
        around: Surroundings | None = None,
    ) -> Vocabulary:
        """`units` are those of parameters that have one; `around` is what other equipment there is."""
        ours, others = (self.life_safety, self.ordinary) if life_safety else (self.ordinary, self.life_safety)
        return Vocabulary(
            ours,
            frozenset(parameters),
            foreign=others,
            life_safety=life_safety,
            units={**self.units, **(units or {})},
            reporting=self.reporting,
            schedules=frozenset(schedules),
            around=around,
        )


def compile_rule(rule: Rule, points: PointList, around: Surroundings | None = None) -> CompiledRule:
    """Raises an ExpressionError, UnknownParameter or BadMessage, and what `around` does."""
    vocabulary = _vocabulary(rule, points, around)
    _check_parameters(rule)
    if rule.when is None:
        _check_missing_points(rule, vocabulary)
        _check_messages(rule, frozenset())
        return CompiledRule(rule, rule.missing_points, (), when=None, clear=None)
    every = [_read(each, vocabulary) for each in (rule, *(rule.of_level(level) for level in rule.levels))]
    # All of them have the points of all: the message of the alarm may name any.
    conditions = [condition for read in every for condition in read.conditions]
    rows, elsewhere = _rows_of(conditions), _elsewhere_in(conditions)
    _check_messages(rule, frozenset(rows.points) | frozenset(rows.parameters))
    itself, *levels = (replace(_ready(read, rows), elsewhere=elsewhere) for read in every)
    return replace(itself, levels=tuple(levels))


def check_conditions(rule: Rule, points: PointList, around: Surroundings) -> None:
    """Whether a compiled rule fits these points and surroundings too. Raises an ExpressionError, or what `around`
    does."""
    vocabulary = _vocabulary(rule, points, around)
    for each in (rule, *(rule.of_level(level) for level in rule.levels)):
        _read(each, vocabulary)


def _vocabulary(rule: Rule, points: PointList, around: Surroundings | None) -> Vocabulary:
    return points.vocabulary(
        parameters=rule.params, units=rule.units, schedules=rule.schedules, life_safety=rule.life_safety, around=around
    )


@dataclass(frozen=True)
class _Read:
    """A rule, or a level of it, with its conditions as trees."""

    rule: Rule
    when: Condition
    clear: Condition | None

    @property
    def conditions(self) -> list[Condition]:
        return [self.when] if self.clear is None else [self.when, self.clear]


def _read(rule: Rule, vocabulary: Vocabulary) -> _Read:
    assert rule.when is not None  # levels have one, and so has what has levels
    if rule.active_hours is not None and rule.active_hours.schedule not in rule.schedules:
        known = ", ".join(sorted(rule.schedules))
        raise errors.UnknownSchedule(1, name=rule.active_hours.schedule, known=known)
    when = parse(rule.when, vocabulary)
    if rule.repeats is not None:
        when = repeated(when, rule.repeats, vocabulary)
    clear = or_after(parse(rule.clear, vocabulary), rule.active_hours) if rule.clear is not None else None
    return _Read(rule, during(when, rule.active_hours), clear)


def _ready(read: _Read, shared: Rows) -> CompiledRule:
    rows = replace(shared, signals=_rows_of(read.conditions).signals)
    return CompiledRule(
        read.rule,
        rows.points,
        rows.parameters,
        when=compile_condition(read.when, rows),
        clear=compile_condition(read.clear, rows) if read.clear is not None else None,
        terms=terms_of(rows, read.rule.schedules),
        age_limits=age_limits_of(read.conditions, rows),
    )


def _elsewhere_in(conditions: Iterable[Condition]) -> tuple[Point, ...]:
    nodes = (node for condition in conditions for node in walk(condition))
    found = {node for node in nodes if isinstance(node, Point) and node.of is not None}
    return tuple(sorted(found, key=lambda point: point.name))


def _rows_of(conditions: Iterable[Condition]) -> Rows:
    """The rows of several conditions as one."""
    each = [Rows.of(condition) for condition in conditions]
    return Rows(
        tuple(sorted({name for rows in each for name in rows.points})),
        tuple(sorted({name for rows in each for name in rows.parameters})),
        tuple(sorted({signal for rows in each for signal in rows.signals}, key=repr)),
    )


def _check_parameters(rule: Rule) -> None:
    for values in rule.equipment_params.values():
        if unknown := set(values) - set(rule.params):
            raise errors.UnknownParameter(min(unknown), known=", ".join(sorted(rule.params)))
    if unknown := set(rule.units) - set(rule.params):
        raise errors.UnknownParameter(min(unknown), known=", ".join(sorted(rule.params)))


def _check_missing_points(rule: Rule, vocabulary: Vocabulary) -> None:
    for name in rule.missing_points:
        parse(name, vocabulary)


def _check_messages(rule: Rule, known: frozenset[str]) -> None:
    """Braces in a message hold a point or parameter of the condition, nothing else: no attributes, no formats."""
    for text in rule.message.values():
        try:
            fields = [(name, spec, conversion) for _, name, spec, conversion in Formatter().parse(text)]
        except ValueError:
            raise errors.BadMessage(text[:40], known=", ".join(sorted(known))) from None
        for name, spec, conversion in fields:
            if name is not None and (name not in known or spec or conversion):
                found = name + (f"!{conversion}" if conversion else "") + (f":{spec}" if spec else "")
                raise errors.BadMessage(found, known=", ".join(sorted(known)))
