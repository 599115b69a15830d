"""Robots of DingTalk and WeCom groups against a real HTTP server that checks what their documents ask for."""

import base64
import hashlib
import hmac
from collections.abc import AsyncIterator
from urllib.parse import parse_qs, urlsplit

import msgspec
import pytest
from pydantic import SecretStr

from connectors.dingtalk import (
    KEPT_FOR_URGENT,
    MESSAGES_A_MINUTE,
    DingTalkClient,
    DingTalkRobot,
    DingTalkSettings,
    signature_of,
)
from connectors.errors import AmbiguousOutcome, NotConfigured, PermanentFailure, TemporaryFailure
from connectors.wecom_robot import WeComRobotClient, WeComRobotSettings
from kit.clock import FakeClock
from tests.automation.receiver import HANG, HANG_UP, Receiver, receiving, response

YES = response("200 OK", body='{"errcode":0,"errmsg":"ok"}')


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as receiver:
        yield receiver


def dingtalk(receiver: Receiver, clock: FakeClock, *, deadline_s: float = 5.0) -> DingTalkClient:
    robot = DingTalkRobot(token=SecretStr("t1"), secret=SecretStr("SEC1"))
    settings = DingTalkSettings(
        _env_file=None, robots={"fire": robot}, base_url=f"http://127.0.0.1:{receiver.port}", deadline_s=deadline_s
    )
    return DingTalkClient(settings, clock)


async def test_dingtalk_is_signed_and_says_markdown(receiver: Receiver, clock: FakeClock) -> None:
    receiver.answers = [YES]
    async with dingtalk(receiver, clock) as client:
        await client.send_markdown(robot="fire", title="烟感", text="3栋" * 4_000)
    [came] = receiver.received
    asked = {name: values[0] for name, values in parse_qs(urlsplit(came.target).query).items()}
    told = f"{asked['timestamp']}\nSEC1".encode()
    expected = base64.b64encode(hmac.new(b"SEC1", told, hashlib.sha256).digest()).decode()
    assert asked == {"access_token": "t1", "timestamp": str(int(clock.now().timestamp() * 1000)), "sign": expected}
    body = msgspec.json.decode(came.body)
    assert (body["msgtype"], body["markdown"]["title"]) == ("markdown", "烟感")
    assert len(body["markdown"]["text"].encode()) <= 4_000


def test_the_signature_is_what_openssl_makes() -> None:
    # printf '1577262236757\nthis is secret' | openssl dgst -sha256 -hmac 'this is secret' -binary | base64
    assert signature_of("this is secret", timestamp_ms=1577262236757) == "hmPWwU+7lVdm3ZZz0r9tSfx0L4Q26jWOZr9+Gs6EZQM="


@pytest.mark.parametrize(
    ("answer", "error", "code"),
    [
        ('{"errcode":310000,"errmsg":"sign not match"}', PermanentFailure, "310000"),
        ('{"errcode":130101,"errmsg":"send too fast"}', TemporaryFailure, "130101"),
        ('{"errcode":410100,"errmsg":"send too fast"}', TemporaryFailure, "410100"),
        ("<html>", AmbiguousOutcome, "http_200"),
    ],
)
async def test_what_dingtalk_refuses_is_told_apart(
    receiver: Receiver, clock: FakeClock, answer: str, error: type[Exception], code: str
) -> None:
    receiver.answers = [response("200 OK", body=answer)]
    async with dingtalk(receiver, clock) as client:
        with pytest.raises(error) as refused:
            await client.send_markdown(robot="fire", title="a", text="b")
    assert getattr(refused.value, "code") == code  # noqa: B009


async def test_silence_is_ambiguous(receiver: Receiver, clock: FakeClock) -> None:
    receiver.answers = [HANG]
    async with dingtalk(receiver, clock, deadline_s=1.0) as client:
        with pytest.raises(AmbiguousOutcome):
            await client.send_markdown(robot="fire", title="a", text="b")


async def test_hanging_up_is_ambiguous_and_what_is_too_much_waits(receiver: Receiver, clock: FakeClock) -> None:
    receiver.answers = [HANG_UP, *[YES] * MESSAGES_A_MINUTE]
    async with dingtalk(receiver, clock) as client:
        with pytest.raises(AmbiguousOutcome):
            await client.send_markdown(robot="fire", title="a", text="b")
        for _ in range(MESSAGES_A_MINUTE - KEPT_FOR_URGENT - 1):
            await client.send_markdown(robot="fire", title="a", text="b")
        with pytest.raises(TemporaryFailure, match="paced"):
            await client.send_markdown(robot="fire", title="a", text="b")
        for _ in range(KEPT_FOR_URGENT):
            await client.send_markdown(robot="fire", title="a", text="b", urgent=True)
        with pytest.raises(TemporaryFailure, match="paced"):
            await client.send_markdown(robot="fire", title="a", text="b", urgent=True)
        with pytest.raises(NotConfigured, match="HUB_DINGTALK_ROBOTS"):
            await client.send_markdown(robot="nobody", title="a", text="b")


async def test_wecoms_robot_has_its_key_and_says_no_by_code(receiver: Receiver, clock: FakeClock) -> None:
    settings = WeComRobotSettings(
        _env_file=None, keys={"pumps": SecretStr("k1")}, base_url=f"http://127.0.0.1:{receiver.port}"
    )
    receiver.answers = [YES, response("200 OK", body='{"errcode":93000,"errmsg":"invalid webhook url"}')]
    async with WeComRobotClient(settings, clock) as client:
        await client.send_markdown(robot="pumps", text="水泵")
        with pytest.raises(PermanentFailure, match="93000"):
            await client.send_markdown(robot="pumps", text="水泵")
        with pytest.raises(NotConfigured, match="HUB_WECOM_ROBOT_KEYS"):
            await client.send_markdown(robot="nobody", text="水泵")
    assert receiver.received[0].target == "/cgi-bin/webhook/send?key=k1"
    assert msgspec.json.decode(receiver.received[0].body) == {"msgtype": "markdown", "markdown": {"content": "水泵"}}
