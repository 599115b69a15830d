"""Compiled conditions: numpy against Python itself, and what is not known stays unknown."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.language import parse
from rules.program import Frame, Rows, Truth, compile_condition
from rules.vocabulary import Vocabulary

WORDS = Vocabulary(frozenset({"a", "b"}), frozenset({"p"}))
NAN = math.nan


def run(text: str, a: list[float], b: list[float] | None = None, p: float = 0) -> Truth:
    program = compile_condition(parse(text, WORDS), Rows(("a", "b"), ("p",)))
    points = np.array([a, b or [0.0] * len(a)])
    with np.errstate(all="ignore"):
        return program.run(Frame(points, np.full((1, len(a)), p)))


def words(truth: Truth) -> list[bool | None]:
    assert not (truth.yes & truth.no).any()
    return [True if yes else False if no else None for yes, no in zip(truth.yes, truth.no, strict=True)]


@pytest.mark.parametrize(
    "text",
    [
        "a > b", "a >= b", "a < b", "a <= b", "a == b", "a != b", "a", "not a", "a and b", "a or b", "1 < a <= b",
        "a + b * 2 - p > 3", "abs(a) > b", "min(a, b, 2) > max(b, 1) - 3", "not (a > 1 and not b) or a == b",
        "a / (b + 20) > 0.1", "a % (b + 20) > 1", "-a > +b",
    ],
)  # fmt: skip
@given(rows=st.lists(st.tuples(st.integers(-9, 9), st.integers(-9, 9)), min_size=1, max_size=9), p=st.integers(-3, 3))
def test_known_values_are_judged_as_python_would(text: str, rows: list[tuple[int, int]], p: int) -> None:
    expected = [
        bool(eval(text, {"abs": abs, "min": min, "max": max}, {"a": float(a), "b": float(b), "p": p})) for a, b in rows
    ]
    assert words(run(text, [float(a) for a, _ in rows], [float(b) for _, b in rows], p)) == expected


@pytest.mark.parametrize(
    ("text", "a", "b", "expected"),
    [
        ("a > 1", NAN, 0, None),
        ("not a > 1", NAN, 0, None),
        ("a", NAN, 0, None),
        ("a == a", NAN, 0, None),
        ("a > 1 and b > 1", NAN, 0, False),
        ("a > 1 and b > 1", NAN, 2, None),
        ("a > 1 or b > 1", NAN, 2, True),
        ("a > 1 or b > 1", NAN, 0, None),
        ("not (a > 1 and b > 1)", NAN, 0, True),
        ("a / b > 1", 1, 0, None),
        ("a % b > 1", 1, 0, None),
        ("max(a, b) > 1", NAN, 5, None),
    ],
)
def test_what_is_not_known_neither_holds_nor_fails(text: str, a: float, b: float, expected: bool | None) -> None:
    assert words(run(text, [float(a)], [float(b)])) == [expected]
