"""Slows down who guesses passwords, by name and place, and alike for names that exist and names that do not."""

import hashlib
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from audit import recording as audit
from kit.clock import Clock
from kit.db import Database
from kit.deeds import do_though_refused
from people import login_repository as repository
from people.errors import TooManyFailures
from people.settings import LoginSettings


@dataclass(frozen=True)
class ThrottlePolicy:
    """`per_place`: failures of one name from one address; `per_name`: of one name from anywhere (a botnet's limit,
    high enough that a prankster cannot lock somebody out from one machine)."""

    per_place: int = 5
    per_name: int = 50
    window: timedelta = timedelta(minutes=15)

    @classmethod
    def of(cls, settings: LoginSettings) -> "ThrottlePolicy":
        window = timedelta(minutes=settings.failure_window_minutes)
        return cls(per_place=settings.failures, per_name=settings.failures_anywhere, window=window)


class LoginThrottle:
    """Counts failed logins in transactions of its own: the refused request rolls back, its failure must stay."""

    def __init__(self, database: Database, clock: Clock, policy: ThrottlePolicy) -> None:
        self._database = database
        self._clock = clock
        self._policy = policy

    async def check(self, session: AsyncSession, *, username: str, address: str) -> None:
        """Raises TooManyFailures while the limit is reached, the right password or not."""
        limits = self._limits(username, address)
        now = self._clock.now()
        found = await repository.failures(session, list(limits), since=now - self._policy.window)
        blocked = [row.last_at for key, row in found.items() if row.failures >= limits[key]]
        if blocked:
            wait = max(blocked) + self._policy.window - now
            raise TooManyFailures(retry_after_s=max(1, int(wait.total_seconds())))

    async def failed(self, *, username: str, address: str, person_id: UUID | None) -> None:
        """`person_id`: whose name it is; of a name that nobody has the audit keeps none, for it may be a password."""
        now = self._clock.now()

        async def count(session: AsyncSession) -> None:
            for key in sorted(self._limits(username, address)):
                await repository.count_failure(session, key, at=now, since=now - self._policy.window)
            audit.record(session, at=now, action="people.login_refused", kind="person", about=person_id)

        await do_though_refused(self._database, count)

    async def succeeded(self, session: AsyncSession, *, username: str, address: str) -> None:
        await repository.forget_failures(session, list(self._limits(username, address)))

    async def sweep(self, session: AsyncSession) -> None:
        """Forgets failures that limit nobody any more."""
        await repository.drop_failures(session, before=self._clock.now() - self._policy.window)

    def _limits(self, username: str, address: str) -> dict[str, int]:
        # Digests: people type passwords into the name field.
        return {
            _digest("place", username, address): self._policy.per_place,
            _digest("name", username): self._policy.per_name,
        }


def _digest(*parts: str) -> str:
    return hashlib.sha256("\x1f".join(parts).encode("utf-8", "replace")).hexdigest()
