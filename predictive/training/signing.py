"""Checksum and signature of stored models, and what the signature is over. Pure."""

import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any

from predictive.training.card import Draft, ModelCard
from predictive.training.errors import ModelRefused, RefusalReason

# Set apart from whatever else might be signed with a secret that somebody set to the same words.
_PURPOSE = b"zhiwu-hub model 1\n"


def checksum(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def signed(claims: Mapping[str, Any], *, secret: str) -> str:
    """HMAC-SHA256 over claims that are plain JSON, in hexadecimal."""
    message = json.dumps(claims, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()
    return hmac.new(secret.encode(), _PURPOSE + message, hashlib.sha256).hexdigest()


def claims_of(
    model: Draft | ModelCard, *, model_id: str, version: int, code_version: str, sha256: str
) -> dict[str, Any]:
    """What must not be changed after signing: what the content is, whose, in which order, learnt from what.

    State and metrics are not in it: they change as the model is judged.
    """
    format_ = model.packed.format if isinstance(model, Draft) else model.format
    return {
        "id": model_id, "site": str(model.site_id), "family": model.family.value, "subject": model.subject,
        "version": version, "format": format_.value, "sha256": sha256, "code": code_version,
        "equipment": [str(one) for one in model.equipment_ids], "points": list(model.points), "step_s": model.step_s,
        "from": model.data_from.timestamp(), "until": model.data_until.timestamp(),
        "parameters": dict(model.parameters),
    }  # fmt: skip


def verified(card: ModelCard, content: bytes, *, secret: str) -> bytes:
    """The content, once it is known to be what was stored. Raises ModelRefused."""
    name = f"{card.family.value}/{card.subject} version {card.version}"
    found = checksum(content)
    if not hmac.compare_digest(found, card.sha256):
        raise ModelRefused(RefusalReason.WRONG_CHECKSUM, f"sha256 is {found}, was {card.sha256}", model=name)
    claims = claims_of(
        card, model_id=str(card.id), version=card.version, code_version=card.code_version, sha256=card.sha256
    )
    if not hmac.compare_digest(signed(claims, secret=secret), card.signature):
        raise ModelRefused(RefusalReason.WRONG_SIGNATURE, "the signature does not fit", model=name)
    return content
