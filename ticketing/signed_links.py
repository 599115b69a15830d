"""Links that open one thing without a log-in for as long as they are valid: signed, for one use, naming one id."""

from datetime import UTC, datetime
from uuid import UUID

import jwt

from kit.clock import Clock

ALGORITHM = "HS256"


class BadLink(Exception):
    """Expired, forged, of another use, or none of ours. Which of them is nobody's business."""


class SignedLinks:
    """`use` tells links apart that the same secret signed; `root` is the path of the web face before the token."""

    def __init__(self, *, secret: str, clock: Clock, use: str, root: str) -> None:
        self._secret = secret
        self._clock = clock
        self._use = use
        self._root = root

    def path(self, subject: UUID, *, until: datetime) -> str:
        """A path of the web face that opens `subject` until then."""
        payload = {"sub": str(subject), "use": self._use, "exp": until}
        return f"{self._root}/{jwt.encode(payload, self._secret, algorithm=ALGORITHM)}"

    def subject_of(self, token: str) -> UUID:
        """What a token opens now. Raises BadLink."""
        # Time is checked by the hub's own clock, below.
        options = {"verify_exp": False, "require": ["sub", "use", "exp"]}
        try:
            payload = jwt.decode(token, self._secret, algorithms=[ALGORITHM], options=options)  # type: ignore[arg-type]
            expires_at = datetime.fromtimestamp(payload["exp"], UTC)
            subject = UUID(payload["sub"])
        except (jwt.InvalidTokenError, ValueError, TypeError, AttributeError, OverflowError, OSError):
            raise BadLink from None
        if payload["use"] != self._use or expires_at <= self._clock.now():
            raise BadLink
        return subject
