"""WeChat Official Account (公众号): token, template and subscription messages, media, menu, OAuth.

Source: the Official Accounts developer documentation (公众号开发文档), developers.weixin.qq.com. `client_msg_id` is
sent, but that the platform drops a repeated one is unconfirmed, so silence after a send counts as ambiguous.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import httpx
from pydantic import Field, SecretStr, field_validator

from connectors.errors import ConnectorError, PermanentFailure, TemporaryFailure, not_configured
from connectors.http import Answer, Endpoint, call, decode
from connectors.token import TokenGrant, TokenKeeper
from kit.clock import Clock
from kit.settings import Settings, settings_config

SERVICE = "wechat"
TOKEN_REFUSED = frozenset({40001, 40014, 42001})
# -1 busy, 45011 too many this minute, 50002 the account is limited for a while.
TEMPORARY = {-1: 2.0, 45011: 60.0, 50002: 60.0}
NOT_FOLLOWING = "43004"
RENEW_EARLY_S = 300.0
AES_KEY_LENGTH = 43
MAX_MEDIA_BYTES = 10 * 1024 * 1024


class WeChatSettings(Settings):
    """HUB_WECHAT_…; without an app id and secret the connector is not configured.

    `token` and `aes_key` belong to the callback (owner_services), which shares this account.
    """

    model_config = settings_config("HUB_WECHAT_")

    app_id: str = Field("", description="AppID of the Official Account")
    app_secret: SecretStr | None = Field(None, description="AppSecret of the Official Account")
    token: SecretStr | None = Field(None, description="Token of the callback, the same as in WeChat's console")
    aes_key: SecretStr | None = Field(None, description="EncodingAESKey of the callback, 43 characters")
    base_url: str = Field("https://api.weixin.qq.com", description="where WeChat's API is; a fake one in a demo")
    deadline_s: float = Field(5.0, gt=0, description="seconds to wait for an answer of WeChat")

    @field_validator("app_secret", "token", "aes_key", mode="before")
    @classmethod
    def _empty_is_none(cls, value: object) -> object:
        return value or None

    @field_validator("aes_key")
    @classmethod
    def _has_its_length(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and len(value.get_secret_value()) != AES_KEY_LENGTH:
            raise ValueError(f"an EncodingAESKey has {AES_KEY_LENGTH} characters")
        return value

    @property
    def is_configured(self) -> bool:
        return bool(self.app_id and self.app_secret)


@dataclass(frozen=True)
class Media:
    content_type: str
    content: bytes


@dataclass(frozen=True)
class OAuthIdentity:
    """Who came through the OAuth page; `is_snapshot_user` True: a virtual user of WeChat's, never to be bound."""

    openid: str
    unionid: str | None
    is_snapshot_user: bool


