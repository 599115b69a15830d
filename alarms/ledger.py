"""Enters detections in the books: which alarm is meant, what becomes of it, and what is written about it.

No I/O: it works on the OpenBook that was read for a batch, and leaves new rows and moved alarms to be saved.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from alarms.detection import (
    ConditionKey,
    Detection,
    EpisodeKey,
    OrderJoining,
    OrderPolicy,
    alarm_source_id,
    condition_of,
    episode_of,
)
from alarms.lifecycle import AlarmInput, AlarmState, next_state
from alarms.models import Alarm, AlarmEpisode, Inhibition, InhibitionKind, MaintenanceWindow, TransitionRecord
from alarms.suppression import holder_of, is_under_test, note_holder
from alarms.transition import TransitionKind
from building.severity import Severity
from catalog.directory import EquipmentEntry
from kit.clock import from_ms
from kit.ids import new_id

_FREED = {
    InhibitionKind.SHELVED: TransitionKind.UNSHELVED,
    InhibitionKind.OUT_OF_SERVICE: TransitionKind.IN_SERVICE,
    InhibitionKind.LOCKED_OUT: TransitionKind.LOCKS_OFF,
}


@dataclass
class OpenBook:
    """What is known of the conditions a batch of detections speaks of."""

    alarms: dict[ConditionKey, Alarm] = field(default_factory=dict)
    episodes: dict[EpisodeKey, AlarmEpisode] = field(default_factory=dict)
    inhibitions: dict[UUID, list[Inhibition]] = field(default_factory=dict)
    windows: list[MaintenanceWindow] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)
    """For the transitions that come of it, ascending; at least one a detection."""


class Ledger:
    """One batch's worth of bookkeeping. `moves` are in the order in which they happened, at most one a detection."""

    def __init__(self, book: OpenBook, *, now: datetime) -> None:
        self._book = book
        self._now = now
        self.moves: list[tuple[Alarm, TransitionRecord]] = []
        self.new_alarms: list[Alarm] = []
        self.new_episodes: list[AlarmEpisode] = []
        self.changed_episodes: dict[UUID, AlarmEpisode] = {}
        self._new: set[UUID] = set()
        self._lasting: dict[ConditionKey, list[AlarmEpisode]] = defaultdict(list)
        for (equipment_id, source, source_id, _), episode in book.episodes.items():
            if episode.ended_at is None:
                self._lasting[equipment_id, source, alarm_source_id(source_id)].append(episode)

    def enter(self, detection: Detection, equipment: EquipmentEntry) -> None:
        """Idempotent: an episode that is known is not begun again, one that is over does not end again.

        Unless the detection revises what was told: readings came late that belong before it.
        """
        if detection.active:
            self._begin(detection, equipment)
        else:
            self._end(detection)

    def _begin(self, detection: Detection, equipment: EquipmentEntry) -> None:
        known = self._book.episodes.get(episode_of(detection))
        if known is not None and not _goes_on_after_all(known, detection):
            return
        if detection.revises and self._lasts_since(detection):
            self._add_earlier(detection)
            return
        self._close_earlier_episodes(detection)
        alarm = self._book.alarms.get(condition_of(detection))
        if alarm is not None and alarm.is_present and self._lasting_of(alarm):
            self._add_level(alarm, detection, known)
            return
        before = AlarmState.NORMAL if alarm is None else AlarmState(alarm.state)
        if alarm is None:
            alarm = self._new_alarm(detection, equipment)
        elif known is None:
            alarm.episodes += 1
        _take_word(alarm, detection)
        self._take_nature(alarm, detection)
        standing = self._book.inhibitions.get(alarm.equipment_id, ())
        was_real = before is not AlarmState.NORMAL and not alarm.is_test
        is_tested = is_under_test(standing, onset_at=from_ms(detection.onset_ms), now=self._now)
        # A real one that lasts, or that nobody answered, is no test because somebody tests its device meanwhile.
        alarm.is_test = is_tested and not was_real
        alarm.state = next_state(before, AlarmInput.RAISE, latches=alarm.life_safety)
        alarm.is_present = True
        alarm.episode_onset_at = from_ms(detection.onset_ms)
        alarm.returned_at = None
        note_holder(alarm, holder_of(alarm, standing, now=self._now))
        if alarm.suppressed_by is None:
            alarm.attended_at, alarm.reminders = self._now, 0
        if known is None:
            self._new_episode(detection, alarm_id=alarm.id)
        else:
            self._reopen(known, alarm, detection)
        kind = TransitionKind.RAISED if alarm.suppressed_by is None else TransitionKind.SUPPRESSED
        self._write(alarm, kind, before=before, at=from_ms(detection.at_ms), values=detection.values)

    def _end(self, detection: Detection) -> None:
        episode = self._book.episodes.get(episode_of(detection))
        ended_at = from_ms(detection.at_ms)
        if episode is None or episode.ended_at == ended_at:
            return
        if episode.ended_at is not None:
            if detection.revises:
                self._revise_end(episode, detection, ended_at)
            return
        self._lasting[condition_of(detection)].remove(episode)
        self._close(episode, ended_at)
        alarm = self._book.alarms.get(condition_of(detection))
        if alarm is None or alarm.id != episode.alarm_id:
            return  # somebody cleared it by hand meanwhile
        before = AlarmState(alarm.state)
        if same := self._lasting_level(detection):  # another stretch of it was told late, or this one too soon
            alarm.episode_onset_at = from_ms(max(each.onset_ms for each in same))
            self._write(alarm, TransitionKind.REVISED, before=before, at=ended_at, values=detection.values)
            return
        if self._lasting_of(alarm):
            self._weigh(alarm, detection)
            return
        self._take_nature(alarm, detection)
        alarm.state = next_state(before, AlarmInput.RETURN, latches=alarm.life_safety)
        alarm.is_present = False
        alarm.returned_at = ended_at
        if alarm.state == AlarmState.NORMAL:
            alarm.cleared_at = self._now
            del self._book.alarms[condition_of(detection)]
        self._write(alarm, TransitionKind.RETURNED, before=before, at=ended_at, values=detection.values)

    def _reopen(self, episode: AlarmEpisode, alarm: Alarm, detection: Detection) -> None:
        episode.ended_at, episode.alarm_id = None, alarm.id
        self._lasting[condition_of(detection)].append(episode)
        self._note_change(episode)

    def _add_level(self, alarm: Alarm, detection: Detection, known: AlarmEpisode | None) -> None:
        """Another level of a condition that is there already: the same alarm, perhaps a worse one."""
        if known is None:
            self._new_episode(detection, alarm_id=alarm.id)
        else:
            self._reopen(known, alarm, detection)
        self._weigh(alarm, detection)

    def _weigh(self, alarm: Alarm, detection: Detection) -> None:
        """Makes the alarm as bad as the worst of its levels that last. What became worse asks for a person again, and
        so does what is a matter of life now."""
        became_grave = self._take_nature(alarm, detection)
        worst = min((Severity(each.severity) for each in self._lasting_of(alarm)), key=lambda each: each.rank)
        if worst.rank == alarm.severity_rank and not became_grave:
            return
        before, is_worse = AlarmState(alarm.state), became_grave or worst.rank < alarm.severity_rank
        alarm.severity, alarm.severity_rank, alarm.values = worst.value, worst.rank, detection.values
        alarm.message = detection.message or alarm.message
        if is_worse:
            _take_order(alarm, detection.order or _order_of(alarm))
            alarm.state = next_state(before, AlarmInput.RAISE, latches=alarm.life_safety)
            if alarm.suppressed_by is None:
                alarm.attended_at, alarm.reminders = self._now, 0
        kind = TransitionKind.ESCALATED if is_worse else TransitionKind.DOWNGRADED
        self._write(alarm, kind, before=before, at=from_ms(detection.at_ms), values=detection.values)

    def _take_nature(self, alarm: Alarm, detection: Detection) -> bool:
        """What kind of trouble it is may be said anew with every detection. True: it has just become a matter of life.

        It stays one until it is NORMAL, and nothing that held it back, or spoke for it, does so any more.
        """
        alarm.fault_mode = detection.fault_mode or alarm.fault_mode
        if alarm.life_safety or not detection.life_safety:
            return False
        alarm.life_safety = True
        alarm.root_id = alarm.group_id = alarm.flapping_since = None
        note_holder(alarm, None)
        alarm.attended_at, alarm.reminders = self._now, 0
        return True

    def _lasting_of(self, alarm: Alarm) -> list[AlarmEpisode]:
        """The stretches, of whatever level, for which the alarm is present."""
        lasting = self._lasting.get((alarm.equipment_id, alarm.source, alarm.source_id), ())
        return [episode for episode in lasting if episode.alarm_id == alarm.id]

    def _lasting_level(self, detection: Detection) -> list[AlarmEpisode]:
        """The stretches of the very level that is spoken of."""
        lasting = self._lasting.get(condition_of(detection), ())
        return [episode for episode in lasting if episode.source_id == detection.source_id]

    def _lasts_since(self, detection: Detection) -> bool:
        return any(episode.onset_ms > detection.onset_ms for episode in self._lasting_level(detection))

    def _add_earlier(self, detection: Detection) -> None:
        """A stretch that came before one that lasts: for the record, nobody is called a second time."""
        known = self._book.episodes.get(episode_of(detection))
        later = self._lasting_level(detection)[-1]
        alarm = self._book.alarms.get(condition_of(detection))
        if known is not None:
            known.ended_at = None
            self._lasting[condition_of(detection)].append(known)
            self._note_change(known)
        else:
            self._new_episode(detection, alarm_id=later.alarm_id)
        if alarm is not None and alarm.id == later.alarm_id:
            at = from_ms(detection.at_ms)
            self._write(alarm, TransitionKind.REVISED, before=AlarmState(alarm.state), at=at, values=detection.values)

    def _revise_end(self, episode: AlarmEpisode, detection: Detection, ended_at: datetime) -> None:
        self._close(episode, ended_at)
        alarm = self._book.alarms.get(condition_of(detection))
        if alarm is None or alarm.id != episode.alarm_id:
            return  # over for whoever watches; the episode on the books is right now
        if not alarm.is_present:
            alarm.returned_at = ended_at
        before = AlarmState(alarm.state)
        self._write(alarm, TransitionKind.REVISED, before=before, at=ended_at, values=detection.values)

    def _close_earlier_episodes(self, detection: Detection) -> None:
        """A new onset means that the one before is over, even when nobody was there to see it end."""
        for episode in self._lasting_level(detection):
            self._lasting[condition_of(detection)].remove(episode)
            self._close(episode, from_ms(detection.onset_ms))

    def _close(self, episode: AlarmEpisode, ended_at: datetime) -> None:
        episode.ended_at = ended_at
        self._note_change(episode)

    def _note_change(self, episode: AlarmEpisode) -> None:
        if episode.id not in self._new:
            self.changed_episodes[episode.id] = episode

    def _new_alarm(self, detection: Detection, equipment: EquipmentEntry) -> Alarm:
        alarm = Alarm(
            id=new_id(),
            site_id=detection.site_id,
            equipment_id=detection.equipment_id,
            building_id=equipment.building_id,
            site_code=equipment.site_code,
            equipment_code=equipment.code,
            equipment_name=equipment.name,
            source=detection.source.value,
            source_id=alarm_source_id(detection.source_id),
            fault_mode=detection.fault_mode,
            life_safety=detection.life_safety,
            state=AlarmState.NORMAL,
            is_present=True,
            onset_at=from_ms(detection.onset_ms),
            raised_at=self._now,
            episodes=1,
            is_test=False,
            reminders=0,
        )
        self.new_alarms.append(alarm)
        self._book.alarms[condition_of(detection)] = alarm
        return alarm

    def _new_episode(self, detection: Detection, *, alarm_id: UUID) -> None:
        equipment_id, source, source_id, onset_ms = episode_of(detection)
        episode = AlarmEpisode(
            id=new_id(), alarm_id=alarm_id, equipment_id=equipment_id, source=source, source_id=source_id,
            onset_ms=onset_ms, severity=detection.severity.value,
        )  # fmt: skip
        self.new_episodes.append(episode)
        self._new.add(episode.id)
        self._lasting[condition_of(detection)].append(episode)
        self._book.episodes[episode_of(detection)] = episode

    def _write(
        self, alarm: Alarm, kind: TransitionKind, *, before: AlarmState, at: datetime, values: dict[str, Any]
    ) -> None:
        self.moves.append((alarm, record(alarm, kind, before=before, at=at, now=self._now, values=values)))


