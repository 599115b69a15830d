"""Profiles: what is shipped is valid; what is wrong is named."""

import copy
import tomllib
from pathlib import Path
from typing import Any

import pytest

from building.profile import BadProfile, parse_profile

PROFILES = Path(__file__).parents[2] / "device_adapters" / "profiles"

GOOD: dict[str, Any] = {
    "key": "kettle",
    "name": {"zh-CN": "水壶", "en": "Kettle"},
    "kind": "other",
    "protocol": "mqtt",
    "edition": "house rules, 2026",
    "points": [
        {
            "key": "water_temp_c",
            "name": {"zh-CN": "水温", "en": "Water temperature"},
            "kind": "sensor",
            "unit": "°C",
            "range": [0, 110],
            "reporting": {"mode": "periodic", "interval_s": 10},
        }
    ],
}


@pytest.mark.parametrize("path", sorted(PROFILES.glob("*.toml")), ids=lambda path: path.stem)
def test_a_shipped_profile_is_valid_and_named_in_both_languages(path: Path) -> None:
    profile = parse_profile(tomllib.loads(path.read_text("utf-8")))
    assert profile.key == path.stem
    assert profile.edition
    for name in (profile.name, *(point.name for point in profile.points.values())):
        assert set(name) >= {"zh-CN", "en"}


def changed(**change: Any) -> dict[str, Any]:
    raw = copy.deepcopy(GOOD)
    raw["points"][0].update(change)
    return raw


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        ({**GOOD, "colour": "red"}, "unknown key colour"),
        ({key: value for key, value in GOOD.items() if key != "edition"}, "'edition' is missing"),
        ({**GOOD, "kind": "teapot"}, "teapot"),
        (changed(range=[10, 10]), "low < high"),
        (changed(kind="feeling"), "feeling"),
        (changed(reporting={"mode": "sometimes", "interval_s": 1}), "sometimes"),
        (changed(reporting={}), "'mode' is missing"),
        (changed(range="wide"), "point water_temp_c"),
        ({**GOOD, "points": GOOD["points"] * 2}, "same key"),
    ],
)
def test_a_bad_profile_says_what_to_change(raw: dict[str, Any], words: str) -> None:
    with pytest.raises(BadProfile, match=words):
        parse_profile(raw)


def test_a_good_profile_keeps_its_points_and_range() -> None:
    profile = parse_profile(GOOD)
    assert profile.points["water_temp_c"].high == 110.0
    assert profile.points["water_temp_c"].reporting.interval_s == 10.0
