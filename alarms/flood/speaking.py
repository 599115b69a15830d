"""Alarms that ask for attention outside the line of detections: after a hold or a test, once again, without their root.

Many may do so at once (a maintenance window ends), and people are told of them as of any flood.
"""

from collections.abc import Collection, Sequence
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from alarms.announcing import save_moves
from alarms.flood import line_repository
from alarms.flood.control import FloodControl, asking_among, grown
from alarms.flood.line_repository import FloodFound
from alarms.flood.planning import FloodPlan
from alarms.models import Alarm, TransitionRecord
from kit.db import driver_connection
from kit.events import publish
from kit.rows import write


class SpeakingUp:
    """Works on alarms of the session whose rows are held. Takes the locks of their sites, all at once and sorted: at
    most one call a transaction, after every other lock."""

    def __init__(self, control: FloodControl) -> None:
        self._control = control

    async def announce(self, session: AsyncSession, moves: Sequence[tuple[Alarm, TransitionRecord]]) -> None:
        """Writes moves down and publishes them; those that ask for attention are told as far as a flood allows."""
        asking = [alarm for alarm in asking_among(moves) if not alarm.life_safety and not alarm.is_test]
        plan = await self.place(session, asking) if asking else None
        await save_moves(session, moves, quiet=plan.quiet if plan is not None else ())

    async def place(self, session: AsyncSession, alarms: Sequence[Alarm]) -> FloodPlan:
        """Writes on alarms that ask for attention what explains them and what they are told with, and tells groups."""
        await session.flush()
        found = await self.found(session, alarms, sites={alarm.site_id for alarm in alarms})
        plan = self._control.settle(alarms, found)
        await self._save(session, plan)
        return plan

    async def link(self, session: AsyncSession, alarms: Sequence[Alarm]) -> None:
        """Puts alarms that have a root into its family; they are no news."""
        await session.flush()
        found = await self.found(session, alarms, sites={alarm.site_id for alarm in alarms})
        await self._save(session, self._control.link(alarms, found))

    async def found(self, session: AsyncSession, alarms: Collection[Alarm], *, sites: Collection[UUID]) -> FloodFound:
        """What is known of floods at the sites, which are locked by this. How often these alarms began is not asked:
        what came and went was told then, or is now."""
        inquiry = self._control.inquiry_of({alarm.equipment_id for alarm in alarms}, sites=sites)
        return await line_repository.found_of(await line_repository.ask(await driver_connection(session), inquiry))

    async def _save(self, session: AsyncSession, plan: FloodPlan) -> None:
        await session.flush()
        connection = await driver_connection(session)
        await write(connection, *line_repository.writings_of(plan))
        await line_repository.regroup(connection, plan.regrouped)
        await publish(session, *(grown(group) for group in plan.told_groups))
