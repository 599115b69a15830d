"""Named places between two steps of which a kill may take the second: there a test lets this process die.

`HUB_CRASH_AT="store.appended:3"` ends the process by SIGKILL when it comes to that place for the third time. Read once,
when the process starts; unset, a place costs one comparison.
"""

import os
import signal
from enum import StrEnum
from itertools import count

VARIABLE = "HUB_CRASH_AT"


class CrashPoint(StrEnum):
    """Where a process may be told to die. The words say what has just been done."""

    INTAKE_PUBLISHED = "intake.published"  # the bus has the readings, their sender has no PUBACK
    STORE_APPENDED = "store.appended"  # readings are stored, the bus was not told
    STORE_SEGMENT_WRITTEN = "store.segment_written"  # a day lies in a file that nothing names yet
    JUDGE_COMMITTED = "judge.committed"  # detections are kept, nobody was told and the bus neither
    ALARMS_SENT = "alarms.sent"  # panels were told, which is not written down
    JOBS_TAKEN = "jobs.taken"  # a job is ours, nothing of it is done
    JOBS_HANDLED = "jobs.handled"  # what the job did is committed, the job is not finished
    NOTIFY_CLAIMED = "notify.claimed"  # an attempt is written down, the channel was not asked
    NOTIFY_SENT = "notify.sent"  # the channel took the message, which is not written down
    WECHAT_ANSWERED = "wechat.answered"  # report and order are kept, the sender has no answer


def crash_here(point: CrashPoint) -> None:
    """Ends this process if it was told to die here, now."""
    if _armed is not None and _armed[0] is point and next(_passes) == _armed[1]:
        os.kill(os.getpid(), signal.SIGKILL)


def _read(words: str | None) -> tuple[CrashPoint, int] | None:
    if not words:
        return None
    name, _, number = words.partition(":")
    try:
        return CrashPoint(name), int(number or 1)
    except ValueError:
        known = ", ".join(point.value for point in CrashPoint)
        raise ValueError(f"{VARIABLE}={words}: write NAME or NAME:COUNT, where NAME is one of {known}") from None


# The process's environment, as unchangeable as its arguments; not a service that somebody could want to replace.
_armed = _read(os.environ.get(VARIABLE))
_passes = count(1)
