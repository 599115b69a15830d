"""WeChat's message encryption and signatures, from its documentation and by `cryptography` alone."""

import base64
import hashlib
import re
import secrets
import struct
from collections.abc import Mapping
from html import unescape

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

BLOCK = 32  # WeChat pads to 32 bytes, twice AES' own block
_ELEMENT = re.compile(r"<(\w+)>(?:<!\[CDATA\[(.*?)\]\]>|([^<]*))</\1>", re.DOTALL)


class BadCiphertext(ValueError):
    """What came does not decrypt to a message for this account."""


def signature(*parts: str) -> str:
    """SHA-1 over the sorted parts."""
    return hashlib.sha1("".join(sorted(parts)).encode()).hexdigest()  # noqa: S324 - WeChat's choice, not ours


class MessageCipher:
    """AES-256-CBC with the account's EncodingAESKey (43 characters) and app id."""

    def __init__(self, *, encoding_aes_key: str, app_id: str) -> None:
        self._key = base64.b64decode(encoding_aes_key + "=")
        if len(self._key) != 32:
            raise ValueError("an EncodingAESKey has 43 characters")
        self._app_id = app_id.encode()

    def encrypt(self, text: str) -> str:
        content = text.encode()
        plain = secrets.token_bytes(16) + struct.pack(">I", len(content)) + content + self._app_id
        missing = BLOCK - len(plain) % BLOCK
        sealer = self._cipher().encryptor()
        return base64.b64encode(sealer.update(plain + bytes([missing]) * missing) + sealer.finalize()).decode()

    def decrypt(self, encrypted: str) -> str:
        """Raises BadCiphertext."""
        try:
            opener = self._cipher().decryptor()
            padded = opener.update(base64.b64decode(encrypted, validate=True)) + opener.finalize()
        except ValueError as error:
            raise BadCiphertext(str(error)) from None
        missing = padded[-1] if padded else 0
        plain = padded[:-missing] if 1 <= missing <= BLOCK else b""
        if len(plain) < 20:
            raise BadCiphertext("the padding is wrong")
        size = int.from_bytes(plain[16:20], "big")
        content, app_id = plain[20 : 20 + size], plain[20 + size :]
        if app_id != self._app_id:
            raise BadCiphertext("it is meant for another account")
        return content.decode()

    def _cipher(self) -> Cipher[modes.CBC]:
        return Cipher(algorithms.AES(self._key), modes.CBC(self._key[:16]))


def to_xml(fields: Mapping[str, str | int]) -> str:
    """WeChat's flat XML: text in CDATA, numbers bare."""
    return f"<xml>{''.join(_element(name, value) for name, value in fields.items())}</xml>"


def from_xml(text: str) -> dict[str, str]:
    """The leaves of flat XML by element name. For replies of the hub under test: small, and read by nobody else."""
    return {match[1]: match[2] if match[2] is not None else unescape(match[3]) for match in _ELEMENT.finditer(text)}


def _element(name: str, value: str | int) -> str:
    if isinstance(value, int):
        return f"<{name}>{value}</{name}>"
    safe = value.replace("]]>", "]]]]><![CDATA[>")
    return f"<{name}><![CDATA[{safe}]]></{name}>"
