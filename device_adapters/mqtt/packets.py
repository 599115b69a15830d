"""MQTT 3.1.1 and 5 on the wire, as far as a client at QoS 0 and 1 speaks it. Pure: bytes in, packets out, and back.

Numbers in comments are sections of OASIS MQTT 5.0; what 3.1.1 does otherwise is said beside them.
"""

import struct
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple

# A larger packet is cut to this: enough to say whose it was, to refuse it and to acknowledge it.
LARGEST_WHOLE = 1024 * 1024

RETAINED = 0x01
REPEATED = 0x08
REFUSED = 0x80

_QOS_BITS = 0x06
_QOS_2 = 0x04

# 2.2.2.2: how many bytes the value of a property takes; texts, pairs of texts and numbers of a length of their own.
_TEXT, _PAIR, _NUMBER = -1, -2, -3
_PROPERTY_BYTES: Mapping[int, int] = {
    0x01: 1, 0x02: 4, 0x03: _TEXT, 0x08: _TEXT, 0x09: _TEXT, 0x0B: _NUMBER, 0x11: 4, 0x12: _TEXT, 0x13: 2, 0x15: _TEXT,
    0x16: _TEXT, 0x17: 1, 0x18: 4, 0x19: 1, 0x1A: _TEXT, 0x1C: _TEXT, 0x1F: _TEXT, 0x21: 2, 0x22: 2, 0x23: 2, 0x24: 1,
    0x25: 1, 0x26: _PAIR, 0x27: 4, 0x28: 1, 0x29: 1, 0x2A: 1,
}  # fmt: skip
_SESSION_EXPIRY, _SERVER_KEEP_ALIVE, _REASON, _RECEIVE_MAXIMUM = 0x11, 0x13, 0x1F, 0x21

# (flags of the first byte, topic, packet identifier as its two bytes or none at QoS 0, payload). A bare tuple: one is
# made for every message that comes.
Publish = tuple[int, bytes, bytes, bytes]


class MalformedPacket(ConnectionError):
    """What came is no MQTT: the connection has to be given up."""


class Kind(IntEnum):
    """The first four bits of a packet."""

    CONNECT = 1
    CONNACK = 2
    PUBLISH = 3
    PUBACK = 4
    SUBSCRIBE = 8
    SUBACK = 9
    UNSUBSCRIBE = 10
    UNSUBACK = 11
    PINGREQ = 12
    PINGRESP = 13
    DISCONNECT = 14
    AUTH = 15


class Packet(NamedTuple):
    """Any packet but PUBLISH."""

    kind: int
    body: bytes


@dataclass(frozen=True, kw_only=True)
class Hello:
    """What CONNECT says. `session_expiry_s` None leaves it to the broker (3.1.1 knows none)."""

    client_id: str
    username: str | None
    password: str | None
    keepalive_s: int
    clean: bool
    session_expiry_s: int | None


@dataclass(frozen=True)
class Welcome:
    """What CONNACK says. `code` 0 lets us in; `reason` says in words why not."""

    code: int
    session_present: bool
    reason: str
    receive_maximum: int = 0xFFFF
    keepalive_s: int | None = None


