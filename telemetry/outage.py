"""A server engine that does not answer: refused in words to whoever asked, logged once, and once when it is over."""

from collections.abc import Iterator
from contextlib import contextmanager

from kit.logs import logger
from telemetry.errors import StoreRefused, StoreUnavailable, StoreUnreachable

log = logger(__name__)


class Outage:
    """Knows whether the last question went unanswered."""

    def __init__(self) -> None:
        self._is_told = False

    @contextmanager
    def refused(self) -> Iterator[None]:
        """Around a question. What keeps the server from answering it becomes StoreUnavailable."""
        try:
            yield
        except (StoreUnreachable, StoreRefused, TimeoutError) as error:
            if not self._is_told:
                log.error("telemetry store does not answer", error=str(error) or type(error).__name__)
            self._is_told = True
            raise StoreUnavailable from error
        if self._is_told:
            log.info("telemetry store answers again")
            self._is_told = False
