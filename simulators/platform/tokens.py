"""Access tokens: handed out, overlapping on renewal, unknown and expired told apart."""

import secrets
from collections.abc import Mapping

from kit.clock import Clock

LIFETIME_S = 7200
RENEW_EARLY_S = 300.0  # a stable token is renewed this long before its end, and the old one lives on until then
FORCE_EVERY_S = 30.0


class AccessTokens:
    """The tokens of one account."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._ends: dict[str, float] = {}
        self._current: str | None = None
        self._forced_at: float | None = None

    def stable(self, *, force: bool) -> tuple[str, int]:
        """WeChat's stable token: the same until five minutes before its end. (token, seconds left)"""
        now = self._clock.monotonic()
        current = self._current
        if force and (self._forced_at is None or now - self._forced_at >= FORCE_EVERY_S):
            self._forced_at = now
            if current is not None:
                self._ends[current] = now
            current = None
        if current is None or self._ends[current] - now <= RENEW_EARLY_S:
            current = self._issue(now)
        return current, round(self._ends[current] - now)

    def fresh(self) -> tuple[str, int]:
        """The older way: each call makes a new token, and the one before lives five minutes more."""
        now = self._clock.monotonic()
        if self._current is not None:
            self._ends[self._current] = min(self._ends[self._current], now + RENEW_EARLY_S)
        return self._issue(now), LIFETIME_S

    def problem(self, token: str) -> Mapping[str, object] | None:
        """The error answer for a token that is not valid, or None."""
        ends = self._ends.get(token)
        if ends is None:
            return {"errcode": 40001, "errmsg": "invalid credential, access_token is invalid or not latest"}
        if self._clock.monotonic() >= ends:
            return {"errcode": 42001, "errmsg": "access_token expired"}
        return None

    def expire_all(self) -> None:
        """As if two hours had passed."""
        self._ends = dict.fromkeys(self._ends, self._clock.monotonic())
        self._current = None

    def _issue(self, now: float) -> str:
        self._current = secrets.token_urlsafe(48)
        self._ends[self._current] = now + LIFETIME_S
        return self._current
