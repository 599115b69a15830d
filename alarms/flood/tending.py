"""What time does to a flood: alarms find their root although it was told later, outlast it, and groups grow."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from alarms.announcing import save_moves
from alarms.flood import line_repository, repository
from alarms.flood.control import FloodControl, grown
from alarms.flood.line_repository import FloodFound
from alarms.flood.planning import FloodBook, FloodPlan, due
from alarms.ledger import record
from alarms.models import Alarm
from alarms.transition import TransitionKind
from catalog.directory import Directory, LiveDirectory
from kit.clock import Clock
from kit.db import driver_connection
from kit.events import publish
from kit.rows import write

# Devices need this long to be heard again once their gateway or their power is back.
BACK_WITHIN = timedelta(minutes=3)
# How long a group is looked at after the last alarm joined it.
GROWING = timedelta(days=1)
KEEP_NOTICES = timedelta(days=400)
ALARMS_A_SWEEP = 1_000


class FloodTending:
    """`tend` is a sweep of every few seconds, `forget` one of every hour."""

    def __init__(self, control: FloodControl, directory: LiveDirectory, clock: Clock) -> None:
        self._control = control
        self._directory = directory
        self._clock = clock

    async def tend(self, session: AsyncSession) -> None:
        await self._adopt(session)
        await self._let_go(session)
        await self._tell_grown(session)

    async def forget(self, session: AsyncSession) -> None:
        await repository.forget_notices(session, before=self._clock.now() - KEEP_NOTICES)

    # --- inside ----------------------------------------------------------------------------------------------------

    async def _adopt(self, session: AsyncSession) -> None:
        """Links alarms that were raised before what explains them, and what hangs under those in its turn."""
        below = _children_of(self._directory.current)
        causes = await repository.lasting_causes(session, list(below))
        reach = _reach({cause.equipment_id for cause in causes}, below)
        if not reach:
            return
        orphans = await repository.unexplained(session, reach, limit=ALARMS_A_SWEEP)
        adopted = self._control.find_roots(orphans, causes)
        heads = {alarm.id: alarm.root_id for alarm in adopted}
        followers = await repository.children(session, list(heads)) if heads else []
        for follower in followers:
            assert follower.root_id is not None
            follower.root_id = heads[follower.root_id]
        if adopted:
            await self._settle(session, [*adopted, *followers], is_linking=True)

    async def _let_go(self, session: AsyncSession) -> None:
        """Alarms that outlast what explained them ask for attention themselves: nobody was told of them."""
        now = self._clock.now()
        lasting = await repository.outlasting(session, over_before=now - BACK_WITHIN, limit=ALARMS_A_SWEEP)
        if not lasting:
            return
        for alarm in lasting:
            alarm.root_id = alarm.group_id = None
        await self._settle(session, lasting, is_linking=False)
        moves = [
            (alarm, record(alarm, TransitionKind.REALARMED, before=alarm.state, at=now, now=now)) for alarm in lasting
        ]
        await save_moves(session, moves)

    async def _tell_grown(self, session: AsyncSession) -> None:
        now = self._clock.now()
        sites = await repository.sites_of_grown(session, since=now - GROWING)
        if not sites:
            return
        found = await self._found(session, [], sites=sites)
        groups = await repository.grown_groups(session, sites, since=now - GROWING)
        plan = FloodPlan(FloodBook(list(groups), found.book.notices), now=now)
        for group in due(groups, now=now):
            if plan.has_room(group.site_id):
                plan.tell(group)
        session.add_all(plan.new_notices)
        await session.flush()
        await publish(session, *(grown(group) for group in plan.told_groups))

    async def _settle(self, session: AsyncSession, alarms: Sequence[Alarm], *, is_linking: bool) -> None:
        """Puts alarms, whose rows are held, where they belong; those that are only linked to a root are no news."""
        await session.flush()
        found = await self._found(session, alarms, sites={alarm.site_id for alarm in alarms})
        plan = self._control.link(alarms, found) if is_linking else self._control.settle(alarms, found)
        await session.flush()
        connection = await driver_connection(session)
        await write(connection, *line_repository.writings_of(plan))
        await line_repository.regroup(connection, plan.regrouped)
        await publish(session, *(grown(group) for group in plan.told_groups))

    async def _found(self, session: AsyncSession, alarms: Collection[Alarm], *, sites: Collection[UUID]) -> FloodFound:
        inquiry = self._control.inquiry_of({alarm.equipment_id for alarm in alarms}, sites=sites)
        return await line_repository.found_of(await line_repository.ask(await driver_connection(session), inquiry))


def _children_of(directory: Directory) -> dict[UUID, list[UUID]]:
    found: dict[UUID, list[UUID]] = defaultdict(list)
    for entry in directory.entries:
        if entry.parent_id is not None:
            found[entry.parent_id].append(entry.equipment_id)
    return found


def _reach(tops: Collection[UUID], below: dict[UUID, list[UUID]]) -> set[UUID]:
    """All that hangs below any of these."""
    found: set[UUID] = set()
    left = [child for top in tops for child in below.get(top, ())]
    while left:
        equipment_id = left.pop()
        if equipment_id not in found:
            found.add(equipment_id)
            left += below.get(equipment_id, ())
    return found
