"""MQTT 3.1.1 packets, encoded by hand: a load generator must be cheaper than what it measures."""

import socket
import struct
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from benchmarks.line.workload import POINTS, Fleet, Numbers

CONNACK, PUBLISH, PUBACK, SUBACK = 0x20, 0x30, 0x40, 0x90
MAX_MID = 65_535
_TS_DIGITS = 13
_TS_MARK, _VALUE_MARK = b"T" * _TS_DIGITS, b"VV.VV"

Bytes = npt.NDArray[np.uint8]


class BrokerSaidNo(ConnectionError):
    """The broker refused the connection or the subscription, or hung up."""


@dataclass(frozen=True)
class Login:
    """Where the broker is and who is speaking."""

    port: int
    username: str
    password: str
    client_id: str
    host: str = "127.0.0.1"


def text(value: str) -> bytes:
    raw = value.encode()
    return struct.pack("!H", len(raw)) + raw


def packet(kind: int, body: bytes) -> bytes:
    return bytes([kind]) + remaining_length(len(body)) + body


def remaining_length(length: int) -> bytes:
    """MQTT's variable-length integer."""
    encoded = bytearray()
    while True:
        length, digit = divmod(length, 128)
        encoded.append(digit | (0x80 if length else 0))
        if not length:
            return bytes(encoded)


def connected(login: Login, *, clean: bool = True) -> socket.socket:
    """A blocking socket with CONNACK read. Raises BrokerSaidNo."""
    found = socket.create_connection((login.host, login.port), timeout=10)
    found.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    flags = 0xC0 | (0x02 if clean else 0)
    body = text("MQTT") + bytes([4, flags, 0, 0]) + text(login.client_id) + text(login.username) + text(login.password)
    found.sendall(packet(0x10, body))
    answer = _exactly(found, 4)
    if answer[0] != CONNACK or answer[3] != 0:
        raise BrokerSaidNo(f"CONNECT of {login.username} was answered {answer.hex()}")
    return found


def subscribe(connection: socket.socket, topic_filter: str) -> None:
    """At QoS 1, answered. Raises BrokerSaidNo."""
    connection.sendall(packet(0x82, struct.pack("!H", 1) + text(topic_filter) + b"\x01"))
    answer = _exactly(connection, 5)
    if answer[0] != SUBACK or answer[4] != 1:
        raise BrokerSaidNo(f"the subscription to {topic_filter} was answered {answer.hex()}")


def acknowledgement(mid: int) -> bytes:
    return struct.pack("!BBH", PUBACK, 2, mid)


def _exactly(connection: socket.socket, count: int) -> bytes:
    found = b""
    while len(found) < count:
        part = connection.recv(count - len(found))
        if not part:
            raise BrokerSaidNo("the broker hung up")
        found += part
    return found


class PacketBook:
    """Every device's PUBLISH at QoS 1 as a row of bytes of equal length; message id, time and values are filled in."""

    def __init__(self, fleet: Fleet) -> None:
        self._devices = fleet.devices
        rows = [_template(fleet.topic(device)) for device in range(fleet.devices)]
        self._rows: Bytes = np.frombuffer(b"".join(rows), np.uint8).reshape(fleet.devices, -1)
        first = rows[0]
        self._mid_at = first.index(b"/telemetry") + len(b"/telemetry")
        self._ts_at = first.index(_TS_MARK)
        self._value_at = [at for at in range(len(first)) if first.startswith(_VALUE_MARK, at)]
        digits = b"".join(f"{n / 100:05.2f}".encode() for n in range(10_000))
        self._digits: Bytes = np.frombuffer(digits, np.uint8).reshape(10_000, 5)

    @property
    def packet_bytes(self) -> int:
        return int(self._rows.shape[1])

    def encode(self, numbers: Numbers, *, ts_ms: int, values: Numbers) -> bytes:
        """The packets of messages `numbers`, all of one time; `values` are hundredths of shape (n, 4)."""
        rows = self._rows[numbers % self._devices]
        mids = numbers % MAX_MID + 1
        rows[:, self._mid_at] = mids >> 8
        rows[:, self._mid_at + 1] = mids & 0xFF
        rows[:, self._ts_at : self._ts_at + _TS_DIGITS] = np.frombuffer(b"%d" % ts_ms, np.uint8)
        for column, at in enumerate(self._value_at):
            rows[:, at : at + 5] = self._digits[values[:, column]]
        return rows.tobytes()


def _template(topic: str) -> bytes:
    values = b",".join(b'"%s":%s' % (key.encode(), _VALUE_MARK) for key in POINTS)
    payload = b'{"ts":%s,"values":{%s}}' % (_TS_MARK, values)
    return packet(PUBLISH | 0x02, text(topic) + b"\0\0" + payload)
