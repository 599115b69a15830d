"""A service's access token: fetched by one caller at a time, renewed before it ends, replaced once when refused."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from kit.clock import Clock
from kit.logs import logger

log = logger(__name__)

# Forcing a new token kills the old one for every other process and is rationed (WeChat: 20 a day, 30 s apart).
FORCE_EVERY_S = 30.0


@dataclass(frozen=True)
class TokenGrant:
    """A token as the service gave it, valid for `expires_in_s` from now."""

    token: str
    expires_in_s: float


Fetch = Callable[[bool], Awaitable[TokenGrant]]


class TokenKeeper:
    """Keeps one token. `fetch(force)` asks the service; `force` demands a token other than the current one."""

    def __init__(self, fetch: Fetch, clock: Clock, *, service: str, early_s: float) -> None:
        self._fetch = fetch
        self._clock = clock
        self._service = service
        self._early_s = early_s
        self._lock = asyncio.Lock()
        self._token: str | None = None
        self._renew_at = 0.0
        self._forced_at: float | None = None

    async def get(self) -> str:
        """A token that is valid for a while yet. Raises ConnectorError as `fetch` does."""
        async with self._lock:
            if self._token is not None and self._clock.monotonic() < self._renew_at:
                return self._token
            return self._keep(await self._fetch(False))

    async def replace(self, refused: str) -> str:
        """Another token than `refused`. Callers refused together share one renewal.

        The service is first asked politely: another process may have renewed already. Only when it hands out the
        refused token again is a new one forced, and that at most every 30 s.
        """
        async with self._lock:
            if self._token is not None and self._token != refused:
                return self._token
            log.info("access token refused", service=self._service)
            token = self._keep(await self._fetch(False))
            if token == refused and self._may_force():
                self._forced_at = self._clock.monotonic()
                token = self._keep(await self._fetch(True))
            return token

    def _may_force(self) -> bool:
        return self._forced_at is None or self._clock.monotonic() - self._forced_at >= FORCE_EVERY_S

    def _keep(self, grant: TokenGrant) -> str:
        self._token = grant.token
        # A grant shorter than the early margin is still used for half its life rather than fetched at every call.
        self._renew_at = self._clock.monotonic() + max(grant.expires_in_s - self._early_s, grant.expires_in_s / 2)
        return grant.token
