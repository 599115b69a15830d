"""One sender a channel: a message and where its reader is, handed to the connector.

`is_repeatable`: the service itself drops a second copy, so that an interrupted attempt may simply be made again.
"""

from collections.abc import Mapping
from typing import ClassVar, Protocol

from connectors.errors import PermanentFailure
from connectors.sms import SmsClient
from connectors.voice import VoiceClient
from connectors.wechat import WeChatClient
from connectors.wecom import WeComClient
from notify.message import Message
from notify.policy import NotifyChannel
from people.views import Contact


class Sender(Protocol):
    channel: ClassVar[NotifyChannel]
    is_repeatable: ClassVar[bool]

    async def send(self, contact: Contact, message: Message) -> str:
        """The service's own id of the message. Raises ConnectorError."""
        ...


class WeChatSender:
    channel: ClassVar = NotifyChannel.WECHAT
    is_repeatable: ClassVar = False

    def __init__(self, client: WeChatClient, templates: Mapping[str, str]) -> None:
        self._client = client
        self._templates = templates

    async def send(self, contact: Contact, message: Message) -> str:
        if contact.openid is None:
            raise _no_address(NotifyChannel.WECHAT)
        return await self._client.send_template(
            openid=contact.openid,
            template_id=_template_id(self._templates, message, NotifyChannel.WECHAT),
            data=message.wechat,
            url=message.link,
            client_msg_id=message.reference,
        )


class WeComSender:
    channel: ClassVar = NotifyChannel.WECOM
    is_repeatable: ClassVar = True

    def __init__(self, client: WeComClient) -> None:
        self._client = client

    async def send(self, contact: Contact, message: Message) -> str:
        if contact.wecom_user_id is None:
            raise _no_address(NotifyChannel.WECOM)
        return await self._client.send_textcard(
            user_id=contact.wecom_user_id,
            title=message.title,
            description=message.body,
            url=message.link or "",
            button=message.button,
        )


class SmsSender:
    channel: ClassVar = NotifyChannel.SMS
    is_repeatable: ClassVar = False

    def __init__(self, client: SmsClient, templates: Mapping[str, str]) -> None:
        self._client = client
        self._templates = templates

    async def send(self, contact: Contact, message: Message) -> str:
        if not contact.phone:
            raise _no_address(NotifyChannel.SMS)
        return await self._client.send(
            phone=contact.phone,
            template_code=_template_id(self._templates, message, NotifyChannel.SMS),
            parameters=message.parameters,
            reference=message.reference,
        )


class VoiceSender:
    channel: ClassVar = NotifyChannel.VOICE
    is_repeatable: ClassVar = False

    def __init__(self, client: VoiceClient, templates: Mapping[str, str]) -> None:
        self._client = client
        self._templates = templates

    async def send(self, contact: Contact, message: Message) -> str:
        if not contact.phone:
            raise _no_address(NotifyChannel.VOICE)
        return await self._client.call(
            phone=contact.phone,
            template_code=_template_id(self._templates, message, NotifyChannel.VOICE),
            parameters=message.parameters,
            reference=message.reference,
        )


def _template_id(templates: Mapping[str, str], message: Message, channel: NotifyChannel) -> str:
    try:
        return templates[message.template]
    except KeyError:
        setting = f"HUB_NOTIFY_{channel.value.upper()}_TEMPLATES"
        raise PermanentFailure(channel.value, "no_template", f"{setting} has no id for {message.template}") from None


def _no_address(channel: NotifyChannel) -> PermanentFailure:
    return PermanentFailure(channel.value, "no_address", "the person cannot be reached this way any more")
