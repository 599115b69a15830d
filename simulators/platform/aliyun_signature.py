"""The signature of Alibaba Cloud's RPC calls: HMAC-SHA1 over the sorted, percent-encoded parameters."""

import base64
import hashlib
import hmac
from collections.abc import Mapping
from urllib.parse import quote


def expected_signature(parameters: Mapping[str, str], *, method: str, secret: str) -> str:
    """What `Signature` must be; a `Signature` among the parameters is left out.

    Source: "RPC 签名机制" of Alibaba Cloud's documentation.
    """
    pairs = sorted((name, value) for name, value in parameters.items() if name != "Signature")
    canonical = "&".join(f"{quote(name, safe='~')}={quote(value, safe='~')}" for name, value in pairs)
    to_sign = "&".join((method, quote("/", safe=""), quote(canonical, safe="~")))
    mac = hmac.new(f"{secret}&".encode(), to_sign.encode(), hashlib.sha1)
    return base64.b64encode(mac.digest()).decode()
