"""Adapters of which each runs in one process at a time: shared out among the adapter processes, taken over when one
ends."""

import asyncio
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Protocol

from device_adapters.links import LinkBook
from device_adapters.supervisor import Adapter, AdapterMetrics, AdapterSupervisor
from kit.clock import Clock
from kit.logs import logger

log = logger(__name__)

LOOK_EVERY_S = 1.0

MakeAdapter = Callable[[LinkBook], Adapter]


class Share(Protocol):
    """Which work is ours: `bus.sharing.WorkShare`."""

    async def settle(self, wanted: Collection[str]) -> frozenset[str]:
        """Which of `wanted` this process does from now on; the rest is to be stopped, then released."""
        ...

    async def release(self, names: Iterable[str]) -> None: ...


class Alone:
    """One process does all of it."""

    async def settle(self, wanted: Collection[str]) -> frozenset[str]:
        return frozenset(wanted)

    async def release(self, names: Iterable[str]) -> None:
        """Nobody waits for it."""


class SharedAdapters:
    """`run` until cancelled. Each taking makes its adapter and its book of links anew: what another process has heard
    and told meanwhile makes what was known here old."""

    def __init__(
        self,
        makers: Mapping[str, MakeAdapter],
        *,
        share: Share,
        links: Callable[[], LinkBook],
        clock: Clock,
        metrics: AdapterMetrics,
    ) -> None:
        self._makers = dict(makers)
        self._share = share
        self._links = links
        self._clock = clock
        self._metrics = metrics

    async def run(self) -> None:
        running: dict[str, asyncio.Task[None]] = {}
        async with asyncio.TaskGroup() as group:
            while True:
                ours = await self._share.settle(self._makers)
                for name in [name for name in running if name not in ours]:
                    await self._stop(name, running.pop(name))
                for name in sorted(ours.difference(running)):
                    log.info("adapter taken", adapter=name)
                    running[name] = group.create_task(self._run_one(name), name=f"shared {name}")
                await asyncio.sleep(LOOK_EVERY_S)

    async def _stop(self, name: str, task: asyncio.Task[None]) -> None:
        task.cancel()
        await asyncio.wait([task])
        await self._share.release([name])
        log.info("adapter given away", adapter=name)

    async def _run_one(self, name: str) -> None:
        links = self._links()
        adapters = {name: self._makers[name](links)}
        await AdapterSupervisor(adapters, links=links, clock=self._clock, metrics=self._metrics).run()
