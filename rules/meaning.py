"""What is wrong with a rule although every part of it can be read: names that hide others, silence that is normal."""

import difflib
from collections.abc import Collection, Iterable

from building.profile import PointSpec
from rules import errors
from rules.durations import parse_duration_ms
from rules.schemas import RuleDefinition


def check_meaning(definition: RuleDefinition, points: Collection[PointSpec]) -> None:
    """`points` are those of the rule's profile, or of every profile of its kind. Raises ParameterIsPoint and
    SilenceTooShort."""
    if hidden := set(definition.params) & {point.key for point in points}:
        raise errors.ParameterIsPoint(min(hidden))
    if definition.missing is not None:
        _check_silence(definition, definition.missing, points)


def by_name(error: errors.ExpressionError, points: Iterable[PointSpec]) -> errors.ExpressionError:
    """The refusal of a name that nobody knows, with the key of the point that people call so."""
    if not isinstance(error, errors.UnknownName) or error.name.isascii():
        return error
    keys = {name: point.key for point in points for name in point.name.values()}
    near = difflib.get_close_matches(error.name, keys, n=1)
    if not near:
        return error
    return errors.MisspelledName(error.column, name=error.name, known=error.known, suggestion=keys[near[0]])


def _check_silence(definition: RuleDefinition, missing: str, points: Collection[PointSpec]) -> None:
    watched = [
        point.reporting.interval_s
        for point in points
        if point.life_safety is definition.life_safety and (not definition.points or point.key in definition.points)
    ]
    # What reports on change repeats itself by its longest hold; any of the points ends the silence.
    if watched and parse_duration_ms(missing) < min(watched) * 1000:
        raise errors.SilenceTooShort(missing, shortest_s=round(min(watched)))
