"""What the rest of the hub hears of an alarm's moves: each kind of transition and the events it is."""

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from alarms.events import AlarmAcknowledged, AlarmCleared, AlarmRaised, AlarmReturned, AlarmSuppressed
from alarms.lifecycle import AlarmState
from alarms.models import Alarm, TransitionRecord
from alarms.transition import AlarmTransition, TransitionKind
from building.severity import Severity
from kit.events import Event, publish


async def save_moves(session: AsyncSession, moves: Sequence[tuple[Alarm, TransitionRecord]]) -> list[AlarmTransition]:
    """Writes moves down that people or sweeps made of alarms of this session, and publishes their events."""
    session.add_all([entry for _, entry in moves])
    await session.flush()
    await publish(session, *events_of_all(moves))
    return [AlarmTransition.of(alarm, entry) for alarm, entry in moves]


def events_of_all(moves: Sequence[tuple[Alarm, TransitionRecord]]) -> list[Event]:
    return [event for alarm, entry in moves for event in _events_of(alarm, entry)]


def _events_of(alarm: Alarm, entry: TransitionRecord) -> list[Event]:
    found: list[Event] = []
    match TransitionKind(entry.kind):
        case TransitionKind.RAISED:
            found = [_raised(alarm)]
        case TransitionKind.UNSUPPRESSED | TransitionKind.UNSHELVED:
            # What went away while it was muted is not worth a call any more; its screens still change.
            found = [_raised(alarm) if alarm.is_present else _suppressed(alarm)]
        case TransitionKind.SUPPRESSED | TransitionKind.SHELVED:
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
            found = [
                AlarmAcknowledged(
                    site_id=alarm.site_id,
                    life_safety=alarm.life_safety,
                    alarm_id=alarm.id,
                    equipment_id=alarm.equipment_id,
                    person_id=entry.actor_id,
                    fault_mode=alarm.fault_mode,
                    order_kind=alarm.order_kind,
                )
            ]
        case TransitionKind.CLEARED | TransitionKind.REVISED:
            pass
    if entry.after == AlarmState.NORMAL:
        found.append(_cleared(alarm))
    return found


def _raised(alarm: Alarm) -> AlarmRaised:
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
        root_id=alarm.root_id,
        is_test=alarm.is_test,
    )


def _suppressed(alarm: Alarm) -> AlarmSuppressed:
    return AlarmSuppressed(site_id=alarm.site_id, alarm_id=alarm.id, equipment_id=alarm.equipment_id)


def _cleared(alarm: Alarm) -> AlarmCleared:
    return AlarmCleared(
        site_id=alarm.site_id,
        life_safety=alarm.life_safety,
        alarm_id=alarm.id,
        equipment_id=alarm.equipment_id,
        fault_mode=alarm.fault_mode,
    )
