"""WeCom's server API: token and application messages. Like the real one it drops what exceeds a limit, with success."""

import json
from collections import deque
from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse, Response

from kit.clock import Clock
from kit.http import service
from simulators.platform.accounts import Accounts, matches
from simulators.platform.messages import Channel, MessageLog, MessageState
from simulators.platform.tokens import AccessTokens
from simulators.platform.wechat import OK, Answer, FailuresNow, Token, answer_through, json_body, refusal

router = APIRouter(prefix="/wecom", tags=["WeCom"])

PER_MINUTE = 30
MOST_RECIPIENTS = 1000
_REQUIRED = {"textcard": ("title", "description", "url"), "text": ("content",), "markdown": ("content",)}


class WeComService:
    """The application's state. `unreachable`: members who left or are not visible to the application."""

    def __init__(self, accounts: Accounts, tokens: AccessTokens, log: MessageLog, clock: Clock) -> None:
        self._account = accounts.wecom
        self.tokens = tokens
        self._log = log
        self._clock = clock
        self.unreachable: set[str] = set()
        self._recent: dict[str, deque[float]] = {}
        self._contents: dict[tuple[str, str], float] = {}

    def credential_problem(self, corp_id: str, secret: str) -> Answer | None:
        if not matches(corp_id, self._account.corp_id):
            return {"errcode": 40013, "errmsg": "invalid corpid"}
        if not matches(secret, self._account.corp_secret):
            return {"errcode": 40001, "errmsg": "invalid credential"}
        return None

    def send(self, body: Mapping[str, Any], *, forced: Answer | None) -> Answer:
        members = [member for member in str(body.get("touser", "")).split("|") if member]
        problem = forced or _body_problem(body, members)
        if problem is not None:
            for member in members or [""]:
                self._keep(member, body, MessageState.REFUSED, f"{problem['errcode']} {problem['errmsg']}")
            return problem
        invalid = [member for member in members if member in self.unreachable]
        if len(invalid) == len(members):
            return {"errcode": 81013, "errmsg": "user & party & tag all invalid", "invaliduser": "|".join(invalid)}
        for member in members:
            if member not in self.unreachable:
                self._deliver(member, body)
        return {**OK, "invaliduser": "|".join(invalid), "msgid": self._clock.now().strftime("%H%M%S%f")}

    def _deliver(self, member: str, body: Mapping[str, Any]) -> None:
        now = self._clock.monotonic()
        if self._is_duplicate(member, body, now):
            self._keep(member, body, MessageState.DROPPED, "duplicate")
            return
        recent = self._recent.setdefault(member, deque())
        while recent and now - recent[0] >= 60:
            recent.popleft()
        if len(recent) >= PER_MINUTE:
            self._keep(member, body, MessageState.DROPPED, f"more than {PER_MINUTE} a minute")
            return
        recent.append(now)
        self._keep(member, body, MessageState.DELIVERED, "")

    def _is_duplicate(self, member: str, body: Mapping[str, Any], now: float) -> bool:
        if body.get("enable_duplicate_check") != 1:
            return False
        key = (member, json.dumps(body, sort_keys=True, ensure_ascii=False))
        last, self._contents[key] = self._contents.get(key), now
        return last is not None and now - last < float(body.get("duplicate_check_interval", 1800))

    def _keep(self, member: str, body: Mapping[str, Any], state: MessageState, reason: str) -> None:
        content = body.get(str(body.get("msgtype", "")), {})
        content = content if isinstance(content, Mapping) else {}
        self._log.keep(
            Channel.WECOM, to=member, title=str(content.get("title", "")),
            text=str(content.get("description") or content.get("content") or ""),
            detail=body, state=state, reason=reason,
        )  # fmt: skip


WeCom = Annotated[WeComService, Depends(service(WeComService))]


@router.get("/cgi-bin/gettoken")
async def wecom_token(wecom: WeCom, corpid: str = "", corpsecret: str = "") -> Answer:
    if problem := wecom.credential_problem(corpid, corpsecret):
        return problem
    token, left_s = wecom.tokens.stable(force=False)
    return {**OK, "access_token": token, "expires_in": left_s}


@router.post("/cgi-bin/message/send", response_model=None)
async def wecom_send(request: Request, wecom: WeCom, failures: FailuresNow, access_token: Token = "") -> Response:
    if problem := wecom.tokens.problem(access_token):
        return JSONResponse(dict(problem))
    failure = failures.take(Channel.WECOM)
    forced = refusal(failure) if failure is not None and failure.refuses else None
    return await answer_through(failure, wecom.send(await json_body(request), forced=forced))


def _body_problem(body: Mapping[str, Any], members: list[str]) -> Answer | None:
    if not members or len(members) > MOST_RECIPIENTS:
        return {"errcode": 40035, "errmsg": "invalid touser"}
    kind = str(body.get("msgtype", ""))
    if kind not in _REQUIRED:
        return {"errcode": 40008, "errmsg": "invalid message type"}
    if not isinstance(body.get("agentid"), int):
        return {"errcode": 40056, "errmsg": "invalid agentid"}
    content = body.get(kind)
    for name in _REQUIRED[kind]:
        if not isinstance(content, Mapping) or not content.get(name):
            return {"errcode": 40058, "errmsg": f"missing {kind}.{name}"}
    return None
