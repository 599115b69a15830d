"""WeChat's side of the callback: what a user does in the chat reaches the hub as signed XML, as WeChat delivers it.

The answer is waited for 5 s; without one (or with an HTTP error) the same MsgId comes again, three times in all.
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass

import httpx

from kit.clock import Clock, to_ms
from simulators.platform.wechat_crypto import BadCiphertext, MessageCipher, from_xml, signature, to_xml

ANSWER_WITHIN_S = 5.0
ATTEMPTS = 3


@dataclass(frozen=True)
class CallbackAccount:
    """The Official Account as the hub knows it. An empty `aes_key` means plain mode."""

    url: str
    token: str
    app_id: str
    aes_key: str
    original_id: str = "gh_demo"


@dataclass(frozen=True)
class CallbackOutcome:
    """What became of it. `reply` is what the user sees: empty when the hub chose to say nothing.

    `problem`: why the user would see 该公众号暂时无法提供服务, or None.
    """

    msg_id: str
    attempts: int
    status: int | None
    reply_type: str
    reply: str
    took_s: float
    problem: str | None


class WeChatCallback:
    """Sends what users do to the hub."""

    def __init__(self, account: CallbackAccount, http: httpx.AsyncClient, clock: Clock) -> None:
        self._account = account
        self._http = http
        self._clock = clock
        self._cipher = (
            MessageCipher(encoding_aes_key=account.aes_key, app_id=account.app_id) if account.aes_key else None
        )
        self._next_msg_id = to_ms(clock.now()) * 1000

    async def send(
        self, openid: str, content: Mapping[str, str | int], *, encrypted: bool | None = None
    ) -> CallbackOutcome:
        """`content`: MsgType and its fields; `encrypted` None: as the account is set up."""
        self._next_msg_id += 1
        fields: dict[str, str | int] = {
            "ToUserName": self._account.original_id,
            "FromUserName": openid,
            "CreateTime": int(self._clock.now().timestamp()),
            **content,
        }
        if content["MsgType"] != "event":  # events carry no MsgId
            fields["MsgId"] = self._next_msg_id
        use_aes = self._cipher is not None if encrypted is None else encrypted
        return await self._deliver(
            to_xml(fields), msg_id=str(fields.get("MsgId", "")), encrypted=use_aes, openid=openid
        )

    async def verify(self) -> bool:
        """The check WeChat makes when the address is saved: does the hub return our echo?"""
        echo = secrets.token_hex(8)
        response = await self._http.get(
            self._account.url, params={**self._signed(), "echostr": echo}, timeout=ANSWER_WITHIN_S
        )
        return response.status_code == 200 and response.text == echo

    async def _deliver(self, xml: str, *, msg_id: str, encrypted: bool, openid: str) -> CallbackOutcome:
        started = self._clock.monotonic()
        status, problem = None, "no answer"
        for attempt in range(1, ATTEMPTS + 1):
            query, body = self._envelope(xml, encrypted=encrypted)
            query["openid"] = openid
            try:
                response = await self._http.post(
                    self._account.url, params=query, content=body.encode(),
                    headers={"Content-Type": "text/xml"}, timeout=ANSWER_WITHIN_S,
                )  # fmt: skip
            except httpx.HTTPError as error:
                status, problem = None, f"no answer: {type(error).__name__}"
                continue
            status, problem = response.status_code, f"HTTP {response.status_code}"
            if response.status_code == 200:
                return self._read(response.text, msg_id=msg_id, attempts=attempt, started=started)
        return CallbackOutcome(msg_id, ATTEMPTS, status, "", "", self._clock.monotonic() - started, problem)

    def _signed(self) -> dict[str, str]:
        timestamp, nonce = str(int(self._clock.now().timestamp())), secrets.token_hex(5)
        return {
            "timestamp": timestamp,
            "nonce": nonce,
            "signature": signature(self._account.token, timestamp, nonce),
        }

    def _envelope(self, xml: str, *, encrypted: bool) -> tuple[dict[str, str], str]:
        query = self._signed()
        if not encrypted:
            return query, xml
        assert self._cipher is not None, "encrypted delivery needs HUB_WECHAT_AES_KEY"
        sealed = self._cipher.encrypt(xml)
        query["encrypt_type"] = "aes"
        query["msg_signature"] = signature(self._account.token, query["timestamp"], query["nonce"], sealed)
        return query, to_xml({"ToUserName": self._account.original_id, "Encrypt": sealed})

    def _read(self, text: str, *, msg_id: str, attempts: int, started: float) -> CallbackOutcome:
        took_s = self._clock.monotonic() - started
        if text.strip() in ("", "success"):
            return CallbackOutcome(msg_id, attempts, 200, "", "", took_s, None)
        fields = from_xml(text)
        if "Encrypt" in fields:
            problem = self._check_sealed(fields)
            if problem is not None:
                return CallbackOutcome(msg_id, attempts, 200, "", "", took_s, problem)
            assert self._cipher is not None
            fields = from_xml(self._cipher.decrypt(fields["Encrypt"]))
        kind = fields.get("MsgType", "")
        problem = None if kind else "the answer is no message"
        return CallbackOutcome(msg_id, attempts, 200, kind, fields.get("Content", ""), took_s, problem)

    def _check_sealed(self, fields: Mapping[str, str]) -> str | None:
        if self._cipher is None:
            return "the answer is encrypted, the account is not"
        wanted = signature(self._account.token, fields.get("TimeStamp", ""), fields.get("Nonce", ""), fields["Encrypt"])
        if fields.get("MsgSignature") != wanted:
            return "the answer's signature is wrong"
        try:
            self._cipher.decrypt(fields["Encrypt"])
        except BadCiphertext as error:
            return f"the answer cannot be decrypted: {error}"
        return None
