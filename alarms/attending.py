"""What people make of an alarm besides answering it: words, whose it is, out of service; and that it asks again."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from alarms import repository
from alarms.announcing import save_moves
from alarms.errors import (
    AlarmInService,
    AlarmNotFound,
    AlarmOver,
    AssigneeNotStaff,
    LifeSafetyNotShelved,
    OutOfServiceEndsEarlier,
)
from alarms.flood.control import FloodControl
from alarms.flood.speaking import SpeakingUp
from alarms.holding import standing_on
from alarms.ledger import freed, record
from alarms.lifecycle import AlarmInput, AlarmState, next_state
from alarms.models import Alarm, Inhibition, InhibitionKind, TransitionRecord
from alarms.reminding import AskingPolicy, askings
from alarms.suppression import holder_of, note_holder
from alarms.transition import TransitionKind
from catalog.directory import LiveDirectory
from kit.access import Scope
from kit.clock import Clock
from people.kinds import PersonKind
from people.service import PeopleService

# A flood that nobody answers is asked about in several turns of the sweep.
ASKING_A_SWEEP = 500


@dataclass(frozen=True)
class TakingOut:
    """One condition, or with `whole_equipment` all nuisance alarms of it; until put back, or until a time."""

    whole_equipment: bool
    until: datetime | None
    reason: str


class AlarmAttending:
    """`remind` is a sweep of every few seconds."""

    def __init__(self, directory: LiveDirectory, people: PeopleService, clock: Clock, policy: AskingPolicy) -> None:
        self._directory = directory
        self._people = people
        self._clock = clock
        self._askings = askings(policy)
        self._times = policy.times
        self._speaking = SpeakingUp(FloodControl(directory, clock))

    async def comment(self, session: AsyncSession, scope: Scope, alarm_id: UUID, *, actor: UUID, note: str) -> Alarm:
        """Words for whoever looks at it next, also when it is over. Raises AlarmNotFound."""
        alarm = await self._held(session, scope, alarm_id)
        await self._note(session, alarm, TransitionKind.COMMENTED, actor=actor, note=note)
        return alarm

    async def assign(
        self, session: AsyncSession, scope: Scope, alarm_id: UUID, *, assignee: UUID | None, actor: UUID, note: str
    ) -> Alarm:
        """Whose it is to look after; None: nobody's. The same again says nothing.

        Raises AlarmNotFound, AlarmOver, PersonNotFound, AssigneeNotStaff.
        """
        alarm = await self._held(session, scope, alarm_id)
        if alarm.state == AlarmState.NORMAL:
            raise AlarmOver(alarm_id)
        if assignee is not None:
            person = await self._people.person(session, Scope.of(alarm.site_id), assignee)
            if person.kind is not PersonKind.STAFF or not person.is_active:
                raise AssigneeNotStaff(assignee)
        if assignee != alarm.assignee_id:
            alarm.assignee_id = assignee
            await self._note(session, alarm, TransitionKind.ASSIGNED, actor=actor, note=note)
        return alarm

    async def take_out_of_service(
        self, session: AsyncSession, scope: Scope, alarm_id: UUID, taking: TakingOut, *, actor: UUID
    ) -> Alarm:
        """For a sensor that is broken until its spare part comes: recorded, not announced, until it is put back.

        The whole equipment's life safety goes on as ever. Raises AlarmNotFound, LifeSafetyNotShelved,
        OutOfServiceEndsEarlier.
        """
        alarm, others = await self._held_with_others(session, scope, alarm_id)
        now = self._clock.now()
        if alarm.life_safety:
            raise LifeSafetyNotShelved(alarm_id)
        if taking.until is not None and taking.until <= now:
            raise OutOfServiceEndsEarlier(taking.until)
        # Of the same extent: that all of the equipment is out says nothing of one sensor that waits for its part.
        alike = await repository.standing_out_of_service(session, alarm, whole_equipment=taking.whole_equipment)
        for earlier in alike:
            earlier.released_at, earlier.released_by = now, actor
        source, source_id = (None, None) if taking.whole_equipment else (alarm.source, alarm.source_id)
        session.add(
            Inhibition(
                site_id=alarm.site_id, equipment_id=alarm.equipment_id, kind=InhibitionKind.OUT_OF_SERVICE,
                source=source, source_id=source_id, person_id=actor, reason=taking.reason, until=taking.until,
                created_at=now,
            )
        )  # fmt: skip
        await session.flush()
        await self._hold_back(session, others if taking.whole_equipment else [alarm], taking, actor=actor, now=now)
        return alarm

    async def put_in_service(
        self, session: AsyncSession, scope: Scope, alarm_id: UUID, *, actor: UUID, note: str
    ) -> Alarm:
        """What still lasts is announced. Raises AlarmNotFound, AlarmInService."""
        alarm, concerned = await self._held_with_others(session, scope, alarm_id)
        now = self._clock.now()
        taken = await repository.standing_out_of_service(session, alarm)
        if not taken:
            raise AlarmInService(alarm_id)
        for each in taken:
            each.released_at, each.released_by = now, actor
        await session.flush()
        standing = await standing_on(session, self._directory.current, [alarm.equipment_id], now=now)
        moves = [
            (each, entry)
            for each in concerned
            if each.suppressed_by is not None and each.state != AlarmState.NORMAL
            for entry in freed(each, standing.get(each.equipment_id, ()), now=now, actor_id=actor, note=note)
        ]
        if alarm.state == AlarmState.NORMAL:
            note_holder(alarm, None)
            await self._note(session, alarm, TransitionKind.IN_SERVICE, actor=actor, note=note)
        await self._speaking.announce(session, moves)
        return alarm

    async def inhibitions(
        self, session: AsyncSession, scope: Scope, *, kind: InhibitionKind | None, site_id: UUID | None, limit: int,
        offset: int,
    ) -> tuple[Sequence[Inhibition], int]:  # fmt: skip
        """What holds alarms back now, the newest first, and how much there is. Maintenance windows are a list of their
        own."""
        return await repository.find_inhibitions(
            session, scope, kind=kind, site_id=site_id, now=self._clock.now(), limit=limit, offset=offset
        )

    async def remind(self, session: AsyncSession) -> None:
        """A sweep: alarms that nobody answered ask again; answered ones that last too long are raised again."""
        now = self._clock.now()
        moves: list[tuple[Alarm, TransitionRecord]] = []
        for alarm in await repository.unattended(session, self._askings, now=now, limit=ASKING_A_SWEEP):
            before = AlarmState(alarm.state)
            alarm.attended_at = now
            if before is AlarmState.ACKED:
                alarm.state = next_state(before, AlarmInput.REALARM, latches=alarm.life_safety)
                alarm.reminders = 0
                kind = TransitionKind.REALARMED
            else:
                alarm.reminders += 1
                kind = TransitionKind.REMINDED
            moves.append((alarm, record(alarm, kind, before=before, at=now, now=now)))
        await self._speaking.announce(session, moves)

    # --- inside ----------------------------------------------------------------------------------------------------

    async def _held(self, session: AsyncSession, scope: Scope, alarm_id: UUID) -> Alarm:
        alarm = await repository.get(session, scope, alarm_id, for_update=True)
        if alarm is None:
            raise AlarmNotFound(alarm_id)
        return alarm

    async def _held_with_others(
        self, session: AsyncSession, scope: Scope, alarm_id: UUID
    ) -> tuple[Alarm, Sequence[Alarm]]:
        """An alarm, and with it the open nuisances of its equipment: all at once, as two people may do so together."""
        alarm = await repository.get(session, scope, alarm_id)
        if alarm is None:
            raise AlarmNotFound(alarm_id)
        return alarm, await repository.hold_with_nuisances(session, alarm)

    async def _hold_back(
        self, session: AsyncSession, alarms: Sequence[Alarm], taking: TakingOut, *, actor: UUID, now: datetime
    ) -> None:
        """Of one equipment."""
        standing = await standing_on(session, self._directory.current, {each.equipment_id for each in alarms}, now=now)
        moves = []
        for each in alarms:
            note_holder(each, holder_of(each, standing.get(each.equipment_id, ()), now=now))
            kind = TransitionKind.OUT_OF_SERVICE
            entry = record(each, kind, before=each.state, at=now, now=now, actor_id=actor, note=taking.reason)
            moves.append((each, entry))
        await save_moves(session, moves)

    async def _note(self, session: AsyncSession, alarm: Alarm, kind: TransitionKind, *, actor: UUID, note: str) -> None:
        now = self._clock.now()
        entry = record(alarm, kind, before=alarm.state, at=now, now=now, actor_id=actor, note=note)
        await save_moves(session, [(alarm, entry)])
