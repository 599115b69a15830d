"""A condition over the facts of an order: structured data, checked when it is saved, pure."""

import math
from collections.abc import Mapping
from decimal import Decimal
from enum import StrEnum
from typing import assert_never

import msgspec

from ticketing.definitions.documents import Checks

DEEPEST = 4
MOST_TERMS = 20


class Fact(StrEnum):
    COST = "cost"
    PRIORITY = "priority"
    KIND = "kind"
    PROCEDURE = "procedure"
    CATEGORY = "category"
    CHANNEL = "channel"
    PAYER = "payer"
    EQUIPMENT_KIND = "equipment_kind"


NUMBERS = frozenset({Fact.COST, Fact.PRIORITY})


class Op(StrEnum):
    IS = "="
    IS_NOT = "!="
    OVER = ">"
    AT_LEAST = ">="
    UNDER = "<"
    AT_MOST = "<="
    ONE_OF = "in"


FOR_WORDS = frozenset({Op.IS, Op.IS_NOT, Op.ONE_OF})

Value = Decimal | str | None
Facts = Mapping[Fact, Value]


class Condition(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Exactly one of: `all` of these, `any` of these, or a `fact` compared (`op`) with a `value`.

    {"fact": "cost", "op": ">", "value": 500}, {"any": [{"fact": "kind", "op": "in", "value": ["repair_public"]}, …]}
    """

    all: tuple["Condition", ...] | None = None
    any: tuple["Condition", ...] | None = None
    fact: Fact | None = None
    op: Op | None = None
    value: float | str | tuple[str, ...] | None = None


def holds(condition: Condition | None, facts: Facts) -> bool:
    """A fact that is not known is unlike everything. No condition always holds."""
    if condition is None:
        return True
    if condition.all is not None:
        return all(holds(each, facts) for each in condition.all)
    if condition.any is not None:
        return any(holds(each, facts) for each in condition.any)
    assert condition.fact is not None  # checked when it was saved
    assert condition.op is not None
    return _compares(facts.get(condition.fact), condition.op, condition.value)


def check(condition: Condition | None, checks: Checks, *, where: str) -> None:
    """Tells `checks` what is wrong with it."""
    if condition is None:
        return
    if _depth(condition) > DEEPEST or _terms(condition) > MOST_TERMS:
        checks.add("condition_too_large", where=where, deepest=DEEPEST, most=MOST_TERMS)
        return
    _check(condition, checks, where=where)


# --- inside --------------------------------------------------------------------------------------------------------


def _parts(condition: Condition) -> tuple[Condition, ...]:
    return (condition.all or ()) + (condition.any or ())


def _depth(condition: Condition) -> int:
    return 1 + max((_depth(each) for each in _parts(condition)), default=0)


def _terms(condition: Condition) -> int:
    return 1 + sum(_terms(each) for each in _parts(condition))


def _check(condition: Condition, checks: Checks, *, where: str) -> None:
    compared = (condition.fact, condition.op, condition.value)
    forms = [condition.all is not None, condition.any is not None, any(part is not None for part in compared)]
    if sum(forms) != 1 or (forms[2] and None in compared) or (not forms[2] and not _parts(condition)):
        checks.add("condition_form", where=where)
        return
    for number, part in enumerate(_parts(condition), start=1):
        _check(part, checks, where=f"{where}.{number}")
    if condition.fact is not None and not _fits(condition):
        checks.add("condition_value", where=where, fact=condition.fact.value, op=str(condition.op))


def _fits(condition: Condition) -> bool:
    """Whether that kind of fact can be compared in that way with that value."""
    value, op = condition.value, condition.op
    if condition.fact in NUMBERS:
        return op is not Op.ONE_OF and isinstance(value, int | float) and math.isfinite(value)
    if op not in FOR_WORDS:
        return False
    return isinstance(value, tuple) and bool(value) if op is Op.ONE_OF else isinstance(value, str)


def _compares(known: Value, op: Op, wanted: float | str | tuple[str, ...] | None) -> bool:
    if op is Op.ONE_OF:
        assert isinstance(wanted, tuple)
        return known in wanted
    other = Decimal(str(wanted)) if isinstance(known, Decimal) else wanted
    if op is Op.IS:
        return known == other
    if op is Op.IS_NOT:
        return known != other
    return isinstance(known, Decimal) and isinstance(other, Decimal) and _is_ordered(known, op, other)


def _is_ordered(known: Decimal, op: Op, wanted: Decimal) -> bool:
    match op:
        case Op.OVER:
            return known > wanted
        case Op.AT_LEAST:
            return known >= wanted
        case Op.UNDER:
            return known < wanted
        case Op.AT_MOST:
            return known <= wanted
        case Op.IS | Op.IS_NOT | Op.ONE_OF:
            raise AssertionError(op)
        case _:
            assert_never(op)
