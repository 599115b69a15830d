"""WeCom (企业微信): text cards to staff.

The platform drops a card with the same content within 30 minutes (`enable_duplicate_check`), so asking again after
silence is harmless. It also drops, silently, what exceeds 30 cards a minute and member: that is refused here first.
"""

from collections import deque
from typing import Any, Self

from pydantic import Field, SecretStr

from connectors.errors import ConnectorError, PermanentFailure, TemporaryFailure, not_configured
from connectors.http import Endpoint, call, decode
from connectors.text import clip_bytes
from connectors.token import TokenGrant, TokenKeeper
from kit.clock import Clock
from kit.settings import Settings, settings_config

SERVICE = "wecom"
TOKEN_REFUSED = frozenset({40001, 40014, 42001})
# -1 busy, 45009 too many calls, 45033 too many at once.
TEMPORARY = {-1: 2.0, 45009: 60.0, 45033: 5.0}
RENEW_EARLY_S = 300.0
DUPLICATE_CHECK_S = 1800
TITLE_BYTES = 128
DESCRIPTION_BYTES = 512
CARDS_A_MINUTE = 30


class WeComSettings(Settings):
    """HUB_WECOM_…; without a corp id, secret and agent the connector is not configured."""

    model_config = settings_config("HUB_WECOM_")

    corp_id: str = Field("", description="corp id of the company in WeCom")
    corp_secret: SecretStr | None = Field(None, description="secret of the WeCom application")
    agent_id: int = Field(0, description="AgentId of the WeCom application")
    base_url: str = Field("https://qyapi.weixin.qq.com", description="where WeCom's API is; a fake one in a demo")
    deadline_s: float = Field(5.0, gt=0, description="seconds to wait for an answer of WeCom")

    @property
    def is_configured(self) -> bool:
        return bool(self.corp_id and self.corp_secret and self.agent_id)


class WeComClient:
    """`async with WeComClient(settings, clock) as wecom`. Every call raises ConnectorError."""

    def __init__(self, settings: WeComSettings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._endpoint = Endpoint(SERVICE, settings.base_url, settings.deadline_s)
        self._http = self._endpoint.client()
        self._token = TokenKeeper(self._fetch_token, clock, service=SERVICE, early_s=RENEW_EARLY_S)
        self._pace = Pace(clock, limit=CARDS_A_MINUTE, window_s=60.0)

    @property
    def is_configured(self) -> bool:
        return self._settings.is_configured

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._http.aclose()

    async def send_textcard(self, *, user_id: str, title: str, description: str, url: str, button: str) -> str:
        """Sends a card to one member and returns its msgid; title and description are cut to 128 and 512 bytes.

        PermanentFailure `invaliduser`, `unlicenseduser` or 81013: this member cannot be reached.
        """
        self._secret()
        wait_s = self._pace.wait_s(user_id)
        if wait_s:
            raise TemporaryFailure(SERVICE, "paced", f"more than {CARDS_A_MINUTE} a minute", retry_after_s=wait_s)
        answer = await self._post(
            "/cgi-bin/message/send",
            {
                "touser": user_id,
                "msgtype": "textcard",
                "agentid": self._settings.agent_id,
                "textcard": {
                    "title": clip_bytes(title, TITLE_BYTES),
                    "description": clip_bytes(description, DESCRIPTION_BYTES),
                    "url": url,
                    "btntxt": button[:4],
                },
                "enable_duplicate_check": 1,
                "duplicate_check_interval": DUPLICATE_CHECK_S,
            },
        )
        for refusal in ("invaliduser", "unlicenseduser"):
            if user_id.lower() in str(answer.get(refusal, "")).lower().split("|"):
                raise PermanentFailure(SERVICE, refusal, "the member cannot be reached")
        return str(answer.get("msgid", ""))

    async def _post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        token = await self._token.get()
        answer = await self._posted(path, body, token)
        if answer.get("errcode") in TOKEN_REFUSED:
            answer = await self._posted(path, body, await self._token.replace(token))
        _check(answer)
        return answer

    async def _posted(self, path: str, body: dict[str, Any], token: str) -> dict[str, Any]:
        request = self._http.build_request("POST", path, params={"access_token": token}, json=body)
        answer = await call(self._http, self._endpoint, request, repeatable=True)
        return decode(self._endpoint, answer, repeatable=True)

    async def _fetch_token(self, force: bool) -> TokenGrant:
        # gettoken knows no force: it hands out the valid token, or a new one once that has ended.
        params = {"corpid": self._settings.corp_id, "corpsecret": self._secret()}
        request = self._http.build_request("GET", "/cgi-bin/gettoken", params=params)
        answer = await call(self._http, self._endpoint, request, repeatable=True)
        found = decode(self._endpoint, answer, repeatable=True)
        _check(found)
        return TokenGrant(str(found["access_token"]), float(found["expires_in"]))

    def _secret(self) -> str:
        if not self._settings.is_configured or self._settings.corp_secret is None:
            raise not_configured(SERVICE, setting="HUB_WECOM_CORP_ID, HUB_WECOM_CORP_SECRET and HUB_WECOM_AGENT_ID")
        return self._settings.corp_secret.get_secret_value()


class Pace:
    """Counts what went to each key within a sliding window, and says how long the next must wait."""

    def __init__(self, clock: Clock, *, limit: int, window_s: float) -> None:
        self._clock = clock
        self._limit = limit
        self._window_s = window_s
        self._sent: dict[str, deque[float]] = {}

    def wait_s(self, key: str, *, spare: int = 0) -> float:
        """0 and one more counted, or the seconds until there is room beside the `spare` that is kept for others."""
        now, room = self._clock.monotonic(), self._limit - spare
        sent = self._sent.setdefault(key, deque(maxlen=self._limit))
        if len(sent) >= room and now - sent[-room] < self._window_s:
            return self._window_s - (now - sent[-room])
        sent.append(now)
        return 0.0


def _check(answer: dict[str, Any]) -> None:
    code = answer.get("errcode", 0)
    if code:
        raise _failure(int(code), str(answer.get("errmsg", "")))


def _failure(code: int, message: str) -> ConnectorError:
    detail = message[:200]
    if code in TEMPORARY or code in TOKEN_REFUSED:
        return TemporaryFailure(SERVICE, str(code), detail, retry_after_s=TEMPORARY.get(code, 30.0))
    return PermanentFailure(SERVICE, str(code), detail)