def _take_word(alarm: Alarm, detection: Detection) -> None:
    """What is said of the alarm now that it is raised: the first time, or again."""
    alarm.severity, alarm.severity_rank = detection.severity.value, detection.severity.rank
    alarm.message, alarm.values = detection.message, detection.values
    alarm.rule_version = detection.rule_version
    _take_order(alarm, detection.order)


def _take_order(alarm: Alarm, order: OrderPolicy | None) -> None:
    alarm.order_kind = order.kind if order else None
    alarm.order_priority = order.priority if order else None
    alarm.order_joins = order.joins.value if order else None


def _order_of(alarm: Alarm) -> OrderPolicy | None:
    if alarm.order_kind is None or alarm.order_priority is None:
        return None
    return OrderPolicy(alarm.order_kind, alarm.order_priority, OrderJoining(alarm.order_joins or OrderJoining.FAULT))


def _goes_on_after_all(episode: AlarmEpisode, detection: Detection) -> bool:
    """An episode that was ended too soon, or that was withdrawn and is true all the same."""
    if episode.ended_at is None:
        return False
    return detection.revises or episode.ended_at <= from_ms(episode.onset_ms)


def record(
    alarm: Alarm,
    kind: TransitionKind,
    *,
    before: str,
    at: datetime,
    now: datetime,
    values: dict[str, Any] | None = None,
    actor_id: UUID | None = None,
    note: str = "",
    via: str = "",
) -> TransitionRecord:
    return TransitionRecord(
        id=new_id(),
        alarm_id=alarm.id,
        site_id=alarm.site_id,
        kind=kind,
        before=before,
        after=alarm.state,
        at=at,
        recorded_at=now,
        actor_id=actor_id,
        note=note,
        via=via,
        values=alarm.values if values is None else values,
        severity=alarm.severity,
    )


def freed(
    alarm: Alarm,
    standing: Sequence[Inhibition],
    *,
    now: datetime,
    actor_id: UUID | None = None,
    note: str = "",
    via: str = "",
) -> list[TransitionRecord]:
    """Writes down what holds the alarm back now; its transition, when that is nothing any more, or when somebody let go
    of what held it and something else does."""
    was = alarm.suppressed_by
    note_holder(alarm, holder_of(alarm, standing, now=now))
    is_held = alarm.suppressed_by is not None
    if is_held and (actor_id is None or alarm.suppressed_by == was):
        return []
    kind = _FREED.get(InhibitionKind(was), TransitionKind.UNSUPPRESSED) if was else TransitionKind.UNSUPPRESSED
    if not is_held:
        alarm.attended_at, alarm.reminders = now, 0
    return [record(alarm, kind, before=alarm.state, at=now, now=now, actor_id=actor_id, note=note, via=via)]
