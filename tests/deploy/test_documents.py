"""The arithmetic of docs/scaling.md adds up, and what docs/operations.md tells to do can be done."""

import re
from pathlib import Path

import pytest
from typer.main import get_command

from hub.cli import app
from hub.demo.environment import DemoPorts
from hub.demo.site import demo_declaration
from hub.settings_list import every_setting

ROOT = Path(__file__).parents[2]
SCALING = (ROOT / "docs" / "scaling.md").read_text("utf-8")
OPERATIONS = (ROOT / "docs" / "operations.md").read_text("utf-8")
COMMUNITIES = (1, 100, 10_000)
UNITS = {"M": 1e6, "G": 1e9, "": 1.0}
READINGS_A_DAY = 227 * 86_400
FORMULAS = {
    "devices": 1_716,
    "messages/s": 24.7,
    "readings/s": 227,
    "readings a day": READINGS_A_DAY,
    "partitions": 12,
    "bus, GB a day written, one copy": READINGS_A_DAY * 33 / 1e9,
    "bus, GB a day, three copies": READINGS_A_DAY * 33 * 3 / 1e9,
    "DuckDB, GB a day, at most (the aim)": READINGS_A_DAY * 3 / 1e9,
    "InfluxDB, GB a day, at 20 B": READINGS_A_DAY * 20 / 1e9,
    "work orders a day": 20,
}


def rows(text: str) -> dict[str, list[str]]:
    """Cells of every table row, by the first."""
    found = [
        [cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line.startswith("|")
    ]
    return {cells[0]: cells[1:] for cells in found}


@pytest.mark.parametrize("name", FORMULAS)
def test_a_row_is_what_its_formula_gives(name: str) -> None:
    _, *cells = rows(SCALING)[name]
    for communities, cell in zip(COMMUNITIES, cells, strict=True):
        number, _, unit = cell.replace(",", "").partition(" ")
        assert float(number) * UNITS[unit] == pytest.approx(FORMULAS[name] * communities, rel=0.03), (name, communities)


def test_the_measured_community_is_the_demo_site() -> None:
    site = demo_declaration(DemoPorts())
    devices = [item for item in site.equipment if item.profile is not None]
    assert len(devices) == FORMULAS["devices"]
    assert len(site.buildings) == FORMULAS["partitions"]


def test_settings_and_commands_that_are_named_exist() -> None:
    known = {setting.variable for setting in every_setting()} | {"HUB_ROLES"}
    for text in (SCALING, OPERATIONS):
        assert set(re.findall(r"\bHUB_(?!TEST_)[A-Z_]+\b", text)) - known == set()
        commands = set(re.findall(r"`hub ([a-z-]+)", text)) | set(re.findall(r"^hub ([a-z-]+)", text, re.MULTILINE))
        assert commands - set(get_command(app).commands) == set()  # type: ignore[attr-defined]
    for path in set(re.findall(r"deploy/[\w./@-]+\w", OPERATIONS + SCALING)):
        assert (ROOT / path).exists(), path
