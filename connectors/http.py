"""One HTTP call with a deadline, and what its failure means.

A connection that was never made did nothing. Once the request is on its way, silence is ambiguous, unless asking
again is harmless (`repeatable`).
"""

import asyncio
from dataclasses import dataclass
from typing import Any

import httpx

from connectors.errors import AmbiguousOutcome, ConnectorError, PermanentFailure, TemporaryFailure

CONNECT_SHARE = 0.5  # of the deadline: the rest is left for the answer
MAX_JSON_BYTES = 256 * 1024


@dataclass(frozen=True)
class Endpoint:
    """An outside service: its name in logs and counters, where it is, and how long an answer may take."""

    service: str
    base_url: str
    deadline_s: float

    def client(self) -> httpx.AsyncClient:
        timeout = httpx.Timeout(self.deadline_s, connect=self.deadline_s * CONNECT_SHARE)
        # A proxy of the machine must not see tokens: outside services are named by settings alone.
        return httpx.AsyncClient(base_url=self.base_url, timeout=timeout, trust_env=False)


@dataclass(frozen=True)
class Answer:
    """A complete answer. `body` is at most the size that was allowed."""

    status: int
    content_type: str
    body: bytes


async def call(
    client: httpx.AsyncClient,
    endpoint: Endpoint,
    request: httpx.Request,
    *,
    repeatable: bool,
    max_bytes: int = MAX_JSON_BYTES,
) -> Answer:
    """The whole answer within the deadline, whatever its status.

    Raises TemporaryFailure when nothing can have happened (or asking again is harmless), AmbiguousOutcome when it
    may have, PermanentFailure when the answer is larger than `max_bytes`.
    """
    try:
        async with asyncio.timeout(endpoint.deadline_s):
            return await _exchange(client, endpoint, request, max_bytes=max_bytes)
    except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
        raise TemporaryFailure(endpoint.service, "unreachable", type(error).__name__) from error
    except (httpx.TransportError, TimeoutError) as error:
        raise _silence(endpoint, error, repeatable=repeatable) from error


def decode(endpoint: Endpoint, answer: Answer, *, repeatable: bool) -> dict[str, Any]:
    """The JSON object of an answer. An answer that is none tells nothing, so it counts as silence."""
    try:
        decoded = httpx.Response(200, content=answer.body).json()
    except ValueError:
        decoded = None
    if isinstance(decoded, dict):
        return decoded
    detail = f"HTTP {answer.status} without a JSON object"
    if repeatable or answer.status in (429, 503):
        raise TemporaryFailure(endpoint.service, f"http_{answer.status}", detail)
    if 400 <= answer.status < 500:
        raise PermanentFailure(endpoint.service, f"http_{answer.status}", detail)
    raise AmbiguousOutcome(endpoint.service, f"http_{answer.status}", detail)


async def _exchange(client: httpx.AsyncClient, endpoint: Endpoint, request: httpx.Request, *, max_bytes: int) -> Answer:
    response = await client.send(request, stream=True)
    try:
        body = bytearray()
        async for chunk in response.aiter_bytes():
            body += chunk
            if len(body) > max_bytes:
                raise PermanentFailure(endpoint.service, "too_large", f"more than {max_bytes} bytes")
        return Answer(response.status_code, response.headers.get("content-type", ""), bytes(body))
    finally:
        await response.aclose()


def _silence(endpoint: Endpoint, error: Exception, *, repeatable: bool) -> ConnectorError:
    code = "timeout" if isinstance(error, TimeoutError | httpx.TimeoutException) else "connection_lost"
    outcome = TemporaryFailure if repeatable else AmbiguousOutcome
    return outcome(endpoint.service, code, type(error).__name__)
