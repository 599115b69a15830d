"""What follows a transition, and what must hold for one, as tables that `ticketing.room` fills.

Each part of the room brings the effects and guards that are its own; moving an order knows none of them.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from ticketing.actor import Actor
from ticketing.dispatch.modes import Choice
from ticketing.flow import Effect, Flow, Guard, Transition
from ticketing.models import WorkOrder
from ticketing.words import Words


@dataclass(frozen=True)
class Step:
    """One transition of an order whose row is held, for those who follow it.

    In effects `order` stands in its new state already; `previous_id` is who had it before. `choice` says why the
    assignee was chosen, when it was not a person who chose.
    """

    order: WorkOrder
    flow: Flow
    row: Transition
    actor: Actor
    words: Words
    choice: Choice | None
    now: datetime
    previous_id: UUID | None


Follow = Callable[[AsyncSession, Step], Awaitable[None]]


@dataclass(frozen=True)
class Following:
    """`guards` refuse before anything changed. `effects` run within the transition, in the order of its row; `later`
    once it stands on the timeline, for what is a transition of its own."""

    guards: Mapping[Guard, Follow]
    effects: Mapping[Effect, Follow]
    later: Mapping[Effect, Follow]

    async def check(self, session: AsyncSession, step: Step) -> None:
        """Raises what the guards of the row raise."""
        for guard in step.row.guards:
            await self.guards[guard](session, step)

    async def apply(self, session: AsyncSession, step: Step) -> None:
        for effect in step.row.effects:
            if effect in self.effects:
                await self.effects[effect](session, step)

    async def go_on(self, session: AsyncSession, step: Step) -> None:
        for effect in step.row.effects:
            if effect in self.later:
                await self.later[effect](session, step)

    def missing(self) -> set[Effect | Guard]:
        """Members of the closed sets that nobody brought: a hole in the table of `ticketing.room`."""
        return (set(Guard) - set(self.guards)) | (set(Effect) - set(self.effects) - set(self.later))
