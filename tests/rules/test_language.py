"""The language of rules: what it takes, what it refuses, and that a refusal points at the place."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from building.point import Reporting, ReportingMode
from kit.i18n import Language, Texts
from rules import errors
from rules.language import MAX_DEPTH, MAX_LENGTH, parse
from rules.surroundings import Anywhere
from rules.tree import Point, walk
from rules.vocabulary import Vocabulary

WORDS = Vocabulary(
    frozenset({"bearing_temp_c", "vibration_mm_s", "running"}),
    frozenset({"limit"}),
    foreign=frozenset({"smoke"}),
    units={"bearing_temp_c": "°C", "vibration_mm_s": "mm/s", "limit": "℃"},
    reporting={"bearing_temp_c": Reporting(ReportingMode.PERIODIC, 10)},
    schedules=frozenset({"night"}),
)
TEXTS = Texts.load(["rules"])


@pytest.mark.parametrize(
    "text",
    [
        "bearing_temp_c > 75 and vibration_mm_s > 4.5",
        "running",
        "not running or (bearing_temp_c - 5) / 2 >= limit",
        "60 < bearing_temp_c <= 80",
        "abs(-bearing_temp_c) > 1 and max(bearing_temp_c, running, 3) > +2",
        "running == True",
        "rate(bearing_temp_c, '5m') > 2 or delta(bearing_temp_c, '10m') > limit - 60",
        "avg(bearing_temp_c, '10m') > limit and std(vibration_mm_s, '1h') < 0.2 * vibration_mm_s",
        "min(bearing_temp_c, '10m') > 60 or max(bearing_temp_c, limit) > 90",
        "count(bearing_temp_c > limit, '1h') >= 3 or count(changed(running) and running == 1, '1h') > 20",
        "previous(running) != running or changed(running) or not changed(bearing_temp_c, '1h')",
        "age(running) > 600 or limit > bearing_temp_c and 60 <= age(bearing_temp_c) < 90",
        "running and (in_schedule('night') or not in_schedule('night'))",
        "bearing_temp_c * vibration_mm_s > vibration_mm_s and bearing_temp_c / limit > 1.2",
        "  bearing_temp_c\n  > 75\n  and running  ",
    ],
)
def test_what_the_language_takes(text: str) -> None:
    parse(text, WORDS)


@pytest.mark.parametrize(
    ("text", "refusal", "column"),
    [
        ("", errors.ExpressionEmpty, 1),
        ("   ", errors.ExpressionEmpty, 1),
        ("running and " * 100, errors.ExpressionTooLong, MAX_LENGTH + 1),
        ("bearing_temp > 75", errors.MisspelledName, 1),
        ("running and temp > 75", errors.UnknownName, 13),
        ("  running and temp > 75", errors.UnknownName, 15),
        ("running and\n temp > 75", errors.UnknownName, 14),
        ("bearing_temp_c ＞ 75", errors.SignNotUnderstood, 16),
        ("bearing_temp_c = 75", errors.SignNotUnderstood, 16),
        ("running && running", errors.SignNotUnderstood, 9),
        ("!running", errors.SignNotUnderstood, 1),
        ("bearing_temp_c 75", errors.ExpressionUnreadable, 16),
        ("bearing_temp_c > 75)", errors.ExpressionUnreadable, 20),
        ("running) or (running", errors.ExpressionUnreadable, 8),
        ("(bearing_temp_c > 75", errors.ExpressionUnreadable, 1),
        ("bearing_temp_c + 3", errors.ConditionExpected, 1),
        ("running and 3", errors.ConditionExpected, 13),
        ("(running > 1) + 1 > 1", errors.NumberExpected, 2),
        ("rates(running) > 1", errors.UnknownFunction, 1),
        ("rate(running) > 1", errors.WindowExpected, 1),
        ("running and avg(running, 5) > 1", errors.WindowExpected, 13),
        ("max(running, running, '5m') > 1", errors.WindowExpected, 1),
        ("avg(running + 1, '5m') > 1", errors.PointExpected, 5),
        ("avg(limit, '5m') > 1", errors.PointExpected, 5),
        ("previous(running, '5m') > 1", errors.PointExpected, 1),
        ("avg(running, '5 min') > 1", errors.WindowUnreadable, 14),
        ("avg(running, '32d') > 1", errors.WindowUnreadable, 14),
        ("avg(bearing_temp_c, '5s') > 1", errors.WindowTooShort, 21),
        ("avg(bearing_temp_c, '14h') > 1", errors.WindowTooLong, 21),
        ("count(running and bearing_temp_c > 3, '1h') > 1", errors.OnePointCounted, 7),
        ("count(avg(running, '5m') > 1, '1h') > 1", errors.NotInCount, 7),
        ("count(running + 1, '1h') > 1", errors.ConditionExpected, 7),
        ("running and in_schedule('nacht')", errors.UnknownSchedule, 25),
        ("running and in_schedule(running)", errors.ScheduleExpected, 13),
        ("in_schedule('night')", errors.NoPointUsed, 1),
        ("count(running and in_schedule('night'), '1h') > 1", errors.ScheduleExpected, 19),
        ("age(running) + 1 > 60", errors.AgeNotCompared, 1),
        ("running and age(running) == 60", errors.AgeNotCompared, 13),
        ("age(running) > age(vibration_mm_s)", errors.AgeNotCompared, 1),
        ("bearing_temp_c > vibration_mm_s", errors.UnitsDisagree, 18),
        ("vibration_mm_s < 4 and bearing_temp_c - vibration_mm_s > 3", errors.UnitsDisagree, 24),
        ("max(bearing_temp_c, vibration_mm_s) > 3", errors.UnitsDisagree, 1),
        ("vibration_mm_s > limit", errors.UnitsDisagree, 18),
        ("rate(bearing_temp_c, '5m') > limit", errors.UnitsDisagree, 30),
        ("age(running) > bearing_temp_c", errors.UnitsDisagree, 16),
        (" or ".join(f"avg(running, '{n}m') > 1" for n in range(1, 12)), errors.TooManyWindows, 1),
        ("min(running) > 1", errors.WrongArguments, 1),
        ("abs(running, 2) > 1", errors.WrongArguments, 1),
        ("abs(x=running) > 1", errors.SignNotUnderstood, 6),
        ("running > 1e999", errors.NumberTooLarge, 11),
        ("running > " + "9" * 400, errors.NumberTooLarge, 11),
        ("3 > 2", errors.NoPointUsed, 1),
        ("limit", errors.NoPointUsed, 1),
        ("smoke", errors.LifeSafetyPointInOrdinaryRule, 1),
        ("not " * (MAX_DEPTH + 1) + "running", errors.ExpressionTooDeep, 4 * MAX_DEPTH + 1),
        (" or ".join(["running"] * 90 + ["1 > 1"] * 5), errors.ExpressionTooLong, MAX_LENGTH + 1),
        ("+".join(["1"] * 250) + " > running", errors.ExpressionTooDeep, 1),
        ("running.real > 1", errors.NotInLanguage, 1),
        ("running[0] > 1", errors.NotInLanguage, 1),
        ("running > 'a'", errors.NotInLanguage, 11),
        ("running is 1", errors.NotInLanguage, 12),
        ("running ** 2 > 1", errors.NotInLanguage, 1),
        ("(lambda: 1)() > running", errors.NotInLanguage, 1),
        ("[running for x in 1] > 1", errors.NotInLanguage, 1),
        ("running if running else running", errors.NotInLanguage, 1),
        ("__import__('os') > 1", errors.UnknownFunction, 1),
    ],
)
def test_a_refusal_points_at_the_place(text: str, refusal: type[errors.ExpressionError], column: int) -> None:
    with pytest.raises(errors.ExpressionError) as refused:
        parse(text, WORDS)
    assert (type(refused.value), refused.value.column) == (refusal, column)
    for language in Language:
        assert str(column) in TEXTS.of_error(refused.value, language)


NEAR = replace(
    WORDS,
    around=Anywhere(
        Vocabulary(
            frozenset({"level_pct", "water_temp_c"}), foreign=frozenset({"smoke"}),
            units={"level_pct": "%", "water_temp_c": "°C"},
            reporting={"level_pct": Reporting(ReportingMode.PERIODIC, 60)},
        ),
        codes=frozenset({"TANK-1", "非机动车库（东）=2"}),
    ),
)  # fmt: skip


@pytest.mark.parametrize(
    ("text", "points"),
    [
        ("parent.level_pct > 3 and running", ["parent.level_pct", "running"]),
        ("bearing_temp_c - other['TANK-1'].water_temp_c > 5", ["bearing_temp_c", "other['TANK-1'].water_temp_c"]),
        ("other[\"TANK-1\"].level_pct > 5", ["other['TANK-1'].level_pct"]),
        ("other['非机动车库（东）=2'].level_pct > 5", ["other['非机动车库（东）=2'].level_pct"]),
        ("avg(parent.level_pct, '10m') > 5 or changed(parent.level_pct)", ["parent.level_pct"]),
        ("rate(other['TANK-1'].level_pct, '5m') < -2 and age(parent.level_pct) < 600",
         ["other['TANK-1'].level_pct", "parent.level_pct"]),
        ("count(parent.level_pct > limit, '1h') > 3", ["parent.level_pct"]),
        ("not parent.level_pct", ["parent.level_pct"]),
    ],
)  # fmt: skip
def test_points_of_the_parent_and_of_others_stand_where_points_do(text: str, points: list[str]) -> None:
    condition = parse(text.replace("> limit", "> 3"), NEAR)
    assert sorted({node.name for node in walk(condition) if isinstance(node, Point)}) == points


@pytest.mark.parametrize(
    ("text", "refusal", "column"),
    [
        ("running and parent.levl > 3", errors.UnknownPointOfOther, 13),
        ("running and other['TANK-2'].level_pct > 3", errors.UnknownOther, 13),
        ("parent.smoke", errors.LifeSafetyPointInOrdinaryRule, 1),
        ("bearing_temp_c > parent.level_pct", errors.UnitsDisagree, 18),
        ("delta(parent.water_temp_c, '1h') > vibration_mm_s", errors.UnitsDisagree, 36),
        ("avg(parent.level_pct, '30s') > 3", errors.WindowTooShort, 23),
        ("other.level_pct > 3", errors.AnotherExpected, 1),
        ("other[TANK].level_pct > 3", errors.AnotherExpected, 1),
        ("other('TANK-1').level_pct > 3", errors.AnotherExpected, 1),
        ("running and other['TANK-1'] > 3", errors.AnotherExpected, 13),
        ("parent > 3", errors.AnotherExpected, 1),
        ("parent.parent.level_pct > 3", errors.NotInLanguage, 1),
        ("other[‘TANK-1’].level_pct > 3", errors.SignNotUnderstood, 7),
        ("count(parent.level_pct > bearing_temp_c / 2, '1h') > 3", errors.UnitsDisagree, 26),
    ],
)
def test_a_refusal_about_other_equipment_points_at_the_place(
    text: str, refusal: type[errors.ExpressionError], column: int
) -> None:
    with pytest.raises(errors.ExpressionError) as refused:
        parse(text, NEAR)
    assert (type(refused.value), refused.value.column) == (refusal, column)
    for language in Language:
        assert str(column) in TEXTS.of_error(refused.value, language)


def test_where_there_is_no_other_equipment_none_can_be_named() -> None:
    for text, refusal in (("parent.x", errors.NoParent), ("running and other['X'].x", errors.UnknownOther)):
        with pytest.raises(refusal):
            parse(text, WORDS)


def test_a_life_safety_rule_uses_life_safety_points_only() -> None:
    words = Vocabulary(frozenset({"smoke"}), foreign=frozenset({"running"}), life_safety=True)
    with pytest.raises(errors.OrdinaryPointInLifeSafetyRule):
        parse("smoke and running", words)


def test_a_slip_of_the_pen_gets_a_suggestion_and_what_is_known() -> None:
    with pytest.raises(errors.MisspelledName) as refused:
        parse("bearing_temp > 75", WORDS)
    assert refused.value.suggestion == "bearing_temp_c"
    assert refused.value.known == "bearing_temp_c, limit, running, vibration_mm_s"


def test_columns_count_characters_not_bytes() -> None:
    words = Vocabulary(frozenset({"温度"}))
    with pytest.raises(errors.UnknownName) as refused:
        parse("温度 > 3 and 压力 > 2", words)
    assert refused.value.column == 12


@given(st.text(max_size=200) | st.text("runigparethol[']()<>=+-*/. and or not 0123456789\n", max_size=200))
def test_any_text_is_either_taken_or_refused_with_a_column_inside_it(text: str) -> None:
    column = 1
    try:
        parse(text, NEAR)
    except errors.ExpressionError as refused:
        column = refused.column
    assert 1 <= column <= max(len(text), 1)
