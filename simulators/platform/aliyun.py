"""Alibaba Cloud's SMS and voice calls, RPC style: SendSms and SingleCallByTts with checked signatures."""

import json
import re
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse, Response

from kit.clock import Clock
from kit.http import service
from kit.ids import new_id
from simulators.platform.accounts import Accounts, SmsAccount, VoiceAccount, matches
from simulators.platform.aliyun_signature import expected_signature
from simulators.platform.failures import Failure
from simulators.platform.messages import Channel, MessageLog, MessageState
from simulators.platform.wechat import FailuresNow, answer_through

router = APIRouter(tags=["SMS and voice"])

_MOBILE = re.compile(r"(?:\+?86)?1[3-9]\d{9}")
_CLOCK_SKEW = timedelta(minutes=15)
_LONGEST_VALUE = 35  # characters a template variable may have

Answer = dict[str, Any]


class AliyunService:
    """Both products of one account. A nonce is good once."""

    def __init__(self, accounts: Accounts, log: MessageLog, clock: Clock) -> None:
        self._accounts = accounts
        self._log = log
        self._clock = clock
        self._nonces: set[str] = set()

    def perform(self, form: Mapping[str, str], *, method: str, failure: Failure | None) -> tuple[int, Answer]:
        """HTTP status and body for one call."""
        action = form.get("Action", "")
        if action not in ("SendSms", "SingleCallByTts"):
            return 404, _refused("InvalidAction.NotFound", "Specified api is not found")
        account = self._accounts.sms if action == "SendSms" else self._accounts.voice
        if problem := self._signature_problem(form, account, method=method):
            return 400, problem
        if failure is not None and failure.refuses:
            problem = _refused(failure.errcode or "ServiceUnavailable", "told to fail")
        else:
            problem = self._problem(action, form)
        self._keep(action, form, problem)
        if problem is not None:
            return 200, problem
        number = "BizId" if action == "SendSms" else "CallId"
        return 200, {"Code": "OK", "Message": "OK", "RequestId": str(new_id()).upper(), number: _serial()}

    def _signature_problem(
        self, form: Mapping[str, str], account: SmsAccount | VoiceAccount, *, method: str
    ) -> Answer | None:
        if not matches(form.get("AccessKeyId", ""), account.access_key_id):
            return _refused("InvalidAccessKeyId.NotFound", "Specified access key is not found")
        if not self._is_timely(form.get("Timestamp", "")):
            return _refused("InvalidTimeStamp.Expired", "Specified time stamp or date value is expired")
        nonce = form.get("SignatureNonce", "")
        if not nonce or nonce in self._nonces:
            return _refused("SignatureNonceUsed", "Specified signature nonce was used already")
        self._nonces.add(nonce)
        secret = account.access_key_secret
        right = expected_signature(form, method=method, secret=secret) if secret else form.get("Signature", "")
        if not right or form.get("Signature") != right:
            return _refused("SignatureDoesNotMatch", "Specified signature is not matched with our calculation")
        return None

    def _is_timely(self, timestamp: str) -> bool:
        try:
            at = datetime.strptime(timestamp, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
        except ValueError:
            return False
        return abs(self._clock.now() - at) <= _CLOCK_SKEW

    def _problem(self, action: str, form: Mapping[str, str]) -> Answer | None:
        is_sms = action == "SendSms"
        to = form.get("PhoneNumbers" if is_sms else "CalledNumber", "")
        if not all(_MOBILE.fullmatch(number) for number in to.split(",")):
            return _refused("isv.MOBILE_NUMBER_ILLEGAL", "invalid mobile number")
        known = self._accounts.templates.sms_templates if is_sms else self._accounts.templates.voice_templates
        template = form.get("TemplateCode" if is_sms else "TtsCode", "")
        if not template or (known and template not in known.values()):
            return _refused("isv.SMS_TEMPLATE_ILLEGAL" if is_sms else "isv.TTS_TEMPLATE_ILLEGAL", "no such template")
        if is_sms and not matches(form.get("SignName", ""), self._accounts.sms.sign_name):
            return _refused("isv.SMS_SIGNATURE_ILLEGAL", "no such sign name")
        return _parameter_problem(form.get("TemplateParam" if is_sms else "TtsParam", "{}"))

    def _keep(self, action: str, form: Mapping[str, str], problem: Answer | None) -> None:
        is_sms = action == "SendSms"
        self._log.keep(
            Channel.SMS if is_sms else Channel.VOICE,
            to=form.get("PhoneNumbers" if is_sms else "CalledNumber", ""),
            title=form.get("TemplateCode" if is_sms else "TtsCode", ""),
            text=_as_text(form.get("TemplateParam" if is_sms else "TtsParam", "{}")),
            detail={name: value for name, value in form.items() if not name.startswith(("Signature", "AccessKey"))},
            state=MessageState.DELIVERED if problem is None else MessageState.REFUSED,
            reason="" if problem is None else str(problem["Code"]),
        )


Aliyun = Annotated[AliyunService, Depends(service(AliyunService))]


@router.api_route("/sms/", methods=["GET", "POST"], response_model=None)
@router.api_route("/voice/", methods=["GET", "POST"], response_model=None)
@router.api_route("/voice/calls", methods=["GET", "POST"], response_model=None)
async def aliyun_call(request: Request, aliyun: Aliyun, failures: FailuresNow) -> Response:
    form = {name: str(value) for name, value in request.query_params.items()}
    if request.method == "POST":
        form |= {name: str(value) for name, value in (await request.form()).items()}
    failure = failures.take(Channel.SMS if form.get("Action") == "SendSms" else Channel.VOICE)
    status, answer = aliyun.perform(form, method=request.method, failure=failure)
    if failure is not None:
        return await answer_through(failure, answer)
    return JSONResponse(answer, status_code=status)


def _parameter_problem(raw: str) -> Answer | None:
    try:
        parameters = json.loads(raw or "{}")
    except ValueError:
        return _refused("isv.INVALID_JSON_PARAM", "the template parameters are no JSON")
    if not isinstance(parameters, dict) or not all(isinstance(value, str) for value in parameters.values()):
        return _refused("isv.INVALID_JSON_PARAM", "template parameters must be strings")
    if any(len(value) > _LONGEST_VALUE for value in parameters.values()):
        return _refused("isv.PARAM_LENGTH_LIMIT", "a template parameter is too long")
    return None


def _refused(code: str, message: str) -> Answer:
    return {"Code": code, "Message": message, "RequestId": str(new_id()).upper()}


def _serial() -> str:
    return "".join(secrets.choice("0123456789") for _ in range(18))


def _as_text(raw: str) -> str:
    try:
        parameters = json.loads(raw)
    except ValueError:
        return raw
    return " · ".join(str(value) for value in parameters.values()) if isinstance(parameters, dict) else raw
