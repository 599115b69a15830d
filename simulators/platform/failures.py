"""Told to fail: a channel answers with an error, an HTTP status or not in time, for so many calls."""

from dataclasses import dataclass, replace
from uuid import UUID

from kit.ids import new_id
from simulators.errors import UnknownFailure
from simulators.platform.messages import Channel


@dataclass(frozen=True)
class Failure:
    """`errcode`: the service's own code. `delay_s`: the answer comes late, though the message went out.

    `times` None: until it is ended.
    """

    failure_id: UUID
    channel: Channel
    errcode: str | None
    http_status: int | None
    delay_s: float
    times: int | None

    @property
    def refuses(self) -> bool:
        """False when the message goes out and only the answer is late."""
        return self.errcode is not None or self.http_status is not None


class Failures:
    """The failures that are on now."""

    def __init__(self) -> None:
        self._failures: dict[UUID, Failure] = {}

    def start(
        self, channel: Channel, *, errcode: str | None, http_status: int | None, delay_s: float, times: int | None
    ) -> Failure:
        failure = Failure(new_id(), channel, errcode, http_status, delay_s, times)
        self._failures[failure.failure_id] = failure
        return failure

    def all(self) -> list[Failure]:
        return list(self._failures.values())

    def stop(self, failure_id: UUID) -> None:
        """Raises UnknownFailure."""
        if self._failures.pop(failure_id, None) is None:
            raise UnknownFailure(str(failure_id))

    def stop_all(self) -> int:
        count = len(self._failures)
        self._failures.clear()
        return count

    def take(self, channel: Channel) -> Failure | None:
        """The failure this call meets, counted down."""
        for failure in self._failures.values():
            if failure.channel is channel:
                self._count_down(failure)
                return failure
        return None

    def _count_down(self, failure: Failure) -> None:
        if failure.times is None:
            return
        if failure.times <= 1:
            del self._failures[failure.failure_id]
        else:
            self._failures[failure.failure_id] = replace(failure, times=failure.times - 1)
