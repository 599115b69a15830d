"""Malformed messages at a rate, and a backlog while the hub sleeps: QoS 1 from a process or a call of its own."""

import json
import struct
import time
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing.sharedctypes import Synchronized
from multiprocessing.synchronize import Event

from benchmarks.broker import UNHEARD_TOPIC
from benchmarks.line.packets import PUBLISH, Login, connected, packet, text
from benchmarks.line.workload import SITE

# Each is wrong in another way: cut off, no text, no object, a word for a number, a device that nobody knows.
MALFORMED: Sequence[tuple[str, bytes]] = (
    ("DEV-0000", b'{"values": {"supply_temp_c": 1'),
    ("DEV-0001", b"\xff\xfe\x00 no text at all"),
    ("DEV-0002", b'"no object"'),
    ("DEV-0003", b'{"values": {"supply_temp_c": "warm"}}'),
    ("NOBODY-1", b'{"values": {"supply_temp_c": 20.0}}'),
)
_WINDOW = 5_000
_CHUNK = 200
_ACK_BYTES = 4
_MAX_MID = 65_535


def message(topic: str, payload: bytes, mid: int) -> bytes:
    return packet(PUBLISH | 0x02, text(topic) + struct.pack("!H", mid) + payload)


def telemetry(site: str, device: str) -> str:
    return f"site/{site}/device/{device}/telemetry"


@dataclass(frozen=True, kw_only=True)
class Flood:
    """What to publish in turn, as (topic, payload), and how many a second."""

    login: Login
    messages: Sequence[tuple[str, bytes]]
    rate: float


def malformed() -> Sequence[tuple[str, bytes]]:
    return [(telemetry(SITE, device), payload) for device, payload in MALFORMED]


def unheard() -> Sequence[tuple[str, bytes]]:
    """The same messages where nobody hears them."""
    return [(UNHEARD_TOPIC, payload) for _, payload in MALFORMED]


def flood(order: Flood, acknowledged: "Synchronized[int]", ended: Event) -> None:
    """The whole life of the process: until `ended` is set. Counts what the broker acknowledged."""
    topics = order.messages
    packets = [message(*topics[mid % len(topics)], mid) for mid in range(1, _MAX_MID + 1)]
    with connected(order.login) as connection:
        connection.settimeout(0.002)
        started, sent, ack_bytes = time.monotonic(), 0, 0
        while not ended.is_set():
            due = int((time.monotonic() - started) * order.rate) - sent
            room = min(due, _WINDOW - (sent - ack_bytes // _ACK_BYTES), _CHUNK)
            if room > 0:
                connection.settimeout(10)
                connection.sendall(b"".join(packets[(sent + n) % _MAX_MID] for n in range(room)))
                connection.settimeout(0.002)
                sent += room
            try:
                ack_bytes += len(connection.recv(65_536))
            except TimeoutError:
                continue
            acknowledged.value = ack_bytes // _ACK_BYTES


def pile_up(login: Login, *, messages: int, devices: int, start_ms: int) -> None:
    """Ordinary messages of the bench's devices, acknowledged by the broker when this returns."""
    value = json.dumps({"supply_temp_c": 20.0, "return_temp_c": 18.0, "pressure_kpa": 30.0, "vibration_mm_s": 1.0})
    with connected(login) as connection:
        sent = ack_bytes = 0
        while ack_bytes // _ACK_BYTES < messages:
            room = min(messages - sent, _WINDOW - (sent - ack_bytes // _ACK_BYTES), _CHUNK)
            if room > 0:
                numbers = range(sent, sent + room)
                connection.sendall(b"".join(_ordinary(n, devices, start_ms, value) for n in numbers))
                sent += room
            else:
                ack_bytes += len(connection.recv(65_536))


def _ordinary(number: int, devices: int, start_ms: int, value: str) -> bytes:
    payload = f'{{"ts":{start_ms + number // devices},"values":{value}}}'.encode()
    return message(telemetry(SITE, f"DEV-{number % devices:04}"), payload, number % _MAX_MID + 1)
