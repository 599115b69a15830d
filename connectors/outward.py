"""One POST to an address that was looked at: the name is resolved here, and the very address checked is called.

No redirect is followed and no proxy asked, so nothing decides anew where the message goes.
"""

import asyncio
import socket
import ssl
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Protocol
from urllib.parse import SplitResult, urlsplit

import httpx

from connectors.addresses import Address, Network, literal_of, refusal_of

PORTS = {"http": 80, "https": 443}
MAX_ANSWER_BYTES = 16 * 1024
KEPT_CHARACTERS = 500


class Resolver(Protocol):
    async def addresses(self, host: str, port: int) -> Sequence[Address]:
        """All addresses of a name. Raises OSError when there is none."""
        ...


class SystemResolver:
    async def addresses(self, host: str, port: int) -> Sequence[Address]:
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        literals = (literal_of(str(entry[4][0]).partition("%")[0]) for entry in found)
        return list(dict.fromkeys(one for one in literals if one is not None))


@dataclass(frozen=True)
class Outcome:
    """What came of an attempt. `error` empty: the receiver has it. `status` None: there was no answer."""

    error: str
    status: int | None = None
    address: str = ""
    answer: str = ""
    took_ms: int = 0


class Sender:
    """`allowed`: private networks that may be reached. `deadline_s` is for all of it, the name's look-up included."""

    def __init__(
        self, *, allowed: Sequence[Network], deadline_s: float, resolver: Resolver, trusted: ssl.SSLContext
    ) -> None:
        self._allowed = allowed
        self._deadline_s = deadline_s
        self._resolver = resolver
        self._trusted = trusted

    async def post(self, url: str, *, headers: Mapping[str, str], body: bytes) -> Outcome:
        began = time.monotonic()
        outcome = await self._attempt(urlsplit(url), headers, body)
        took_ms = round((time.monotonic() - began) * 1000)
        return Outcome(outcome.error, outcome.status, outcome.address, outcome.answer, took_ms)

    async def _attempt(self, parts: SplitResult, headers: Mapping[str, str], body: bytes) -> Outcome:
        try:
            async with asyncio.timeout(self._deadline_s):
                found = await self._address(parts)
                if isinstance(found, Outcome):
                    return found
                return await self._exchange(parts, found, headers, body)
        except (TimeoutError, httpx.TimeoutException):
            return Outcome("timeout")
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            return Outcome("unreachable", answer=type(error).__name__)

    async def _address(self, parts: SplitResult) -> Address | Outcome:
        """One address of the host, all of which may be called: a name that leads inside as well is not trusted."""
        host, port = parts.hostname or "", parts.port or PORTS[parts.scheme]
        literal = literal_of(host)
        try:
            addresses = [literal] if literal else await self._resolver.addresses(host, port)
        except (OSError, UnicodeError):
            return Outcome("name_unknown")
        for address in addresses:
            refused = refusal_of(address, self._allowed, scheme=parts.scheme)
            if refused is not None:
                return Outcome(refused, address=str(address))
        return addresses[0] if addresses else Outcome("name_unknown")

    async def _exchange(self, parts: SplitResult, address: Address, headers: Mapping[str, str], body: bytes) -> Outcome:
        netloc = f"[{address}]" if address.version == 6 else str(address)
        port = parts.port or PORTS[parts.scheme]
        url = httpx.URL(
            f"{parts.scheme}://{netloc}:{port}{parts.path or '/'}{'?' + parts.query if parts.query else ''}"
        )
        # The certificate is that of the name, although the address is called.
        extensions = {"sni_hostname": parts.hostname}
        sent = {**headers, "host": parts.netloc, "user-agent": "zhiwu-hub", "accept-encoding": "identity"}
        async with httpx.AsyncClient(
            timeout=self._deadline_s, trust_env=False, follow_redirects=False, verify=self._trusted
        ) as client:
            request = client.build_request("POST", url, headers=sent, content=body, extensions=extensions)
            response = await client.send(request, stream=True)
            try:
                answer = await _beginning(response)
            finally:
                await response.aclose()
        return Outcome(error_of(response.status_code) or "", response.status_code, str(address), answer)


def error_of(status: int) -> str | None:
    """What is wrong with an answer; None when it says yes. Redirects are not followed."""
    if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
        return None
    if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
        return "redirect"
    return "gone" if status == HTTPStatus.GONE else f"http_{status}"


async def _beginning(response: httpx.Response) -> str:
    """The first characters of an answer, of which no more is read than a bound."""
    read = bytearray()
    async for chunk in response.aiter_raw(4096):
        read += chunk
        if len(read) >= MAX_ANSWER_BYTES:
            break
    return bytes(read[: KEPT_CHARACTERS * 4]).decode("utf-8", "replace").replace("\x00", "�")[:KEPT_CHARACTERS]
