"""The envelope of WeChat's callback: signature, timestamp, AES, XML. Pure but for the clock.

Plain and safe mode are told apart by the query; an account in compatible mode sends both.

wechatpy brings clients of everything WeChat offers with it, 8 MB of them: it is imported where an account is set up
(`owner_services.room`), or with the first message.
"""

import hashlib
import hmac
import secrets
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING
from xml.parsers.expat import ExpatError

import xmltodict

from connectors.text import clip_bytes
from connectors.wechat import WeChatSettings
from kit.clock import Clock
from owner_services.errors import CallbackNotSetUp, MessageUnreadable, WrongSignature
from owner_services.wechat.inbound import Inbound, inbound_of

if TYPE_CHECKING:
    from wechatpy.crypto import WeChatCrypto

# WeChat repeats an unanswered message for 15 s; the rest is for clocks that are not quite right.
WINDOW_S = 300
REPLY_BYTES = 2048
# What broken XML and XML of an unexpected shape raise in expat, xmltodict and wechatpy.
_BAD_XML = (ExpatError, KeyError, TypeError, AttributeError, ValueError)
_BAD_CIPHER = (ValueError, IndexError, struct.error)


@dataclass(frozen=True)
class Stamp:
    """What the query of a callback says about it; absent parameters are empty."""

    signature: str = ""
    timestamp: str = ""
    nonce: str = ""
    encrypt_type: str = ""
    msg_signature: str = ""

    @property
    def is_encrypted(self) -> bool:
        return self.encrypt_type == "aes"


def signature_of(*parts: str) -> str:
    """WeChat's signature: SHA-1 over the sorted parts in one piece."""
    return hashlib.sha1("".join(sorted(parts)).encode()).hexdigest()  # noqa: S324 - the platform's choice


class Envelope:
    """Opens what comes in and closes what goes out, for one account."""

    def __init__(self, settings: WeChatSettings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock

    def check(self, stamp: Stamp) -> None:
        """Raises WrongSignature for a forged or stale request, CallbackNotSetUp without a token."""
        expected = signature_of(self._token(), stamp.timestamp, stamp.nonce)
        if not _same(expected, stamp.signature) or not self._is_recent(stamp.timestamp):
            raise WrongSignature

    def open(self, stamp: Stamp, body: bytes) -> Inbound:
        """The message in a body. Raises what `check` raises, and MessageUnreadable."""
        from wechatpy import parse_message

        self.check(stamp)
        xml = self._decrypted(stamp, body) if stamp.is_encrypted else body
        try:
            message = parse_message(xml)
            return inbound_of(message)
        except _BAD_XML:
            raise MessageUnreadable from None

    def close(self, text: str, *, to: Inbound, is_encrypted: bool) -> str:
        """The XML of a text reply, cut to what WeChat takes."""
        from wechatpy.replies import TextReply

        reply = TextReply(source=to.account, target=to.openid, content=_clipped(text), time=self._now_s())
        xml: str = reply.render()
        if not is_encrypted:
            return xml
        sealed: str = self._crypto().encrypt_message(xml, secrets.token_hex(8), str(self._now_s()))
        return sealed

    def _decrypted(self, stamp: Stamp, body: bytes) -> str:
        from wechatpy.exceptions import WeChatException

        try:
            encrypted = xmltodict.parse(body)["xml"]["Encrypt"]
        except _BAD_XML:
            raise MessageUnreadable from None
        if not isinstance(encrypted, str):
            raise MessageUnreadable
        expected = signature_of(self._token(), stamp.timestamp, stamp.nonce, encrypted)
        if not _same(expected, stamp.msg_signature):
            raise WrongSignature
        try:
            opened: str = self._crypto().decrypt_message(
                {"Encrypt": encrypted}, stamp.msg_signature, stamp.timestamp, stamp.nonce
            )
        except (WeChatException, *_BAD_CIPHER):
            # Signed with our token yet not for our key or app id: another account's settings.
            raise WrongSignature from None
        return opened

    def _crypto(self) -> "WeChatCrypto":
        if self._settings.aes_key is None:
            raise CallbackNotSetUp
        from wechatpy.crypto import WeChatCrypto

        return WeChatCrypto(self._token(), self._settings.aes_key.get_secret_value(), self._settings.app_id)

    def _token(self) -> str:
        if self._settings.token is None:
            raise CallbackNotSetUp
        return self._settings.token.get_secret_value()

    def _is_recent(self, timestamp: str) -> bool:
        if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 12):
            return False
        return abs(self._now_s() - int(timestamp)) <= WINDOW_S

    def _now_s(self) -> int:
        return int(self._clock.now().timestamp())


def _same(expected: str, given: str) -> bool:
    return hmac.compare_digest(expected.encode(), given.encode())


def _clipped(text: str) -> str:
    # "]]>" would end the CDATA section that the reply is put into.
    return clip_bytes(text.replace("]]>", "]] >"), REPLY_BYTES)
