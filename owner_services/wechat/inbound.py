"""What comes in from WeChat, in our own words."""

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from wechatpy.messages import BaseMessage

LONGEST = 4096
LONGEST_ID = 128


class InboundKind(StrEnum):
    TEXT = "text"
    IMAGE = "image"
    SUBSCRIBE = "subscribe"
    UNSUBSCRIBE = "unsubscribe"
    CLICK = "click"
    TEMPLATE_RECEIPT = "template_receipt"
    SILENT = "silent"  # positions, menu views, …: nothing to answer
    OTHER = "other"  # voice without words, video, links: answered with what we understand


@dataclass(frozen=True)
class Inbound:
    """`key` names the message for good: WeChat's retry has the same. `openid` sent it to `account`.

    `argument`: a menu key, or the status of a template receipt whose message is `provider_id`.
    """

    key: str
    openid: str
    account: str
    kind: InboundKind
    text: str = ""
    media_id: str = ""
    argument: str = ""
    provider_id: str = ""


_EVENTS = {
    "subscribe": InboundKind.SUBSCRIBE,
    "subscribe_scan": InboundKind.SUBSCRIBE,
    "unsubscribe": InboundKind.UNSUBSCRIBE,
    "click": InboundKind.CLICK,
    "templatesendjobfinish": InboundKind.TEMPLATE_RECEIPT,
}


def inbound_of(message: "BaseMessage | None") -> Inbound:
    """Raises KeyError or ValueError for a message that lacks what every message has."""
    if message is None:
        raise ValueError("an empty body")
    raw: dict[str, Any] = message._data
    openid, account = _id(raw, "FromUserName"), _id(raw, "ToUserName")
    if _text(raw, "MsgType").lower() == "event":
        return _event(raw, openid=openid, account=account)
    key = f"message:{int(raw['MsgId'])}"
    # A voice message brings the words that WeChat recognised in it.
    text = _text(raw, "Content") or _text(raw, "Recognition")
    match _text(raw, "MsgType").lower():
        case "text" | "voice" if text.strip():
            return Inbound(key, openid, account, InboundKind.TEXT, text=text)
        case "image":
            return Inbound(key, openid, account, InboundKind.IMAGE, media_id=_id(raw, "MediaId"))
        case _:
            return Inbound(key, openid, account, InboundKind.OTHER)


def _event(raw: dict[str, Any], *, openid: str, account: str) -> Inbound:
    event = _text(raw, "Event").lower()
    provider_id = _text(raw, "MsgID")
    event_key = _text(raw, "EventKey")
    # Within one second a user may tap two buttons, and two templates to them may be settled.
    key = f"event:{openid}:{int(raw['CreateTime'])}:{event[:64]}:{event_key[:64]}{provider_id[:32]}"
    argument = _text(raw, "Status") if provider_id else event_key
    kind = _EVENTS.get(event, InboundKind.SILENT)
    return Inbound(key, openid, account, kind, argument=argument[:LONGEST_ID], provider_id=provider_id[:32])


def _text(raw: dict[str, Any], name: str) -> str:
    value = raw.get(name)
    return value[:LONGEST] if isinstance(value, str) else ""


def _id(raw: dict[str, Any], name: str) -> str:
    value = raw[name]
    if not isinstance(value, str) or not 0 < len(value) <= LONGEST_ID:
        raise ValueError(f"{name} is no id")
    return value
