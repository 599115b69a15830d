import asyncio

import pytest

from kit.cancellation import raise_if_cancelled


async def swallows_the_first() -> None:
    """What `asyncio.wait_for` of Python 3.11 does when answer and cancellation come together."""
    try:
        await asyncio.sleep(3600)
    except asyncio.CancelledError:
        return


async def test_a_swallowed_cancellation_still_ends_the_task() -> None:
    async def rounds() -> None:
        while True:
            await swallows_the_first()
            raise_if_cancelled()

    task = asyncio.create_task(rounds())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(task, 10)


async def test_a_task_that_nobody_cancelled_goes_on() -> None:
    raise_if_cancelled()
