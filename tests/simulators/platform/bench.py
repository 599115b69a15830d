"""A fake platform under test, with a clock that can be held, and a hub that answers as the test wants."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import httpx

from kit.clock import FakeClock
from kit.i18n import Texts
from simulators.platform.accounts import Accounts, ApprovedTemplates, SmsAccount, VoiceAccount, WeComAccount
from simulators.platform.app import platform_app
from simulators.settings import WeChatSettings

AES_KEY = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"
NOW = datetime(2026, 11, 22, 2, 0, tzinfo=UTC)
HUB = "http://hub.test"


def accounts(**changes) -> Accounts:
    known = {
        "wechat": WeChatSettings(token="tok123", app_id="wx-demo", app_secret="wx-secret", aes_key=AES_KEY),
        "wecom": WeComAccount(corp_id="ww-demo", corp_secret="ww-secret"),
        "sms": SmsAccount(access_key_id="key-id", access_key_secret="key-secret", sign_name="云栖物业"),
        "voice": VoiceAccount(access_key_id="key-id", access_key_secret="key-secret"),
        "templates": ApprovedTemplates(wechat_templates={"work_order.done": "demo-work_order.done"}),
    }
    return Accounts(**(known | changes))


class Bench:
    """`platform` speaks to the fake platform; `hub` answers what the platform sends to the hub."""

    def __init__(self, hub: Callable[[httpx.Request], httpx.Response], known: Accounts) -> None:
        self.clock = FakeClock(NOW)
        app = platform_app(
            accounts=known, hub_url=HUB, http=httpx.AsyncClient(transport=httpx.MockTransport(hub)),
            clock=self.clock, texts=Texts.load(["kit", "simulators"]),
        )  # fmt: skip
        self.platform = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://platform.test")

    async def token(self) -> Any:
        body = {"grant_type": "client_credential", "appid": "wx-demo", "secret": "wx-secret"}
        return (await self.platform.post("/cgi-bin/stable_token", json=body)).json()["access_token"]

    async def template(self, token: str, *, openid: str = "o-owner", data=None, **changes) -> Any:
        body = {
            "touser": openid, "template_id": "demo-work_order.done",
            "data": data or {"thing1": {"value": "电梯"}}, **changes,
        }  # fmt: skip
        send = "/cgi-bin/message/template/send"
        return (await self.platform.post(send, params={"access_token": token}, json=body)).json()

    async def messages(self, **query: str) -> Any:
        return (await self.platform.get("/messages", params=query)).json()["items"]


def silent_hub(request: httpx.Request) -> httpx.Response:
    return httpx.Response(200, text="success")
