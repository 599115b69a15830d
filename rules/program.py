"""Compiled conditions: a tree becomes nested closures over numpy arrays, one call for a rule and all its equipment.

Logic has three values. What is not known (no value, too old, division by 0) makes a comparison neither true nor
false, so that a gap neither raises an alarm nor ends one, and `not` of something unknown stays unknown.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import reduce
from typing import assert_never

import numpy as np
import numpy.typing as npt

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
    Operator,
    OverTime,
    Parameter,
    Point,
    Signal,
    signals_of,
    walk,
)

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Frame:
    """What a program is run on: `points` (points, pairs), `parameters` (parameters, pairs) and `signals` (signals,
    pairs), what functions over time gave; NaN is "not known"."""

    points: Floats
    parameters: Floats
    signals: Floats = field(default_factory=lambda: np.empty((0, 0)))


@dataclass(frozen=True, slots=True)
class Truth:
    """`yes` and `no` are never both; where neither is, it is not known."""

    yes: Flags
    no: Flags


NumericProgram = Callable[[Frame], Floats]
ConditionProgram = Callable[[Frame], Truth]

_UFUNCS: dict[Operator, np.ufunc] = {
    Operator.ADD: np.add,
    Operator.SUBTRACT: np.subtract,
    Operator.MULTIPLY: np.multiply,
    Operator.DIVIDE: np.divide,
    Operator.REMAINDER: np.mod,
}
# Each with its opposite: a comparison with NaN is false in numpy, so both are false where something is not known.
_COMPARISONS: dict[Comparison, tuple[np.ufunc, np.ufunc]] = {
    Comparison.LESS: (np.less, np.greater_equal),
    Comparison.LESS_EQUAL: (np.less_equal, np.greater),
    Comparison.GREATER: (np.greater, np.less_equal),
    Comparison.GREATER_EQUAL: (np.greater_equal, np.less),
}


@dataclass(frozen=True)
class Program:
    """A condition ready to run. `points`, `parameters` and `signals` are the rows that a Frame for it must have."""

    points: tuple[str, ...]
    parameters: tuple[str, ...]
    signals: tuple[OverTime, ...]
    run: ConditionProgram


@dataclass(frozen=True)
class Rows:
    """The order of a Frame's rows, so that several programs can share it."""

    points: tuple[str, ...]
    parameters: tuple[str, ...]
    signals: tuple[OverTime, ...] = ()

    @classmethod
    def of(cls, condition: Condition) -> "Rows":
        return cls(names_of(condition, Point), names_of(condition, Parameter), signals_of(condition))


def compile_condition(condition: Condition, rows: Rows | None = None) -> Program:
    """`rows`, if given, has at least what the condition names."""
    rows = rows or Rows.of(condition)
    return Program(rows.points, rows.parameters, rows.signals, _Compiler(rows).condition(condition))


def compile_numeric(node: Numeric, rows: Rows) -> NumericProgram:
    return _Compiler(rows).numeric(node)


def names_of(condition: Condition, kind: type[Point] | type[Parameter]) -> tuple[str, ...]:
    return tuple(sorted({node.name for node in walk(condition) if isinstance(node, kind)}))


class _Compiler:
    def __init__(self, rows: Rows) -> None:
        self._point_rows = {name: row for row, name in enumerate(rows.points)}
        self._parameter_rows = {name: row for row, name in enumerate(rows.parameters)}
        self._signal_rows = {signal: row for row, signal in enumerate(rows.signals)}

    def numeric(self, node: Numeric) -> NumericProgram:
        match node:
            case Number(value):
                constant = np.full(1, value)
                return lambda frame: constant
            case Point():
                point_row = self._point_rows[node.name]
                return lambda frame: frame.points[point_row]
            case Parameter(name):
                parameter_row = self._parameter_rows[name]
                return lambda frame: frame.parameters[parameter_row]
            case Signal() | InSchedule():
                signal_row = self._signal_rows[node]
                return lambda frame: frame.signals[signal_row]
            case Arithmetic(operator, left, right):
                return _arithmetic(operator, self.numeric(left), self.numeric(right))
            case Call(function, arguments):
                return _call(function, [self.numeric(argument) for argument in arguments])
            case _:
                assert_never(node)

    def condition(self, node: Condition) -> ConditionProgram:
        match node:
            case Compare(comparison, left, right):
                return _compare(comparison, self.numeric(left), self.numeric(right))
            case IsNotZero(of):
                return _compare(Comparison.NOT_EQUAL, self.numeric(of), self.numeric(Number(0.0)))
            case Not(of):
                return _negated(self.condition(of))
            case All(of):
                return reduce(_both, [self.condition(part) for part in of])
            case AnyOf(of):
                return reduce(_either, [self.condition(part) for part in of])
            case _:
                assert_never(node)


def _arithmetic(operator: Operator, left: NumericProgram, right: NumericProgram) -> NumericProgram:
    ufunc = _UFUNCS[operator]
    if operator not in (Operator.DIVIDE, Operator.REMAINDER):
        return lambda frame: ufunc(left(frame), right(frame))

    def divide(frame: Frame) -> Floats:
        quotient = ufunc(left(frame), right(frame))
        return np.where(np.isfinite(quotient), quotient, np.nan)

    return divide


def _call(function: Function, arguments: list[NumericProgram]) -> NumericProgram:
    match function:
        case Function.ABS:
            of = arguments[0]
            return lambda frame: np.abs(of(frame))
        case Function.MIN:
            return lambda frame: reduce(np.minimum, [argument(frame) for argument in arguments])
        case Function.MAX:
            return lambda frame: reduce(np.maximum, [argument(frame) for argument in arguments])
        case _:
            raise AssertionError(f"{function} is not a function of numbers")


def _compare(comparison: Comparison, left: NumericProgram, right: NumericProgram) -> ConditionProgram:
    if comparison in (Comparison.EQUAL, Comparison.NOT_EQUAL):
        return _equality(left, right, equal=comparison is Comparison.EQUAL)
    holds, fails = _COMPARISONS[comparison]

    def run(frame: Frame) -> Truth:
        a, b = left(frame), right(frame)
        return Truth(holds(a, b), fails(a, b))

    return run


def _equality(left: NumericProgram, right: NumericProgram, *, equal: bool) -> ConditionProgram:
    def run(frame: Frame) -> Truth:
        a, b = left(frame), right(frame)
        same = a == b
        different = (a < b) | (a > b)
        return Truth(same, different) if equal else Truth(different, same)

    return run


def _negated(of: ConditionProgram) -> ConditionProgram:
    def run(frame: Frame) -> Truth:
        truth = of(frame)
        return Truth(truth.no, truth.yes)

    return run


def _both(left: ConditionProgram, right: ConditionProgram) -> ConditionProgram:
    def run(frame: Frame) -> Truth:
        a, b = left(frame), right(frame)
        return Truth(a.yes & b.yes, a.no | b.no)

    return run


def _either(left: ConditionProgram, right: ConditionProgram) -> ConditionProgram:
    def run(frame: Frame) -> Truth:
        a, b = left(frame), right(frame)
        return Truth(a.yes | b.yes, a.no & b.no)

    return run
