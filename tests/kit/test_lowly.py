"""A process of low priority runs to its end, and ends with whoever runs it."""

import asyncio
import os
import sys
from pathlib import Path

from kit.supervision.lowly import NICENESS, run_lowly

LIVENESS_S = 20.0
SAYS_HOW_IT_RUNS = (
    "import os, pathlib; said = f'{os.getpid()} {os.nice(0)} {os.sched_getscheduler(0)}'; "
    "pathlib.Path(os.environ['SAID']).write_text(said)"
)


async def test_it_yields_to_the_others_and_says_how_it_ended(tmp_path: Path) -> None:
    said = tmp_path / "said"
    code = await run_lowly([sys.executable, "-c", f"{SAYS_HOW_IT_RUNS}; raise SystemExit(7)"], env={"SAID": str(said)})
    assert code == 7
    _, niceness, policy = said.read_text().split()
    assert int(niceness) == min(os.nice(0) + NICENESS, 19)
    assert int(policy) == os.SCHED_IDLE


async def test_cancelled_it_is_told_to_stop(tmp_path: Path) -> None:
    said = tmp_path / "said"
    program = [sys.executable, "-c", f"{SAYS_HOW_IT_RUNS}; import time; time.sleep(600)"]
    running = asyncio.create_task(run_lowly(program, env={"SAID": str(said)}))
    async with asyncio.timeout(LIVENESS_S):
        while not (said.is_file() and said.read_text().count(" ") == 2):
            await asyncio.sleep(0.02)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert not Path(f"/proc/{said.read_text().split()[0]}").exists()
