"""Conditions of rules on orders: a small tree of (field, operator, value), read from JSON and never evaluated as code.

Pure. A tree is `{"field": …, "operator": …, "value": …}`, `{"all": [tree, …]}`, `{"any": [tree, …]}` or
`{"not": tree}`; `{}` always holds. What a fact does not say (None) meets no comparison but `is_not_set`, `!=` and
`not_in`.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, assert_never
from uuid import UUID

from automation.errors import RuleInvalid

MAX_DEPTH = 6
MAX_TESTS = 50
MAX_VALUES = 100
MAX_WORD = 200

Fact = str | float | bool | None
Facts = Mapping[str, Fact]


class FactType(StrEnum):
    WORD = "word"  # a code of a closed or configured set: compared as a whole
    TEXT = "text"
    NUMBER = "number"
    FLAG = "flag"
    ID = "id"


class Operator(StrEnum):
    EQUAL = "=="
    NOT_EQUAL = "!="
    LESS = "<"
    LESS_EQUAL = "<="
    GREATER = ">"
    GREATER_EQUAL = ">="
    IN = "in"
    NOT_IN = "not_in"
    CONTAINS = "contains"
    IS_SET = "is_set"
    IS_NOT_SET = "is_not_set"


_PRESENCE = (Operator.IS_SET, Operator.IS_NOT_SET)
_WHOLE = (Operator.EQUAL, Operator.NOT_EQUAL, Operator.IN, Operator.NOT_IN, *_PRESENCE)
_ORDERED = (Operator.LESS, Operator.LESS_EQUAL, Operator.GREATER, Operator.GREATER_EQUAL)
OPERATORS: Mapping[FactType, tuple[Operator, ...]] = {
    FactType.WORD: _WHOLE,
    FactType.TEXT: (Operator.EQUAL, Operator.NOT_EQUAL, Operator.CONTAINS, *_PRESENCE),
    FactType.NUMBER: (*_WHOLE, *_ORDERED),
    FactType.FLAG: (Operator.EQUAL, Operator.NOT_EQUAL, *_PRESENCE),
    FactType.ID: _WHOLE,
}

_WORD = re.compile(r"[a-z0-9][a-z0-9_.-]{0,99}")


@dataclass(frozen=True)
class Comparison:
    """`values` has one value, several for `in` and `not_in`, none for `is_set` and `is_not_set`."""

    field: str
    operator: Operator
    values: tuple[Fact, ...] = ()


@dataclass(frozen=True)
class AllOf:
    of: tuple["Condition", ...]


@dataclass(frozen=True)
class AnyOf:
    of: tuple["Condition", ...]


@dataclass(frozen=True)
class Not:
    of: "Condition"


Condition = Comparison | AllOf | AnyOf | Not
ALWAYS = AllOf(())


@dataclass(frozen=True)
class Field:
    """What a condition may name. `words`: all there are, where that is known."""

    type: FactType
    words: frozenset[str] = frozenset()


Fields = Mapping[str, Field]


def parse(raw: object, fields: Fields, *, where: str = "condition") -> Condition:
    """The condition of a JSON document. Raises RuleInvalid, which names the place and what would do."""
    return _Reader(fields).read(raw, where, depth=1)


def holds(condition: Condition, facts: Facts) -> bool:
    match condition:
        case AllOf(of):
            return all(holds(one, facts) for one in of)
        case AnyOf(of):
            return any(holds(one, facts) for one in of)
        case Not(of):
            return not holds(of, facts)
        case Comparison(field, operator, values):
            return _meets(facts.get(field), operator, values)
        case _:
            assert_never(condition)


def _meets(fact: Fact, operator: Operator, values: Sequence[Fact]) -> bool:
    match operator:
        case Operator.IS_SET:
            return fact is not None
        case Operator.IS_NOT_SET:
            return fact is None
        case Operator.EQUAL | Operator.IN:
            return fact in values
        case Operator.NOT_EQUAL | Operator.NOT_IN:
            return fact not in values
        case Operator.CONTAINS:
            return isinstance(fact, str) and str(values[0]).casefold() in fact.casefold()
        case Operator.LESS | Operator.LESS_EQUAL | Operator.GREATER | Operator.GREATER_EQUAL:
            # A flag is no number, although Python takes it for one.
            if isinstance(fact, bool) or not isinstance(fact, int | float):
                return False
            return _COMPARED[operator](float(fact), float(values[0] or 0))
        case _:
            assert_never(operator)


_COMPARED: Mapping[Operator, Callable[[float, float], bool]] = {
    Operator.LESS: lambda one, other: one < other,
    Operator.LESS_EQUAL: lambda one, other: one <= other,
    Operator.GREATER: lambda one, other: one > other,
    Operator.GREATER_EQUAL: lambda one, other: one >= other,
}


class _Reader:
    """Reads a tree, counting its tests."""

    def __init__(self, fields: Fields) -> None:
        self._fields = fields
        self._tests = 0

    def read(self, raw: object, where: str, *, depth: int) -> Condition:
        if depth > MAX_DEPTH:
            raise RuleInvalid(where=where, problem="too_deep", allowed=str(MAX_DEPTH))
        if not isinstance(raw, Mapping):
            raise RuleInvalid(where=where, problem="no_object", allowed="{…}")
        if not raw:
            return ALWAYS
        for word, make in (("all", AllOf), ("any", AnyOf)):
            if set(raw) == {word}:
                return make(self._several(raw[word], f"{where}.{word}", depth))
        if set(raw) == {"not"}:
            return Not(self.read(raw["not"], f"{where}.not", depth=depth + 1))
        return self._test(raw, where)

    def _several(self, raw: object, where: str, depth: int) -> tuple[Condition, ...]:
        if not isinstance(raw, Sequence) or isinstance(raw, str) or not raw:
            raise RuleInvalid(where=where, problem="no_list", allowed="[…]")
        return tuple(self.read(one, f"{where}[{number}]", depth=depth + 1) for number, one in enumerate(raw))

    def _test(self, raw: Mapping[Any, Any], where: str) -> Comparison:
        self._tests += 1
        if self._tests > MAX_TESTS:
            raise RuleInvalid(where=where, problem="too_many", allowed=str(MAX_TESTS))
        unknown = sorted(map(str, set(raw) - {"field", "operator", "value"}))
        if unknown:
            raise RuleInvalid(where=f"{where}.{unknown[0]}", problem="unknown", allowed="field, operator, value")
        name = raw.get("field")
        if not isinstance(name, str) or name not in self._fields:
            raise RuleInvalid(where=f"{where}.field", problem="unknown", allowed=", ".join(sorted(self._fields)))
        field = self._fields[name]
        allowed = OPERATORS[field.type]
        if raw.get("operator") not in allowed:
            raise RuleInvalid(where=f"{where}.operator", problem="unknown", allowed=", ".join(allowed))
        operator = Operator(raw["operator"])
        return Comparison(name, operator, self._values(raw, field, operator, f"{where}.value"))

    def _values(self, raw: Mapping[Any, Any], field: Field, operator: Operator, where: str) -> tuple[Fact, ...]:
        if operator in _PRESENCE:
            if raw.get("value") is not None:
                raise RuleInvalid(where=where, problem="unwanted", allowed="null")
            return ()
        given = raw.get("value")
        if operator not in (Operator.IN, Operator.NOT_IN):
            return (value_of(given, field, where),)
        if not isinstance(given, Sequence) or isinstance(given, str) or not 0 < len(given) <= MAX_VALUES:
            raise RuleInvalid(where=where, problem="no_list", allowed=f"1…{MAX_VALUES}")
        return tuple(value_of(one, field, f"{where}[{number}]") for number, one in enumerate(given))


def value_of(given: object, field: Field, where: str) -> Fact:
    """A value as facts have it. Raises RuleInvalid."""
    match field.type:
        case FactType.FLAG:
            if isinstance(given, bool):
                return given
            raise RuleInvalid(where=where, problem="wrong_type", allowed="true, false")
        case FactType.NUMBER:
            if isinstance(given, int | float) and not isinstance(given, bool) and abs(given) < 1e15:
                return float(given)
            raise RuleInvalid(where=where, problem="wrong_type", allowed="1, 2.5, …")
        case FactType.ID:
            return _id(given, where)
        case FactType.WORD:
            return _word(given, field, where)
        case FactType.TEXT:
            if isinstance(given, str) and 0 < len(given) <= MAX_WORD and "\x00" not in given:
                return given
            raise RuleInvalid(where=where, problem="wrong_type", allowed=f"1…{MAX_WORD}")
        case _:
            assert_never(field.type)


def _word(given: object, field: Field, where: str) -> str:
    if isinstance(given, str) and (given in field.words if field.words else _WORD.fullmatch(given)):
        return given
    raise RuleInvalid(where=where, problem="unknown", allowed=", ".join(sorted(field.words)) or "a-z, 0-9, _")


def _id(given: object, where: str) -> str:
    try:
        return str(UUID(str(given)))
    except ValueError:
        raise RuleInvalid(where=where, problem="wrong_type", allowed="UUID") from None


def as_fact(value: object) -> Fact:
    """What an order or event says, as conditions compare it: ids and moments as text, amounts as numbers."""
    match value:
        case None | bool() | str():
            return str(value) if isinstance(value, StrEnum) else value
        case UUID():
            return str(value)
        case datetime():
            return value.isoformat()
        case _:
            return float(value)  # type: ignore[arg-type]
