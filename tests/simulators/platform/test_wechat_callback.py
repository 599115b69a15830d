"""What the hub receives when somebody writes in WeChat, and what becomes of its answer."""

from typing import Any

import httpx
import pytest

from simulators.platform.wechat_crypto import MessageCipher, from_xml, signature, to_xml
from simulators.settings import WeChatSettings
from tests.simulators.platform.bench import AES_KEY, Bench, accounts

CIPHER = MessageCipher(encoding_aes_key=AES_KEY, app_id="wx-demo")
REPLY: dict[str, str | int] = {
    "ToUserName": "o-owner",
    "FromUserName": "gh_demo",
    "CreateTime": 1,
    "MsgType": "text",
    "Content": "已受理",
}


class Hub:
    """Checks every signature like a hub, opens the message, and answers from a list."""

    def __init__(self, *answers: httpx.Response | Exception) -> None:
        self._answers = list(answers)
        self.received: list[dict[str, str]] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        query = request.url.params
        assert request.url.path == "/wechat/callback"
        assert query["signature"] == signature("tok123", query["timestamp"], query["nonce"])
        if request.method == "GET":
            return httpx.Response(200, text=query["echostr"])
        fields = from_xml(request.content.decode())
        if query.get("encrypt_type") == "aes":
            sealed = fields["Encrypt"]
            assert query["msg_signature"] == signature("tok123", query["timestamp"], query["nonce"], sealed)
            fields = from_xml(CIPHER.decrypt(sealed))
        self.received.append(fields)
        answer = self._answers.pop(0) if self._answers else httpx.Response(200, text="success")
        if isinstance(answer, Exception):
            raise answer
        return answer


def sealed_reply(fields=REPLY, *, token: str = "tok123") -> httpx.Response:
    sealed = CIPHER.encrypt(to_xml(fields))
    return httpx.Response(
        200,
        text=to_xml(
            {
                "Encrypt": sealed, "MsgSignature": signature(token, "1714112445", "n", sealed),
                "TimeStamp": 1714112445, "Nonce": "n",
            }
        ),
    )  # fmt: skip


async def say(hub: Hub, known=None, **what) -> Any:
    bench = Bench(hub, known or accounts())
    async with bench.platform:
        answer = await bench.platform.post("/wechat/send", json={"from": "o-owner", **what})
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.mark.parametrize("mode", ["plain", "aes"])
async def test_a_text_reaches_the_hub_signed_and_the_reply_is_read(mode):
    hub = Hub(httpx.Response(200, text=to_xml(REPLY)) if mode == "plain" else sealed_reply())
    said = await say(hub, text="3栋2单元电梯不动了", mode=mode)
    assert (said["reply"], said["reply_type"], said["attempts"], said["problem"]) == ("已受理", "text", 1, None)
    (message,) = hub.received
    assert (message["FromUserName"], message["Content"]) == ("o-owner", "3栋2单元电梯不动了")
    assert message["MsgId"] == said["msg_id"]


async def test_an_account_without_a_key_speaks_plainly():
    known = accounts(wechat=WeChatSettings(token="tok123", app_id="wx-demo", app_secret="s", aes_key=""))
    hub = Hub(httpx.Response(200, text=to_xml(REPLY)))
    assert (await say(hub, known, text="漏水"))["reply"] == "已受理"


async def test_success_and_silence_are_no_reply_and_no_problem():
    for text in ("success", ""):
        said = await say(Hub(httpx.Response(200, text=text)), text="漏水", mode="plain")
        assert (said["reply"], said["problem"]) == ("", None)


async def test_without_an_answer_the_same_message_comes_three_times():
    hub = Hub(httpx.ReadTimeout("slow"), httpx.Response(502), sealed_reply())
    said = await say(hub, text="漏水")
    assert (said["attempts"], said["reply"]) == (3, "已受理")
    assert len({message["MsgId"] for message in hub.received}) == 1


async def test_after_three_failures_the_user_sees_no_service():
    said = await say(Hub(*[httpx.Response(500)] * 3), text="漏水")
    assert (said["attempts"], said["status"], said["problem"]) == (3, 500, "HTTP 500")


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (httpx.Response(200, text="<html>oops</html>"), "no message"),
        (sealed_reply(token="other"), "signature"),
    ],
)
async def test_a_bad_answer_is_called_bad(answer, problem):
    assert problem in (await say(Hub(answer), text="漏水"))["problem"]


async def test_an_event_carries_its_key_and_no_msg_id():
    hub = Hub()
    await say(hub, event="SCAN", event_key="dev=LIFT-06")
    assert (hub.received[0]["Event"], hub.received[0]["EventKey"]) == ("SCAN", "dev=LIFT-06")
    assert "MsgId" not in hub.received[0]


async def test_a_photo_can_be_fetched_by_its_address_and_with_a_token():
    hub = Hub()
    bench = Bench(hub, accounts())
    async with bench.platform as platform:
        await platform.post("/wechat/send", json={"from": "o-owner", "image": "sample"})
        media_id = hub.received[0]["MediaId"]
        by_address = await platform.get(hub.received[0]["PicUrl"])
        query = {"access_token": await bench.token(), "media_id": media_id}
        by_token = await platform.get("/cgi-bin/media/get", params=query)
        refused = await platform.get("/cgi-bin/media/get", params=query | {"access_token": "x"})
    assert by_address.content == by_token.content
    assert by_token.headers["content-type"] == "image/jpeg"
    assert by_token.content[:2] == b"\xff\xd8"
    assert refused.json()["errcode"] == 40001


async def test_the_address_is_verified_as_wechat_does():
    bench = Bench(Hub(), accounts())
    async with bench.platform as platform:
        assert (await platform.post("/wechat/verify")).json() == {"verified": True}
