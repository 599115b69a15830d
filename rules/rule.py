"""A rule: on which equipment, what is abnormal, for how long, and what it raises. And its compiled form."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from string import Formatter
from uuid import UUID

from alarms.detection import OrderPolicy
from building.equipment import EquipmentKind
from building.severity import Severity
from rules import errors
from rules.language import Parameter, Point, Vocabulary, parse
from rules.program import Program, compile_condition, names_of


@dataclass(frozen=True, kw_only=True)
class Rule:
    """What people write. Applies to equipment with `profile`, or of `kind`; to `equipment` only, unless empty.

    Either `when` (with `clear`, `for_ms`, `clear_for_ms`) or `missing_ms` (with `missing_points`, empty: any point).
    Without `clear` the condition ends when `when` is known not to hold. `equipment_params` overrides `params`.
    `site_id` None: every site. `version` counts its changes.
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
    equipment_params: Mapping[UUID, Mapping[str, float]] = field(default_factory=dict)
    life_safety: bool = False
    order: OrderPolicy | None = None
    version: int = 1

    def parameter(self, name: str, equipment_id: UUID) -> float:
        return self.equipment_params.get(equipment_id, {}).get(name, self.params[name])


@dataclass(frozen=True)
class CompiledRule:
    """A rule ready to run. Both programs take the same Frame: rows as in `points` and `parameters`."""

    rule: Rule
    points: tuple[str, ...]
    parameters: tuple[str, ...]
    when: Program | None
    clear: Program | None


@dataclass(frozen=True)
class PointList:
    """The points that a kind of equipment has, by the line they come on."""

    ordinary: frozenset[str]
    life_safety: frozenset[str]

    @classmethod
    def of(cls, points: Iterable[tuple[str, bool]]) -> "PointList":
        """From (key, is it life safety?) pairs."""
        pairs = list(points)
        return cls(
            frozenset(key for key, life_safety in pairs if not life_safety),
            frozenset(key for key, life_safety in pairs if life_safety),
        )

    def vocabulary(self, *, parameters: Iterable[str], life_safety: bool) -> Vocabulary:
        ours, others = (self.life_safety, self.ordinary) if life_safety else (self.ordinary, self.life_safety)
        return Vocabulary(ours, frozenset(parameters), foreign=others, life_safety=life_safety)


def compile_rule(rule: Rule, points: PointList) -> CompiledRule:
    """Raises an ExpressionError, UnknownParameter or BadMessage."""
    vocabulary = points.vocabulary(parameters=rule.params, life_safety=rule.life_safety)
    _check_parameters(rule)
    if rule.when is None:
        _check_missing_points(rule, vocabulary)
        _check_messages(rule, frozenset())
        return CompiledRule(rule, rule.missing_points, (), when=None, clear=None)
    when = parse(rule.when, vocabulary)
    clear = parse(rule.clear, vocabulary) if rule.clear is not None else None
    conditions = [when] if clear is None else [when, clear]
    used = _sorted_union(names_of(condition, Point) for condition in conditions)
    parameters = _sorted_union(names_of(condition, Parameter) for condition in conditions)
    _check_messages(rule, frozenset(used) | frozenset(parameters))
    return CompiledRule(
        rule,
        used,
        parameters,
        when=compile_condition(when, points=used, parameters=parameters),
        clear=compile_condition(clear, points=used, parameters=parameters) if clear is not None else None,
    )


def _sorted_union(names: Iterable[tuple[str, ...]]) -> tuple[str, ...]:
    return tuple(sorted({name for some in names for name in some}))


def _check_parameters(rule: Rule) -> None:
    for values in rule.equipment_params.values():
        if unknown := set(values) - set(rule.params):
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
                raise errors.BadMessage(name, known=", ".join(sorted(known)))
