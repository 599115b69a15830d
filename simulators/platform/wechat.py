"""WeChat's server API: tokens, template and subscription messages, media, OAuth, menu; errors as WeChat gives them."""

import asyncio
import itertools
import json
import re
import secrets
from collections.abc import Mapping
from html import escape
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse, Response

from kit.http import service
from simulators.platform.accounts import Accounts, matches
from simulators.platform.failures import Failure, Failures
from simulators.platform.media import MediaShelf
from simulators.platform.messages import Channel, MessageLog, MessageState
from simulators.platform.template_fields import problem as field_problem
from simulators.platform.tokens import AccessTokens

router = APIRouter(tags=["WeChat"])

_OPENID = re.compile(r"[A-Za-z0-9_-]{4,64}")
MENU_BUTTONS = 3
SUB_BUTTONS = 5

Answer = dict[str, Any]
OK: Mapping[str, Any] = {"errcode": 0, "errmsg": "ok"}


class WeChatService:
    """The account's state: tokens, who follows, who refused messages, OAuth codes."""

    def __init__(self, accounts: Accounts, tokens: AccessTokens, log: MessageLog) -> None:
        self._account = accounts.wechat
        self._approved = frozenset(accounts.templates.wechat_templates.values())
        self.tokens = tokens
        self._log = log
        self._msg_ids = itertools.count(200_228_332)
        self.unfollowed: set[str] = set()
        self.refusing: set[str] = set()
        self.known: dict[str, None] = {}  # openids in the order they were first seen
        self._codes: dict[str, str] = {}
        self._used_codes: set[str] = set()
        self.menu: Mapping[str, Any] = {}

    def credential_problem(self, app_id: str, secret: str) -> Answer | None:
        if not matches(app_id, self._account.app_id):
            return {"errcode": 40013, "errmsg": "invalid appid"}
        if not matches(secret, self._account.app_secret):
            return {"errcode": 40125, "errmsg": "invalid appsecret"}
        return None

    def send_template(self, body: Mapping[str, Any], *, forced: Answer | None) -> Answer:
        """Checks and keeps one template message; `forced`: refuse it with this."""
        openid = str(body.get("touser", ""))
        refusal = forced or self._template_problem(openid, body)
        state = MessageState.DELIVERED if refusal is None else MessageState.REFUSED
        reason = "" if refusal is None else f"{refusal['errcode']} {refusal['errmsg']}"
        self._log.keep(
            Channel.WECHAT, to=openid, title=str(body.get("template_id", "")), text=_as_text(body.get("data")),
            detail=body, state=state, reason=reason,
        )  # fmt: skip
        return refusal or {**OK, "msgid": next(self._msg_ids)}

    def set_follower(self, openid: str, *, follows: bool) -> None:
        if follows:
            self.unfollowed.discard(openid)
        else:
            self.unfollowed.add(openid)

    def set_accepting(self, openid: str, *, accepts: bool) -> None:
        if accepts:
            self.refusing.discard(openid)
        else:
            self.refusing.add(openid)

    def new_code(self, openid: str) -> str:
        code = secrets.token_hex(12)
        self._codes[code] = openid
        return code

    def use_code(self, code: str) -> Answer:
        if code in self._used_codes:
            return {"errcode": 40163, "errmsg": "code been used"}
        openid = self._codes.pop(code, None)
        if openid is None:
            return {"errcode": 40029, "errmsg": "invalid code"}
        self._used_codes.add(code)
        return {
            "access_token": secrets.token_urlsafe(32), "expires_in": 7200,
            "refresh_token": secrets.token_urlsafe(32), "openid": openid, "scope": "snsapi_base",
        }  # fmt: skip

    def _template_problem(self, openid: str, body: Mapping[str, Any]) -> Answer | None:
        if not _OPENID.fullmatch(openid):
            return {"errcode": 40003, "errmsg": "invalid openid"}
        if openid in self.unfollowed:
            return {"errcode": 43004, "errmsg": "require subscribe"}
        if openid in self.refusing:
            return {"errcode": 43101, "errmsg": "user refuse to accept the msg"}
        template = str(body.get("template_id", ""))
        if not template or (self._approved and template not in self._approved):
            return {"errcode": 40037, "errmsg": "invalid template_id"}
        if fault := field_problem(body.get("data")):
            return {"errcode": 47003, "errmsg": fault}
        return None


WeChat = Annotated[WeChatService, Depends(service(WeChatService))]
FailuresNow = Annotated[Failures, Depends(service(Failures))]
Media = Annotated[MediaShelf, Depends(service(MediaShelf))]
Token = Annotated[str, Query(alias="access_token")]


@router.post("/cgi-bin/stable_token")
async def wechat_stable_token(request: Request, wechat: WeChat) -> Answer:
    body = await json_body(request)
    if body.get("grant_type") != "client_credential":
        return {"errcode": 40002, "errmsg": "invalid grant_type"}
    if problem := wechat.credential_problem(str(body.get("appid", "")), str(body.get("secret", ""))):
        return problem
    token, left_s = wechat.tokens.stable(force=body.get("force_refresh") is True)
    return {"access_token": token, "expires_in": left_s}