class PacketReader:
    """Cuts a stream of bytes into packets; what is not whole yet waits for the rest."""

    def __init__(self, *, is_v5: bool) -> None:
        self._is_v5 = is_v5
        self._rest = bytearray()
        self._wanted = 0
        self._skip = 0

    def feed(self, data: bytes) -> tuple[list[Publish], list[Packet]]:
        """Every packet that `data` completes, in order. Raises MalformedPacket."""
        if self._skip:
            skipped = min(self._skip, len(data))
            self._skip -= skipped
            data = data[skipped:]
        if self._rest:
            self._rest += data
            if len(self._rest) < self._wanted:
                return [], []
            data = self._joined()
        publishes: list[Publish] = []
        others: list[Packet] = []
        try:
            used = self._cut(data, publishes, others)
            self._rest = bytearray(data[used:])
            self._wanted = min(_announced(self._rest), LARGEST_WHOLE)
        except IndexError:
            raise MalformedPacket("a packet ends before its fields do") from None
        return publishes, others

    def _cut(self, data: bytes, publishes: list[Publish], others: list[Packet]) -> int:
        """How many bytes were whole packets. The hub's hottest loop."""
        at, end = 0, len(data)
        while at + 2 <= end:
            flags, length, body = data[at], data[at + 1], at + 2
            if length & 0x80:
                length, body = _long_head(data, at)
            stop = body + length
            if stop > end:
                break
            if flags >> 4 == 3:
                topic_end = body + 2 + (data[body] << 8 | data[body + 1])
                start = topic_end + 2 if flags & _QOS_BITS else topic_end
                mid = data[topic_end:start]
                if self._is_v5:
                    start = _after_properties(data, start)
                if start > stop or flags & _QOS_2:
                    raise MalformedPacket("a PUBLISH that is cut short, or of QoS 2, which nobody asked for")
                publishes.append((flags, data[body + 2 : topic_end], mid, data[start:stop]))
            else:
                others.append(Packet(flags >> 4, data[body:stop]))
            at = stop
        return at

    def _joined(self) -> bytes:
        """What waited, with what completes it; a packet beyond all measure is made a short one of the same head."""
        whole = _announced(self._rest)
        if whole <= LARGEST_WHOLE:
            return bytes(self._rest)
        _, body = _long_number(self._rest, 1)
        short = self._rest[:1] + _number(LARGEST_WHOLE - body) + self._rest[body:LARGEST_WHOLE]
        after = bytes(self._rest[whole:])
        self._skip = max(0, whole - len(self._rest))
        return bytes(short) + after


def connect(hello: Hello, *, is_v5: bool) -> bytes:
    """3.1"""
    flags = 0x02 if hello.clean else 0
    payload = _text(hello.client_id)
    if hello.username:
        flags |= 0x80
        payload += _text(hello.username)
        if hello.password is not None:
            flags |= 0x40
            payload += _text(hello.password)
    head = _text("MQTT") + struct.pack("!BBH", 5 if is_v5 else 4, flags, hello.keepalive_s)
    if is_v5:
        expiry = hello.session_expiry_s
        head += _properties(b"" if expiry is None else struct.pack("!BI", _SESSION_EXPIRY, expiry))
    return _packet(Kind.CONNECT << 4, head + payload)


def subscribe(mid: int, filters: Sequence[str], *, qos: int, is_v5: bool) -> bytes:
    """3.8"""
    asked = b"".join(_text(one) + bytes([qos]) for one in filters)
    return _packet(Kind.SUBSCRIBE << 4 | 0x02, mid.to_bytes(2, "big") + _no_properties(is_v5=is_v5) + asked)


def unsubscribe(mid: int, filters: Sequence[str], *, is_v5: bool) -> bytes:
    """3.10"""
    asked = b"".join(map(_text, filters))
    return _packet(Kind.UNSUBSCRIBE << 4 | 0x02, mid.to_bytes(2, "big") + _no_properties(is_v5=is_v5) + asked)


def publish(topic: str, payload: bytes, *, mid: int | None, retain: bool, is_v5: bool) -> bytes:
    """3.3; at QoS 1 with a `mid`, at QoS 0 without."""
    flags = Kind.PUBLISH << 4 | (0 if mid is None else 0x02) | (RETAINED if retain else 0)
    number = b"" if mid is None else mid.to_bytes(2, "big")
    return _packet(flags, _text(topic) + number + _no_properties(is_v5=is_v5) + payload)


def pubacks(mids: Iterable[bytes]) -> bytes:
    """3.4, for many messages at once. An answer without a code is the same in 3.1.1 and 5."""
    return b"".join([b"\x40\x02" + mid for mid in mids])


def pingreq() -> bytes:
    return b"\xc0\x00"


def disconnect() -> bytes:
    return b"\xe0\x00"


def read_connack(body: bytes, *, is_v5: bool) -> Welcome:
    """3.2"""
    session_present, code = bool(body[0] & 1), body[1]
    if not is_v5:
        return Welcome(code, session_present, _REFUSALS_OF_V311.get(code, f"code {code}"))
    found = _read_properties(body[2:])
    reason = found.get(_REASON, b"").decode("utf-8", "replace") or _REASONS.get(code, f"code {code:#x}")
    keepalive = found.get(_SERVER_KEEP_ALIVE)
    return Welcome(
        code, session_present, reason,
        receive_maximum=int.from_bytes(found.get(_RECEIVE_MAXIMUM, b"\xff\xff"), "big"),
        keepalive_s=None if keepalive is None else int.from_bytes(keepalive, "big"),
    )  # fmt: skip


