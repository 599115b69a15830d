"""Requests that were answered before: the same key, caller and content get the first answer again.

What an answer says is kept sealed under the caller's own key, of which only a digest is stored: neither the table nor a
backup of it can be read by anybody but who sends that key again, and after a day nobody can.
"""

import hashlib
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta

import msgspec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import Send

from kit import answer_repository as repository
from kit.clock import Clock
from kit.errors import DomainError

KEY_HEADER = "Idempotency-Key"
REPLAYED_HEADER = "Idempotent-Replayed"
KEPT = timedelta(hours=24)
MAX_KEY = 200
NONCE_BYTES = 12

_KEY = re.compile(r"[\x21-\x7e]{1,200}")
_BOUNDARY = re.compile(r'boundary="?([^";,]+)"?', re.IGNORECASE)
_HEADERS_KEPT = ("content-type", "content-disposition", "cache-control", "location")
# Said of this moment, not of the request: who comes again may be let in.
_PASSING = frozenset({401, 429})


@dataclass(eq=False)
class KeyInvalid(DomainError):
    """An `Idempotency-Key` is 1…`longest` printable ASCII characters."""

    longest: int


@dataclass(eq=False)
class KeyReused(DomainError):
    """The key came before with other content: one of the two is a mistake."""


@dataclass(eq=False)
class StillBeingDone(DomainError):
    """The first request of this key is being worked on."""


@dataclass(frozen=True)
class Ticket:
    """`name`: digest of caller and key; `secret`: what seals the answer, never stored; `what`: digest of content."""

    name: str
    secret: bytes
    what: str


class Answer(msgspec.Struct, frozen=True):
    status: int
    headers: list[tuple[str, str]]
    body: bytes

    @classmethod
    def of(cls, status: int, headers: Headers, body: bytes) -> "Answer":
        kept = [(name, headers[name]) for name in _HEADERS_KEPT if name in headers]
        return cls(status, kept, body)

    @property
    def is_final(self) -> bool:
        """Whether it is the answer to this request for good."""
        return self.status < 500 and self.status not in _PASSING

    async def send(self, send: Send) -> None:
        """Sends it once more, byte for byte."""
        response = Response(self.body, self.status, headers={**dict(self.headers), REPLAYED_HEADER: "true"})
        if self.status == 204:
            del response.headers["content-length"]
        await send({"type": "http.response.start", "status": self.status, "headers": response.raw_headers})
        await send({"type": "http.response.body", "body": self.body, "more_body": False})


class AnswerBook:
    """The answers given, each for a day."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    async def take(self, session: AsyncSession, ticket: Ticket) -> Answer | None:
        """The first answer; None when there is none, and then the name is ours until the transaction ends.

        Raises StillBeingDone, KeyReused.
        """
        if not await repository.lock(session, _lock_of(ticket)):
            raise StillBeingDone
        row = await repository.find(session, ticket.name, since=self._clock.now() - KEPT)
        if row is None:
            return None
        if row.what != ticket.what:
            raise KeyReused
        return unsealed(row.sealed, ticket.secret)

    async def keep(self, session: AsyncSession, ticket: Ticket, answer: Answer) -> None:
        sealed = sealed_answer(answer, ticket.secret)
        await repository.save(session, ticket.name, what=ticket.what, sealed=sealed, at=self._clock.now())

    async def sweep(self, session: AsyncSession) -> None:
        """Forgets what is older than a day."""
        await repository.forget(session, before=self._clock.now() - KEPT)


def check_key(key: str) -> None:
    """Raises KeyInvalid."""
    if not _KEY.fullmatch(key):
        raise KeyInvalid(longest=MAX_KEY)


def ticket_of(*, caller: str, key: str, what: str) -> Ticket:
    """Where the answer is kept, what opens it, and what it is an answer to."""
    who = [caller.encode(), key.encode()]
    return Ticket(name=_digest([b"name", *who]).hex(), secret=_digest([b"secret", *who]), what=what)


def fingerprint(method: str, path: str, query: bytes, *, content_type: str, body: Iterable[bytes]) -> str:
    """A digest of what is asked. The boundary of a form is left out: each sending of the same form has another."""
    boundary = _BOUNDARY.search(content_type)
    if boundary and content_type.lower().startswith("multipart/"):
        body = _without(boundary.group(1).encode("latin-1"), body)
        content_type = "multipart"
    content = hashlib.sha256()
    for part in body:
        content.update(part)
    asked = [method.encode(), path.encode(), query, content_type.encode("latin-1", "replace"), content.digest()]
    return _digest(asked).hex()


def _without(boundary: bytes, body: Iterable[bytes]) -> Iterator[bytes]:
    """The body without its boundaries, wherever its parts were cut."""
    rest = b""
    for part in body:
        *whole, rest = (rest + part).split(boundary)
        yield from whole
        # What may be the beginning of a boundary waits for the next part.
        ready = max(0, len(rest) - len(boundary) + 1)
        yield rest[:ready]
        rest = rest[ready:]
    yield rest


def sealed_answer(answer: Answer, secret: bytes) -> bytes:
    nonce = os.urandom(NONCE_BYTES)
    return nonce + AESGCM(secret).encrypt(nonce, msgspec.msgpack.encode(answer), None)


def unsealed(sealed: bytes, secret: bytes) -> Answer:
    plain = AESGCM(secret).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], None)
    return msgspec.msgpack.decode(plain, type=Answer)


def _digest(parts: Iterable[bytes]) -> bytes:
    digest = hashlib.sha256()
    for part in parts:
        # Lengths first: no two lists of parts are the same bytes.
        digest.update(len(part).to_bytes(8, "big"))
        digest.update(part)
    return digest.digest()


def _lock_of(ticket: Ticket) -> int:
    return int.from_bytes(bytes.fromhex(ticket.name[:16]), "big", signed=True)