@router.get("/cgi-bin/token")
async def wechat_token(wechat: WeChat, grant_type: str = "", appid: str = "", secret: str = "") -> Answer:
    if grant_type != "client_credential":
        return {"errcode": 40002, "errmsg": "invalid grant_type"}
    if problem := wechat.credential_problem(appid, secret):
        return problem
    token, left_s = wechat.tokens.fresh()
    return {"access_token": token, "expires_in": left_s}


@router.post("/cgi-bin/message/template/send", response_model=None)
@router.post("/cgi-bin/message/subscribe/bizsend", response_model=None)
async def wechat_send(request: Request, wechat: WeChat, failures: FailuresNow, access_token: Token = "") -> Response:
    if problem := wechat.tokens.problem(access_token):
        return JSONResponse(dict(problem))
    failure = failures.take(Channel.WECHAT)
    forced = None if failure is None or not failure.refuses else refusal(failure)
    answer = wechat.send_template(await json_body(request), forced=forced)
    if "bizsend" in request.url.path:
        answer.pop("msgid", None)
    return await answer_through(failure, answer)


@router.get("/cgi-bin/media/get", response_model=None)
async def wechat_media(wechat: WeChat, media: Media, media_id: str = "", access_token: Token = "") -> Response:
    if problem := wechat.tokens.problem(access_token):
        return JSONResponse(dict(problem))
    found = media.find(media_id)
    if found is None:
        return JSONResponse({"errcode": 40007, "errmsg": "invalid media_id"})
    return Response(found, media_type="image/jpeg")


@router.get("/media/{name}", response_model=None)
async def wechat_picture(media: Media, name: str) -> Response:
    """PicUrl of an image message: no token needed."""
    found = media.find(name.removesuffix(".jpg"))
    return Response(status_code=404) if found is None else Response(found, media_type="image/jpeg")


@router.post("/cgi-bin/menu/create")
async def wechat_menu(request: Request, wechat: WeChat, access_token: Token = "") -> Answer:
    if problem := wechat.tokens.problem(access_token):
        return dict(problem)
    body = await json_body(request)
    buttons = body.get("button")
    if not isinstance(buttons, list) or not 1 <= len(buttons) <= MENU_BUTTONS:
        return {"errcode": 40016, "errmsg": "invalid button size"}
    if any(len(button.get("sub_button", [])) > SUB_BUTTONS for button in buttons if isinstance(button, Mapping)):
        return {"errcode": 40023, "errmsg": "invalid sub button size"}
    wechat.menu = body
    return dict(OK)


@router.get("/sns/oauth2/access_token")
async def wechat_oauth_token(
    wechat: WeChat, appid: str = "", secret: str = "", code: str = "", grant_type: str = ""
) -> Answer:
    if problem := wechat.credential_problem(appid, secret):
        return problem
    if grant_type != "authorization_code":
        return {"errcode": 40002, "errmsg": "invalid grant_type"}
    return wechat.use_code(code)


@router.get("/connect/oauth2/authorize", response_model=None)
async def wechat_authorize(wechat: WeChat, redirect_uri: str, state: str = "", openid: str = "") -> Response:
    """Without `openid` it asks who you are: on a bench nobody scans a code."""
    if not openid:
        return HTMLResponse(_WHO.format(known="".join(f"<option value='{escape(known)}'>" for known in wechat.known)))
    glue = "&" if "?" in redirect_uri else "?"
    query = urlencode({"code": wechat.new_code(openid), "state": state})
    return RedirectResponse(f"{redirect_uri}{glue}{query}", status_code=302)


async def json_body(request: Request) -> dict[str, Any]:
    """The JSON object of a request; an empty one when it is none, as these services then miss every field."""
    try:
        body = json.loads(await request.body())
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def refusal(failure: Failure) -> Answer:
    code = failure.errcode or "-1"
    return {"errcode": int(code) if code.lstrip("-").isdigit() else -1, "errmsg": "told to fail"}


async def answer_through(failure: Failure | None, answer: Answer) -> Response:
    """The answer as it arrives: late, or as an HTTP error, when the failure says so."""
    if failure is not None:
        await asyncio.sleep(failure.delay_s)
        if failure.http_status is not None:
            return Response("told to fail", status_code=failure.http_status)
    return JSONResponse(answer)


def _as_text(data: Any) -> str:
    if not isinstance(data, Mapping):
        return ""
    return " · ".join(str(field.get("value", "")) for field in data.values() if isinstance(field, Mapping))


_WHO = """<!doctype html><meta charset="utf-8"><title>微信登录（模拟）</title>
<form style="font:16px sans-serif;margin:3em"><p>您是谁？（模拟微信登录，填写 openid）</p>
<input name="openid" list="known" autofocus required><datalist id="known">{known}</datalist> <button>登录</button>
<script>for (const [k, v] of new URLSearchParams(location.search)) {{
  const i = Object.assign(document.createElement("input"), {{type: "hidden", name: k, value: v}});
  document.forms[0].append(i) }}</script></form>"""
