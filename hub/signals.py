"""How whoever runs a hub tells it to stop."""

import asyncio
import contextlib
import signal
from collections.abc import Iterator

from kit.logs import logger

log = logger(__name__)


@contextlib.contextmanager
def stopped_by_signals() -> Iterator[None]:
    """INT and TERM cancel the current task; the block then ends quietly."""
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    assert task is not None
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, task.cancel)
    try:
        yield
    except asyncio.CancelledError:
        log.info("hub stopped")
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)
