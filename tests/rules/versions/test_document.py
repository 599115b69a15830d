"""Rules as TOML: what is written reads back as the same rules, and every mistake has its line."""

import tomllib
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kit.i18n import Language, Texts
from rules.schemas import EXAMPLE, RuleDefinition
from rules.shipped import shipped_rules
from rules.versions.differences import differences
from rules.versions.document import written
from rules.versions.lines import rule_lines
from rules.versions.reading import MOST_RULES, ReadDocument, read
from tests.alarms.place import ROOT

TEXTS = Texts.load(["kit", "rules"])
WORDS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), min_size=1, max_size=30).filter(
    lambda text: text.strip() != ""
)
BOTH = st.fixed_dictionaries({"zh-CN": WORDS, "en": WORDS})
NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
NAMES = st.from_regex(r"[a-z_][a-z0-9_]{0,10}", fullmatch=True)
WHERE = st.sampled_from([{"profile": "grundfos-cim-pump"}, {"profile": 'a.b "c"'}, {"kind": "pump"}])


@st.composite
def definitions(draw: st.DrawFn) -> RuleDefinition:
    said: dict[str, Any] = EXAMPLE | {"profile": None} | draw(WHERE)
    said |= {"name": draw(BOTH), "message": draw(BOTH), "life_safety": draw(st.booleans())}
    said |= {"params": draw(st.dictionaries(NAMES, NUMBERS, max_size=3)), "when": draw(WORDS), "clear": draw(WORDS)}
    said |= {"equipment": draw(st.lists(st.uuids(), max_size=2)), "basis": draw(st.none() | BOTH)}
    said |= {
        "equipment_params": draw(st.dictionaries(st.uuids(), st.dictionaries(NAMES, NUMBERS, max_size=2), max_size=2))
    }
    said |= {"levels": draw(st.just([]) | st.just([{"severity": "critical", "when": "a > 1", "for": "2m"}]))}
    said |= {
        "schedules": draw(st.just({}) | st.just({"night": "22:00-06:00"})),
        "site_id": draw(st.none() | st.uuids()),
    }
    return RuleDefinition.model_validate(said)


def texts_of(found: ReadDocument) -> list[tuple[int, str, str]]:
    """(line, Chinese, English) of each problem."""
    return [
        (one.line, TEXTS.of_error(one.error, Language.ZH), TEXTS.of_error(one.error, Language.EN))
        for one in found.problems
    ]


@settings(max_examples=60, deadline=None)
@given(st.lists(definitions(), min_size=1, max_size=4))
def test_a_document_reads_back_as_the_same_rules_and_is_written_the_same_again(rules: list[RuleDefinition]) -> None:
    rules = [rule.model_copy(update={"key": f"rule-{number}"}) for number, rule in enumerate(rules)]
    text = written(rules)
    found = read(text, TEXTS)
    assert found.problems == ()
    back = [rule.definition for rule in found.rules]
    assert back == rules
    assert written(back) == text
    lines = text.split("\n")
    assert [lines[rule.lines.line - 1] for rule in found.rules] == ["[[rules]]"] * len(rules)
    for rule in found.rules:
        assert lines[rule.lines.of("name") - 1].startswith("name = ")


def test_the_shipped_rules_read_and_are_written_in_the_form_in_which_they_are_shipped() -> None:
    shipped = list(shipped_rules())
    assert [rule.definition for rule in read(written(shipped), TEXTS).rules] == shipped
    file = (ROOT / "rules" / "defaults" / "grundfos-cim-pump.toml").read_text("utf-8")
    [first, *_] = read(file, TEXTS).rules
    pump = [one.definition for one in read(file, TEXTS).rules]
    assert written(pump).startswith('profile = "grundfos-cim-pump"\n\n[[rules]]\nkey = "')
    assert tomllib.loads(written([first.definition]))["rules"][0].keys() >= {"key", "name", "message", "severity"}


DOCUMENT = '''# Rules of the pump room
profile = "grundfos-cim-pump"

[[rules]]
key = "hot"
name = { zh-CN = "过热", en = """
Hot
[[rules]]
""" }
message = { zh-CN = "热", en = "hot" }
when = "bearing_temp_c > 75"
severity = "worst"
fault_mode = "overheating"

[[rules]]
key = "dry"
message = { zh-CN = "干", en = "dry" }
when = "running"
missing = "5 minutes"
severity = "major"
fault_mode = "dry_run"
colour = "red"
[rules.name]
zh-CN = "干转"

[[rules]]
"key" = "fine"
name = { zh-CN = "好", en = "fine" }
message = { zh-CN = "好", en = "fine" }
when = "running"
severity = "major"
fault_mode = "dry_run"

[[rules]]
key = "fine"
name = { zh-CN = "好", en = "fine" }
message = { zh-CN = "好", en = "fine" }
when = "running"
severity = "major"
fault_mode = "dry_run"
'''


