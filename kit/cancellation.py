"""Cancellations that a library swallowed: kept from it, and found again."""

import asyncio
import sys
from collections.abc import Awaitable
from typing import TypeVar

T = TypeVar("T")


async def wait_for(awaitable: Awaitable[T], timeout: float | None) -> T:
    """`asyncio.wait_for` as Python 3.12 has it: no task of its own, and no cancellation lost.

    Raises TimeoutError.
    """
    async with asyncio.timeout(timeout):
        return await awaitable


def mend_wait_for() -> None:
    """Gives libraries the newer `wait_for` on Python 3.11.

    There a cancellation that arrives together with the answer is lost (CPython issue 86296): whoever was asked to stop
    would go on for ever.
    """
    if sys.version_info < (3, 12):
        asyncio.wait_for = asyncio.tasks.wait_for = wait_for  # type: ignore[assignment]


def raise_if_cancelled() -> None:
    """Call once a round in an endless loop over calls of a library that may swallow a cancellation."""
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError
