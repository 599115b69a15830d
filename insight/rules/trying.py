"""Other thresholds tried on the readings that an alarm came of: would they have raised it? Without I/O."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from alarms.detection import LEVEL_MARK
from building.reading import ReadingBatch
from catalog.directory import EquipmentEntry
from insight.rules import proposing
from rules.replay.engine import Replay
from rules.rule import CompiledRule
from rules.rule_set import RuleSet
from rules.surroundings import Neighbours

# The key under which the rule as it is now runs among the trials. No rule's key has a `@`.
PRESENT = "@"


@dataclass(frozen=True)
class Attempt:
    """The rule with another value of one parameter than `now`."""

    key: str
    parameter: str
    now: float
    value: float
    rule: CompiledRule


def attempts(rule: CompiledRule) -> list[Attempt]:
    """Every value to try of every parameter that a condition of the rule, or of a level, looks at."""
    values = [
        (name, value)
        for name in rule.parameters
        if name in rule.rule.params
        for value in proposing.values_to_try(rule.rule.params[name])
    ]
    return [
        Attempt(f"@{place}", name, rule.rule.params[name], value, _renamed(rule, f"@{place}", {name: value}))
        for place, (name, value) in enumerate(values)
    ]


def replay(
    rule: CompiledRule, tried: Sequence[Attempt], entry: EquipmentEntry, around: Iterable[EquipmentEntry] = ()
) -> Replay:
    """All of them over the history of one equipment, which need not be in service any more, nor what the rule names
    `around` it."""
    rules = [_renamed(rule, PRESENT, {}), *(one.rule for one in tried)]
    named = [replace(one, in_service=True) for one in Neighbours.of(around).named_by(rule, entry)]
    judged = [replace(entry, in_service=True)]
    laid_out = RuleSet.of(rules, judged, life_safety=rule.rule.life_safety, around=named)
    return Replay(laid_out, on_failure=lambda _, __: None)


def raised(it: Replay, readings: ReadingBatch, *, onset_ms: int, until_ms: int) -> frozenset[str]:
    """The keys of those that raise something that lasts at any instant from `onset_ms` to `until_ms`."""
    it.take(readings)
    return frozenset(
        one.rule_key
        for one in it.episodes(until_ms=until_ms + 1)
        if one.raised_ms <= until_ms and (one.end_ms is None or one.end_ms >= onset_ms)
    )


def _renamed(rule: CompiledRule, key: str, params: dict[str, float]) -> CompiledRule:
    """Equipment with a value of its own keeps it."""
    values = {**rule.rule.params, **params}
    levels = tuple(
        replace(level, rule=replace(level.rule, key=f"{key}{LEVEL_MARK}{level.rule.severity}", params=values))
        for level in rule.levels
    )
    return replace(rule, rule=replace(rule.rule, key=key, params=values), levels=levels)
