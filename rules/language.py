"""The language of rules: Python's expression syntax, of which only what is named here is allowed.

`parse` turns a text into a small tree of our own; nothing of the text is ever evaluated by Python. Numbers and
conditions are kept apart; a point or a parameter alone may stand for "is not 0", because states come as 0 and 1.
"""

import ast
import difflib
import math
import re
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from rules import errors

MAX_LENGTH = 1_000
MAX_DEPTH = 20
MAX_NODES = 200

# What people type on a Chinese keyboard, or know from other languages, and what is meant.
_FOREIGN_SIGNS = {
    "＞": ">", "＜": "<", "＝": "==", "≥": ">=", "≤": "<=", "≠": "!=", "（": "(", "）": ")", "，": ",", "。": ".",
    "＋": "+", "－": "-", "—": "-", "×": "*", "＊": "*", "÷": "/", "／": "/", "＆": "and", "｜": "or", "！": "not",
    "&&": "and", "||": "or", "&": "and", "|": "or", "且": "and", "或": "or", "非": "not",
}  # fmt: skip
_FOREIGN = re.compile("|".join(re.escape(sign) for sign in sorted(_FOREIGN_SIGNS, key=len, reverse=True)))
_SINGLE_EQUALS = re.compile(r"(?<![<>=!])=(?!=)")
_EXCLAMATION = re.compile(r"!(?!=)")


class Operator(StrEnum):
    ADD = "+"
    SUBTRACT = "-"
    MULTIPLY = "*"
    DIVIDE = "/"
    REMAINDER = "%"


class Comparison(StrEnum):
    LESS = "<"
    LESS_EQUAL = "<="
    GREATER = ">"
    GREATER_EQUAL = ">="
    EQUAL = "=="
    NOT_EQUAL = "!="


class Function(StrEnum):
    ABS = "abs"
    MIN = "min"
    MAX = "max"


@dataclass(frozen=True)
class Number:
    value: float


@dataclass(frozen=True)
class Point:
    """A point of the judged equipment, by key."""

    name: str


@dataclass(frozen=True)
class Parameter:
    """A constant of the rule that may differ by equipment."""

    name: str


@dataclass(frozen=True)
class Arithmetic:
    operator: Operator
    left: "Numeric"
    right: "Numeric"


@dataclass(frozen=True)
class Call:
    function: Function
    arguments: tuple["Numeric", ...]


@dataclass(frozen=True)
class Compare:
    comparison: Comparison
    left: "Numeric"
    right: "Numeric"


@dataclass(frozen=True)
class IsNotZero:
    of: "Numeric"


@dataclass(frozen=True)
class Not:
    of: "Condition"


@dataclass(frozen=True)
class All:
    of: tuple["Condition", ...]


@dataclass(frozen=True)
class AnyOf:
    of: tuple["Condition", ...]


Numeric = Number | Point | Parameter | Arithmetic | Call
Condition = Compare | IsNotZero | Not | All | AnyOf

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


@dataclass(frozen=True)
class Vocabulary:
    """What a text may name. `foreign` are points of the other line (life safety or not), known but not to be used."""

    points: frozenset[str]
    parameters: frozenset[str] = frozenset()
    foreign: frozenset[str] = frozenset()
    life_safety: bool = False

    @property
    def known(self) -> str:
        return ", ".join(sorted(self.points | self.parameters))


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
    _refuse_foreign_signs(line)
    condition = _Reader(line, vocabulary).condition(_syntax_tree(line), depth=1)
    if not any(isinstance(node, Point) for node in walk(condition)):
        raise errors.NoPointUsed(1)
    return condition


def walk(node: Condition | Numeric) -> Iterator[Condition | Numeric]:
    """A node and everything below it."""
    yield node
    for below in _below(node):
        yield from walk(below)


def _below(node: Condition | Numeric) -> Iterable[Condition | Numeric]:
    match node:
        case Arithmetic(_, left, right) | Compare(_, left, right):
            return (left, right)
        case Call(_, arguments):
            return arguments
        case IsNotZero(of) | Not(of):
            return (of,)
        case All(of) | AnyOf(of):
            return of
        case _:
            return ()


