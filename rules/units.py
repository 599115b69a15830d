"""Units of what a rule computes, so that °C is never compared with bar.

A number without a unit goes with any: constants, states, ratios, and products, whose units nobody wrote down.
"""

import unicodedata
from collections.abc import Mapping

from rules.tree import Arithmetic, Call, Function, Numeric, Operator, Parameter, Point, Signal

ANY = ""
# `rate` is by the minute: what engineers say of temperatures and levels.
RATE_MS = 60_000
_PER_RATE = "/min"
_SECONDS = "s"


def normal(unit: str) -> str:
    """One spelling of a unit: the single sign ℃ is °C."""
    return unicodedata.normalize("NFKC", unit.strip())


def unit_of(node: Numeric, units: Mapping[str, str]) -> str:
    """The unit of a number, `ANY` where it has none or it is not known. `units`: of points and parameters, by name."""
    match node:
        case Point() | Parameter():
            return normal(units.get(node.name, ANY))
        case Arithmetic(operator, left, right):
            return _of_arithmetic(operator, unit_of(left, units), unit_of(right, units))
        case Call(_, arguments):
            return next((unit for unit in (unit_of(each, units) for each in arguments) if unit), ANY)
        case Signal(function, point):
            return _of_signal(function, unit_of(point, units))
        case _:
            return ANY


def disagree(left: str, right: str) -> bool:
    """Whether two units cannot be compared, added or subtracted."""
    return bool(left and right and left != right)


def _of_arithmetic(operator: Operator, left: str, right: str) -> str:
    match operator:
        case Operator.MULTIPLY:
            return ANY if left and right else left or right
        case Operator.DIVIDE:
            return ANY if right else left
        case Operator.REMAINDER:
            return left
        case _:
            return left or right


def _of_signal(function: Function, unit: str) -> str:
    match function:
        case Function.RATE:
            return unit + _PER_RATE if unit else ANY
        case Function.AGE:
            return _SECONDS
        case Function.COUNT | Function.CHANGED:
            return ANY
        case _:
            return unit
