"""What the services were told, newest last. Bounded: the oldest are forgotten and counted."""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from kit.clock import Clock
from kit.ids import new_id
from simulators.errors import UnknownMessage

CAPACITY = 5000


class Channel(StrEnum):
    WECHAT = "wechat"
    WECOM = "wecom"
    SMS = "sms"
    VOICE = "voice"


class MessageState(StrEnum):
    DELIVERED = "delivered"
    REFUSED = "refused"  # answered with an error: the sender knows
    DROPPED = "dropped"  # answered with success, yet nobody sees it (WeCom's limits and duplicates)


@dataclass(frozen=True)
class Message:
    """One attempt to tell somebody something. `detail` is the request as it came."""

    message_id: str
    at: datetime
    channel: Channel
    to: str
    title: str
    text: str
    state: MessageState
    reason: str = ""
    detail: Mapping[str, Any] = field(default_factory=dict)
    acked_at: datetime | None = None


class MessageLog:
    """Every message of every channel."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._messages: deque[Message] = deque(maxlen=CAPACITY)
        self.forgotten = 0

    def keep(
        self,
        channel: Channel,
        *,
        to: str,
        title: str,
        text: str,
        detail: Mapping[str, Any],
        state: MessageState = MessageState.DELIVERED,
        reason: str = "",
    ) -> Message:
        if len(self._messages) == CAPACITY:
            self.forgotten += 1
        message = Message(new_id().hex, self._clock.now(), channel, to, title, text, state, reason, detail)
        self._messages.append(message)
        return message

    def find(
        self, *, channel: Channel | None = None, to: str | None = None, since: datetime | None = None
    ) -> list[Message]:
        """Oldest first. `since`: strictly later ones only."""
        return [
            message
            for message in self._messages
            if (channel is None or message.channel is channel)
            and (to is None or message.to == to)
            and (since is None or message.at > since)
        ]

    def acknowledge(self, message_id: str) -> Message:
        """A person read it and said so. Raises UnknownMessage."""
        for index, message in enumerate(self._messages):
            if message.message_id == message_id:
                acked = replace(message, acked_at=message.acked_at or self._clock.now())
                self._messages[index] = acked
                return acked
        raise UnknownMessage(message_id)

    def clear(self) -> int:
        count = len(self._messages)
        self._messages.clear()
        return count
