"""A small outside world on a real socket: WeChat, WeCom and Alibaba Cloud as strict as their documents say.

Written from the documents, not from our clients: tokens live and die, fields have types and lengths, signatures count.
"""

import asyncio
import base64
import hashlib
import hmac
import json
import re
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

LIVENESS_S = 30.0
TOKEN_S = 7200
FIELD_RULES = {
    "thing": r"[^\r\n]{1,20}",
    "character_string": r"[\x21-\x7e]{1,32}",
    "time": r"\d{4}-\d\d-\d\d \d\d:\d\d",
    "phrase": r"[\u4e00-\u9fff]{1,5}",
}


@dataclass
class Platform:
    """`before` runs ahead of every answer: a test makes it slow, or lets it answer something else.

    `is_stubborn`: hands out a dead token again until a new one is forced.
    """

    url: str
    app_id: str = "wx1"
    app_secret: str = "s1"
    access_key_secret: str = "ak-secret"
    token: str = ""
    dead: set[str] = field(default_factory=set)
    issued: int = 0
    forced: int = 0
    token_requests: int = 0
    is_stubborn: bool = False
    followers: set[str] = field(default_factory=lambda: {"o-wang"})
    templates: dict[str, list[str]] = field(default_factory=lambda: {"T1": ["thing1", "time2", "character_string3"]})
    members: set[str] = field(default_factory=lambda: {"zhang"})
    media: dict[str, bytes] = field(default_factory=lambda: {"M1": b"\xff\xd8\xff picture"})
    nonces: set[str] = field(default_factory=set)
    sent: list[dict[str, Any]] = field(default_factory=list)
    before: Callable[[Request], Awaitable[Response | None]] | None = None

    def kill_token(self) -> None:
        """What a forced refresh by another system does."""
        self.dead.add(self.token)

    def new_token(self) -> str:
        self.issued += 1
        self.token = f"token-{self.issued}"
        return self.token

    # --- WeChat ---------------------------------------------------------------------------------------------------

    async def stable_token(self, request: Request) -> Response:
        self.token_requests += 1
        body = await request.json()
        if (body["appid"], body["secret"]) != (self.app_id, self.app_secret):
            return error(40125, "invalid appsecret")
        if body["force_refresh"]:
            self.forced += 1
            self.kill_token()
            self.new_token()
        elif not self.token or (self.token in self.dead and not self.is_stubborn):
            self.new_token()
        return JSONResponse({"access_token": self.token, "expires_in": TOKEN_S})

    def refused(self, request: Request) -> Response | None:
        token = request.query_params.get("access_token", "")
        if token in self.dead or token != self.token:
            return error(40001 if token in self.dead else 42001, "access_token expired")
        return None

    async def template_send(self, request: Request) -> Response:
        if refusal := self.refused(request):
            return refusal
        body = await request.json()
        if body["touser"] not in self.followers:
            return error(43004, "require subscribe")
        if body["template_id"] not in self.templates:
            return error(40037, "invalid template_id")
        for name in self.templates[body["template_id"]]:
            value = body["data"].get(name, {}).get("value", "")
            if not re.fullmatch(FIELD_RULES[name.rstrip("0123456789")], value):
                return error(47003, f"argument invalid! data.{name}.value invalid")
        return self.keep(body, {"errcode": 0, "errmsg": "ok", "msgid": 200228332})

    async def bizsend(self, request: Request) -> Response:
        if refusal := self.refused(request):
            return refusal
        body = await request.json()
        if body["touser"] not in self.followers:
            return error(43101, "user refuse to accept the msg")
        return self.keep(body, {"errcode": 0, "errmsg": "ok"})

    async def media_get(self, request: Request) -> Response:
        if refusal := self.refused(request):
            return refusal
        found = self.media.get(request.query_params["media_id"])
        if found is None:
            return Response(json.dumps({"errcode": 40007, "errmsg": "invalid media_id"}), media_type="text/plain")
        return Response(found, media_type="image/jpeg")

    async def menu_create(self, request: Request) -> Response:
        if refusal := self.refused(request):
            return refusal
        buttons = (await request.json())["button"]
        if not 1 <= len(buttons) <= 3:
            return error(40016, "invalid button size")
        return self.keep({"button": buttons}, {"errcode": 0, "errmsg": "ok"})

    async def oauth(self, request: Request) -> Response:
        code = request.query_params["code"]
        if code == "used":
            return error(40163, "code been used")
        virtual = {"is_snapshotuser": 1} if code == "virtual" else {}
        return JSONResponse({"access_token": "x", "openid": "o-wang", "unionid": "u-1"} | virtual)

    # --- WeCom ----------------------------------------------------------------------------------------------------

    async def gettoken(self, request: Request) -> Response:
        self.token_requests += 1
        if request.query_params["corpsecret"] != self.app_secret:
            return error(40001, "invalid credential")
        if not self.token or self.token in self.dead:
            self.new_token()
        return JSONResponse({"errcode": 0, "errmsg": "ok", "access_token": self.token, "expires_in": TOKEN_S})

    async def card_send(self, request: Request) -> Response:
        if refusal := self.refused(request):
            return refusal
        body = await request.json()
        card = body["textcard"]
        if len(card["title"].encode()) > 128 or len(card["description"].encode()) > 512 or len(card["btntxt"]) > 4:
            return error(40058, "textcard too long")
        if body["touser"] not in self.members:
            return JSONResponse({"errcode": 0, "errmsg": "ok", "invaliduser": body["touser"], "msgid": "m-0"})
        return self.keep(body, {"errcode": 0, "errmsg": "ok", "invaliduser": "", "msgid": "m-1"})

    # --- Alibaba Cloud --------------------------------------------------------------------------------------------

    async def rpc(self, request: Request) -> Response:
        form = {key: str(value) for key, value in (await request.form()).items()}
        if form.pop("Signature") != self.signature(form):
            return JSONResponse({"Code": "SignatureDoesNotMatch", "Message": "signature"}, status_code=400)
        if form["SignatureNonce"] in self.nonces:
            return JSONResponse({"Code": "SignatureNonceUsed", "Message": "nonce"}, status_code=400)
        self.nonces.add(form["SignatureNonce"])
        number = form.get("PhoneNumbers") or form["CalledNumber"]
        if not re.fullmatch(r"1[3-9]\d{9}", number):
            return JSONResponse({"Code": "isv.MOBILE_NUMBER_ILLEGAL", "Message": "number"})
        parameters = json.loads(form.get("TemplateParam") or form["TtsParam"])
        if not all(isinstance(value, str) for value in parameters.values()):
            return JSONResponse({"Code": "isv.INVALID_JSON_PARAM", "Message": "strings only"})
        answer = {"Code": "OK", "Message": "OK", "RequestId": "r-1"}
        return self.keep(form, answer | ({"BizId": "b-1"} if form["Action"] == "SendSms" else {"CallId": "c-1"}))

    def signature(self, form: dict[str, str]) -> str:
        def code(text: str) -> str:
            return quote(text, safe="-_.~")

        canonical = "&".join(code(key) + "=" + code(form[key]) for key in sorted(form))
        key = (self.access_key_secret + "&").encode()
        return base64.b64encode(hmac.digest(key, ("POST&%2F&" + code(canonical)).encode(), hashlib.sha1)).decode()

    # --- inside ---------------------------------------------------------------------------------------------------

    def keep(self, body: dict[str, Any], answer: dict[str, Any]) -> Response:
        self.sent.append(body)
        return JSONResponse(answer)

    def app(self) -> Starlette:
        def route(path: str, method: str, handler: Callable[[Request], Awaitable[Response]]) -> Route:
            async def answer(request: Request) -> Response:
                changed = await self.before(request) if self.before else None
                return changed or await handler(request)

            return Route(path, answer, methods=[method])

        return Starlette(
            routes=[
                route("/cgi-bin/stable_token", "POST", self.stable_token),
                route("/cgi-bin/message/template/send", "POST", self.template_send),
                route("/cgi-bin/message/subscribe/bizsend", "POST", self.bizsend),
                route("/cgi-bin/media/get", "GET", self.media_get),
                route("/cgi-bin/menu/create", "POST", self.menu_create),
                route("/sns/oauth2/access_token", "GET", self.oauth),
                route("/cgi-bin/gettoken", "GET", self.gettoken),
                route("/cgi-bin/message/send", "POST", self.card_send),
                route("/", "POST", self.rpc),
            ]
        )


def error(code: int, message: str) -> Response:
    return JSONResponse({"errcode": code, "errmsg": message})


@asynccontextmanager
async def running_platform() -> AsyncIterator[Platform]:
    """The platform on a free loopback port, until the end of the block."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        platform = Platform(f"http://127.0.0.1:{listener.getsockname()[1]}")
        server = uvicorn.Server(uvicorn.Config(platform.app(), log_level="error", lifespan="off"))
        serving = asyncio.create_task(server.serve(sockets=[listener]), name="platform")
        try:
            async with asyncio.timeout(LIVENESS_S):
                while not server.started:
                    await asyncio.sleep(0.01)
            yield platform
        finally:
            server.force_exit = server.should_exit = True
            await serving


@asynccontextmanager
async def hanging_up() -> AsyncIterator[str]:
    """The URL of a server that reads a request and hangs up without a word."""

    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1024)
        writer.close()

    server = await asyncio.start_server(hang_up, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


def nobody_listens() -> str:
    """The URL of a port that was free a moment ago."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{listener.getsockname()[1]}"
