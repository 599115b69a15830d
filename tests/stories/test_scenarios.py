"""Every shipped scenario holds on a demo with its simulated fleet."""

import asyncio
import sys
from pathlib import Path

import pytest

from tests.stories.harness import Demo

pytestmark = pytest.mark.asyncio(loop_scope="module")

FLEET = True
FOLDER = Path(__file__).parents[2] / "simulators" / "scenarios"
# Those that wait for durations of rules take minutes.
QUICK = ["entrapment", "gateway-offline"]
LONG = ["bearing-wear", "phase-loss", "pipe-leak", "smoke", "two-owners-one-elevator"]
DEADLINE_S = 900.0
# Tests say what happens; how fast, a scenario says when played by itself.
PATIENCE = 10


@pytest.mark.parametrize("name", [*QUICK, *(pytest.param(name, marks=pytest.mark.long) for name in LONG)])
async def test_a_scenario_holds(demo: Demo, name: str) -> None:
    argv = [
        sys.executable, "-m", "simulators", "run", str(FOLDER / f"{name}.toml"),
        "--user", "manager", "--password", demo.accounts()["manager"], "--hub", demo.hub_url,
        "--simulator", demo.simulators_url, "--platform", demo.platform_url, "--language", "en",
        "--patience", str(PATIENCE),
    ]  # fmt: skip
    process = await asyncio.create_subprocess_exec(
        *argv, env=demo.environment, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    try:
        told, _ = await asyncio.wait_for(process.communicate(), DEADLINE_S)
    finally:
        if process.returncode is None:
            process.kill()
    assert process.returncode == 0, told.decode()


async def test_every_shipped_scenario_is_played_here() -> None:
    assert sorted(QUICK + LONG) == sorted(path.stem for path in FOLDER.glob("*.toml"))
