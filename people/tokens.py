"""Signed tokens: who, until when, for what. Pure but for the secret."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from uuid import UUID

import jwt

ALGORITHM = "HS256"


class TokenUse(StrEnum):
    """An access token rides in a header. A stream token rides in an address, where logs see it: it lives a minute."""

    ACCESS = "access"
    STREAM = "stream"


@dataclass(frozen=True)
class Claims:
    account_id: UUID
    epoch: int
    use: TokenUse


class BadToken(Exception):
    """Expired, forged, or none of ours."""


def sign(claims: Claims, *, secret: str, now: datetime, lifetime: timedelta) -> str:
    payload = {
        "sub": str(claims.account_id),
        "epoch": claims.epoch,
        "use": claims.use.value,
        "iat": now,
        "exp": now + lifetime,
    }
    return jwt.encode(payload, secret, algorithm=ALGORITHM)


def read(token: str, *, secret: str, now: datetime) -> Claims:
    """The claims of a token that is valid at `now`. Raises BadToken."""
    options = {"verify_exp": False, "verify_iat": False, "require": ["sub", "epoch", "use", "exp"]}
    try:
        payload = jwt.decode(token, secret, algorithms=[ALGORITHM], options=options)  # type: ignore[arg-type]
        expires_at = datetime.fromtimestamp(payload["exp"], UTC)
        claims = Claims(UUID(payload["sub"]), int(payload["epoch"]), TokenUse(payload["use"]))
    except (jwt.InvalidTokenError, ValueError, TypeError, AttributeError, OverflowError, OSError):
        raise BadToken from None
    if expires_at <= now:
        raise BadToken
    return claims
