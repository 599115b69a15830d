"""The process in which a hub trains: of low priority, ended with the hub that started it."""

import sys
from collections.abc import Sequence
from typing import Final

from kit.supervision.lowly import run_lowly

COMMAND: Final = (sys.executable, "-m", "hub", "train", "--waiting")


class TrainingProcessFailed(RuntimeError):
    """It ended otherwise than by itself."""


async def train_in_process(command: Sequence[str] = COMMAND) -> None:
    """Runs it to its end; cancelled, it is told to stop. Raises TrainingProcessFailed."""
    code = await run_lowly(command)
    if code:
        raise TrainingProcessFailed(f"the training process ended with {code}; what is left is taken up within a minute")
