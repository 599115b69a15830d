"""Plain forms of rules: what everybody asks for, said without an expression, and what it means in the language."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import assert_never

from rules import errors
from rules.tree import (
    All,
    AnyOf,
    Arithmetic,
    Call,
    Compare,
    Comparison,
    Condition,
    Function,
    InSchedule,
    IsNotZero,
    Not,
    Number,
    Numeric,
    Parameter,
    Point,
    Signal,
    walk,
)
from rules.vocabulary import Vocabulary, check_window


@dataclass(frozen=True)
class Repeats:
    """The condition came about `times` times in `within_ms`."""

    times: int
    within_ms: int


@dataclass(frozen=True)
class ActiveHours:
    """The rule is judged in the hours of a schedule of its own only, or only outside of them."""

    schedule: str
    outside: bool = False


def stuck(points: Sequence[str], *, window: str) -> str:
    """The text for: any of these points had one value all through the window (a duration as people write it)."""
    return " or ".join(f"not changed({point}, '{window}')" for point in points)


def rate_out_of_range(point: str, *, window: str, above: float | str | None, below: float | str | None) -> str:
    """The text for: the point rises faster than `above`, or falls faster than `below`, by the minute; numbers or names
    of parameters."""
    limits = ((">", above), ("<", below))
    return " or ".join(f"rate({point}, '{window}') {sign} {limit}" for sign, limit in limits if limit is not None)


def repeated(condition: Condition, repeats: Repeats, vocabulary: Vocabulary) -> Condition:
    """That readings met a condition which the ones before them did not, so often.

    Raises OnePointRepeats, WindowTooShort and WindowTooLong.
    """
    points = {node for node in walk(condition) if isinstance(node, Point)}
    if len(points) != 1 or any(isinstance(node, Signal | InSchedule) for node in walk(condition)):
        raise errors.OnePointRepeats(1)
    (point,) = points
    check_window(repeats.within_ms, point, vocabulary, column=1)
    begins = All((condition, Not(_of_the_reading_before(condition))))
    count = Signal(Function.COUNT, point, repeats.within_ms, begins)
    return Compare(Comparison.GREATER_EQUAL, count, Number(float(repeats.times)))


def during(condition: Condition, hours: ActiveHours | None) -> Condition:
    """What raises: the condition, in those hours."""
    return condition if hours is None else All((condition, _are_on(hours)))


def or_after(condition: Condition, hours: ActiveHours | None) -> Condition:
    """What ends: the condition, or that those hours are over."""
    return condition if hours is None else AnyOf((condition, Not(_are_on(hours))))


def _are_on(hours: ActiveHours) -> Condition:
    within = IsNotZero(InSchedule(hours.schedule))
    return Not(within) if hours.outside else within


def _of_the_reading_before(node: Condition) -> Condition:
    match node:
        case Compare(_, left, right):
            return replace(node, left=_value_before(left), right=_value_before(right))
        case IsNotZero(of):
            return IsNotZero(_value_before(of))
        case Not(of):
            return Not(_of_the_reading_before(of))
        case All(parts):
            return All(tuple(_of_the_reading_before(part) for part in parts))
        case AnyOf(parts):
            return AnyOf(tuple(_of_the_reading_before(part) for part in parts))
        case _:
            assert_never(node)


def _value_before(node: Numeric) -> Numeric:
    match node:
        case Point():
            return Signal(Function.PREVIOUS, node)
        case Arithmetic(_, left, right):
            return replace(node, left=_value_before(left), right=_value_before(right))
        case Call(_, arguments):
            return replace(node, arguments=tuple(_value_before(each) for each in arguments))
        case Number() | Parameter() | Signal() | InSchedule():
            return node
        case _:
            assert_never(node)
