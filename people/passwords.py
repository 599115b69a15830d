"""Passwords: hashed with argon2id, off the event loop, and as slow for a name nobody has."""

import asyncio
import secrets

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

MIN_LENGTH = 10
MAX_LENGTH = 128  # hashing longer ones is work an attacker would give us


class Passwords:
    """`hasher` may be a cheaper one in tests. At most two hashes are computed at once: each takes 64 MB."""

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher()
        self._turn = asyncio.Semaphore(2)
        self._decoy: str | None = None

    async def hash(self, password: str) -> str:
        async with self._turn:
            return await asyncio.to_thread(self._hasher.hash, password)

    async def verify(self, password: str, known_hash: str | None) -> bool:
        """Whether the password is the one behind the hash. Without a hash: False, after the same work."""
        if self._decoy is None:
            self._decoy = await self.hash(secrets.token_urlsafe(16))
        async with self._turn:
            matches = await asyncio.to_thread(self._matches, password, known_hash or self._decoy)
        return matches and known_hash is not None

    def _matches(self, password: str, known_hash: str) -> bool:
        try:
            return self._hasher.verify(known_hash, password)
        except (VerificationError, InvalidHashError):
            return False


def generated_password() -> str:
    """14 characters nobody will guess, without those that look alike."""
    alphabet = "abcdefghjkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"
    return "".join(secrets.choice(alphabet) for _ in range(14))