def read_puback(body: bytes) -> tuple[int, int]:
    """3.4: (packet identifier, code); the code is 0 where none is said, as 3.1.1 never does."""
    return int.from_bytes(body[:2], "big"), body[2] if len(body) > 2 else 0


def read_suback(body: bytes, *, is_v5: bool) -> tuple[int, tuple[int, ...]]:
    """3.9: (packet identifier, a code a filter: the granted QoS, or REFUSED and above). UNSUBACK has the same form."""
    start = _after_properties(body, 2) if is_v5 else 2
    return int.from_bytes(body[:2], "big"), tuple(body[start:])


def read_disconnect(body: bytes) -> str:
    """3.14: why the broker lets go of us, in words."""
    code = body[0] if body else 0
    return _REASONS.get(code, f"code {code:#x}")


# --- inside ----------------------------------------------------------------------------------------------------------


def _announced(data: bytearray) -> int:
    """How many bytes the packet that begins here has in all; 0 while that cannot be seen yet."""
    if len(data) < 2:
        return 0
    try:
        length, body = _long_number(data, 1)
    except IndexError:
        return 0
    return body + length


def _long_number(data: bytes | bytearray, at: int) -> tuple[int, int]:
    """1.5.5: the variable byte integer at `at`, and where it ends. IndexError while its end has not come."""
    value = 0
    for shift in (0, 7, 14, 21):
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at += 1
        if not byte & 0x80:
            return value, at
    raise MalformedPacket("a length of more than four bytes")


def _long_head(data: bytes, at: int) -> tuple[int, int]:
    """Length and start of the body of a packet; beyond all data while its head is not whole yet."""
    try:
        return _long_number(data, at + 1)
    except IndexError:
        return len(data), at + 2


def _after_properties(data: bytes, at: int) -> int:
    length = data[at]
    if length & 0x80:
        length, at = _long_number(data, at)
        return at + length
    return at + 1 + length


def _read_properties(data: bytes) -> dict[int, bytes]:
    """Raw values of those properties that come once."""
    if not data:
        return {}
    end, at = _after_properties(data, 0), _long_number(data, 0)[1]
    found: dict[int, bytes] = {}
    while at < end:
        key = data[at]
        start, stop = _value_at(data, key, at + 1)
        found[key] = data[start:stop]
        at = stop
    return found


def _value_at(data: bytes, key: int, at: int) -> tuple[int, int]:
    size = _PROPERTY_BYTES.get(key)
    if size is None:
        raise MalformedPacket(f"unknown property {key:#x}")
    if size >= 0:
        return at, at + size
    if size == _NUMBER:
        return at, _long_number(data, at)[1]
    end = at + 2 + int.from_bytes(data[at : at + 2], "big")
    if size == _PAIR:
        return at, end + 2 + int.from_bytes(data[end : end + 2], "big")
    return at + 2, end


def _packet(flags: int, body: bytes) -> bytes:
    return bytes([flags]) + _number(len(body)) + body


def _number(value: int) -> bytes:
    encoded = bytearray()
    while True:
        value, byte = divmod(value, 128)
        encoded.append(byte | (0x80 if value else 0))
        if not value:
            return bytes(encoded)


def _text(text: str) -> bytes:
    encoded = text.encode()
    return len(encoded).to_bytes(2, "big") + encoded


def _properties(encoded: bytes) -> bytes:
    return _number(len(encoded)) + encoded


def _no_properties(*, is_v5: bool) -> bytes:
    return b"\x00" if is_v5 else b""


_REFUSALS_OF_V311: Mapping[int, str] = {
    1: "the broker does not speak MQTT 3.1.1",
    2: "the broker does not like our client id",
    3: "the broker is not available",
    4: "wrong user name or password",
    5: "not authorised",
}

_REASONS: Mapping[int, str] = {
    0x00: "said goodbye",
    0x81: "malformed packet",
    0x82: "protocol error",
    0x84: "the broker does not speak MQTT 5",
    0x85: "the broker does not like our client id",
    0x86: "wrong user name or password",
    0x87: "not authorised",
    0x88: "the broker is not available",
    0x89: "the broker is busy",
    0x8A: "banned",
    0x8B: "the broker is shutting down",
    0x8D: "the broker has not heard from us for too long",
    0x8E: "another client came with our client id: each process of a hub needs a client_id of its own",
    0x95: "a packet was too large for the broker",
    0x97: "quota exceeded",
    0x98: "closed by an administrator",
    0x9F: "too many connections at once",
}
