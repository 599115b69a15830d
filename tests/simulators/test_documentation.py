"""What docs/simulators.md says is so."""

import re
from pathlib import Path

from simulators.faults.catalog import fault_kind
from simulators.scenario.parse import _PARSERS
from simulators.settings import SimulatorSettings

TEXT = Path("docs/simulators.md").read_text("utf-8")


def test_every_setting_is_listed_with_its_default():
    for name, field in SimulatorSettings.model_fields.items():
        variable = f"HUB_SIM_{name.upper()}"
        assert f"`{variable}`" in TEXT, variable
        row = next(line for line in TEXT.splitlines() if f"`{variable}`" in line)
        if field.default is not None:
            shown = f"{field.default:g}" if isinstance(field.default, float) else str(field.default)
            assert f"`{shown}`" in row, variable


def test_the_faults_in_the_examples_are_real():
    named = re.findall(r"simulate fault (\S+)", TEXT)
    assert named
    for name in named:
        fault_kind(name)


def test_every_kind_of_step_is_explained():
    for step in _PARSERS:
        assert f"| `{step} = " in TEXT


def test_every_file_named_is_there():
    for path in re.findall(r"(simulators/scenarios/\w[\w-]*\.toml|hub/demo/site\.toml|device_adapters/profiles)", TEXT):
        assert Path(path).exists(), path
