"""What is told already of an alarm, and what may be told again. Pure."""

from collections.abc import Sequence
from datetime import datetime

from alarms.events import AlarmAcknowledged
from alarms.lifecycle import AlarmState
from alarms.models import Alarm
from building.severity import Severity
from kit.clock import to_ms
from notify.alerting.models import AlertCase
from notify.alerting.policy import Subject
from notify.alerting.reason import Reason

# What a later event about the same episode may begin again.
_BEGUN_AGAIN = frozenset(
    {Reason.HELD_BACK, Reason.ACKNOWLEDGED, Reason.EXPLAINED, Reason.GROUPED, Reason.RETURNED, Reason.TEST}
)
# There was nothing left to tell: only what asked for attention after that begins again.
_TOLD_TO_THE_END = frozenset({Reason.CHAIN_OVER, Reason.DIGESTED})

# How bad it is, the worst first: a matter of life is worse than whatever is none.
Gravity = tuple[bool, int]


def episode_name(alarm: Alarm) -> str:
    """What the names of all cases of the alarm's present episode begin with."""
    return f"alert/alarm/{alarm.id}/{to_ms(alarm.episode_onset_at)}/"


def case_name(alarm: Alarm) -> str:
    nature = "life_safety/" if alarm.life_safety else ""
    return f"{episode_name(alarm)}{nature}{alarm.severity}"


def subject_of(alarm: Alarm) -> Subject:
    return Subject(severity=Severity(alarm.severity), life_safety=alarm.life_safety, fault_mode=alarm.fault_mode)


def gravity_of(thing: AlertCase | Subject) -> Gravity:
    return not thing.life_safety, Severity(thing.severity).rank


def onset_of(case: AlertCase) -> datetime:
    """Of the episode that a case of an alarm tells of."""
    return datetime.fromisoformat(case.about["at"])


def to_carry_on(earlier: Sequence[AlertCase], subject: Subject, *, is_work: bool) -> AlertCase | None:
    """The telling of an earlier episode that a new one takes over: nobody has answered it, and it is as grave.

    Begun anew each time, the telling of what comes and goes would never get beyond its first step.
    """
    fitting = [case for case in earlier if gravity_of(case) <= gravity_of(subject) and case.is_work is is_work]
    return min(fitting, key=gravity_of, default=None)


def may_speak_again(told: Sequence[AlertCase], alarm: Alarm, *, is_work: bool) -> bool:
    """Whether what was told of this episode, as grave as now or worse, is over and it asks for attention once more: it
    was put away or a test, or somebody knew and it lasts. True where nothing was told of it."""
    if not told:
        return True
    if any(case.ended_at is None for case in told) or alarm.state != AlarmState.UNACKED or not alarm.is_present:
        return False
    last = max(told, key=lambda case: (case.ended_at, tuple(-each for each in gravity_of(case))))
    reason = Reason(last.end_reason)
    if reason in _TOLD_TO_THE_END:
        assert last.ended_at is not None  # none of them goes on
        # It was put away after that, say, and is back. An event that is heard again asks for nothing.
        return alarm.attended_at is not None and alarm.attended_at > last.ended_at
    return reason in _BEGUN_AGAIN or (reason is Reason.ORDER_TELLS and not is_work)


def is_answered(case: AlertCase, alarm: Alarm | None, event: AlarmAcknowledged) -> bool:
    """Whether that somebody acknowledged ends this telling. Events come late: what was raised again since, got worse
    or asks again because it lasts, is not what they acknowledged; episodes up to that one are."""
    if alarm is None or event.onset_at is None or not _asks_again(alarm, event):
        return True
    return onset_of(case) <= event.onset_at < alarm.episode_onset_at


def answered_keys(alarm: Alarm | None, event: AlarmAcknowledged) -> str | None:
    """What the keys of messages begin with that need no call any more; None: they are still needed."""
    if alarm is None or event.onset_at is None or not _asks_again(alarm, event):
        return f"alert/alarm/{event.alarm_id}/"
    if event.onset_at < alarm.episode_onset_at:
        return f"alert/alarm/{event.alarm_id}/{to_ms(event.onset_at)}/"
    return None


def _asks_again(alarm: Alarm, event: AlarmAcknowledged) -> bool:
    match AlarmState(alarm.state):
        case AlarmState.ACKED | AlarmState.NORMAL:
            return False
        case AlarmState.RTN_UNACKED:  # a matter of life that went away since still wants answering, but rings no more
            return event.onset_at != alarm.episode_onset_at
        case AlarmState.UNACKED:
            return True


def ending_of(alarm: Alarm) -> Reason | None:
    """Why an alarm needs no further telling as it stands; None when it does.

    A matter of life is told until somebody acknowledges it, whatever else became of it.
    """
    if alarm.state == AlarmState.ACKED:
        return Reason.ACKNOWLEDGED
    if alarm.state == AlarmState.NORMAL:
        return Reason.CLEARED
    if alarm.is_test:
        return Reason.TEST
    if alarm.life_safety:
        return None
    if alarm.suppressed_by is not None:
        return Reason.HELD_BACK
    if alarm.root_id is not None:
        return Reason.EXPLAINED
    if alarm.group_id is not None:
        return Reason.GROUPED
    return None if alarm.is_present else Reason.RETURNED
