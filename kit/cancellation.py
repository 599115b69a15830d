"""A cancellation that a library swallowed, found again."""

import asyncio


def raise_if_cancelled() -> None:
    """Call once a round in an endless loop over calls of a library that uses `asyncio.wait_for`.

    On Python 3.11 `wait_for` loses a cancellation that arrives together with the answer (CPython issue 86296, mended in
    3.12): the task would go on as if nobody had asked it to stop.
    """
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError
