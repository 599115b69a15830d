"""Hears every alarm on MQTT from a process of its own and stamps it the moment it is read from the socket."""

import select
import socket
import struct
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import msgspec

from benchmarks.line.log import Count, Counts
from benchmarks.line.packets import PUBLISH, BrokerSaidNo, Login, acknowledgement, connected, subscribe
from benchmarks.line.workload import ALARM_TOPIC

RAISED, RETURNED = "raised", "returned"


class AlarmHeard(msgspec.Struct, frozen=True):
    """What the bench reads of an alarm message, whoever sent it. `event_time` is ISO 8601 or ms since the epoch."""

    equipment: str
    transition: str
    event_time: datetime | int

    @property
    def event_ms(self) -> int:
        if isinstance(self.event_time, int):
            return self.event_time
        return round(self.event_time.timestamp() * 1000)


@dataclass(frozen=True)
class Listening:
    """Where to listen and what to write. `records` lines are `<monotonic ns> <payload>`."""

    login: Login
    records: Path
    counts: Path
    ready: Path


_DECODER = msgspec.json.Decoder(AlarmHeard)


def listen(order: Listening) -> None:
    """The whole life of the process: until it is terminated."""
    connection = connected(order.login)
    subscribe(connection, ALARM_TOPIC)
    connection.setblocking(False)
    poller = select.poll()
    poller.register(connection, select.POLLIN)
    counts = Counts(order.counts)
    order.ready.touch()
    buffer = bytearray()
    with order.records.open("ab", buffering=0) as records:
        while True:
            poller.poll()
            part = connection.recv(262_144)
            stamp = time.monotonic_ns()
            if not part:
                raise BrokerSaidNo("the broker hung up on the alarm listener")
            buffer += part
            _take(buffer, stamp, connection, records.write, counts)


def _take(buffer: bytearray, stamp: int, connection: socket.socket, write: "object", counts: Counts) -> None:
    heard = list(whole_packets(buffer))
    mids = b"".join(acknowledgement(mid) for mid, _ in heard if mid is not None)
    if mids:
        connection.sendall(mids)
    for _, payload in heard:
        write(b"%d %s\n" % (stamp, payload.replace(b"\n", b" ")))  # type: ignore[operator]
        event_ms = _DECODER.decode(payload).event_ms
        counts[Count.ALARMS_HEARD] += 1
        counts[Count.NEWEST_EVENT_MS] = max(counts[Count.NEWEST_EVENT_MS], event_ms)


def whole_packets(buffer: bytearray) -> Iterator[tuple[int | None, bytes]]:
    """Takes the complete PUBLISH packets off the buffer: message id (None at QoS 0) and payload."""
    while True:
        length, size = _length(buffer)
        if length is None or len(buffer) < size + length:
            return
        head, body = buffer[0], bytes(buffer[size : size + length])
        del buffer[: size + length]
        if head & 0xF0 != PUBLISH:
            continue
        (topic_bytes,) = struct.unpack_from("!H", body)
        at = 2 + topic_bytes
        if not head & 0x06:
            yield None, body[at:]
            continue
        (mid,) = struct.unpack_from("!H", body, at)
        yield mid, body[at + 2 :]


def _length(buffer: bytearray) -> tuple[int | None, int]:
    """Remaining length and how many bytes stand before the body; None while it is not whole."""
    length = shift = 0
    for size, byte in enumerate(buffer[1:5], start=2):
        length |= (byte & 0x7F) << shift
        shift += 7
        if not byte & 0x80:
            return length, size
    return None, 0


@dataclass(frozen=True)
class HeardAt:
    """An alarm message and when it was heard (monotonic ns)."""

    stamp_ns: int
    alarm: AlarmHeard


def heard(records: Path) -> list[HeardAt]:
    """Everything written so far."""
    lines = records.read_bytes().split(b"\n")[:-1]
    found = []
    for line in lines:
        stamp, _, payload = line.partition(b" ")
        found.append(HeardAt(int(stamp), _DECODER.decode(payload)))
    return found
