"""The callback's door: who may come in, in which envelope, and that everybody is answered once."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest
import xmltodict
from pydantic import SecretStr
from wechatpy.crypto import WeChatCrypto

from connectors.wechat import WeChatSettings
from kit.clock import FakeClock
from owner_services.errors import CallbackNotSetUp, WrongSignature
from owner_services.wechat.endpoints import MAX_BODY_BYTES
from owner_services.wechat.envelope import WINDOW_S, Envelope, Stamp, signature_of
from tests.owner_services.conftest import AES_KEY, APP_ID, NOON, TOKEN, House


def test_the_published_signature_comes_out() -> None:
    assert signature_of("tok123", "1714112445", "415670741") == "edfc97d03147d322e01f37e6b6bc1f2aa5dc34a1"


async def test_wechat_gets_its_echo(house: House) -> None:
    answer = await house.http.get("/wechat/callback", params=house.platform.query(echostr="5927781489"))
    assert (answer.status_code, answer.text) == (200, "5927781489")
    assert answer.headers["content-type"].startswith("text/plain")


@pytest.mark.parametrize(
    "changes",
    [
        {"signature": "0" * 40},
        {"signature": ""},
        {"signature": "签名"},
        {"nonce": "1"},
        {"timestamp": "1714112445"},
        {"timestamp": "-1"},
        {"timestamp": "１７１４１１２４４５"},
        {"timestamp": "9" * 400},
        {"timestamp": ""},
    ],
)
async def test_a_wrong_signature_is_refused_and_nothing_kept(house: House, changes: dict[str, str]) -> None:
    query = house.platform.query() | changes
    xml = house.platform.xml("o-1", Content="3栋2单元电梯不动了")
    assert (await house.http.get("/wechat/callback", params=query | {"echostr": "1"})).status_code == 403
    answer = await house.platform.post(xml, query=query)
    assert answer.status_code == 403
    assert answer.json()["code"] == "wrong_signature"
    assert await house.messages() == []
    assert await house.orders() == []


async def test_no_query_at_all_is_a_wrong_signature(house: House) -> None:
    assert (await house.http.get("/wechat/callback")).status_code == 403
    assert (await house.http.post("/wechat/callback", content=b"<xml/>")).status_code == 403


@pytest.mark.parametrize(("age_s", "status"), [(WINDOW_S, 200), (WINDOW_S + 1, 403), (-WINDOW_S - 1, 403)])
async def test_a_rightly_signed_request_grows_old(house: House, age_s: int, status: int) -> None:
    query = house.platform.query(timestamp=str(int(house.clock.now().timestamp()) - age_s), echostr="1")
    assert (await house.http.get("/wechat/callback", params=query)).status_code == status


@pytest.mark.parametrize(
    "body",
    [
        "",
        "not xml",
        "<xml>",
        "<xml></xml>",
        "<xml><MsgType>text</MsgType></xml>",
        "<xml><MsgType><a>text</a></MsgType></xml>",
        "<a><MsgType>text</MsgType></a>",
        "<xml><MsgType>text</MsgType><FromUserName>o</FromUserName><ToUserName>g</ToUserName></xml>",
        "<xml><MsgType>text</MsgType><FromUserName>o</FromUserName><ToUserName>g</ToUserName><MsgId>x</MsgId></xml>",
        "<xml><MsgType>event</MsgType><FromUserName>o</FromUserName><ToUserName>g</ToUserName></xml>",
        "<xml><MsgType>event</MsgType><Event>subscribe</Event><FromUserName>o</FromUserName><ToUserName>g</ToUserName>"
        "<CreateTime>x</CreateTime></xml>",
        f"<xml><MsgType>text</MsgType><FromUserName>{'o' * 999}</FromUserName><ToUserName>g</ToUserName>"
        "<MsgId>1</MsgId></xml>",
        '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]><xml><MsgType>&b;</MsgType></xml>',
        "<xml>" * 5000,
        "\udcff",
    ],
)
async def test_what_is_no_message_is_refused_and_never_a_crash(house: House, body: str) -> None:
    answer = await house.http.post(
        "/wechat/callback", params=house.platform.query(), content=body.encode("utf-8", "surrogateescape")
    )
    assert answer.status_code == 400
    assert answer.json()["code"] == "message_unreadable"
    assert await house.messages() == []


async def test_more_than_a_message_ever_has_is_not_read(house: House) -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(MAX_BODY_BYTES):
            yield b"x" * 1024

    answer = await house.http.post("/wechat/callback", params=house.platform.query(), content=endless())
    assert answer.status_code == 413


async def test_an_encrypted_message_gets_an_encrypted_answer(house: House) -> None:
    answer = await house.platform.deliver_encrypted(house.platform.xml("o-1", Content="3栋2单元电梯不动了"))
    assert answer.status_code == 200
    sealed = xmltodict.parse(answer.text)["xml"]
    opened = WeChatCrypto(TOKEN, AES_KEY, APP_ID).decrypt_message(
        answer.text, sealed["MsgSignature"], sealed["TimeStamp"], sealed["Nonce"]
    )
    assert "WO-20261122-0001" in xmltodict.parse(opened)["xml"]["Content"]


async def test_an_encrypted_message_for_another_key_app_or_signature_is_refused(house: House) -> None:
    xml = house.platform.xml("o-1", Content="厨房漏水")
    query = house.platform.query(encrypt_type="aes")

    async def post(crypto: WeChatCrypto, **changes: str) -> httpx.Response:
        sealed = crypto.encrypt_message(xml, query["nonce"], query["timestamp"])
        signature = xmltodict.parse(sealed)["xml"]["MsgSignature"]
        return await house.platform.post(sealed, query=query | {"msg_signature": signature} | changes)

    other_key = AES_KEY[::-1][:42] + "A"
    assert (await post(WeChatCrypto(TOKEN, other_key, APP_ID))).status_code == 403
    assert (await post(WeChatCrypto(TOKEN, AES_KEY, "wx-other"))).status_code == 403
    assert (await post(WeChatCrypto(TOKEN, AES_KEY, APP_ID), msg_signature="0" * 40)).status_code == 403
    assert (await house.platform.post(xml, query=query)).status_code == 400
    assert await house.messages() == []


@pytest.mark.parametrize("garbage", ["", "AAAA", "不是密文", "QUJD" * 16])
async def test_rightly_signed_garbage_is_refused(house: House, garbage: str) -> None:
    query = house.platform.query(encrypt_type="aes")
    query["msg_signature"] = signature_of(TOKEN, query["timestamp"], query["nonce"], garbage)
    answer = await house.platform.post(f"<xml><Encrypt>{garbage}</Encrypt></xml>", query=query)
    assert answer.status_code in (400, 403)


async def test_a_retry_gets_the_same_answer_and_no_second_order(house: House) -> None:
    await house.site.resident("3-2-502", openid="o-wang")
    xml = house.platform.xml("o-wang", Content="厨房漏水")
    answers = [await house.platform.deliver(xml) for _ in range(3)]
    assert len(set(answers)) == 1
    assert len(await house.reports()) == 1


async def test_retries_at_the_same_moment_make_one_order_and_one_answer(house: House) -> None:
    await house.site.resident("3-2-502", openid="o-wang")
    xml = house.platform.xml("o-wang", Content="厨房漏水")
    answers = await asyncio.gather(*(house.platform.deliver(xml) for _ in range(6)))
    assert len(set(answers)) == 1
    assert "WO-20261122-0001" in answers[0]
    assert len(await house.reports()) == 1
    assert len(await house.messages()) == 1


async def test_an_event_is_told_from_its_retry_by_sender_second_and_name(house: House) -> None:
    for _ in range(2):
        assert "欢迎" in await house.platform.event("o-new", "subscribe")
    assert len(await house.messages()) == 1
    house.clock.advance(seconds=1)
    await house.platform.event("o-new", "subscribe")
    assert len(await house.messages()) == 2


async def test_without_a_token_the_callback_says_that_it_is_not_set_up() -> None:
    envelope = Envelope(WeChatSettings(_env_file=None), FakeClock(NOON))
    with pytest.raises(CallbackNotSetUp):
        envelope.check(Stamp())


def test_without_a_key_nothing_encrypted_is_opened() -> None:
    clock = FakeClock(NOON)
    envelope = Envelope(WeChatSettings(_env_file=None, token=SecretStr(TOKEN)), clock)
    timestamp = str(int(clock.now().timestamp()))
    stamp = Stamp(
        signature_of(TOKEN, timestamp, "n"), timestamp, "n", "aes", signature_of(TOKEN, timestamp, "n", "AAAA")
    )  # fmt: skip
    with pytest.raises((CallbackNotSetUp, WrongSignature)):
        envelope.open(stamp, b"<xml><Encrypt>AAAA</Encrypt></xml>")


def test_an_aes_key_of_the_wrong_length_is_refused_at_the_start() -> None:
    with pytest.raises(ValueError, match="43"):
        WeChatSettings(_env_file=None, aes_key=SecretStr("short"))
    assert WeChatSettings(_env_file=None, aes_key="", token="").aes_key is None