def test_every_mistake_has_its_line_and_what_is_right_is_read_all_the_same() -> None:
    found = read(DOCUMENT, TEXTS)
    assert [rule.definition.key for rule in found.rules] == ["fine"]
    wrong = texts_of(found)
    assert [line for line, _, _ in wrong] == [12, 19, 22, 35]
    assert "severity" in wrong[0][1]
    assert "colour" in wrong[2][2]
    assert "第 26 行" in wrong[3][1]


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_lines_are_those_of_the_document_whatever_is_in_its_texts(newline: str) -> None:
    first, second, third, _ = rule_lines(DOCUMENT.replace("\n", newline))
    assert (first.line, first.fields["name"], first.fields["severity"]) == (4, 6, 12)
    assert (second.line, second.fields["colour"], second.fields["name"]) == (15, 22, 23)
    assert (third.line, third.fields["key"], third.of("clear"), third.of(None)) == (26, 27, 26, 26)


@pytest.mark.parametrize(
    ("document", "line", "chinese", "english"),
    [
        ('[[rules]]\nkey = "a\n', 2, "第 2 行", "Line 2"),
        ("[[rules]]\nwhen = “a > 1”\n", 2, "缺少引号", "quotation mark"),
        ('[[rules]]\nkey = "a"\nkey = "b"\n', 3, "写了两次", "there twice"),
        ("[[rules]]\nparams = {", 2, "括号", "bracket"),
        ("", 1, "[[rules]]", "[[rules]]"),
        ("rules = 5", 1, "[[rules]]", "[[rules]]"),
        ("[[rules]]\n" * (MOST_RULES + 1), 1, str(MOST_RULES), str(MOST_RULES)),
    ],
)
def test_what_is_no_document_of_rules_is_told_in_one_line(document: str, line: int, chinese: str, english: str) -> None:
    found = read(document, TEXTS)
    [(where, zh, en)] = texts_of(found)
    assert (found.rules, where) == ((), line)
    assert chinese in zh
    assert english in en


def test_rules_in_one_statement_and_what_is_no_table_are_told_too() -> None:
    found = read("rules = [5, { key = 'x' }]", TEXTS)
    assert found.rules == ()
    assert {line for line, _, _ in texts_of(found)} == {1}


def test_differences_name_the_innermost_field() -> None:
    before = {"params": {"a": 1.0, "b": 2.0}, "when": "x", "for": None, "points": [], "equipment": ["1"]}
    after = {"params": {"a": 1.0, "b": 3.0, "c": 0.0}, "when": "x", "for": "1m", "equipment": ["1", "2"]}
    assert [(one.path, one.before, one.after) for one in differences(before, after)] == [
        (("params", "b"), 2.0, 3.0),
        (("equipment",), ["1"], ["1", "2"]),
        (("params", "c"), None, 0.0),
        (("for",), None, "1m"),
    ]


@given(definitions(), definitions())
@settings(max_examples=30, deadline=None)
def test_no_difference_is_missed_and_none_is_made_up(one: RuleDefinition, other: RuleDefinition) -> None:
    before, after = one.model_dump(mode="json"), other.model_dump(mode="json")
    assert differences(before, before) == ()
    assert bool(differences(before, after)) == (one != other)
    there, back = differences(before, after), differences(after, before)
    assert {(d.path, str(d.before), str(d.after)) for d in there} == {
        (d.path, str(d.after), str(d.before)) for d in back
    }


def test_every_field_of_a_rule_has_words() -> None:
    names = {field.alias or name for name, field in RuleDefinition.model_fields.items()}
    for language in Language:
        assert {f"rules.fields.{name}" for name in names} <= TEXTS.keys(language)


def test_ids_are_written_as_they_are() -> None:
    rule = RuleDefinition.model_validate(EXAMPLE | {"equipment": [str(UUID(int=7))]})
    assert f'equipment = ["{UUID(int=7)}"]' in written([rule])
