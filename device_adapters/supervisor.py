"""Runs the adapters side by side. One that fails is started again after a jittered wait; the others go on."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol

from prometheus_client import CollectorRegistry, Counter, Gauge

from device_adapters.links import LinkBook
from kit.backoff import Backoff
from kit.cancellation import raise_if_cancelled
from kit.clock import Clock
from kit.logs import logger

log = logger(__name__)

# Having run this long, a failure is a new one and not the last one's continuation.
_HEALTHY_AFTER_S = 60.0


class Adapter(Protocol):
    async def run(self) -> None:
        """Until cancelled; opens what it needs and closes it on the way out."""
        ...


class AdapterMetrics:
    """What all adapters of a process count."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.failures = Counter("hub_adapter_failures", "Adapters that failed", ["adapter"], registry=registry)
        self.running = Gauge("hub_adapter_running", "1 while an adapter runs", ["adapter"], registry=registry)


class AdapterSupervisor:
    """`run` until cancelled. Adapters note links in `links`; the supervisor has them told."""

    def __init__(
        self, adapters: Mapping[str, Adapter], *, links: LinkBook, clock: Clock, metrics: AdapterMetrics
    ) -> None:
        self._adapters = dict(adapters)
        self._links = links
        self._clock = clock
        self._metrics = metrics

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(self._links.run(), name="links")
            for name, adapter in self._adapters.items():
                group.create_task(self._keep(name, adapter), name=f"adapter {name}")

    async def _keep(self, name: str, adapter: Adapter) -> None:
        running = self._metrics.running.labels(name)

        async def attempt() -> None:
            running.set(1)
            try:
                await adapter.run()
            finally:
                running.set(0)

        await keep_running(name, attempt, clock=self._clock, failed=self._metrics.failures.labels(name).inc)


async def keep_running(
    name: str,
    attempt: Callable[[], Awaitable[None]],
    *,
    clock: Clock,
    failed: Callable[[], None],
    first_s: float = 1.0,
    longest_s: float = 60.0,
) -> None:
    """Awaits `attempt` again and again; after a failure (or an unexpected end) waits, longer each time in a row."""
    backoff = Backoff(first_s=first_s, longest_s=longest_s)
    while True:
        started = clock.monotonic()
        try:
            await attempt()
            error: Exception | None = None
        except Exception as caught:  # a supervisor is where failures of any kind end
            error = caught
        raise_if_cancelled()  # a group whose members fail while they are ended tells of that instead
        if clock.monotonic() - started > _HEALTHY_AFTER_S:
            backoff.reset()
        failed()
        delay_s = backoff.next_s()
        log.error("stopped; starting again", name=name, again_in_s=round(delay_s, 1), exc_info=error)
        await asyncio.sleep(delay_s)
