"""MQTT on the wire: whole, in pieces, and wrong. paho's own packets are read in test_mosquitto by a real broker."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device_adapters.mqtt import packets
from device_adapters.mqtt.packets import LARGEST_WHOLE, Hello, Kind, MalformedPacket, Packet, PacketReader

TOPIC = "site/云栖/device/LIFT-06/telemetry"
texts = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=40)
messages = st.lists(
    st.tuples(texts, st.binary(max_size=300), st.one_of(st.none(), st.integers(1, 0xFFFF)), st.booleans()), max_size=20
)


def encoded(topic: str, payload: bytes, mid: int | None, retain: bool, *, is_v5: bool) -> bytes:
    return packets.publish(topic, payload, mid=mid, retain=retain, is_v5=is_v5)


@given(messages, st.booleans(), st.lists(st.integers(1, 200), min_size=1, max_size=30))
def test_what_is_written_is_read_again_however_it_is_cut(
    sent: list[tuple[str, bytes, int | None, bool]], is_v5: bool, cuts: list[int]
) -> None:
    stream = b"".join(encoded(*message, is_v5=is_v5) + packets.pingreq() for message in sent)
    reader, at, number = PacketReader(is_v5=is_v5), 0, 0
    publishes, others = [], []
    while at < len(stream):
        step = cuts[number % len(cuts)]
        found, rest = reader.feed(stream[at : at + step])
        publishes += found
        others += rest
        at, number = at + step, number + 1
    assert [
        (topic.decode(), payload, int.from_bytes(mid, "big") if mid else None, bool(flags & packets.RETAINED))
        for flags, topic, mid, payload in publishes
    ] == sent
    assert others == [Packet(Kind.PINGREQ, b"")] * len(sent)


@given(st.binary(max_size=400), st.booleans())
def test_no_bytes_do_anything_but_be_read_or_refused(data: bytes, is_v5: bool) -> None:
    reader = PacketReader(is_v5=is_v5)
    try:
        publishes, others = reader.feed(data)
        for packet in others:
            read(packet, is_v5=is_v5)
    except MalformedPacket:
        return
    assert sum(len(topic) + len(payload) for _, topic, _, payload in publishes) <= len(data)


def read(packet: Packet, *, is_v5: bool) -> object:
    match packet.kind:
        case Kind.CONNACK:
            return packets.read_connack(packet.body, is_v5=is_v5)
        case Kind.PUBACK:
            return packets.read_puback(packet.body)
        case Kind.SUBACK:
            return packets.read_suback(packet.body, is_v5=is_v5)
        case Kind.DISCONNECT:
            return packets.read_disconnect(packet.body)
        case other:
            return other


@pytest.mark.parametrize("size", [127, 128, 16_383, 16_384, 300_000])
def test_lengths_of_one_to_three_bytes(size: int) -> None:
    reader = PacketReader(is_v5=False)
    stream = encoded("t", b"x" * size, 7, False, is_v5=False)
    pieces = [stream[start : start + 65_536] for start in range(0, len(stream), 65_536)]
    found = [publish for piece in pieces for publish in reader.feed(piece)[0]]
    assert [(len(payload), mid) for _, _, mid, payload in found] == [(size, b"\0\7")]


def test_what_is_larger_than_anything_we_read_is_cut_and_what_follows_is_read() -> None:
    reader = PacketReader(is_v5=False)
    stream = encoded(TOPIC, b"x" * (5 * LARGEST_WHOLE), 7, False, is_v5=False) + encoded(
        "next", b"1", 8, False, is_v5=False
    )
    found = []
    for start in range(0, len(stream), 100_000):
        found += reader.feed(stream[start : start + 100_000])[0]
    assert [(topic.decode(), mid) for _, topic, mid, _ in found] == [(TOPIC, b"\0\7"), ("next", b"\0\x08")]
    assert 256 * 1024 < len(found[0][3]) < LARGEST_WHOLE


@pytest.mark.parametrize(
    "data",
    [
        b"\x30\x02\x00\x09",  # a topic longer than the packet
        b"\x32\x03\x00\x01t",  # QoS 1 without a packet identifier
        b"\x34\x05\x00\x01t\x00\x01",  # QoS 2
        b"\x30\xff\xff\xff\xff\x01",  # a length of five bytes
        b"\x30\x00",
    ],
)
def test_what_is_no_mqtt_is_refused(data: bytes) -> None:
    with pytest.raises(MalformedPacket):
        PacketReader(is_v5=False).feed(data)


def test_properties_of_version_5_are_stepped_over() -> None:
    properties = b"\x02" + struct.pack("!I", 60) + b"\x26\x00\x01a\x00\x01b"
    body = b"\x00\x01t" + b"\x00\x05" + bytes([len(properties)]) + properties + b"payload"
    [publish], _ = PacketReader(is_v5=True).feed(b"\x32" + bytes([len(body)]) + body)
    assert publish == (0x32, b"t", b"\x00\x05", b"payload")


def test_many_acknowledgements_are_one_string_of_bytes() -> None:
    assert packets.pubacks([b"\0\1", b"\1\0"]) == b"\x40\x02\0\1\x40\x02\1\0"


def test_connect_says_who_we_are() -> None:
    hello = Hello(client_id="hub", username="u", password="p", keepalive_s=30, clean=False, session_expiry_s=60)
    old = packets.connect(hello, is_v5=False)
    assert old == b"\x10\x15\x00\x04MQTT\x04\xc0\x00\x1e\x00\x03hub\x00\x01u\x00\x01p"
    new = packets.connect(hello, is_v5=True)
    assert new == b"\x10\x1b\x00\x04MQTT\x05\xc0\x00\x1e\x05\x11\x00\x00\x00\x3c\x00\x03hub\x00\x01u\x00\x01p"


def test_a_welcome_of_version_5_says_what_the_broker_takes() -> None:
    properties = b"\x21\x00\x14\x13\x00\x0a\x12\x00\x01x"
    welcome = packets.read_connack(b"\x01\x00" + bytes([len(properties)]) + properties, is_v5=True)
    assert (welcome.code, welcome.session_present, welcome.receive_maximum, welcome.keepalive_s) == (0, True, 20, 10)
    assert packets.read_connack(b"\x00\x05", is_v5=False).reason == "not authorised"
    assert packets.read_connack(b"\x00\x86\x00", is_v5=True).reason == "wrong user name or password"


def test_answers_name_what_they_answer() -> None:
    assert packets.read_suback(b"\x00\x07\x01\x80", is_v5=False) == (7, (1, 0x80))
    assert packets.read_suback(b"\x00\x07\x00\x01\x87", is_v5=True) == (7, (1, 0x87))
    assert packets.read_puback(b"\x00\x07") == (7, 0)
    assert packets.read_puback(b"\x00\x07\x97\x00") == (7, 0x97)
    assert "client_id" in packets.read_disconnect(b"\x8e\x00")
