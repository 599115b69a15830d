"""The language of rules: Python's expression syntax, of which only what is named here is allowed.

`parse` turns a text into a small tree of our own; nothing of the text is ever evaluated by Python. Numbers and
conditions are kept apart; a point or a parameter alone may stand for "is not 0", because states come as 0 and 1.
"""

import ast
import difflib
import math
import re
import warnings
from collections.abc import Collection

from rules import errors
from rules.durations import parse_duration_ms
from rules.signs import refuse_foreign_signs
from rules.tree import (
    All,
    Another,
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
    Parameter,
    Point,
    Signal,
    signals_of,
    walk,
)
from rules.units import disagree, unit_of
from rules.vocabulary import Vocabulary, check_window

MAX_LENGTH = 1_000
MAX_DEPTH = 20
MAX_NODES = 200
# Of a condition.
MAX_SIGNALS = 10

_ARITHMETIC: dict[type[ast.operator], Operator] = {
    ast.Add: Operator.ADD,
    ast.Sub: Operator.SUBTRACT,
    ast.Mult: Operator.MULTIPLY,
    ast.Div: Operator.DIVIDE,
    ast.Mod: Operator.REMAINDER,
}
_COMPARISONS: dict[type[ast.cmpop], Comparison] = {
    ast.Lt: Comparison.LESS,
    ast.LtE: Comparison.LESS_EQUAL,
    ast.Gt: Comparison.GREATER,
    ast.GtE: Comparison.GREATER_EQUAL,
    ast.Eq: Comparison.EQUAL,
    ast.NotEq: Comparison.NOT_EQUAL,
}
# Fewest and most arguments; None is "any number".
_ARGUMENTS: dict[Function, tuple[int, int | None]] = {
    Function.ABS: (1, 1),
    Function.MIN: (2, None),
    Function.MAX: (2, None),
}
# Of a point and its past: whether a window must, may (None) or must not be given.
_WINDOWS: dict[Function, bool | None] = {
    Function.MIN: True,
    Function.MAX: True,
    Function.AVG: True,
    Function.STD: True,
    Function.RATE: True,
    Function.DELTA: True,
    Function.COUNT: True,
    Function.CHANGED: None,
    Function.PREVIOUS: False,
    Function.AGE: False,
}
# How other equipment is named.
_ANOTHER = ("parent", "other")
_MOST_NAMED = 20
_ORDERS = (ast.Lt, ast.LtE, ast.Gt, ast.GtE)


def parse(text: str, vocabulary: Vocabulary) -> Condition:
    """The tree of a condition. Raises an ExpressionError that names the column."""
    if not text.strip():
        raise errors.ExpressionEmpty(1)
    if len(text) > MAX_LENGTH:
        raise errors.ExpressionTooLong(MAX_LENGTH + 1, limit=MAX_LENGTH)
    # One line without blanks before it, so that every column is a place in the text.
    line = re.sub(r"\s", " ", text)
    start = len(line) - len(line.lstrip())
    try:
        return _parse_line(line.strip(), vocabulary)
    except errors.ExpressionError as error:
        error.column += start
        raise


def _parse_line(line: str, vocabulary: Vocabulary) -> Condition:
    refuse_foreign_signs(line)
    condition = _Reader(line, vocabulary).condition(_syntax_tree(line), depth=1)
    if not any(isinstance(node, Point) for node in walk(condition)):
        raise errors.NoPointUsed(1)
    if len(signals_of(condition)) > MAX_SIGNALS:
        raise errors.TooManyWindows(1, limit=MAX_SIGNALS)
    return condition


def _syntax_tree(line: str) -> ast.expr:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SyntaxWarning)
            return ast.parse(line, mode="eval").body
    except SyntaxError as error:
        # Python points before the text when its end comes too early.
        column = min(error.offset or len(line), len(line))
        raise errors.ExpressionUnreadable(column, near=line[column - 1 : column + 19].strip()) from None
    except (ValueError, RecursionError, MemoryError):
        raise errors.ExpressionUnreadable(1, near=line[:20]) from None


def nearest_of(name: str, known: Collection[str]) -> list[str]:
    """What may have been meant: all that is known, or the twenty nearest of it."""
    if len(known) <= _MOST_NAMED:
        return sorted(known)
    return difflib.get_close_matches(name, sorted(known), n=_MOST_NAMED, cutoff=0.0)


