"""All fake services as one HTTP server."""

import httpx
from fastapi import FastAPI

from kit.clock import Clock
from kit.http import add_error_handlers, provide
from kit.i18n import Texts
from simulators.platform import aliyun, console, wechat, wecom
from simulators.platform.accounts import Accounts
from simulators.platform.failures import Failures
from simulators.platform.media import MediaShelf
from simulators.platform.messages import MessageLog
from simulators.platform.tokens import AccessTokens
from simulators.platform.wechat_callback import CallbackAccount, WeChatCallback


def platform_app(*, accounts: Accounts, hub_url: str, http: httpx.AsyncClient, clock: Clock, texts: Texts) -> FastAPI:
    """`http` reaches the hub; its owner closes it."""
    app = FastAPI(title="Fake WeChat, WeCom, SMS and voice", docs_url="/docs", redoc_url=None)
    log = MessageLog(clock)
    account = CallbackAccount(
        url=f"{hub_url.rstrip('/')}/wechat/callback",
        token=accounts.wechat.token, app_id=accounts.wechat.app_id, aes_key=accounts.wechat.aes_key,
    )  # fmt: skip
    for offered in (
        log,
        Failures(),
        MediaShelf(),
        wechat.WeChatService(accounts, AccessTokens(clock), log),
        wecom.WeComService(accounts, AccessTokens(clock), log, clock),
        aliyun.AliyunService(accounts, log, clock),
        WeChatCallback(account, http, clock),
    ):
        provide(app, offered)
    for room in (wechat, wecom, aliyun, console):
        app.include_router(room.router)
    add_error_handlers(app, texts=texts, status=console.STATUS)
    return app
