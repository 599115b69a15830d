"""The table of modes: ours can be read, a site's own goes before it, and a mistake is named."""

from pathlib import Path

import pytest

from building.equipment import EquipmentKind
from catalog.profiles import load_profiles
from predictive.remaining_life.modes import BadModes, load_modes

PROFILES = Path(__file__).parents[3] / "device_adapters" / "profiles"
OWN = """
[[modes]]
key = "bearing_wear"
kinds = ["pump"]
signs = [{ point = "vibration_mm_s", direction = "rises", limit = 4.5, spread = 0.5 }]
"""
PUMP = "[[modes]]\nkey = 'a'\nkinds = ['pump']\n"


def test_every_point_that_we_ship_a_mode_for_is_in_a_profile_of_that_kind() -> None:
    modes = load_modes()
    points: dict[EquipmentKind, set[str]] = {}
    for profile in load_profiles(PROFILES).values():
        points.setdefault(profile.kind, set()).update(profile.points)
    wanted = {sign.point for mode in modes.modes for sign in mode.signs} | {each.point for each in modes.services}
    assert wanted <= set().union(*points.values())
    for mode in modes.modes:
        assert any(sign.point in points.get(kind, set()) for kind in mode.kinds for sign in mode.signs), mode.key


def test_a_site_replaces_a_mode_and_keeps_the_others(tmp_path: Path) -> None:
    own = tmp_path / "modes.toml"
    own.write_text(OWN, encoding="utf-8")
    ours, theirs = load_modes(), load_modes(own)
    assert len(theirs.modes) == len(ours.modes)
    bearing = next(mode for mode in theirs.modes if mode.key == "bearing_wear")
    assert bearing.signs[0].limit_for(usual=1.0, moved=0.5).value == 4.5


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ("modes = 3", r"\[\[modes\]\]"),
        ("[[modes]]\nkinds = ['pump']", "key is missing"),
        ("[[modes]]\nkey = 'a'\nkinds = ['submarine']\nsigns = [{ point = 'b' }]", "submarine"),
        ("[[modes]]\nkey = 'a'\nkinds = ['pump']", "signs must name"),
        (PUMP + "signs = [{ point = 'b', direction = 'rises' }]", "exactly one of"),
        (PUMP + "signs = [{ point = 'b', direction = 'up', limit = 3 }]", "'up'"),
        (PUMP + "signs = [{ point = 'b', direction = 'rises', limit = 3, spread = 0 }]", "spread must be above 0"),
        ("[[services]]\nkey = 'a'\nkinds = ['pump']\npoint = 'b'\nevery = 0", "every must be above 0"),
        ("modes = [", "modes.toml"),
    ],
)
def test_a_mistake_in_the_file_is_named(tmp_path: Path, entry: str, words: str) -> None:
    own = tmp_path / "modes.toml"
    own.write_text(entry, encoding="utf-8")
    with pytest.raises(BadModes, match=words):
        load_modes(own)
