"""What a condition is made of: a small tree of our own. The text it came from is read by `rules.language`."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum


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
    AVG = "avg"
    STD = "std"
    RATE = "rate"
    DELTA = "delta"
    COUNT = "count"
    PREVIOUS = "previous"
    CHANGED = "changed"
    AGE = "age"
    IN_SCHEDULE = "in_schedule"


@dataclass(frozen=True)
class Number:
    value: float


@dataclass(frozen=True)
class Another:
    """Another equipment than the judged one: that of a code at the same site; None: its parent."""

    code: str | None = None

    def __str__(self) -> str:
        """As it is written in a condition."""
        return "parent" if self.code is None else f"other[{self.code!r}]"


@dataclass(frozen=True)
class Point:
    """A point by key: of the judged equipment, or of another."""

    key: str
    of: Another | None = None

    @property
    def name(self) -> str:
        """As it is written in a condition."""
        return self.key if self.of is None else f"{self.of}.{self.key}"


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
    """`abs`, `min` and `max` of numbers."""

    function: Function
    arguments: tuple["Numeric", ...]


@dataclass(frozen=True)
class Signal:
    """A number that is made of a point's past, not of its value alone: `avg(p, '10m')`.

    `window_ms` 0: of its last readings. `counted` belongs to `count`: a condition over the same point.
    """

    function: Function
    point: Point
    window_ms: int = 0
    counted: "Condition | None" = None


@dataclass(frozen=True)
class InSchedule:
    """1 in the hours of a schedule of the rule, 0 outside of them."""

    name: str


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


Numeric = Number | Point | Parameter | Arithmetic | Call | Signal | InSchedule
# What a frame holds beside values and parameters.
OverTime = Signal | InSchedule
Condition = Compare | IsNotZero | Not | All | AnyOf


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
        case Signal(_, point, _, None):
            return (point,)
        case Signal(_, point, _, counted):
            assert counted is not None
            return (point, counted)
        case IsNotZero(of) | Not(of):
            return (of,)
        case All(of) | AnyOf(of):
            return of
        case _:
            return ()


def signals_of(condition: Condition) -> tuple[OverTime, ...]:
    """What a condition needs of the past, each once; what is inside a `count` is the count's own affair."""
    found: dict[OverTime, None] = {}
    stack: list[Condition | Numeric] = [condition]
    while stack:
        node = stack.pop()
        if isinstance(node, Signal | InSchedule):
            found[node] = None
        else:
            stack.extend(_below(node))
    return tuple(sorted(found, key=repr))
