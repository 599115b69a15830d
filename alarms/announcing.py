"""What the rest of the hub hears of an alarm's moves: each kind of transition and the events it is."""

from collections.abc import Collection, Sequence
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from alarms.events import (
    AlarmAcknowledged,
    AlarmAssigned,
    AlarmCleared,
    AlarmNoted,
    AlarmRaised,
    AlarmReminded,
    AlarmReturned,
    AlarmSeverityChanged,
    AlarmSuppressed,
)
from alarms.lifecycle import AlarmState
from alarms.models import Alarm, TransitionRecord
from alarms.transition import AlarmTransition, TransitionKind
from building.severity import Severity
from kit.events import Event, publish


async def save_moves(
    session: AsyncSession, moves: Sequence[tuple[Alarm, TransitionRecord]], *, quiet: Collection[UUID] = ()
) -> list[AlarmTransition]:
    """Writes moves down that people or sweeps made of alarms of this session, and publishes their events; `quiet` as of
    `events_of_all`. What may raise alarms goes through `alarms.flood.speaking` first."""
    session.add_all([entry for _, entry in moves])
    await session.flush()
    await publish(session, *events_of_all(moves, quiet=quiet))
    return [AlarmTransition.of(alarm, entry) for alarm, entry in moves]


def events_of_all(moves: Sequence[tuple[Alarm, TransitionRecord]], *, quiet: Collection[UUID] = ()) -> list[Event]:
    """`quiet` are alarms that flap: raised, and not told."""
    return [event for alarm, entry in moves for event in _events_of(alarm, entry, is_quiet=alarm.id in quiet)]


def _events_of(alarm: Alarm, entry: TransitionRecord, *, is_quiet: bool) -> list[Event]:
    found: list[Event] = []
    match TransitionKind(entry.kind):
        case TransitionKind.RAISED | TransitionKind.REALARMED | TransitionKind.REAL_FIRE:
            found = [_raised(alarm, is_quiet=is_quiet)]
        case TransitionKind.TEST_OVER:
            # Smoke that outlasts the test of its detector is smoke.
            found = [_raised(alarm) if _speaks(alarm) else _noted(alarm)]
        case (
            TransitionKind.UNSUPPRESSED
            | TransitionKind.UNSHELVED
            | TransitionKind.IN_SERVICE
            | TransitionKind.LOCKS_OFF
        ):
            # What went away while it was muted is not worth a call any more; its screens still change.
            found = [_raised(alarm) if _speaks(alarm) else _suppressed(alarm)]
        case (
            TransitionKind.SUPPRESSED
            | TransitionKind.SHELVED
            | TransitionKind.OUT_OF_SERVICE
            | TransitionKind.LOCKED_OUT
        ):
            found = [_suppressed(alarm)]
        case TransitionKind.RETURNED:
            found = [
                AlarmReturned(
                    site_id=alarm.site_id,
                    life_safety=alarm.life_safety,
                    alarm_id=alarm.id,
                    equipment_id=alarm.equipment_id,
                    fault_mode=alarm.fault_mode,
                    returned_at=entry.at,
                    order_kind=alarm.order_kind,
                )
            ]
        case TransitionKind.ACKNOWLEDGED:
            found = [_acknowledged(alarm, entry)]
        case TransitionKind.ESCALATED | TransitionKind.DOWNGRADED:
            found = [_changed(alarm, entry, is_quiet=is_quiet) if alarm.suppressed_by is None else _suppressed(alarm)]
        case TransitionKind.COMMENTED:
            found = [_noted(alarm)]
        case TransitionKind.ASSIGNED:
            found = [_assigned(alarm, entry)]
        case TransitionKind.REMINDED:
            found = [_reminded(alarm)]
        case TransitionKind.CLEARED if entry.before == AlarmState.RTN_UNACKED:
            # Whoever ends what nobody had answered has answered it: no telephone need ring any more.
            found = [_acknowledged(alarm, entry)]
        case TransitionKind.CLEARED | TransitionKind.REVISED:
            pass
    if entry.after == AlarmState.NORMAL and entry.before != AlarmState.NORMAL:
        found.append(_cleared(alarm))
    return found


