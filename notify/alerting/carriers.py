"""One carrier a kind of destination: a message handed to its connector.

`is_repeatable`: the receiver knows a second copy by its id, so that an interrupted attempt may simply be made again.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol
from uuid import UUID

import msgspec

from connectors.dingtalk import DingTalkClient
from connectors.email import EmailClient
from connectors.errors import AmbiguousOutcome, ConnectorError, PermanentFailure, TemporaryFailure, not_configured
from connectors.outward import Outcome, Sender
from connectors.signature import headers_of, secret_of
from connectors.wecom_robot import WeComRobotClient
from kit.clock import Clock
from notify.alerting.destination import DestinationKind

# Asking again leads nowhere: the address itself is not to be called.
_FOR_GOOD = frozenset({"metadata", "private", "not_encrypted", "gone", "redirect"})
SERVER_ERRORS = 500
TOO_MANY = 429


@dataclass(frozen=True)
class Letter:
    """A message on its way: `address` and `destination_id` say where, `reference` is the delivery's own id in hex.
    `is_urgent`: a matter of life, for which room is kept where a platform limits how much it takes."""

    address: str
    destination_id: UUID
    reference: str
    message: Mapping[str, Any]
    is_urgent: bool = False

    @property
    def title(self) -> str:
        return str(self.message["title"])

    @property
    def text(self) -> str:
        return str(self.message["text"])


class Carrier(Protocol):
    kind: ClassVar[DestinationKind]
    is_repeatable: ClassVar[bool]

    async def send(self, letter: Letter) -> str:
        """The receiver's own id of the message, if it gives one. Raises ConnectorError."""
        ...


class TopicPublisher(Protocol):
    """An MQTT client; `publish` returns when the broker has the message."""

    async def publish(self, topic: str, payload: bytes, qos: int = 1) -> None: ...


class DingTalkCarrier:
    kind: ClassVar = DestinationKind.DINGTALK
    is_repeatable: ClassVar = False

    def __init__(self, client: DingTalkClient) -> None:
        self._client = client

    async def send(self, letter: Letter) -> str:
        text = f"#### {letter.title}\n\n{letter.text}"
        await self._client.send_markdown(robot=letter.address, title=letter.title, text=text, urgent=letter.is_urgent)
        return ""


class WeComRobotCarrier:
    kind: ClassVar = DestinationKind.WECOM_ROBOT
    is_repeatable: ClassVar = False

    def __init__(self, client: WeComRobotClient) -> None:
        self._client = client

    async def send(self, letter: Letter) -> str:
        text = f"**{letter.title}**\n{letter.text}"
        await self._client.send_markdown(robot=letter.address, text=text, urgent=letter.is_urgent)
        return ""


class EmailCarrier:
    kind: ClassVar = DestinationKind.EMAIL
    is_repeatable: ClassVar = False

    def __init__(self, client: EmailClient) -> None:
        self._client = client

    async def send(self, letter: Letter) -> str:
        return await self._client.send(
            to=letter.address, subject=letter.title, text=letter.text, reference=letter.reference
        )


class WebhookCarrier:
    """Signed as the webhooks of rules on orders are (Standard Webhooks), and let out by the same guard."""

    kind: ClassVar = DestinationKind.WEBHOOK
    is_repeatable: ClassVar = True

    def __init__(self, sender: Sender, *, master: str, clock: Clock) -> None:
        self._sender = sender
        self._master = master
        self._clock = clock

    async def send(self, letter: Letter) -> str:
        body = msgspec.json.encode(letter.message["event"])
        secret = webhook_secret(self._master, letter.destination_id)
        headers = headers_of([secret], message_id=f"msg_{letter.reference}", at=self._clock.now(), body=body)
        outcome = await self._sender.post(letter.address, headers=headers, body=body)
        error = failure_of(outcome)
        if error is not None:
            raise error
        return ""


class MqttCarrier:
    kind: ClassVar = DestinationKind.MQTT
    is_repeatable: ClassVar = True

    def __init__(self, publisher: TopicPublisher | None) -> None:
        self._publisher = publisher

    async def send(self, letter: Letter) -> str:
        if self._publisher is None:
            raise not_configured("mqtt", setting="HUB_MQTT_BROKERS")
        event = {**letter.message["event"], "id": f"msg_{letter.reference}"}
        topic = f"site/{letter.message['site_code']}/alerts/{letter.address}"
        try:
            await self._publisher.publish(topic, msgspec.json.encode(event), qos=1)
        except PermissionError as error:
            raise PermanentFailure("mqtt", "refused", "the broker refuses this topic") from error
        except (OSError, TimeoutError) as error:
            raise TemporaryFailure("mqtt", "unreachable", type(error).__name__) from error
        return ""


def webhook_secret(master: str, destination_id: UUID) -> str:
    """The secret of a webhook, as its receiver keeps it; it is stored nowhere."""
    return secret_of(master, endpoint_id=destination_id, generation=1)


def failure_of(outcome: Outcome) -> ConnectorError | None:
    """What an attempt to call a webhook came to. A repetition is known by its id, so silence is worth another try."""
    if not outcome.error:
        return None
    detail = "" if outcome.status is None else f"HTTP {outcome.status}"
    is_refusal = outcome.status is not None and outcome.status < SERVER_ERRORS and outcome.status != TOO_MANY
    if outcome.error in _FOR_GOOD or is_refusal:
        return PermanentFailure("webhook", outcome.error, detail)
    return TemporaryFailure("webhook", outcome.error, detail)


def interruption(carrier: Carrier | None, kind: str) -> ConnectorError:
    """What is known of an attempt whose process died."""
    outcome = TemporaryFailure if carrier is not None and carrier.is_repeatable else AmbiguousOutcome
    return outcome(kind, "interrupted", "the hub stopped during the attempt")
