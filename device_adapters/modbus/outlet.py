"""From polls to the intake, so that a slow bus never delays a poll. Bounded; what does not fit is counted."""

import asyncio
from collections import deque
from collections.abc import Sequence
from typing import Protocol

from prometheus_client import CollectorRegistry, Counter

from building.reading import Reading, ReadingBatch
from catalog.directory import EquipmentEntry
from kit.backoff import Backoff
from kit.cancellation import raise_if_cancelled
from kit.logs import logger

log = logger(__name__)

Readings = Sequence[Reading] | ReadingBatch
Entry = tuple[EquipmentEntry, Readings]

_MOST_POLLS_WAITING = 20_000
_MOST_POLLS_AT_ONCE = 2_000


class ReadingIntake(Protocol):
    async def submit(self, entries: Sequence[Entry]) -> None:
        """Returns once the bus has the readings."""
        ...


class Outlet:
    """`put` what a poll read; `run` hands it on, oldest first, until cancelled."""

    def __init__(
        self, intake: ReadingIntake, *, registry: CollectorRegistry, capacity: int = _MOST_POLLS_WAITING
    ) -> None:
        self._intake = intake
        self._waiting: deque[Entry] = deque()
        self._capacity = capacity
        self._arrived = asyncio.Event()
        self._dropped = Counter(
            "hub_modbus_dropped_readings", "Readings dropped because the bus was away too long", registry=registry
        )

    def put(self, entry: EquipmentEntry, readings: Readings) -> None:
        if len(self._waiting) >= self._capacity:
            _, oldest = self._waiting.popleft()
            self._dropped.inc(len(oldest))
        self._waiting.append((entry, readings))
        self._arrived.set()

    async def run(self) -> None:
        backoff = Backoff(first_s=0.5, longest_s=15.0)
        while True:
            await self._arrived.wait()
            self._arrived.clear()
            while self._waiting:
                taken = [self._waiting.popleft() for _ in range(min(len(self._waiting), _MOST_POLLS_AT_ONCE))]
                await self._hand_on(taken, backoff)

    async def _hand_on(self, taken: Sequence[Entry], backoff: Backoff) -> None:
        """Until the intake has taken them: readings leave this object only by `_dropped` or by a bus that has them."""
        while True:
            try:
                await self._intake.submit(taken)
            except Exception as error:  # the reason is the intake's; readings wait here meanwhile
                raise_if_cancelled()
                if not backoff.failures:
                    log.error("readings are not taken", error=repr(error))
                await asyncio.sleep(backoff.next_s())
            else:
                if backoff.reset():
                    log.info("readings are taken again")
                return
