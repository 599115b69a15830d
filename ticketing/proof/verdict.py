"""What telemetry says about work that is said to be done, pure.

"Done" starts a window. Every condition behind the order back in band for `in_band`, on points that may be believed:
verified. One of them out of band when the window ends: refuted. What cannot be read when it ends is unproved: a matter
for the supervisor, never held against anybody. What came into band late gets the rest of its `in_band` and no more.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

# How soon the store is asked again, when it did not answer at the end of a window.
ASK_AGAIN = timedelta(minutes=1)


class Proof(StrEnum):
    """How an order's proof stands. Figures that speak of people leave out what is unproved."""

    PENDING = "pending"
    VERIFIED = "verified"
    REFUTED = "refuted"
    UNPROVED = "unproved"


class Doubt(StrEnum):
    """Why telemetry proves nothing."""

    GATEWAY_DOWN = "gateway_down"
    LINK_DOWN = "link_down"
    SILENT = "silent"  # a point says nothing although it should
    SENSOR_FAULT = "sensor_fault"
    STALE = "stale"
    RULE_GONE = "rule_gone"  # deleted, disabled, or not of this equipment any more
    OUT_OF_SERVICE = "out_of_service"  # read, but not judged
    STORE_AWAY = "store_away"
    UNSTEADY = "unsteady"  # in band, but readings were missing in between
    SAID_TO_BE_FALSE = "said_to_be_false"  # out of band, which is what the closing code says of the alarm


@dataclass(frozen=True)
class Trust:
    """Whether the points behind a condition may be believed: since when without a break, or why not."""

    since: datetime | None
    doubt: Doubt | None = None

    def __post_init__(self) -> None:
        assert (self.since is None) is (self.doubt is not None)

    @classmethod
    def none(cls, doubt: Doubt) -> "Trust":
        return cls(None, doubt)


@dataclass(frozen=True)
class Condition:
    """An alarm behind the order. `since`: of its onset while it is present, else of its return."""

    is_present: bool
    since: datetime
    trust: Trust


@dataclass(frozen=True)
class Window:
    """`said_to_be_false`: whoever finished says that the alarm is wrong; then out of band is no refutation."""

    done_at: datetime
    length: timedelta
    in_band: timedelta
    said_to_be_false: bool = False

    @property
    def ends_at(self) -> datetime:
        return self.done_at + self.length

    @property
    def last_call_at(self) -> datetime:
        """By then there is a verdict, whatever happens."""
        return self.ends_at + self.in_band


@dataclass(frozen=True)
class Wait:
    """Nothing to say before `until`, unless an alarm comes or goes."""

    until: datetime


@dataclass(frozen=True)
class Verified:
    """In band since then."""

    since: datetime


@dataclass(frozen=True)
class Refuted:
    """Out of band."""


@dataclass(frozen=True)
class Unproved:
    doubt: Doubt


Verdict = Wait | Verified | Refuted | Unproved


def weigh(window: Window, conditions: Sequence[Condition], *, now: datetime) -> Verdict:
    """The verdict at `now`. Wait is never told at or after `window.last_call_at`."""
    assert conditions, "an order without a condition behind it has no window"
    is_out = any(one.is_present and one.trust.doubt is None for one in conditions)
    if _is_heard_again(window, conditions):
        return Refuted()
    steady_since = _in_band_since(window, conditions)
    if steady_since is not None and now >= steady_since + window.in_band:
        return Verified(steady_since)
    if now < window.ends_at:
        return Wait(_next_look(window, steady_since))
    if is_out:
        return Unproved(Doubt.SAID_TO_BE_FALSE) if window.said_to_be_false else Refuted()
    if steady_since is not None:
        enough_at = steady_since + window.in_band
        return Wait(enough_at) if enough_at <= window.last_call_at > now else Unproved(Doubt.UNSTEADY)
    return _doubtful(window, conditions, now=now)


def _is_heard_again(window: Window, conditions: Sequence[Condition]) -> bool:
    """A condition that began after the work was said to be done speaks for itself: no window is waited for."""
    return any(one.is_present and one.trust.doubt is None and one.since > window.done_at for one in conditions)


def _in_band_since(window: Window, conditions: Sequence[Condition]) -> datetime | None:
    """Since when all are in band and believed, never before the work was said to be done; None where one is not.

    What was read while somebody worked on the equipment is their doing and proves nothing.
    """
    since = window.done_at
    for one in conditions:
        if one.is_present or one.trust.since is None:
            return None
        since = max(since, one.since, one.trust.since)
    return since


def _next_look(window: Window, steady_since: datetime | None) -> datetime:
    if steady_since is None:
        return window.ends_at
    enough_at = steady_since + window.in_band
    return enough_at if enough_at <= window.last_call_at else window.ends_at


def _doubtful(window: Window, conditions: Sequence[Condition], *, now: datetime) -> Verdict:
    doubt = next(one.trust.doubt for one in conditions if one.trust.doubt is not None)
    # Our own store is away: that says nothing of the equipment yet, and it is mostly back in a moment.
    if doubt is Doubt.STORE_AWAY and now < window.last_call_at:
        return Wait(min(now + ASK_AGAIN, window.last_call_at))
    return Unproved(doubt)
