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


async def test_a_cancellation_that_comes_together_with_the_answer_is_not_lost() -> None:
    answer: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    task = asyncio.create_task(asyncio.wait_for(answer, 10))
    await asyncio.sleep(0)
    answer.set_result(1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_an_answer_that_does_not_come_is_given_up_and_one_that_is_there_needs_no_time() -> None:
    never: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(never, 0.01)
    assert never.cancelled()
    assert await asyncio.wait_for(asyncio.sleep(0, "done"), None) == "done"
