"""WeCom (企业微信): messages of a group's robot (群机器人).

A robot may send 20 messages a minute, which is waited for here first. Not idempotent: after silence nobody can say
whether the group has it. Source: developer.work.weixin.qq.com, "群机器人配置说明".
"""

from typing import Self

from pydantic import Field, SecretStr

from connectors.errors import ConnectorError, PermanentFailure, TemporaryFailure, not_configured
from connectors.http import Endpoint, call, decode
from connectors.text import clip_bytes
from connectors.wecom import Pace
from kit.clock import Clock
from kit.settings import Settings, settings_config

SERVICE = "wecom_robot"
MESSAGES_A_MINUTE = 20
# Of those: however many ordinary alarms there are, a matter of life is not behind them.
KEPT_FOR_URGENT = 5
TEXT_BYTES = 4_096
# -1 busy, 45009 more than the robot may send, 45033 too many at once. 93000 (no such robot any more) stays so.
TEMPORARY = {-1: 2.0, 45009: 60.0, 45033: 5.0}


class WeComRobotSettings(Settings):
    """HUB_WECOM_ROBOT_…; destinations name a robot, its key stays here."""

    model_config = settings_config("HUB_WECOM_ROBOT_")

    keys: dict[str, SecretStr] = Field(
        default_factory=dict, description='keys of the robots of WeCom groups by name, as JSON: {"pump room": "…"}'
    )
    base_url: str = Field("https://qyapi.weixin.qq.com", description="where WeCom's robots are; a fake one in a demo")
    deadline_s: float = Field(5.0, gt=0, description="seconds to wait for an answer of WeCom's robots")


class WeComRobotClient:
    """`async with WeComRobotClient(settings, clock) as robots`."""

    def __init__(self, settings: WeComRobotSettings, clock: Clock) -> None:
        self._settings = settings
        self._endpoint = Endpoint(SERVICE, settings.base_url, settings.deadline_s)
        self._http = self._endpoint.client()
        self._pace = Pace(clock, limit=MESSAGES_A_MINUTE, window_s=60.0)

    @property
    def robots(self) -> frozenset[str]:
        return frozenset(self._settings.keys)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._http.aclose()

    async def send_markdown(self, *, robot: str, text: str, urgent: bool = False) -> None:
        """Says it in the group of this robot; some room is kept for what is `urgent`.

        Raises ConnectorError; AmbiguousOutcome after silence.
        """
        key = self._settings.keys.get(robot)
        if key is None:
            raise not_configured(SERVICE, setting=f'HUB_WECOM_ROBOT_KEYS (there is no robot "{robot}" in it)')
        wait_s = self._pace.wait_s(robot, spare=0 if urgent else KEPT_FOR_URGENT)
        if wait_s:
            raise TemporaryFailure(SERVICE, "paced", f"more than {MESSAGES_A_MINUTE} a minute", retry_after_s=wait_s)
        request = self._http.build_request(
            "POST", "/cgi-bin/webhook/send", params={"key": key.get_secret_value()},
            json={"msgtype": "markdown", "markdown": {"content": clip_bytes(text, TEXT_BYTES)}},
        )  # fmt: skip
        answer = await call(self._http, self._endpoint, request, repeatable=False)
        found = decode(self._endpoint, answer, repeatable=False)
        code = int(found.get("errcode", 0))
        if code:
            raise _failure(code, str(found.get("errmsg", "")))


def _failure(code: int, message: str) -> ConnectorError:
    if code in TEMPORARY:
        return TemporaryFailure(SERVICE, str(code), message[:200], retry_after_s=TEMPORARY[code])
    return PermanentFailure(SERVICE, str(code), message[:200])
