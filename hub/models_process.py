"""The process in which `hub serve` has models look at readings: started late, of low priority, started again."""

import asyncio
import sys
import time
from typing import Final

from prometheus_client import CollectorRegistry, Counter

from hub.settings import HubSettings
from kit.logs import logger
from kit.supervision.lowly import run_lowly
from predictive.settings import PredictiveSettings

log = logger(__name__)

COMMAND: Final = (sys.executable, "-m", "hub.models_alone")
LONGEST_PAUSE_S: Final = 300.0
# Whoever ran for so long did not die of what it does first.
RAN_WELL_S: Final = 600.0


class ModelsProcess:
    """`run` until cancelled; without models, it waits for that."""

    def __init__(self, hub: HubSettings, settings: PredictiveSettings, registry: CollectorRegistry) -> None:
        self._hub = hub
        self._settings = settings
        self._ends = Counter(
            "hub_models_process_ends", "Times the process of models ended and was started again", registry=registry
        )

    async def run(self) -> None:
        if not self._settings.enabled:
            await asyncio.Event().wait()
        pause_s = self._settings.start_after_s
        while True:
            await asyncio.sleep(pause_s)
            started = time.monotonic()
            # It answers no health check of its own: the port is this process's.
            code = await run_lowly(COMMAND, env={"HUB_HEALTH_PORT": "0", "HUB_VAR": str(self._hub.var.resolve())})
            ran_s = time.monotonic() - started
            self._ends.inc()
            pause_s = 5.0 if ran_s > RAN_WELL_S else min(2 * max(pause_s, 5.0), LONGEST_PAUSE_S)
            log.error("the process of models ended; it starts again", code=code, ran_s=round(ran_s), in_s=pause_s)
