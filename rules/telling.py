"""What a verdict says: the detection of a pair, with the values that decided and the message filled with them."""

from collections.abc import Mapping
from string import Formatter

from alarms.detection import AlarmSource, Detection
from rules.program import Frame
from rules.rule_set import RuleGroup


def told(
    group: RuleGroup, pair: int, *, active: bool, onset_ms: int, at_ms: int, values: Mapping[str, float]
) -> Detection:
    """What is said of a pair of this group at that instant (event time)."""
    rule, entry = group.compiled.rule, group.equipment[pair - group.start]
    return Detection(
        source=AlarmSource.RULE,
        source_id=rule.key,
        equipment_id=entry.equipment_id,
        site_id=entry.site_id,
        active=active,
        onset_ms=onset_ms,
        at_ms=at_ms,
        severity=rule.severity,
        fault_mode=rule.fault_mode,
        life_safety=rule.life_safety,
        message={language: _filled(text, values) for language, text in rule.message.items()},
        values={name: value for name, value in values.items() if name in group.compiled.points},
        order=rule.order,
        rule_version=rule.version,
    )


def values_of(group: RuleGroup, frame: Frame, place: int) -> dict[str, float]:
    """The values that decided, by name; what was not known is left out."""
    compiled = group.compiled
    named = [*zip(compiled.points, frame.points[:, place].tolist(), strict=True)]
    named += zip(compiled.parameters, frame.parameters[:, place].tolist(), strict=True)
    return {name: round(value, 3) for name, value in named if value == value}


def _filled(text: str, values: Mapping[str, float]) -> str:
    """A message with its braces filled: as few digits as say it, a dash for what is not known."""
    # Not `str.format`: to it the names of points of other equipment are attributes.
    return "".join(
        literal + ("" if name is None else f"{values[name]:.4g}" if name in values else "—")
        for literal, name, _, _ in Formatter().parse(text)
    )
