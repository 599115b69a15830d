"""Adapters shared out: taken, given away and taken again, each time made anew."""

import asyncio
from collections.abc import Collection, Iterable, Sequence
from uuid import UUID

from prometheus_client import CollectorRegistry

from building.link import LinkChange
from device_adapters.links import LinkBook
from device_adapters.sharing import SharedAdapters
from device_adapters.supervisor import AdapterMetrics
from kit.clock import SystemClock
from kit.ids import new_id

LIVENESS_S = 30.0


class Steered:
    """A share that says what it is told to, and notes in which order things were let go."""

    def __init__(self) -> None:
        self.ours: set[str] = set()
        self.events: list[str] = []

    async def settle(self, wanted: Collection[str]) -> frozenset[str]:
        return frozenset(self.ours.intersection(wanted))

    async def release(self, names: Iterable[str]) -> None:
        self.events += [f"released {name}" for name in names]


class Talkative:
    """An adapter whose device answers, once a life."""

    def __init__(self, links: LinkBook, device: UUID, events: list[str]) -> None:
        self._links, self._device, self._events = links, device, events

    async def run(self) -> None:
        self._links.note(self._device, True)
        try:
            await asyncio.Event().wait()
        finally:
            self._events.append("stopped")


async def test_what_is_taken_again_tells_its_links_anew_and_stops_before_others_may_have_it() -> None:
    share, device, told = Steered(), new_id(), list[bool]()

    async def on_links(changes: Sequence[LinkChange]) -> None:
        told.extend(change.is_up for change in changes)

    adapters = SharedAdapters(
        {"mqtt north": lambda links: Talkative(links, device, share.events)}, share=share,
        links=lambda: LinkBook(on_links=on_links, clock=SystemClock()), clock=SystemClock(),
        metrics=AdapterMetrics(CollectorRegistry()),
    )  # fmt: skip
    running = asyncio.create_task(adapters.run())
    async with asyncio.timeout(LIVENESS_S):
        for taken in (1, 2):
            share.ours = {"mqtt north"}
            while len(told) < taken:
                await asyncio.sleep(0.02)
            share.ours = set()
            while share.events.count("released mqtt north") < taken:
                await asyncio.sleep(0.02)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert told == [True, True]
    assert share.events == ["stopped", "released mqtt north"] * 2
