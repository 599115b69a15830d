"""Calls of Alibaba Cloud's RPC style: signed form posts. SMS and voice share it.

Source: the "HTTP protocol and signature" page of Alibaba Cloud SMS; the signature is checked against its example.
"""

import base64
import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import quote

import httpx

from connectors.errors import ConnectorError, PermanentFailure, TemporaryFailure
from connectors.http import Endpoint, call, decode
from kit.clock import Clock
from kit.ids import new_id

VERSION = "2017-05-25"
REGION = "cn-hangzhou"
# Prefixes of codes that pass by themselves; everything else is final. 触发流控 of one number takes up to an hour.
TEMPORARY_PREFIXES = ("Throttling", "isp.", "ServiceUnavailable", "InternalError")
# The platform's, and yet for people to put right: the access key may not do this.
FINAL = frozenset({"isp.RAM_PERMISSION_DENY", "isp.RES_OWNER_ID_UNKNOWN"})


def percent_encode(text: str) -> str:
    return quote(text, safe="~")


def signature(parameters: Mapping[str, str], *, method: str, secret: str) -> str:
    """HMAC-SHA1 over the canonical query, base64."""
    query = "&".join(f"{percent_encode(key)}={percent_encode(value)}" for key, value in sorted(parameters.items()))
    to_sign = f"{method}&{percent_encode('/')}&{percent_encode(query)}"
    digest = hmac.new(f"{secret}&".encode(), to_sign.encode(), hashlib.sha1).digest()
    return base64.b64encode(digest).decode()


def common_parameters(*, action: str, access_key_id: str, at: datetime, nonce: str) -> dict[str, str]:
    return {
        "Action": action,
        "Version": VERSION,
        "RegionId": REGION,
        "Format": "JSON",
        "AccessKeyId": access_key_id,
        "SignatureMethod": "HMAC-SHA1",
        "SignatureVersion": "1.0",
        "SignatureNonce": nonce,
        "Timestamp": at.strftime("%Y-%m-%dT%H:%M:%SZ"),
    }


class AliyunCaller:
    """Signs and sends one action at a time. Nothing is repeated here: these actions are not idempotent."""

    def __init__(
        self, endpoint: Endpoint, http: httpx.AsyncClient, clock: Clock, *, access_key_id: str, secret: str
    ) -> None:
        self._endpoint = endpoint
        self._http = http
        self._clock = clock
        self._access_key_id = access_key_id
        self._secret = secret

    async def call(self, action: str, parameters: Mapping[str, str]) -> dict[str, Any]:
        """The service's answer with Code OK. Raises AmbiguousOutcome when the service kept silent after receiving."""
        signed = dict(parameters) | common_parameters(
            action=action, access_key_id=self._access_key_id, at=self._clock.now(), nonce=new_id().hex
        )
        signed["Signature"] = signature(signed, method="POST", secret=self._secret)
        request = self._http.build_request("POST", "/", data=signed)
        answer = await call(self._http, self._endpoint, request, repeatable=False)
        decoded = decode(self._endpoint, answer, repeatable=False)
        code = str(decoded.get("Code", ""))
        if code != "OK":
            raise _failure(self._endpoint.service, code, str(decoded.get("Message", "")))
        return decoded


def _failure(service: str, code: str, message: str) -> ConnectorError:
    detail = message[:200]
    if code.startswith(TEMPORARY_PREFIXES) and code not in FINAL:
        return TemporaryFailure(service, code, detail, retry_after_s=5.0)
    return PermanentFailure(service, code or "no_code", detail)
