"""The bench's own side of the services: what was sent, made to fail, and what people do in their chats."""

import base64
import binascii
from datetime import datetime
from enum import StrEnum
from importlib import resources
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import HTMLResponse
from pydantic import Field, model_validator

from kit.errors import DomainError
from kit.http import Page, Paging, Schema, service
from simulators.errors import UnknownFailure, UnknownMessage
from simulators.platform.failures import Failures
from simulators.platform.media import MediaShelf, sample_picture
from simulators.platform.messages import Channel, MessageLog, MessageState
from simulators.platform.wechat import WeChatService
from simulators.platform.wechat_callback import WeChatCallback
from simulators.platform.wecom import WeComService

router = APIRouter(tags=["Bench"])

STATUS: dict[type[DomainError], int] = {UnknownMessage: 404, UnknownFailure: 404}


class MessageOut(Schema):
    message_id: str
    at: datetime
    channel: Channel
    to: str
    title: str
    text: str
    state: MessageState
    reason: str
    detail: dict[str, Any]
    acked_at: datetime | None


class AckIn(Schema):
    message_id: str = Field(examples=["0199c0ffee00700080000000000000aa"])


class FailureIn(Schema):
    """`delay_s` alone: the message goes out, only the answer is late."""

    channel: Channel
    errcode: str | None = Field(None, max_length=60, examples=["45009", "isv.BUSINESS_LIMIT_CONTROL"])
    http_status: int | None = Field(None, ge=400, le=599)
    delay_s: float = Field(0.0, ge=0, le=120)
    times: int | None = Field(None, ge=1, le=1_000_000)

    @model_validator(mode="after")
    def _says_how(self) -> "FailureIn":
        if self.errcode is None and self.http_status is None and self.delay_s == 0:
            raise ValueError("say how to fail: errcode, http_status or delay_s")
        return self


class FailureOut(Schema):
    failure_id: UUID
    channel: Channel
    errcode: str | None
    http_status: int | None
    delay_s: float
    times: int | None


class ChatEvent(StrEnum):
    SUBSCRIBE = "subscribe"
    UNSUBSCRIBE = "unsubscribe"
    SCAN = "SCAN"
    CLICK = "CLICK"
    VIEW = "VIEW"
    LOCATION = "LOCATION"


class ChatIn(Schema):
    """What a user does: exactly one of `text`, `image` or `event`.

    `image`: "sample", or a JPEG in base64. `mode`: plain or aes, by default as the account is set up.
    """

    openid: Annotated[str, Field(alias="from", pattern=r"^[A-Za-z0-9_-]{4,64}$", examples=["o-demo-wang-fang"])]
    text: str | None = Field(None, max_length=2048, examples=["3栋2单元电梯不动了"])
    image: str | None = Field(None, max_length=4_000_000)
    event: ChatEvent | None = None
    event_key: str = Field("", max_length=200)
    mode: Literal["plain", "aes"] | None = None

    @model_validator(mode="after")
    def _does_one_thing(self) -> "ChatIn":
        if sum(part is not None for part in (self.text, self.image, self.event)) != 1:
            raise ValueError("give exactly one of text, image, event")
        return self


class ChatOut(Schema):
    """What the hub answered. `problem`: the user would see 该公众号暂时无法提供服务, because of this."""

    msg_id: str
    attempts: int
    status: int | None
    reply_type: str
    reply: str
    took_s: float
    problem: str | None


class FollowerIn(Schema):
    follows: bool = True
    accepts_messages: bool = True


class MemberIn(Schema):
    is_reachable: bool


class CodeOut(Schema):
    code: str


class HealthOut(Schema):
    status: str
    messages: int
    forgotten: int


class VerifiedOut(Schema):
    verified: bool


Log = Annotated[MessageLog, Depends(service(MessageLog))]
FailuresNow = Annotated[Failures, Depends(service(Failures))]
WeChat = Annotated[WeChatService, Depends(service(WeChatService))]
WeCom = Annotated[WeComService, Depends(service(WeComService))]
Callback = Annotated[WeChatCallback, Depends(service(WeChatCallback))]
Media = Annotated[MediaShelf, Depends(service(MediaShelf))]


@router.get("/", response_class=HTMLResponse)
async def console_page() -> str:
    """The message log, and a chat with the hub as an owner."""
    return (resources.files("simulators.platform") / "page.html").read_text("utf-8")


@router.get("/healthz", response_model=HealthOut)
async def platform_health(log: Log) -> HealthOut:
    return HealthOut(status="ok", messages=len(log.find()), forgotten=log.forgotten)