class _Reader:
    """Walks Python's tree and takes only what the language has."""

    def __init__(self, line: str, vocabulary: Vocabulary) -> None:
        self._line = line.encode("utf-8", "replace")
        self._vocabulary = vocabulary
        self._units = dict(vocabulary.units)
        self._nodes = 0
        self._is_counting = False

    def condition(self, node: ast.expr, *, depth: int) -> Condition:
        self._count(node, depth)
        match node:
            case ast.BoolOp(op, values):
                parts = tuple(self.condition(value, depth=depth + 1) for value in values)
                return All(parts) if isinstance(op, ast.And) else AnyOf(parts)
            case ast.UnaryOp(ast.Not(), operand):
                return Not(self.condition(operand, depth=depth + 1))
            case ast.Compare():
                return self._compare(node, depth)
            case ast.Name() | ast.Attribute():
                return IsNotZero(self._named(node))
            case ast.Call(ast.Name(Function.CHANGED | Function.IN_SCHEDULE)):
                return IsNotZero(self._call(node, depth))
            case ast.Constant(bool() as value):
                return IsNotZero(Number(float(value)))
            case _:
                self.numeric(node, depth=depth)  # says what is wrong inside before saying that it is no condition
                raise errors.ConditionExpected(self._column(node))

    def numeric(self, node: ast.expr, *, depth: int) -> Numeric:
        self._count(node, depth)
        match node:
            case ast.Name() | ast.Attribute():
                return self._named(node)
            case ast.Constant(value):
                return Number(self._number(node, value))
            case ast.UnaryOp(ast.USub(), operand):
                return Arithmetic(Operator.SUBTRACT, Number(0.0), self.numeric(operand, depth=depth + 1))
            case ast.UnaryOp(ast.UAdd(), operand):
                return self.numeric(operand, depth=depth + 1)
            case ast.BinOp(left, op, right) if type(op) in _ARITHMETIC:
                sides = self.numeric(left, depth=depth + 1), self.numeric(right, depth=depth + 1)
                if isinstance(op, ast.Add | ast.Sub):
                    self._agree(node, *sides)
                if isinstance(op, ast.Div | ast.Mod) and sides[1] == Number(0.0):
                    raise errors.DivisorIsZero(self._column(right))
                return Arithmetic(_ARITHMETIC[type(op)], *sides)
            case ast.Call():
                called = self._call(node, depth)
                if isinstance(called, Signal) and called.function is Function.AGE:
                    raise errors.AgeNotCompared(self._column(node))
                return called
            case ast.BoolOp() | ast.Compare() | ast.UnaryOp(ast.Not()):
                raise errors.NumberExpected(self._column(node))
        raise self._refusal(node)

    def _compare(self, node: ast.Compare, depth: int) -> Condition:
        operands = [self._operand(operand, depth + 1) for operand in (node.left, *node.comparators)]
        for op, operand in zip(node.ops, node.comparators, strict=True):
            if type(op) not in _COMPARISONS:
                raise self._refusal(operand)
        parts = []
        for op, place, left, right in zip(node.ops, node.comparators, operands[:-1], operands[1:], strict=True):
            self._agree(place, left, right)
            if sum(_is_age(side) for side in (left, right)) > isinstance(op, _ORDERS):
                raise errors.AgeNotCompared(self._column(node))
            parts.append(Compare(_COMPARISONS[type(op)], left, right))
        return parts[0] if len(parts) == 1 else All(tuple(parts))

    def _operand(self, node: ast.expr, depth: int) -> Numeric:
        """One side of a comparison: there, and only there, may `age` stand."""
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == Function.AGE:
            self._count(node, depth)
            return self._call(node, depth)
        return self.numeric(node, depth=depth)

    def _agree(self, node: ast.expr, *sides: Numeric) -> None:
        left, right = (unit_of(side, self._units) for side in sides)
        if disagree(left, right):
            raise errors.UnitsDisagree(self._column(node), left=left, right=right)

    def _call(self, node: ast.Call, depth: int) -> Numeric:
        if not isinstance(node.func, ast.Name):
            raise self._refusal(node)
        name = node.func.id
        if name not in list(Function):
            raise errors.UnknownFunction(self._column(node), name=name, known=", ".join(Function))
        function = Function(name)
        if node.keywords:
            raise errors.WrongArguments(self._column(node), name=name, expected=_expected(function))
        if function is Function.IN_SCHEDULE:
            return self._schedule(node)
        has_window = (
            bool(node.args) and isinstance(node.args[-1], ast.Constant) and isinstance(node.args[-1].value, str)
        )
        if function in _WINDOWS and (has_window or function not in _ARGUMENTS):
            return self._signal(node, function, depth, has_window=has_window)
        fewest, most = _ARGUMENTS[function]
        if len(node.args) < fewest or (most is not None and len(node.args) > most):
            raise errors.WrongArguments(self._column(node), name=name, expected=_expected(function))
        arguments = tuple(self.numeric(argument, depth=depth + 1) for argument in node.args)
        for argument in arguments[1:]:
            self._agree(node, arguments[0], argument)
        return Call(function, arguments)

    def _signal(self, node: ast.Call, function: Function, depth: int, *, has_window: bool) -> Signal:
        wanted = _WINDOWS[function]
        if len(node.args) != 1 + has_window or (wanted is not None and wanted is not has_window):
            refusal = errors.WindowExpected if wanted is not False else errors.PointExpected
            raise refusal(self._column(node), name=function)
        if self._is_counting and (has_window or function is Function.AGE):
            raise errors.NotInCount(self._column(node), name=function)
        of = node.args[0]
        if function is Function.COUNT:
            counted = self._counted(of, depth + 1)
            [point] = {each for each in walk(counted) if isinstance(each, Point)}
        elif isinstance(of, ast.Name | ast.Attribute) and isinstance(named := self._named(of), Point):
            counted, point = None, named
        else:
            raise errors.PointExpected(self._column(of), name=function)
        window_ms = self._window_ms(node.args[1], point) if has_window else 0
        return Signal(function, point, window_ms, counted)

    def _schedule(self, node: ast.Call) -> InSchedule:
        known = ", ".join(sorted(self._vocabulary.schedules))
        match node.args:
            case [ast.Constant(str() as name)] if not self._is_counting:
                if name not in self._vocabulary.schedules:
                    raise errors.UnknownSchedule(self._column(node.args[0]), name=name, known=known)
                return InSchedule(name)
        raise errors.ScheduleExpected(self._column(node), known=known)

    def _counted(self, node: ast.expr, depth: int) -> Condition:
        """What `count` counts: readings of one point, by what each says and what the one before said."""
        self._is_counting = True
        counted = self.condition(node, depth=depth)
        self._is_counting = False
        if len({each for each in walk(counted) if isinstance(each, Point)}) != 1:
            raise errors.OnePointCounted(self._column(node))
        return counted

    def _window_ms(self, node: ast.expr, point: Point) -> int:
        assert isinstance(node, ast.Constant)
        text = str(node.value)
        try:
            window_ms = parse_duration_ms(text)
        except ValueError:
            raise errors.WindowUnreadable(self._column(node), found=text[:20]) from None
        check_window(window_ms, point, self._vocabulary, column=self._column(node))
        return window_ms

    def _named(self, node: ast.Name | ast.Attribute) -> Point | Parameter:
        if isinstance(node, ast.Attribute):
            return self._of_another(node)
        known, column = self._vocabulary, self._column(node)
        if node.id in known.parameters:
            return Parameter(node.id)
        if node.id in known.points:
            return Point(node.id)
        if node.id in known.foreign:
            raise self._foreign(node.id, column, known)
        if node.id in _ANOTHER:
            raise errors.AnotherExpected(column, found=node.id)
        if near := difflib.get_close_matches(node.id, known.points | known.parameters, n=1):
            raise errors.MisspelledName(column, name=node.id, known=known.known, suggestion=near[0])
        raise errors.UnknownName(column, name=node.id, known=known.known)

    def _of_another(self, node: ast.Attribute) -> Point:
        another, column = self._another(node), self._column(node)
        known = self._vocabulary.of(another, column=column)
        point = Point(node.attr, another)
        if node.attr in known.foreign and node.attr not in known.points:
            raise self._foreign(point.name, column, known)
        if node.attr not in known.points:
            nearest = ", ".join(nearest_of(node.attr, known.points))
            raise errors.UnknownPointOfOther(column, of=str(another), name=node.attr, known=nearest)
        self._units[point.name] = known.units.get(node.attr, "")
        return point

    def _another(self, node: ast.Attribute) -> Another:
        match node.value:
            case ast.Name("parent"):
                return Another()
            case ast.Subscript(ast.Name("other"), ast.Constant(str() as code)):
                return Another(code)
            case ast.Name("other") | ast.Subscript(ast.Name("other" | "parent")) | ast.Call(ast.Name("other")):
                raise errors.AnotherExpected(self._column(node), found=self._text(node))
        raise self._refusal(node)

    def _foreign(self, name: str, column: int, known: Vocabulary) -> errors.ExpressionError:
        if known.life_safety:
            return errors.OrdinaryPointInLifeSafetyRule(column, name=name, known=known.known)
        return errors.LifeSafetyPointInOrdinaryRule(column, name=name, known=known.known)

    def _number(self, node: ast.expr, value: object) -> float:
        if not isinstance(value, bool | int | float):
            raise self._refusal(node)
        try:
            number = float(value)
        except OverflowError:
            raise errors.NumberTooLarge(self._column(node)) from None
        if not math.isfinite(number):
            raise errors.NumberTooLarge(self._column(node))
        return number

    def _count(self, node: ast.expr, depth: int) -> None:
        self._nodes += 1
        if depth > MAX_DEPTH:
            raise errors.ExpressionTooDeep(self._column(node), limit=MAX_DEPTH)
        if self._nodes > MAX_NODES:
            raise errors.ExpressionTooDeep(self._column(node), limit=MAX_NODES)

    def _refusal(self, node: ast.expr) -> errors.ExpressionError:
        match node:
            case ast.Subscript(ast.Name("other" | "parent")):
                return errors.AnotherExpected(self._column(node), found=self._text(node))
        return errors.NotInLanguage(self._column(node), found=self._text(node))

    def _text(self, node: ast.expr) -> str:
        return self._line[node.col_offset : node.end_col_offset].decode("utf-8", "ignore")[:40]

    def _column(self, node: ast.expr) -> int:
        """Python counts bytes from 0, people count characters from 1."""
        return len(self._line[: node.col_offset].decode("utf-8", "ignore")) + 1


def _is_age(node: Numeric) -> bool:
    return isinstance(node, Signal) and node.function is Function.AGE


def _expected(function: Function) -> str:
    fewest, most = _ARGUMENTS.get(function, (1, 1))
    return str(fewest) if most == fewest else f"≥ {fewest}"
