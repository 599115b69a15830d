"""Publishes at QoS 1 from a process of its own: evenly paced, a burst, or as fast as is followed."""

import select
import socket
import time
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import numpy as np

from benchmarks.line.log import Count, Counts, PublicationLog
from benchmarks.line.packets import BrokerSaidNo, Login, PacketBook, connected
from benchmarks.line.workload import Fleet, hundredths, is_above

CHUNK = 250
ACK_BYTES = 4
_NAP_S = 0.001
# Nobody acknowledges and nobody is heard for so long: the other side is gone, and waiting on proves nothing.
STALLED_S = 60.0


class Pace(StrEnum):
    EVEN = "even"  # `rate` messages a second, whatever becomes of them
    BURST = "burst"  # as fast as the broker acknowledges
    FOLLOW = "follow"  # as fast as alarms show that the reader keeps up: at most `lag` messages ahead of it


@dataclass(frozen=True, kw_only=True)
class Order:
    """What to publish. `messages` in all, or for `seconds` and then one more message of every device.

    `log` and `counts` are files that the publisher writes (see `benchmarks.line.log`); `spent` gets its CPU-seconds.
    """

    login: Login
    log: Path
    counts: Path
    spent: Path
    fleet: Fleet
    pace: Pace
    messages: int = 0
    seconds: float = 0.0
    rate: float = 0.0
    lag: int = 30_000
    window: int = 1_000

    @property
    def capacity(self) -> int:
        """The most messages this can become."""
        return self.messages or int(200_000 * self.seconds) + self.fleet.devices


class Publisher:
    """`run` once."""

    def __init__(self, order: Order) -> None:
        self._order = order
        self._log = PublicationLog.create(order.log, messages=order.capacity)
        self._counts = Counts(order.counts)
        self._book = PacketBook(order.fleet)
        self._published = 0
        self._acknowledged = 0
        self._ack_bytes = 0
        # Known from the start when messages are counted; otherwise when the time is up.
        self._end = order.messages or order.capacity
        self._crossings_until = max(0, self._end - order.fleet.devices)

    def run(self) -> None:
        """Raises BrokerSaidNo, TimeoutError."""
        connection = connected(self._order.login)
        connection.setblocking(False)
        poller = select.poll()
        poller.register(connection, select.POLLIN)
        started, pending, moved_at = time.monotonic(), memoryview(b""), time.monotonic()
        while self._acknowledged < self._end:
            now = time.monotonic()
            self._look_at_the_time(now - started)
            if not pending and (allowed := self._allowed(now - started)):
                pending = memoryview(self._chunk(allowed))
            if pending:
                pending = self._send(connection, pending)
            poller.modify(connection, select.POLLIN | (select.POLLOUT if pending else 0))
            self._wait(poller, now - started, blocked=bool(pending))
            if self._take_acknowledgements(connection):
                moved_at = now
            if now - moved_at > STALLED_S and self._published:
                raise TimeoutError(f"nothing moved for {STALLED_S:.0f} s after {self._published} messages")
        connection.close()

    def _look_at_the_time(self, elapsed_s: float) -> None:
        order = self._order
        if order.messages or self._end < order.capacity:
            return
        if elapsed_s >= order.seconds:
            self._crossings_until = self._published
            self._end = self._published + order.fleet.devices

    def _allowed(self, elapsed_s: float) -> int:
        order = self._order
        room = min(self._end - self._published, order.window - (self._published - self._acknowledged), CHUNK)
        match order.pace:
            case Pace.EVEN:
                room = min(room, int(elapsed_s * order.rate) - self._published)
            case Pace.FOLLOW if self._end == order.capacity:
                room = min(room, self._followed_to() + order.lag - self._published)
            case Pace.FOLLOW | Pace.BURST:
                pass
        return max(room, 0)

    def _followed_to(self) -> int:
        """How many messages the reader has judged, by the newest alarm that was heard."""
        newest = self._counts[Count.NEWEST_EVENT_MS]
        return int(np.searchsorted(self._log.ts_ms[: self._published], newest, side="left"))

    def _chunk(self, allowed: int) -> bytes:
        first, devices = self._published, self._order.fleet.devices
        count = min(allowed, devices)
        ts_ms = self._time_for(first + count - 1)
        numbers = np.arange(first, first + count, dtype=np.int64)
        values = hundredths(numbers, is_above(numbers, until=self._crossings_until))
        packets = self._book.encode(numbers, ts_ms=ts_ms, values=values)
        self._log.ts_ms[first : first + count] = ts_ms
        self._log.sent_ns[first : first + count] = time.monotonic_ns()
        self._published += count
        self._counts[Count.PUBLISHED] = self._published
        self._counts[Count.CROSSINGS_UNTIL] = self._crossings_until
        return packets

    def _time_for(self, last: int) -> int:
        """Now, later than that device's last time: a reading is named by its point and time."""
        before = last - self._order.fleet.devices
        newest = int(self._log.ts_ms[self._published - 1]) if self._published else 0
        taken = int(self._log.ts_ms[before]) if before >= 0 else 0
        while (now_ms := time.time_ns() // 1_000_000) <= taken:
            time.sleep(0.0002)
        return max(now_ms, newest)

    def _send(self, connection: socket.socket, pending: memoryview) -> memoryview:
        try:
            sent = connection.send(pending)
        except BlockingIOError:
            sent = 0
        return pending[sent:]

    def _wait(self, poller: select.poll, elapsed_s: float, *, blocked: bool) -> None:
        order = self._order
        if blocked or self._published >= self._end or self._published - self._acknowledged >= order.window:
            poller.poll(100)
        elif order.pace is Pace.EVEN:
            due_s = (self._published + 1) / order.rate - elapsed_s
            # At high rates a few messages a millisecond: waking for each would cost more than sending them.
            time.sleep(max(due_s, 0.0) if order.rate * _NAP_S <= 1 else _NAP_S)
        elif order.pace is Pace.FOLLOW and not self._allowed(elapsed_s):
            time.sleep(_NAP_S)

    def _take_acknowledgements(self, connection: socket.socket) -> bool:
        try:
            found = connection.recv(65_536)
        except BlockingIOError:
            return False
        if not found:
            raise BrokerSaidNo(f"the broker hung up after {self._published} messages")
        # A publisher that subscribes to nothing and never pings is sent PUBACKs only, of four bytes each.
        self._ack_bytes += len(found)
        self._acknowledged = self._ack_bytes // ACK_BYTES
        self._counts[Count.ACKNOWLEDGED] = self._acknowledged
        return True


def publish(order: Order) -> None:
    """The whole life of the process."""
    Publisher(order).run()
    order.spent.write_text(f"{time.process_time():.3f}")
