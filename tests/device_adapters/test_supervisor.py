import asyncio
from collections.abc import Sequence

from prometheus_client import CollectorRegistry

from building.link import LinkChange
from device_adapters.links import LinkBook
from device_adapters.supervisor import AdapterMetrics, AdapterSupervisor, keep_running
from kit.clock import SystemClock


class Steady:
    def __init__(self) -> None:
        self.beats = 0

    async def run(self) -> None:
        while True:
            self.beats += 1
            await asyncio.sleep(0.01)


class Broken:
    def __init__(self) -> None:
        self.starts = 0

    async def run(self) -> None:
        self.starts += 1
        raise RuntimeError("no such host")


async def nobody(changes: Sequence[LinkChange]) -> None:
    raise AssertionError("no link was noted")


async def test_an_adapter_that_fails_is_started_again_and_harms_no_other() -> None:
    registry, clock = CollectorRegistry(), SystemClock()
    steady, broken = Steady(), Broken()
    links = LinkBook(on_links=nobody, clock=clock)
    supervisor = AdapterSupervisor(
        {"steady": steady, "broken": broken}, links=links, clock=clock, metrics=AdapterMetrics(registry)
    )
    task = asyncio.create_task(supervisor.run())
    async with asyncio.timeout(20):
        while broken.starts < 2:
            await asyncio.sleep(0.01)
    beats = steady.beats
    await asyncio.sleep(0.1)
    assert steady.beats > beats
    assert registry.get_sample_value("hub_adapter_running", {"adapter": "steady"}) == 1
    assert registry.get_sample_value("hub_adapter_failures_total", {"adapter": "broken"}) == broken.starts
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert registry.get_sample_value("hub_adapter_running", {"adapter": "steady"}) == 0


async def test_an_end_that_nobody_asked_for_counts_as_a_failure() -> None:
    starts = failures = 0

    async def ends() -> None:
        nonlocal starts
        starts += 1

    def failed() -> None:
        nonlocal failures
        failures += 1

    task = asyncio.create_task(
        keep_running("x", ends, clock=SystemClock(), failed=failed, first_s=0.01, longest_s=0.02)
    )
    async with asyncio.timeout(20):
        while starts < 3:
            await asyncio.sleep(0.01)
    task.cancel()
    assert failures >= 2


async def test_who_fails_while_being_ended_is_not_started_again() -> None:
    starts = 0

    async def fails_at_its_end() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            raise RuntimeError("the handle is closed")

    async def attempt() -> None:
        nonlocal starts
        starts += 1
        async with asyncio.TaskGroup() as group:
            group.create_task(fails_at_its_end())

    task = asyncio.create_task(keep_running("x", attempt, clock=SystemClock(), failed=lambda: None, first_s=0.01))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    task.cancel()
    done, _ = await asyncio.wait([task], timeout=20)
    assert done
    assert (starts, task.cancelled()) == (1, True)
