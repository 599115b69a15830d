"""The body of a request: read whole before anything is held for it, within a limit and a time.

Who sends slowly then keeps a socket and some room on a disk waiting, and no connection to the database.
"""

import asyncio
import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from tempfile import SpooledTemporaryFile
from types import TracebackType
from typing import Self

from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect
from starlette.types import Message, Receive

from kit.errors import DomainError

MB = 1024 * 1024
# Larger bodies wait in a file: as many as clients like may be on their way at once.
MOST_IN_MEMORY = MB
CHUNK = 256 * 1024
UPLOAD = "multipart/form-data"


@dataclass(eq=False)
class BodyTooLarge(DomainError):
    limit_mb: int


@dataclass(eq=False)
class BodyTooSlow(DomainError):
    """Nothing more of the request came for `waited_s`, or not all of it in `longest_s`."""

    waited_s: int
    longest_s: int


@dataclass(frozen=True)
class BodyLimits:
    """`upload_mb` is for forms with files, `body_mb` for everything else.

    `silence_s`: within which the next part of a body must come; `longest_s`: within which all of it.
    """

    body_mb: int = 1
    upload_mb: int = 64
    silence_s: int = 20
    longest_s: int = 600

    def most_mb(self, headers: Headers) -> int:
        return self.upload_mb if headers.get("content-type", "").lower().startswith(UPLOAD) else self.body_mb


class Body:
    """What was sent, to be read as often as one likes; gone when its `with` ends."""

    def __init__(self) -> None:
        self.size = 0
        self._file = SpooledTemporaryFile(max_size=MOST_IN_MEMORY)  # noqa: SIM115 - closed by our own __exit__

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._file.close()

    @property
    def is_large(self) -> bool:
        """Whether reading it takes so long that it should leave the loop."""
        return self.size > MOST_IN_MEMORY

    async def add(self, part: bytes) -> None:
        self.size += len(part)
        if self.is_large:
            await asyncio.to_thread(self._file.write, part)
        else:
            self._file.write(part)

    def parts(self) -> Iterator[bytes]:
        """All of it, from the beginning."""
        self._file.seek(0)
        while part := self._file.read(CHUNK):
            yield part

    def as_received(self, receive: Receive) -> Receive:
        """A `receive` that gives it once more, and then what comes after it: that the client is gone."""
        at = 0
        is_whole = False

        async def again() -> Message:
            nonlocal at, is_whole
            if is_whole:
                return await receive()
            part = await asyncio.to_thread(self._part, at) if self.is_large else self._part(at)
            at += len(part)
            is_whole = at >= self.size
            return {"type": "http.request", "body": part, "more_body": not is_whole}

        return again

    def _part(self, at: int) -> bytes:
        self._file.seek(at)
        return self._file.read(CHUNK)


async def read_body(receive: Receive, headers: Headers, limits: BodyLimits) -> Body:
    """Raises BodyTooLarge, BodyTooSlow; ClientDisconnect where nobody waits for an answer any more."""
    most_mb = limits.most_mb(headers)
    declared = headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > most_mb * MB:
        raise BodyTooLarge(most_mb)
    try:
        with contextlib.ExitStack() as opened:
            body = opened.enter_context(Body())
            async with asyncio.timeout(limits.longest_s):
                await _fill(body, receive, most_mb=most_mb, silence_s=limits.silence_s)
            opened.pop_all()
            return body
    except TimeoutError:
        raise BodyTooSlow(limits.silence_s, limits.longest_s) from None


async def _fill(body: Body, receive: Receive, *, most_mb: int, silence_s: float) -> None:
    more = True
    while more:
        async with asyncio.timeout(silence_s):
            message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        part, more = message.get("body", b""), message.get("more_body", False)
        if body.size + len(part) > most_mb * MB:
            raise BodyTooLarge(most_mb)
        await body.add(part)
