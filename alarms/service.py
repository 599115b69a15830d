"""What can be done with alarms. Services never commit: the judge line, the request or the job does."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from prometheus_client import CollectorRegistry, Counter
from sqlalchemy.ext.asyncio import AsyncSession

from alarms import line_repository, repository
from alarms.announcing import events_of_all, save_moves
from alarms.detection import AlarmSource, Detection, EpisodeKey, in_order
from alarms.errors import (
    AlarmNotFound,
    AlarmNotShelved,
    AnswersEarlierEpisode,
    LifeSafetyNotShelved,
    NothingToShelve,
    UnknownAlarmSort,
    UnknownEquipment,
)
from alarms.flood import repository as flood_repository
from alarms.flood.control import FloodControl, Telling, asking_among
from alarms.flood.group import GroupStanding
from alarms.flood.speaking import SpeakingUp
from alarms.holding import add_windows, standing_on
from alarms.ledger import Ledger, freed, record
from alarms.lifecycle import AlarmInput, AlarmState, next_state
from alarms.lockouts import repository as lockout_repository
from alarms.models import Alarm, Inhibition, InhibitionKind, TransitionRecord
from alarms.repository import AlarmFilter
from alarms.suppression import note_holder
from alarms.transition import AlarmTransition, TransitionKind
from catalog.directory import LiveDirectory
from kit.access import Scope
from kit.clock import Clock, to_ms
from kit.db import pipelined
from kit.events import publish
from kit.logs import logger
from kit.totals import Total

log = logger(__name__)

# How many muted alarms a sweep reads at a time.
MUTED_AT_ONCE = 500


class AlarmLabel(StrEnum):
    """What a person found out afterwards; the measure of every rule and model."""

    REAL_FAULT = "real_fault"
    FALSE_ALARM = "false_alarm"
    NO_FAULT_FOUND = "no_fault_found"
    TEST = "test"


class AlarmService:
    """`directory` gives the names that are snapshotted into an alarm when it is raised."""

    def __init__(self, directory: LiveDirectory, clock: Clock, *, registry: CollectorRegistry | None = None) -> None:
        self._directory = directory
        self._clock = clock
        self._flood = FloodControl(directory, clock)
        self._speaking = SpeakingUp(self._flood)
        self._orphans = Counter(
            "hub_alarms_of_removed_equipment", "Detections of equipment that is gone",
            registry=registry or CollectorRegistry(),
        )  # fmt: skip

    # --- what rules, models and links say ------------------------------------------------------------------------

    async def apply(self, session: AsyncSession, detections: Sequence[Detection]) -> list[AlarmTransition]:
        """Enters detections, in event time order, and publishes what came of them; the same ones again do nothing.

        Takes a handful of statements however many they are. Detections of equipment that the directory does not know
        (removed meanwhile) are counted and left out.
        """
        known = self._known(detections)
        if not known:
            return []
        async with pipelined(session):
            book, flood = await line_repository.open_book(session, known, self._flood.inquiry(known))
            now, directory = self._clock.now(), self._directory.current
            involved = [detection.equipment_id for detection in known]
            add_windows(book.inhibitions, book.windows, involved, directory, now=now)
            ledger = Ledger(book, now=now)
            by_id = directory.by_id
            for detection in in_order(known):
                ledger.enter(detection, by_id[detection.equipment_id])
            plan = self._flood.settle(asking_among(ledger.moves), flood) if flood is not None else None
            await line_repository.save(session, ledger, numbers=book.numbers, flood=plan)
            telling = Telling.of(plan) if plan is not None else Telling()
            await publish(session, *events_of_all(ledger.moves, quiet=telling.quiet), *telling.events)
        return [AlarmTransition.of(alarm, entry) for alarm, entry in ledger.moves]

    async def lasting_episodes(
        self, session: AsyncSession, *, source: AlarmSource, life_safety: bool, equipment_ids: Collection[UUID]
    ) -> list[EpisodeKey]:
        """Episodes of these equipment that began and have not ended, cleared by hand or not."""
        return await repository.lasting_episodes(
            session, source=source.value, life_safety=life_safety, equipment_ids=equipment_ids
        )

    # --- what people do --------------------------------------------------------------------------------------------

    async def acknowledge(
        self, session: AsyncSession, scope: Scope, alarm_id: UUID, *, actor: UUID | None, note: str = "", via: str = "",
        episode_onset_at: datetime | None = None,
    ) -> Alarm:  # fmt: skip
        """`via`: the console at which it was done. `episode_onset_at`: of the episode answered, None for the latest.

        Raises AlarmNotFound, AlarmActionNotPossible, AnswersEarlierEpisode.
        """
        alarm = await self._for_change(session, scope, alarm_id, episode_onset_at=episode_onset_at)
        now = self._clock.now()
        alarm.acknowledged_at, alarm.acknowledged_by, alarm.attended_at, alarm.reminders = now, actor, now, 0
        await self._act(session, alarm, AlarmInput.ACKNOWLEDGE, actor=actor, note=note, via=via)
        return alarm

    async def clear(
        self, session: AsyncSession, scope: Scope, alarm_id: UUID, *, actor: UUID | None, note: str
    ) -> Alarm:
        """Ends an acknowledged alarm by hand. Raises AlarmNotFound, AlarmActionNotPossible, AlarmStillPresent."""
        alarm = await self._for_change(session, scope, alarm_id)
        await self._act(session, alarm, AlarmInput.CLEAR, actor=actor, note=note)
        return alarm

    async def label(self, session: AsyncSession, *, alarm_id: UUID, label: AlarmLabel) -> None:
        """Raises AlarmNotFound."""
        alarm = await self._for_change(session, Scope.everywhere(), alarm_id)
        alarm.label = label.value

    # --- suppression -----------------------------------------------------------------------------------------------

    async def inhibit(
        self,
        session: AsyncSession,
        *,
        equipment_id: UUID,
        reason: str,
        until: datetime | None = None,
        fault_mode: str | None = None,
    ) -> UUID:
        """Mutes the nuisance alarms of an equipment (of one fault mode, if given) until released or `until`.

        Alarms that were announced before stay as they are. Life safety is never muted. Raises UnknownEquipment.
        """
        equipment = self._directory.current.by_id.get(equipment_id)
        if equipment is None:
            raise UnknownEquipment(equipment_id)
        inhibition = Inhibition(
            site_id=equipment.site_id,
            equipment_id=equipment_id,
            fault_mode=fault_mode,
            reason=reason,
            until=until,
            created_at=self._clock.now(),
        )
        session.add(inhibition)
        await session.flush()
        return inhibition.id

    async def release(self, session: AsyncSession, *, inhibition_id: UUID) -> None:
        """Ends an inhibition; ending it again does nothing. What it muted and still lasts is announced by the sweep.

        Not by this: whoever calls it may go on to wait for others, which nobody may who has the lock of a flood.
        """
        inhibition = await session.get(Inhibition, inhibition_id)
        if inhibition is None or inhibition.released_at is not None:
            return
        inhibition.released_at = self._clock.now()
        await session.flush()

    async def locked_by(self, session: AsyncSession, equipment_ids: Collection[UUID]) -> Sequence[UUID]:
        """Who has locked one of these out now, to work on it: nobody switches it meanwhile."""
        return await lockout_repository.holders(session, equipment_ids, now=self._clock.now())

    async def shelve(
        self, session: AsyncSession, scope: Scope, alarm_id: UUID, *, span: timedelta, actor: UUID | None, note: str,
        via: str = "", episode_onset_at: datetime | None = None,
    ) -> Alarm:  # fmt: skip
        """Puts a condition that keeps coming up away for `span`: recorded meanwhile, not announced.

        Shelving it again moves the end. `episode_onset_at` as of `acknowledge`. Raises AlarmNotFound,
        AnswersEarlierEpisode, LifeSafetyNotShelved, NothingToShelve.
        """
        alarm = await self._for_change(session, scope, alarm_id, episode_onset_at=episode_onset_at)
        if alarm.life_safety:
            raise LifeSafetyNotShelved(alarm_id)
        if alarm.state == AlarmState.NORMAL:
            raise NothingToShelve(alarm_id)
        now = self._clock.now()
        for earlier in await repository.standing_shelves(session, alarm):
            earlier.released_at = now
        shelf = Inhibition(
            site_id=alarm.site_id, equipment_id=alarm.equipment_id, kind=InhibitionKind.SHELVED, source=alarm.source,
            source_id=alarm.source_id, person_id=actor, reason=note, until=now + span, created_at=now,
        )  # fmt: skip
        session.add(shelf)
        note_holder(alarm, shelf)
        entry = record(
            alarm, TransitionKind.SHELVED, before=alarm.state, at=now, now=now, actor_id=actor, note=note, via=via
        )
        await save_moves(session, [(alarm, entry)])
        return alarm

    async def unshelve(
        self, session: AsyncSession, scope: Scope, alarm_id: UUID, *, actor: UUID | None, note: str = ""
    ) -> Alarm:
        """Takes it off the shelf early; what still lasts is announced. Raises AlarmNotFound, AlarmNotShelved."""
        alarm = await self._for_change(session, scope, alarm_id)
        shelves = await repository.standing_shelves(session, alarm)
        if not shelves:
            raise AlarmNotShelved(alarm_id)
        for shelf in shelves:
            shelf.released_at = self._clock.now()
        await session.flush()
        await self._speaking.announce(session, await self._freed(session, [alarm], actor=actor, note=note))
        return alarm

    async def lift_suppression(self, session: AsyncSession) -> None:
        """A sweep: announces alarms whose inhibition or shelf ran out or was released, as far as a flood allows."""
        await repository.release_expired(session, now=self._clock.now())
        last: UUID | None = None
        moves: list[tuple[Alarm, TransitionRecord]] = []
        # All of them: what is out of service stays so for months, and must not be in the way of the others.
        while muted := await repository.suppressed_alarms(session, after=last, limit=MUTED_AT_ONCE):
            moves += await self._freed(session, muted)
            last = muted[-1].id
        await self._speaking.announce(session, moves)

    # --- looking ---------------------------------------------------------------------------------------------------

    async def get(self, session: AsyncSession, scope: Scope, alarm_id: UUID) -> Alarm:
        """Raises AlarmNotFound."""
        alarm = await repository.get(session, scope, alarm_id)
        if alarm is None:
            raise AlarmNotFound(alarm_id)
        return alarm

    async def find(
        self, session: AsyncSession, scope: Scope, wanted: AlarmFilter, *, sort: str, limit: int, offset: int
    ) -> tuple[Sequence[Alarm], Total]:
        """A page and how many match. Raises UnknownAlarmSort."""
        if sort.removeprefix("-") not in repository.SORTS:
            raise UnknownAlarmSort(sort, known=", ".join(sorted(repository.SORTS)))
        return await repository.find(session, scope, wanted, sort=sort, limit=limit, offset=offset)

    async def group_standing(self, session: AsyncSession, group_id: UUID, *, since: datetime) -> GroupStanding:
        """What became of alarms that were told together; answers count from `since`."""
        return await flood_repository.standing_of(session, group_id, since=since)

    async def history(self, session: AsyncSession, scope: Scope, alarm_id: UUID) -> Sequence[TransitionRecord]:
        """Every transition, oldest first. Raises AlarmNotFound."""
        await self.get(session, scope, alarm_id)
        return await repository.history(session, alarm_id)

    # --- inside ----------------------------------------------------------------------------------------------------

    def _known(self, detections: Sequence[Detection]) -> list[Detection]:
        by_id = self._directory.current.by_id
        known = [detection for detection in detections if detection.equipment_id in by_id]
        if len(known) < len(detections):
            self._orphans.inc(len(detections) - len(known))
            log.warning("detections of removed equipment left out", count=len(detections) - len(known))
        return known

    async def _freed(
        self, session: AsyncSession, held: Sequence[Alarm], *, actor: UUID | None = None, note: str = ""
    ) -> list[tuple[Alarm, TransitionRecord]]:
        """Writes down what holds these alarms back now; the moves of those that nothing does any more."""
        now = self._clock.now()
        standing = await standing_on(session, self._directory.current, {each.equipment_id for each in held}, now=now)
        return [
            (alarm, entry)
            for alarm in held
            for entry in freed(alarm, standing.get(alarm.equipment_id, ()), now=now, actor_id=actor, note=note)
        ]

    async def _for_change(
        self, session: AsyncSession, scope: Scope, alarm_id: UUID, *, episode_onset_at: datetime | None = None
    ) -> Alarm:
        alarm = await repository.get(session, scope, alarm_id, for_update=True)
        if alarm is None:
            raise AlarmNotFound(alarm_id)
        if episode_onset_at is not None and to_ms(episode_onset_at) != to_ms(alarm.episode_onset_at):
            raise AnswersEarlierEpisode(alarm_id, alarm.episode_onset_at)
        return alarm

    async def _act(
        self, session: AsyncSession, alarm: Alarm, action: AlarmInput, *, actor: UUID | None, note: str, via: str = ""
    ) -> None:
        before, now = AlarmState(alarm.state), self._clock.now()
        alarm.state = next_state(before, action, latches=alarm.life_safety)
        if alarm.state == AlarmState.NORMAL:
            alarm.cleared_at = now
        kind = TransitionKind.ACKNOWLEDGED if action is AlarmInput.ACKNOWLEDGE else TransitionKind.CLEARED
        entry = record(alarm, kind, before=before, at=now, now=now, actor_id=actor, note=note, via=via)
        await save_moves(session, [(alarm, entry)])
