"""Asking the bus while a cluster chooses a new leader: for some seconds nobody answers, and nothing is wrong."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import nats.errors
from nats.js.errors import NoStreamResponseError, ServiceUnavailableError

# A cluster that is just starting has its quorum within seconds; longer, and somebody has to look.
PATIENCE_S = 60.0
RETRY_S = 0.1

NOT_NOW = (
    ServiceUnavailableError, NoStreamResponseError, nats.errors.NoRespondersError, TimeoutError,
    nats.errors.ConnectionReconnectingError, nats.errors.OutboundBufferLimitError,
)  # fmt: skip

T = TypeVar("T")


async def patiently(ask: Callable[[], Awaitable[T]]) -> T:
    """Asks until there is an answer. Raises what the answer is, and TimeoutError when there is none for a minute."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            try:
                return await ask()
            except NOT_NOW:
                await asyncio.sleep(RETRY_S)
