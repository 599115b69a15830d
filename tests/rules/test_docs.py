"""What docs/rules.md shows works."""

import re
import tomllib

from catalog.profiles import load_profiles
from rules.language import MAX_DEPTH, MAX_LENGTH, MAX_NODES, Function
from rules.rule import PointList, compile_rule
from rules.schemas import RuleDefinition
from tests.alarms.place import ROOT

PAGE = (ROOT / "docs" / "rules.md").read_text("utf-8")


def test_the_example_is_a_rule_that_compiles() -> None:
    example = re.search(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    assert example is not None
    [raw] = tomllib.loads(example[1])["rules"]
    rule = RuleDefinition.model_validate({"profile": "grundfos-cim-pump"} | raw).to_rule()
    points = load_profiles(ROOT / "device_adapters" / "profiles")["grundfos-cim-pump"].points.values()
    assert compile_rule(rule, PointList.of((p.key, p.life_safety) for p in points)).parameters == ("hot_c",)


def test_the_limits_and_functions_are_the_real_ones() -> None:
    words = " ".join(PAGE.split())
    assert f"At most {MAX_LENGTH:,} characters, {MAX_DEPTH} levels and {MAX_NODES} parts" in words
    for function in Function:
        assert f"`{function.value}(" in PAGE
