"""A device that publishes as fast as its broker acknowledges: QoS 1, packets made beforehand, a window of messages."""

import socket
import struct
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

WINDOW = 2_000
PUBACK_BYTES = 4
STALLED_S = 60.0


def _text(value: str) -> bytes:
    raw = value.encode()
    return struct.pack("!H", len(raw)) + raw


def _packet(kind: int, body: bytes) -> bytes:
    length, encoded = len(body), bytearray()
    while True:
        length, digit = divmod(length, 128)
        encoded.append(digit | (0x80 if length else 0))
        if not length:
            return bytes([kind]) + bytes(encoded) + body


@dataclass
class LoudDevice:
    """`publish` in a thread of its own. `acknowledged` counts messages the broker confirmed."""

    port: int
    username: str
    password: str
    client_id: str
    acknowledged: int = 0
    ended: threading.Event = field(default_factory=threading.Event)

    def publish(self, messages: Sequence[tuple[str, bytes]], *, count: int, rate: float = float("inf")) -> None:
        """Sends `count` messages, taking turns, at most `rate` a second; returns when all are acknowledged."""
        with self._connected() as connection:
            started, sent, moved_at = time.monotonic(), 0, time.monotonic()
            while self.acknowledged < count:
                allowed = min(count, int((time.monotonic() - started) * rate) if rate != float("inf") else count)
                room = min(allowed - sent, WINDOW - (sent - self.acknowledged), 250)
                if room > 0:
                    connection.sendall(b"".join(self._publish(messages, sent + n) for n in range(room)))
                    sent += room
                if self._take_acknowledgements(connection, wait=room <= 0):
                    moved_at = time.monotonic()
                assert time.monotonic() - moved_at < STALLED_S, f"nothing moves after {self.acknowledged} messages"
        self.ended.set()

    def _publish(self, messages: Sequence[tuple[str, bytes]], number: int) -> bytes:
        topic, payload = messages[number % len(messages)]
        return _packet(0x32, _text(topic) + struct.pack("!H", number % 65_535 + 1) + payload)

    def _connected(self) -> socket.socket:
        connection = socket.create_connection(("127.0.0.1", self.port), timeout=20)
        body = _text("MQTT") + bytes([4, 0xC2, 0, 0]) + _text(self.client_id) + _text(self.username)
        connection.sendall(_packet(0x10, body + _text(self.password)))
        answer = connection.recv(4)
        assert answer[0] == 0x20, f"the broker did not let {self.username} in: {answer!r}"
        assert answer[3] == 0, f"the broker did not let {self.username} in: {answer!r}"
        self._rest = 0
        return connection

    def _take_acknowledgements(self, connection: socket.socket, *, wait: bool) -> bool:
        connection.settimeout(0.05 if wait else 0.0001)
        try:
            found = connection.recv(65_536)
        except (TimeoutError, BlockingIOError):
            return False
        assert found, "the broker hung up"
        # Nothing is subscribed and nothing pinged: only PUBACKs come, four bytes each.
        whole, self._rest = divmod(self._rest + len(found), PUBACK_BYTES)
        self.acknowledged += whole
        return True
