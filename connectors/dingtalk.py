"""DingTalk (钉钉): messages of a group's robot, signed with its secret (加签).

A robot may send 20 messages a minute; beyond that the platform refuses it for ten minutes, so that is waited for here
first. Not idempotent: after silence nobody can say whether the group has it.
Source: open.dingtalk.com, "自定义机器人发送消息" and "自定义机器人安全设置".
"""

import base64
import hashlib
import hmac
from collections.abc import Mapping
from typing import Self

from pydantic import BaseModel, Field, SecretStr

from connectors.errors import ConnectorError, PermanentFailure, TemporaryFailure, not_configured
from connectors.http import Endpoint, call, decode
from connectors.text import clip_bytes
from connectors.wecom import Pace
from kit.clock import Clock, to_ms
from kit.settings import Settings, settings_config

SERVICE = "dingtalk"
MESSAGES_A_MINUTE = 20
# Of those: however many ordinary alarms there are, a matter of life is not behind them.
KEPT_FOR_URGENT = 5
TITLE_BYTES = 128
# The platform takes 20,000 bytes of a message; what is longer nobody reads in a group.
TEXT_BYTES = 4_000
# -1 busy; 130101 and 410100 more than 20 a minute: the robot is put off for ten minutes. Everything else (310000: not
# signed as its safety settings say; 400101, 400102, 400106: no such robot any more) is for people to put right.
TEMPORARY = {-1: 2.0, 130101: 600.0, 410100: 600.0}


class DingTalkRobot(BaseModel):
    """`token`: the access_token in the robot's address; `secret`: SEC…, where the robot is secured by signature."""

    token: SecretStr
    secret: SecretStr | None = None


class DingTalkSettings(Settings):
    """HUB_DINGTALK_…; destinations name a robot, its token and secret stay here."""

    model_config = settings_config("HUB_DINGTALK_")

    robots: dict[str, DingTalkRobot] = Field(
        default_factory=dict,
        description='robots of DingTalk groups by name, as JSON: {"fire": {"token": "…", "secret": "SEC…"}}',
    )
    base_url: str = Field("https://oapi.dingtalk.com", description="where DingTalk's API is; a fake one in a demo")
    deadline_s: float = Field(5.0, gt=0, description="seconds to wait for an answer of DingTalk")


class DingTalkClient:
    """`async with DingTalkClient(settings, clock) as dingtalk`."""

    def __init__(self, settings: DingTalkSettings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._endpoint = Endpoint(SERVICE, settings.base_url, settings.deadline_s)
        self._http = self._endpoint.client()
        self._pace = Pace(clock, limit=MESSAGES_A_MINUTE, window_s=60.0)

    @property
    def robots(self) -> frozenset[str]:
        return frozenset(self._settings.robots)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._http.aclose()

    async def send_markdown(self, *, robot: str, title: str, text: str, urgent: bool = False) -> None:
        """Says it in the group of this robot; some room is kept for what is `urgent`.

        Raises ConnectorError; AmbiguousOutcome after silence.
        """
        known = self._settings.robots.get(robot)
        if known is None:
            raise not_configured(SERVICE, setting=f'HUB_DINGTALK_ROBOTS (there is no robot "{robot}" in it)')
        wait_s = self._pace.wait_s(robot, spare=0 if urgent else KEPT_FOR_URGENT)
        if wait_s:
            raise TemporaryFailure(SERVICE, "paced", f"more than {MESSAGES_A_MINUTE} a minute", retry_after_s=wait_s)
        markdown = {"title": clip_bytes(title, TITLE_BYTES), "text": clip_bytes(text, TEXT_BYTES)}
        request = self._http.build_request(
            "POST", "/robot/send", params=self._parameters(known), json={"msgtype": "markdown", "markdown": markdown}
        )
        answer = decode(self._endpoint, await call(self._http, self._endpoint, request, repeatable=False),
                        repeatable=False)  # fmt: skip
        code = int(answer.get("errcode", 0))
        if code:
            raise _failure(code, str(answer.get("errmsg", "")))

    def _parameters(self, robot: DingTalkRobot) -> Mapping[str, str]:
        parameters = {"access_token": robot.token.get_secret_value()}
        if robot.secret is not None:
            timestamp_ms = to_ms(self._clock.now())
            signature = signature_of(robot.secret.get_secret_value(), timestamp_ms=timestamp_ms)
            parameters |= {"timestamp": str(timestamp_ms), "sign": signature}
        return parameters


def signature_of(secret: str, *, timestamp_ms: int) -> str:
    """Base64 of the HMAC-SHA256 over `timestamp\\nsecret`; the platform takes it within an hour."""
    made = hmac.new(secret.encode(), f"{timestamp_ms}\n{secret}".encode(), hashlib.sha256).digest()
    return base64.b64encode(made).decode()


def _failure(code: int, message: str) -> ConnectorError:
    if code in TEMPORARY:
        return TemporaryFailure(SERVICE, str(code), message[:200], retry_after_s=TEMPORARY[code])
    return PermanentFailure(SERVICE, str(code), message[:200])
