"""Devices that have no last will: silence for longer than their profile allows means the link is down."""

import asyncio
from collections.abc import Callable, Iterable
from uuid import UUID

from catalog.directory import EquipmentEntry
from device_adapters.links import LinkBook
from kit.clock import Clock

LOOK_EVERY_S = 10.0


class SilenceWatch:
    """`heard` for each message, `run` until cancelled. `watched` gives equipment and the seconds it may be silent.

    Silence is counted from the start at the earliest: nobody is called silent for what the hub itself slept through.
    """

    def __init__(
        self,
        watched: Callable[[], Iterable[tuple[EquipmentEntry, float]]],
        *,
        links: LinkBook,
        clock: Clock,
        look_every_s: float = LOOK_EVERY_S,
    ) -> None:
        self._watched = watched
        self._links = links
        self._clock = clock
        self._look_every_s = look_every_s
        self._started = clock.monotonic()
        self._heard: dict[UUID, float] = {}

    def heard(self, equipment_id: UUID) -> None:
        self._heard[equipment_id] = self._clock.monotonic()

    async def run(self) -> None:
        self._started = self._clock.monotonic()
        while True:
            self.look()
            await asyncio.sleep(self._look_every_s)

    def look(self) -> None:
        """Marks the link of everybody down who has been silent for too long."""
        now = self._clock.monotonic()
        for equipment, limit_s in self._watched():
            if now - self._heard.get(equipment.equipment_id, self._started) > limit_s:
                self._links.note(equipment.equipment_id, False)