def _speaks(alarm: Alarm) -> bool:
    """Whether it is there and nothing holds it back. One that was cleared by hand is over, although it may be there."""
    return alarm.is_present and alarm.suppressed_by is None and alarm.state != AlarmState.NORMAL


def _raised(alarm: Alarm, *, is_quiet: bool = False) -> AlarmRaised:
    return AlarmRaised(
        site_id=alarm.site_id,
        life_safety=alarm.life_safety,
        alarm_id=alarm.id,
        equipment_id=alarm.equipment_id,
        source=alarm.source,
        source_id=alarm.source_id,
        fault_mode=alarm.fault_mode,
        severity=Severity(alarm.severity),
        onset_at=alarm.episode_onset_at,
        order_kind=alarm.order_kind,
        order_priority=alarm.order_priority,
        order_joins=alarm.order_joins,
        root_id=alarm.root_id,
        group_id=alarm.group_id,
        is_test=alarm.is_test,
        is_quiet=is_quiet,
    )


def _acknowledged(alarm: Alarm, entry: TransitionRecord) -> AlarmAcknowledged:
    return AlarmAcknowledged(
        site_id=alarm.site_id,
        life_safety=alarm.life_safety,
        alarm_id=alarm.id,
        equipment_id=alarm.equipment_id,
        person_id=entry.actor_id,
        fault_mode=alarm.fault_mode,
        order_kind=alarm.order_kind,
        onset_at=alarm.episode_onset_at,
    )


def _changed(alarm: Alarm, entry: TransitionRecord, *, is_quiet: bool) -> AlarmSeverityChanged:
    return AlarmSeverityChanged(
        site_id=alarm.site_id,
        life_safety=alarm.life_safety,
        alarm_id=alarm.id,
        equipment_id=alarm.equipment_id,
        source=alarm.source,
        source_id=alarm.source_id,
        fault_mode=alarm.fault_mode,
        severity=Severity(entry.severity or alarm.severity),
        is_worse=TransitionKind(entry.kind) is TransitionKind.ESCALATED,
        onset_at=alarm.episode_onset_at,
        order_kind=alarm.order_kind,
        order_priority=alarm.order_priority,
        order_joins=alarm.order_joins,
        root_id=alarm.root_id,
        group_id=alarm.group_id,
        is_test=alarm.is_test,
        is_quiet=is_quiet,
    )


def _suppressed(alarm: Alarm) -> AlarmSuppressed:
    return AlarmSuppressed(site_id=alarm.site_id, alarm_id=alarm.id, equipment_id=alarm.equipment_id)


def _noted(alarm: Alarm) -> AlarmNoted:
    return AlarmNoted(site_id=alarm.site_id, alarm_id=alarm.id, equipment_id=alarm.equipment_id)


def _assigned(alarm: Alarm, entry: TransitionRecord) -> AlarmAssigned:
    return AlarmAssigned(
        site_id=alarm.site_id,
        life_safety=alarm.life_safety,
        alarm_id=alarm.id,
        equipment_id=alarm.equipment_id,
        assignee_id=alarm.assignee_id,
        actor_id=entry.actor_id,
    )


def _reminded(alarm: Alarm) -> AlarmReminded:
    return AlarmReminded(
        site_id=alarm.site_id,
        life_safety=alarm.life_safety,
        alarm_id=alarm.id,
        equipment_id=alarm.equipment_id,
        fault_mode=alarm.fault_mode,
        severity=Severity(alarm.severity),
        onset_at=alarm.episode_onset_at,
        reminder=alarm.reminders,
        assignee_id=alarm.assignee_id,
    )


def _cleared(alarm: Alarm) -> AlarmCleared:
    return AlarmCleared(
        site_id=alarm.site_id,
        life_safety=alarm.life_safety,
        alarm_id=alarm.id,
        equipment_id=alarm.equipment_id,
        fault_mode=alarm.fault_mode,
    )
