"""The states of a test window. Pure.

Asked for by one person, begun by a second one, over by itself: so nobody can quietly switch detectors off, and nobody
can forget to switch them on again.
"""

from datetime import datetime, timedelta
from enum import StrEnum

from alarms.models import TestWindow

LONGEST_MIN = 240
# Whoever is to begin it is there: what nobody began within the hour was not wanted.
ASKED_FOR = timedelta(hours=1)


class TestWindowState(StrEnum):
    """What a window is at some time; only a RUNNING one marks alarms."""

    __test__ = False

    ASKED = "asked"
    RUNNING = "running"
    OVER = "over"
    LAPSED = "lapsed"


def state_of(window: TestWindow, now: datetime) -> TestWindowState:
    """LAPSED: nobody began it in time, or it was taken back before it began."""
    if window.began_at is None:
        is_open = window.ended_at is None and now < window.asked_at + ASKED_FOR
        return TestWindowState.ASKED if is_open else TestWindowState.LAPSED
    assert window.until is not None  # the table's own condition
    is_running = window.ended_at is None and now < window.until
    return TestWindowState.RUNNING if is_running else TestWindowState.OVER