class WeChatClient:
    """`async with WeChatClient(settings, clock) as wechat`. Every call raises ConnectorError."""

    def __init__(self, settings: WeChatSettings, clock: Clock) -> None:
        self._settings = settings
        self._endpoint = Endpoint(SERVICE, settings.base_url, settings.deadline_s)
        self._http = self._endpoint.client()
        self._token = TokenKeeper(self._fetch_token, clock, service=SERVICE, early_s=RENEW_EARLY_S)

    @property
    def is_configured(self) -> bool:
        return self._settings.is_configured

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._http.aclose()

    async def send_template(
        self, *, openid: str, template_id: str, data: Mapping[str, str], url: str | None, client_msg_id: str
    ) -> str:
        """Sends a template message and returns its msgid. `data` is by field name (`thing1`, `time2`, …).

        PermanentFailure codes worth knowing: 43004 not following, 43101 refused by the user, 47003 a bad field.
        """
        body = {
            "touser": openid,
            "template_id": template_id,
            "client_msg_id": client_msg_id[:32],
            "data": {name: {"value": value} for name, value in data.items()},
        }
        answer = await self._post("/cgi-bin/message/template/send", body | ({"url": url} if url else {}))
        return str(answer.get("msgid", ""))

    async def send_subscription(
        self, *, openid: str, template_id: str, data: Mapping[str, str], page: str | None = None
    ) -> None:
        """Sends a 订阅通知; each consent of the user is good for one."""
        body = {
            "touser": openid,
            "template_id": template_id,
            "page": page or "",
            "data": {name: {"value": value} for name, value in data.items()},
        }
        await self._post("/cgi-bin/message/subscribe/bizsend", body)

    async def media(self, media_id: str) -> Media:
        """What a user sent (kept by WeChat for 3 days), at most 10 MB."""
        answer = await self._with_token(
            lambda token: self._http.build_request(
                "GET", "/cgi-bin/media/get", params={"access_token": token, "media_id": media_id}
            ),
            repeatable=True,
            max_bytes=MAX_MEDIA_BYTES,
        )
        if _is_json(answer):
            _check(decode(self._endpoint, answer, repeatable=True))
            raise PermanentFailure(SERVICE, "no_media", "the answer is not a file")
        return Media(answer.content_type, answer.body)

    async def create_menu(self, buttons: Sequence[Mapping[str, Any]]) -> None:
        """Replaces the account's menu: at most 3 buttons with at most 5 sub-buttons each."""
        await self._post("/cgi-bin/menu/create", {"button": list(buttons)}, repeatable=True)

    async def exchange_code(self, code: str) -> OAuthIdentity:
        """Who stands behind an OAuth code (good for one use; PermanentFailure 40029 or 40163 otherwise)."""
        params = {
            "appid": self._settings.app_id,
            "secret": self._secret(),
            "code": code,
            "grant_type": "authorization_code",
        }
        request = self._http.build_request("GET", "/sns/oauth2/access_token", params=params)
        found = await self._asked(request)
        return OAuthIdentity(
            openid=str(found["openid"]),
            unionid=found.get("unionid"),
            is_snapshot_user=found.get("is_snapshotuser") == 1,
        )

    async def _post(self, path: str, body: Mapping[str, Any], *, repeatable: bool = False) -> dict[str, Any]:
        answer = await self._with_token(
            lambda token: self._http.build_request("POST", path, params={"access_token": token}, json=body),
            repeatable=repeatable,
        )
        decoded = decode(self._endpoint, answer, repeatable=repeatable)
        _check(decoded)
        return decoded

    async def _with_token(self, build: Any, *, repeatable: bool, **limits: int) -> Answer:
        """The answer to `build(token)`; a refused token is replaced once."""
        self._secret()
        token = await self._token.get()
        answer = await call(self._http, self._endpoint, build(token), repeatable=repeatable, **limits)
        if not _refuses_token(self._endpoint, answer):
            return answer
        token = await self._token.replace(token)
        return await call(self._http, self._endpoint, build(token), repeatable=repeatable, **limits)

    async def _fetch_token(self, force: bool) -> TokenGrant:
        body = {
            "grant_type": "client_credential",
            "appid": self._settings.app_id,
            "secret": self._secret(),
            "force_refresh": force,
        }
        found = await self._asked(self._http.build_request("POST", "/cgi-bin/stable_token", json=body))
        return TokenGrant(str(found["access_token"]), float(found["expires_in"]))

    async def _asked(self, request: httpx.Request) -> dict[str, Any]:
        answer = await call(self._http, self._endpoint, request, repeatable=True)
        decoded = decode(self._endpoint, answer, repeatable=True)
        _check(decoded)
        return decoded

    def _secret(self) -> str:
        if not self._settings.app_id or self._settings.app_secret is None:
            raise not_configured(SERVICE, setting="HUB_WECHAT_APP_ID and HUB_WECHAT_APP_SECRET")
        return self._settings.app_secret.get_secret_value()


def _is_json(answer: Answer) -> bool:
    # An error of media/get comes as text/plain that is JSON.
    return answer.content_type.startswith(("application/json", "text/")) and answer.body.lstrip().startswith(b"{")


def _refuses_token(endpoint: Endpoint, answer: Answer) -> bool:
    if not _is_json(answer):
        return False
    return decode(endpoint, answer, repeatable=True).get("errcode") in TOKEN_REFUSED


def _check(answer: Mapping[str, Any]) -> None:
    code = answer.get("errcode", 0)
    if code:
        raise _failure(int(code), str(answer.get("errmsg", "")))


def _failure(code: int, message: str) -> ConnectorError:
    detail = message[:200]
    if code in TEMPORARY or code in TOKEN_REFUSED:
        # A token refused twice is a matter of seconds (another process forced a new one), not of this message.
        return TemporaryFailure(SERVICE, str(code), detail, retry_after_s=TEMPORARY.get(code, 30.0))
    return PermanentFailure(SERVICE, str(code), detail)
