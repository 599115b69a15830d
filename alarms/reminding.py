"""When an alarm asks again: nobody answered it, or it was answered long ago and lasts. Pure.

An alarm that is held back, explained by another or told with a group does not ask by itself; nor does one of a device
on test. Life safety asks until somebody answers, whatever else is true of it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from alarms.lifecycle import AlarmState
from alarms.settings import AlarmSettings
from building.severity import Severity

# How soon life safety of a severity that the settings do not name asks again.
LIFE_SAFETY_AFTER = timedelta(minutes=5)
_UNANSWERED = (AlarmState.UNACKED, AlarmState.RTN_UNACKED)


@dataclass(frozen=True)
class AskingPolicy:
    """How long each severity waits; ordinary alarms of one that is not named do not ask again, others `times` times."""

    remind: Mapping[Severity, timedelta]
    realarm: Mapping[Severity, timedelta]
    times: int

    @classmethod
    def of(cls, settings: AlarmSettings) -> "AskingPolicy":
        return cls(
            {severity: timedelta(minutes=each) for severity, each in settings.remind_min.items()},
            {severity: timedelta(minutes=each) for severity, each in settings.realarm_min.items()},
            settings.remind_times,
        )


@dataclass(frozen=True)
class Asking:
    """Alarms of this state and severity ask again so long after they last had attention, `times` times at most."""

    state: AlarmState
    severity: Severity
    life_safety: bool
    after: timedelta
    times: int | None

    @property
    def is_realarm(self) -> bool:
        return self.state is AlarmState.ACKED


def askings(policy: AskingPolicy) -> list[Asking]:
    """Every kind of alarm that asks again under this policy."""
    unanswered = [
        Asking(state, severity, False, after, policy.times)
        for state in _UNANSWERED
        for severity, after in policy.remind.items()
    ]
    # Whatever the settings name: nobody switches the asking about a matter of life off by leaving a severity out.
    urgent = [
        Asking(state, severity, True, policy.remind.get(severity, LIFE_SAFETY_AFTER), None)
        for state in _UNANSWERED
        for severity in Severity
    ]
    lasting = [
        Asking(AlarmState.ACKED, severity, life_safety, after, None)
        for severity, after in policy.realarm.items()
        for life_safety in (False, True)
    ]
    return unanswered + urgent + lasting
