"""Which devices answer: changes are told once, in order, and again until whoever listens has taken them."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from itertools import islice
from uuid import UUID

from building.link import LinkChange
from kit.backoff import Backoff
from kit.cancellation import raise_if_cancelled
from kit.clock import Clock
from kit.logs import logger

log = logger(__name__)

# Takes all of them or raises.
OnLinks = Callable[[Sequence[LinkChange]], Awaitable[None]]

_TELL_DEADLINE_S = 10.0
# A gateway that dies takes hundreds along, and a hub that starts hears thousands for the first time.
_CHANGES_AT_ONCE = 500


class LinkBook:
    """What adapters know of links. `note` never waits, so that a slow database delays no poll."""

    def __init__(self, *, on_links: OnLinks, clock: Clock) -> None:
        self._on_links = on_links
        self._clock = clock
        self._known: dict[UUID, bool] = {}
        self._untold: dict[UUID, LinkChange] = {}
        self._changed = asyncio.Event()

    def note(self, equipment_id: UUID, is_up: bool) -> None:
        """Keeps the newest state only: a link that flaps while the listener is away is told as it is now."""
        if self._known.get(equipment_id) is is_up:
            return
        self._known[equipment_id] = is_up
        self._untold[equipment_id] = LinkChange(equipment_id, is_up, self._clock.now())
        self._changed.set()

    def forget(self, equipment_id: UUID) -> None:
        """The device is no longer asked; its next state will be told anew."""
        self._known.pop(equipment_id, None)
        self._untold.pop(equipment_id, None)

    async def run(self) -> None:
        """Tells every change until cancelled."""
        backoff = Backoff(first_s=0.5, longest_s=30.0)
        while True:
            await self._changed.wait()
            self._changed.clear()
            try:
                await self._tell_all()
            except Exception as error:  # whatever the listener fails of, the change is still to be told
                raise_if_cancelled()
                log.warning("link changes could not be told", changes=len(self._untold), error=repr(error))
                await asyncio.sleep(backoff.next_s())
                self._changed.set()
            else:
                backoff.reset()

    async def _tell_all(self) -> None:
        while self._untold:
            changes = list(islice(self._untold.values(), _CHANGES_AT_ONCE))
            async with asyncio.timeout(_TELL_DEADLINE_S):
                await self._on_links(changes)
            for change in changes:
                if self._untold.get(change.equipment_id) is change:
                    del self._untold[change.equipment_id]
