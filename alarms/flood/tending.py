"""What time does to a flood: alarms find their root although it was told later, outlast it, stay; groups grow."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from alarms.announcing import save_moves
from alarms.flood import repository
from alarms.flood.control import FloodControl, grown, trouble_of
from alarms.flood.planning import STAYS, WINDOW, FloodBook, FloodPlan, due
from alarms.flood.speaking import SpeakingUp
from alarms.flood.topology import NOTICED_WITHIN
from alarms.ledger import record
from alarms.lifecycle import AlarmInput, AlarmState, next_state
from alarms.models import Alarm, TransitionRecord
from alarms.transition import TransitionKind
from catalog.directory import Directory, LiveDirectory
from kit.clock import Clock
from kit.events import publish
from kit.sweeps import Sweep

SWEEP_EVERY = "* * * * * */10"  # the last field is seconds
# Devices need this long to be heard again once their gateway or their power is back.
BACK_WITHIN = timedelta(minutes=3)
# How long a group is looked at after the last alarm joined it.
GROWING = timedelta(days=1)
KEEP_NOTICES = timedelta(days=400)
ALARMS_A_SWEEP = 1_000


class FloodTending:
    """Sweeps, each a transaction of its own: each takes the locks of its sites all at once."""

    def __init__(self, control: FloodControl, directory: LiveDirectory, clock: Clock) -> None:
        self._control = control
        self._speaking = SpeakingUp(control)
        self._directory = directory
        self._clock = clock

    def sweeps(self) -> tuple[Sweep, ...]:
        return (
            Sweep("alarms.link_to_roots", SWEEP_EVERY, self.adopt),
            Sweep("alarms.let_go_of_roots", SWEEP_EVERY, self.let_go),
            Sweep("alarms.settle_flapping", SWEEP_EVERY, self.settle_flapping),
            Sweep("alarms.tell_grown_groups", SWEEP_EVERY, self.tell_grown),
            Sweep("alarms.forget_notices", "7 * * * *", self.forget),
        )

    async def adopt(self, session: AsyncSession) -> bool:
        """Links alarms that were raised before what explains them, and what hangs under those in its turn. What is held
        back is listed under its root, and told with it once nothing holds it. True when there are more."""
        below = _children_of(self._directory.current)
        causes = await repository.lasting_causes(session, list(below))
        reach = _reach({cause.equipment_id for cause in causes}, below)
        if not reach:
            return False
        since = min(cause.episode_onset_at for cause in causes) - NOTICED_WITHIN
        # Decided before any row is held: most of what hangs below is not explained, and somebody may want its rows.
        orphans = await repository.unexplained(session, reach, since=since)
        heads = self._control.heads_of(orphans, [trouble_of(cause) for cause in causes])
        adopted = await repository.held_orphans(session, sorted(heads)[:ALARMS_A_SWEEP])
        if not adopted:
            return False
        for alarm in adopted:
            alarm.root_id = heads[alarm.id]
        followers = await repository.children(session, [alarm.id for alarm in adopted])
        for follower in followers:
            assert follower.root_id is not None  # asked for by it
            follower.root_id = heads[follower.root_id]
        await self._speaking.link(session, [each for each in (*adopted, *followers) if each.suppressed_by is None])
        return len(heads) > ALARMS_A_SWEEP

    async def let_go(self, session: AsyncSession) -> bool:
        """Alarms that outlast what explained them ask for attention themselves: nobody was told of them, and what was
        acknowledged with their root was that root. What is held back goes on waiting. True when there may be more."""
        now = self._clock.now()
        lasting = await repository.outlasting(session, over_before=now - BACK_WITHIN, limit=ALARMS_A_SWEEP)
        for alarm in lasting:
            alarm.root_id = alarm.group_id = None
        await self._tell(session, [alarm for alarm in lasting if alarm.suppressed_by is None], now=now)
        return len(lasting) == ALARMS_A_SWEEP

    async def settle_flapping(self, session: AsyncSession) -> bool:
        """What came and went and then stayed is told now, if it was not; what stays away flaps no more. True when there
        may be more."""
        now = self._clock.now()
        settled = await repository.settled(
            session, stays_since=now - STAYS, away_since=now - WINDOW, limit=ALARMS_A_SWEEP
        )
        untold = [alarm for alarm in settled if alarm.attended_at is None and alarm.suppressed_by is None]
        for alarm in settled:
            alarm.flapping_since = None
        for alarm in untold:
            alarm.attended_at, alarm.reminders = now, 0
        await self._tell(session, [alarm for alarm in untold if _asks(alarm)], now=now)
        return len(settled) == ALARMS_A_SWEEP

    async def tell_grown(self, session: AsyncSession) -> None:
        """Tells groups again that grew, or became worse, when it is time."""
        now = self._clock.now()
        sites = await repository.sites_of_grown(session, since=now - GROWING)
        if not sites:
            return
        found = await self._speaking.found(session, [], sites=sites)
        groups = await repository.grown_groups(session, sites, since=now - GROWING)
        plan = FloodPlan(FloodBook(list(groups), found.book.notices), now=now)
        for group in due(groups, now=now):
            if plan.has_room(group.site_id):
                plan.tell(group)
        session.add_all(plan.new_notices)
        await session.flush()
        await publish(session, *(grown(group) for group in plan.told_groups))

    async def forget(self, session: AsyncSession) -> None:
        await repository.forget_notices(session, before=self._clock.now() - KEEP_NOTICES)

    # --- inside ----------------------------------------------------------------------------------------------------

    async def _tell(self, session: AsyncSession, alarms: Sequence[Alarm], *, now: datetime) -> None:
        """Raises them once more, save those that something else explains by now."""
        if not alarms:
            return
        plan = await self._speaking.place(session, alarms)
        moves = [(alarm, _again(alarm, now=now)) for alarm in alarms if alarm.root_id is None]
        await save_moves(session, moves, quiet=plan.quiet)


def _again(alarm: Alarm, *, now: datetime) -> TransitionRecord:
    before = AlarmState(alarm.state)
    alarm.state = next_state(before, AlarmInput.REALARM, latches=alarm.life_safety)
    alarm.attended_at, alarm.reminders = now, 0
    return record(alarm, TransitionKind.REALARMED, before=before, at=now, now=now)


def _asks(alarm: Alarm) -> bool:
    return alarm.is_present and alarm.state == AlarmState.UNACKED


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