def _refuse_foreign_signs(text: str) -> None:
    if found := _FOREIGN.search(text):
        raise errors.SignNotUnderstood(found.start() + 1, found=found[0], instead=_FOREIGN_SIGNS[found[0]])
    if found := _SINGLE_EQUALS.search(text):
        raise errors.SignNotUnderstood(found.start() + 1, found="=", instead="==")
    if found := _EXCLAMATION.search(text):
        raise errors.SignNotUnderstood(found.start() + 1, found="!", instead="not")


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


class _Reader:
    """Walks Python's tree and takes only what the language has."""

    def __init__(self, line: str, vocabulary: Vocabulary) -> None:
        self._line = line.encode("utf-8", "replace")
        self._vocabulary = vocabulary
        self._nodes = 0

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
            case ast.Name():
                return IsNotZero(self._name(node))
            case ast.Constant(bool() as value):
                return IsNotZero(Number(float(value)))
            case _:
                self.numeric(node, depth=depth)  # says what is wrong inside before saying that it is no condition
                raise errors.ConditionExpected(self._column(node))

    def numeric(self, node: ast.expr, *, depth: int) -> Numeric:
        self._count(node, depth)
        match node:
            case ast.Name():
                return self._name(node)
            case ast.Constant(value):
                return Number(self._number(node, value))
            case ast.UnaryOp(ast.USub(), operand):
                return Arithmetic(Operator.SUBTRACT, Number(0.0), self.numeric(operand, depth=depth + 1))
            case ast.UnaryOp(ast.UAdd(), operand):
                return self.numeric(operand, depth=depth + 1)
            case ast.BinOp(left, op, right) if type(op) in _ARITHMETIC:
                sides = self.numeric(left, depth=depth + 1), self.numeric(right, depth=depth + 1)
                return Arithmetic(_ARITHMETIC[type(op)], *sides)
            case ast.Call():
                return self._call(node, depth)
            case ast.BoolOp() | ast.Compare() | ast.UnaryOp(ast.Not()):
                raise errors.NumberExpected(self._column(node))
        raise self._refusal(node)

    def _compare(self, node: ast.Compare, depth: int) -> Condition:
        operands = [self.numeric(operand, depth=depth + 1) for operand in (node.left, *node.comparators)]
        for op, operand in zip(node.ops, node.comparators, strict=True):
            if type(op) not in _COMPARISONS:
                raise self._refusal(operand)
        parts = tuple(
            Compare(_COMPARISONS[type(op)], left, right)
            for op, left, right in zip(node.ops, operands[:-1], operands[1:], strict=True)
        )
        return parts[0] if len(parts) == 1 else All(parts)

    def _call(self, node: ast.Call, depth: int) -> Numeric:
        if not isinstance(node.func, ast.Name):
            raise self._refusal(node)
        name = node.func.id
        if name not in list(Function):
            raise errors.UnknownFunction(self._column(node), name=name, known=", ".join(Function))
        fewest, most = _ARGUMENTS[Function(name)]
        if node.keywords or len(node.args) < fewest or (most is not None and len(node.args) > most):
            expected = str(fewest) if most == fewest else f"≥ {fewest}"
            raise errors.WrongArguments(self._column(node), name=name, expected=expected)
        return Call(Function(name), tuple(self.numeric(argument, depth=depth + 1) for argument in node.args))

    def _name(self, node: ast.Name) -> Point | Parameter:
        known, column = self._vocabulary, self._column(node)
        if node.id in known.parameters:
            return Parameter(node.id)
        if node.id in known.points:
            return Point(node.id)
        if node.id in known.foreign:
            refusal = (
                errors.OrdinaryPointInLifeSafetyRule if known.life_safety else errors.LifeSafetyPointInOrdinaryRule
            )
            raise refusal(column, name=node.id, known=known.known)
        if near := difflib.get_close_matches(node.id, known.points | known.parameters, n=1):
            raise errors.MisspelledName(column, name=node.id, known=known.known, suggestion=near[0])
        raise errors.UnknownName(column, name=node.id, known=known.known)

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

    def _refusal(self, node: ast.expr) -> errors.NotInLanguage:
        found = self._line[node.col_offset : node.end_col_offset].decode("utf-8", "ignore")
        return errors.NotInLanguage(self._column(node), found=found[:40])

    def _column(self, node: ast.expr) -> int:
        """Python counts bytes from 0, people count characters from 1."""
        return len(self._line[: node.col_offset].decode("utf-8", "ignore")) + 1
