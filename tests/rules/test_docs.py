"""What docs/rules.md shows works."""

import re
import tomllib

from catalog.profiles import load_profiles
from rules.history import MOST_READINGS
from rules.language import MAX_DEPTH, MAX_LENGTH, MAX_NODES, MAX_SIGNALS
from rules.rule import PointList, compile_rule
from rules.schemas import RuleDefinition
from rules.tree import Function
from rules.versions.models import VersionState
from rules.versions.reading import MOST_RULES
from rules.versions.schemas import MOST_CHARACTERS
from rules.vocabulary import MAX_WINDOW_READINGS
from tests.alarms.place import ROOT

PAGE = (ROOT / "docs" / "rules.md").read_text("utf-8")
VERSIONS = PAGE.partition("\n## Versions\n")[2]


def test_the_example_is_a_rule_that_compiles() -> None:
    example = re.search(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    assert example is not None
    [raw] = tomllib.loads(example[1])["rules"]
    rule = RuleDefinition.model_validate({"profile": "grundfos-cim-pump"} | raw).to_rule()
    points = load_profiles(ROOT / "device_adapters" / "profiles")["grundfos-cim-pump"].points.values()
    assert compile_rule(rule, PointList.of(points)).parameters == ("hot_c",)


def test_the_plain_forms_and_levels_are_parts_of_rules_that_compile() -> None:
    example, forms, levels = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    [whole] = tomllib.loads(example)["rules"]
    bare = {name: whole[name] for name in ("key", "name", "message", "severity", "fault_mode")}
    keys = {"bearing_temp_c": "", "level_m": "m"}
    points = PointList(frozenset(keys), frozenset(), units=keys)
    given = {"params": {}, "profile": "pump", "message": bare["name"]}
    for form, text in tomllib.loads(forms).items():
        raised_by = {"when": "level_m > 2"} if form == "repeats" else {}
        compile_rule(RuleDefinition.model_validate(bare | given | raised_by | {form: text}).to_rule(), points)
    compiled = compile_rule(RuleDefinition.model_validate(bare | given | tomllib.loads(levels)).to_rule(), points)
    assert [level.rule.key for level in compiled.levels] == [f"{bare['key']}#critical"]


def test_the_limits_and_functions_are_the_real_ones() -> None:
    words = " ".join(PAGE.split())
    assert f"At most {MAX_LENGTH:,} characters, {MAX_DEPTH} levels and {MAX_NODES} parts" in words
    for function in Function:
        assert f"`{function.value}(" in PAGE
    assert f"{MAX_WINDOW_READINGS:,} intervals" in words
    assert f"at most {MAX_SIGNALS} such functions" in words
    assert f"more than {MOST_READINGS:,} things" in words
    assert f"at most {MOST_RULES} rules and {MOST_CHARACTERS:,} characters" in words


def test_every_state_of_a_version_is_described() -> None:
    described = re.findall(r"^\| `(\w+)` \| .* \| .* \|$", VERSIONS, re.MULTILINE)
    assert described == [state.value for state in VersionState]
