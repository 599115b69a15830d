"""By which channel somebody is told, what follows when that fails, and when nobody's sleep is worth it. Pure."""

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from enum import StrEnum
from typing import assert_never
from zoneinfo import ZoneInfo


class NotifyChannel(StrEnum):
    WECHAT = "wechat"
    WECOM = "wecom"
    SMS = "sms"
    VOICE = "voice"
    NONE = "none"  # nothing reaches this person: kept as a row, so that the failure is seen


class Urgency(StrEnum):
    ORDINARY = "ordinary"
    URGENT = "urgent"
    LIFE_SAFETY = "life_safety"


class Audience(StrEnum):
    """Whom a template speaks to: the same person may be staff and owner."""

    OWNER = "owner"
    STAFF = "staff"


class State(StrEnum):
    QUEUED = "queued"
    SENDING = "sending"
    SENT = "sent"
    UNKNOWN = "unknown"  # the channel kept silent; repeating might tell twice
    FAILED = "failed"
    STOPPED = "stopped"  # acknowledged before it was needed


FINAL = frozenset({State.SENT, State.UNKNOWN, State.FAILED, State.STOPPED})


@dataclass(frozen=True)
class Reach:
    """What is known to reach a person."""

    wechat: bool
    wecom: bool
    phone: bool


def route(*, audience: Audience, reach: Reach) -> tuple[NotifyChannel, ...]:
    """The channels to try, one after the other. Voice is no fallback: it follows silence, see `voice_follows`."""
    wished: tuple[tuple[NotifyChannel, bool], ...]
    match audience:
        case Audience.OWNER:
            wished = ((NotifyChannel.WECHAT, reach.wechat), (NotifyChannel.SMS, reach.phone))
        case Audience.STAFF:
            wished = (
                (NotifyChannel.WECOM, reach.wecom),
                (NotifyChannel.SMS, reach.phone),
                (NotifyChannel.WECHAT, reach.wechat),
            )
        case _:
            assert_never(audience)
    return tuple(channel for channel, is_there in wished if is_there) or (NotifyChannel.NONE,)


def voice_follows(*, audience: Audience, reach: Reach, urgency: Urgency) -> bool:
    """A message wakes nobody: staff who do not acknowledge a matter of life are called."""
    return urgency is Urgency.LIFE_SAFETY and audience is Audience.STAFF and reach.phone


def next_channel(*, audience: Audience, reach: Reach, after: NotifyChannel) -> NotifyChannel | None:
    """What to try when `after` has failed for good."""
    channels = route(audience=audience, reach=reach)
    if after not in channels:
        return None
    rest = channels[channels.index(after) + 1 :]
    return rest[0] if rest else None


@dataclass(frozen=True)
class QuietHours:
    """A daily span in local time, possibly over midnight; none when both ends are the same."""

    begins: time
    ends: time

    def release(self, at: datetime, *, zone: ZoneInfo) -> datetime:
        """`at` itself, or the end of the quiet hours it falls into (UTC)."""
        local = at.astimezone(zone)
        if not self._covers(local.time()):
            return at
        end = local.replace(hour=self.ends.hour, minute=self.ends.minute, second=0, microsecond=0)
        if end <= local:
            end += timedelta(days=1)
        return end.astimezone(at.tzinfo)

    def _covers(self, moment: time) -> bool:
        if self.begins <= self.ends:
            return self.begins <= moment < self.ends
        return moment >= self.begins or moment < self.ends


def due_at(*, now: datetime, audience: Audience, urgency: Urgency, quiet: QuietHours, zone: ZoneInfo) -> datetime:
    """When to tell: at once, except that an owner is not woken for what can wait."""
    if audience is Audience.OWNER and urgency is Urgency.ORDINARY:
        return quiet.release(now, zone=zone)
    return now
