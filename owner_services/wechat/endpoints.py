"""The door that WeChat knocks on. It lies outside /api/v1: its address is registered with the platform."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import PlainTextResponse

from kit.http import service
from owner_services.errors import MessageTooLarge
from owner_services.wechat.envelope import Envelope, Stamp
from owner_services.wechat.inbox import WeChatInbox

router = APIRouter(prefix="/wechat", tags=["wechat"])

MAX_BODY_BYTES = 64 * 1024
# WeChat takes this for "handled, nothing to say".
NOTHING_TO_SAY = "success"


def stamp_of(request: Request) -> Stamp:
    """The query as it is: what is missing or wrong is a wrong signature (403), not a badly formed request."""
    query = request.query_params
    return Stamp(
        signature=query.get("signature", ""),
        timestamp=query.get("timestamp", ""),
        nonce=query.get("nonce", ""),
        encrypt_type=query.get("encrypt_type", ""),
        msg_signature=query.get("msg_signature", ""),
    )


CallbackEnvelope = Annotated[Envelope, Depends(service(Envelope))]
CallbackStamp = Annotated[Stamp, Depends(stamp_of)]
Inbox = Annotated[WeChatInbox, Depends(service(WeChatInbox))]


@router.get("/callback", response_class=PlainTextResponse)
async def verify_wechat_callback(
    envelope: CallbackEnvelope, stamp: CallbackStamp, echostr: str = ""
) -> PlainTextResponse:
    """WeChat asks whether the address is ours: the echo of a rightly signed request."""
    envelope.check(stamp)
    return PlainTextResponse(echostr)


@router.post("/callback", response_class=Response)
async def receive_wechat_message(
    request: Request, envelope: CallbackEnvelope, stamp: CallbackStamp, inbox: Inbox
) -> Response:
    """A message or event, plain or encrypted; the reply is in the same mode."""
    envelope.check(stamp)
    inbound = envelope.open(stamp, await bounded_body(request))
    text = await inbox.answer(inbound)
    if not text:
        return PlainTextResponse(NOTHING_TO_SAY)
    xml = envelope.close(text, to=inbound, is_encrypted=stamp.is_encrypted)
    return Response(xml, media_type="text/xml; charset=utf-8")


async def bounded_body(request: Request) -> bytes:
    """Raises MessageTooLarge as soon as more comes than any message has."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            raise MessageTooLarge(limit_kb=MAX_BODY_BYTES // 1024)
    return bytes(body)