@router.get("/messages", response_model=Page[MessageOut])
async def list_messages(
    log: Log,
    paging: Paging,
    channel: Channel | None = None,
    to: Annotated[str | None, Query(max_length=100)] = None,
    since: Annotated[datetime | None, Query(description="only later ones; with a time zone")] = None,
) -> Page[MessageOut]:
    """What was told to whom, newest first."""
    since = since.astimezone() if since is not None and since.tzinfo is None else since
    found = log.find(channel=channel, to=to, since=since)[::-1]
    rows = found[paging.offset : paging.offset + paging.limit]
    return Page(
        items=[MessageOut.model_validate(row) for row in rows],
        total=len(found), limit=paging.limit, offset=paging.offset,
    )  # fmt: skip


@router.delete("/messages", status_code=204)
async def forget_messages(log: Log) -> None:
    log.clear()


@router.post("/messages/ack", response_model=MessageOut)
async def acknowledge_message(body: AckIn, log: Log) -> MessageOut:
    """A person read it and pressed the button. What the button then does in the hub goes through the hub's own door."""
    return MessageOut.model_validate(log.acknowledge(body.message_id))


@router.get("/faults", response_model=list[FailureOut])
async def list_failures(failures: FailuresNow) -> list[FailureOut]:
    return [FailureOut.model_validate(failure) for failure in failures.all()]


@router.post("/faults", response_model=FailureOut, status_code=201)
async def start_failure(body: FailureIn, failures: FailuresNow) -> FailureOut:
    failure = failures.start(
        body.channel, errcode=body.errcode, http_status=body.http_status, delay_s=body.delay_s, times=body.times
    )
    return FailureOut.model_validate(failure)


@router.delete("/faults", status_code=204)
async def stop_failures(failures: FailuresNow) -> None:
    failures.stop_all()


@router.delete("/faults/{failure_id}", status_code=204)
async def stop_failure(failure_id: UUID, failures: FailuresNow) -> None:
    failures.stop(failure_id)


@router.post("/wechat/send", response_model=ChatOut)
async def send_chat(request: Request, body: ChatIn, wechat: WeChat, callback: Callback, media: Media) -> ChatOut:
    """As an owner in WeChat; the hub's answer, decrypted."""
    wechat.known[body.openid] = None
    if body.event in (ChatEvent.SUBSCRIBE, ChatEvent.UNSUBSCRIBE):
        wechat.set_follower(body.openid, follows=body.event is ChatEvent.SUBSCRIBE)
    content = _content(body, media, base_url=str(request.base_url))
    encrypted = None if body.mode is None else body.mode == "aes"
    return ChatOut.model_validate(await callback.send(body.openid, content, encrypted=encrypted))


@router.post("/wechat/verify", response_model=VerifiedOut)
async def verify_callback(callback: Callback) -> VerifiedOut:
    """The check WeChat makes when the callback's address is saved."""
    return VerifiedOut(verified=await callback.verify())


@router.post("/wechat/expire-tokens", status_code=204)
async def expire_tokens(wechat: WeChat, wecom: WeCom) -> None:
    """As if two hours had passed."""
    wechat.tokens.expire_all()
    wecom.tokens.expire_all()


@router.put("/wechat/followers/{openid}", status_code=204)
async def set_follower(openid: str, body: FollowerIn, wechat: WeChat) -> None:
    """Without telling the hub: it finds out by the error."""
    wechat.set_follower(openid, follows=body.follows)
    wechat.set_accepting(openid, accepts=body.accepts_messages)


@router.post("/wechat/codes/{openid}", response_model=CodeOut, status_code=201)
async def new_oauth_code(openid: str, wechat: WeChat) -> CodeOut:
    """An OAuth code, as the login page would give it to this person."""
    return CodeOut(code=wechat.new_code(openid))


@router.put("/wecom/members/{user_id}", status_code=204)
async def set_member(user_id: str, body: MemberIn, wecom: WeCom) -> None:
    if body.is_reachable:
        wecom.unreachable.discard(user_id)
    else:
        wecom.unreachable.add(user_id)


def _content(body: ChatIn, media: MediaShelf, *, base_url: str) -> dict[str, str | int]:
    if body.text is not None:
        return {"MsgType": "text", "Content": body.text}
    if body.event is not None:
        return {"MsgType": "event", "Event": body.event.value, "EventKey": body.event_key}
    media_id = media.keep(_picture(body.image or ""))
    return {"MsgType": "image", "PicUrl": f"{base_url}media/{media_id}.jpg", "MediaId": media_id}


def _picture(image: str) -> bytes:
    if image == "sample":
        return sample_picture()
    try:
        return base64.b64decode(image, validate=True)
    except binascii.Error:
        return image.encode()  # a file that is no picture, which the hub must refuse by itself
