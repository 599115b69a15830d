"""Signatures of webhooks after the Standard Webhooks specification 1.0 (symmetric, `v1`). Pure.

What is signed is `{id}.{timestamp}.{body}`; the receiver has three headers. While a secret is being replaced, a message
carries a signature by each.
"""

import base64
import hashlib
import hmac
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

PREFIX = "whsec_"
SECRET_BYTES = 32


def secret_of(master: str, *, endpoint_id: UUID, generation: int) -> str:
    """The secret of an endpoint, as its receiver keeps it. It is stored nowhere: whoever has the hub's own secret can
    make it again, and whoever reads the database cannot."""
    words = f"webhook/{endpoint_id}/{generation}".encode()
    made = hmac.new(master.encode(), words, hashlib.sha256).digest()
    return PREFIX + base64.b64encode(made[:SECRET_BYTES]).decode()


def sign(secret: str, *, message_id: str, timestamp: int, body: bytes) -> str:
    key = base64.b64decode(secret.removeprefix(PREFIX))
    signed = f"{message_id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


def headers_of(secrets: Sequence[str], *, message_id: str, at: datetime, body: bytes) -> dict[str, str]:
    timestamp = int(at.timestamp())
    signatures = (sign(secret, message_id=message_id, timestamp=timestamp, body=body) for secret in secrets)
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(signatures),
        "content-type": "application/json",
    }
