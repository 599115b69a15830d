"""Packets by hand must be MQTT as everybody reads it."""

import json

import numpy as np

from benchmarks.line.listener import whole_packets
from benchmarks.line.packets import PacketBook, remaining_length
from benchmarks.line.workload import POINTS, Fleet, hundredths, is_above

TS_MS = 1_795_337_431_000


def test_a_message_says_which_device_when_and_four_values() -> None:
    fleet = Fleet(16)
    numbers = np.arange(14, 18, dtype=np.int64)
    values = hundredths(numbers, is_above(numbers, until=0))
    raw = bytearray(PacketBook(fleet).encode(numbers, ts_ms=TS_MS, values=values))
    found = list(whole_packets(raw))
    assert [mid for mid, _ in found] == [15, 16, 17, 18]
    for (_, payload), row in zip(found, values, strict=True):
        assert json.loads(payload) == {"ts": TS_MS, "values": dict(zip(POINTS, row / 100, strict=True))}
        assert 110 <= len(payload) <= 130


def test_message_ids_never_become_zero() -> None:
    numbers = np.array([65_533, 65_534, 65_535, 131_069, 131_070], np.int64)
    raw = PacketBook(Fleet(8)).encode(numbers, ts_ms=TS_MS, values=np.full((5, 4), 1_234, np.int64))
    assert [mid for mid, _ in whole_packets(bytearray(raw))] == [65_534, 65_535, 1, 65_535, 1]


def test_a_packet_that_is_not_whole_waits_for_the_rest() -> None:
    raw = PacketBook(Fleet(8)).encode(np.arange(2), ts_ms=TS_MS, values=np.full((2, 4), 1_234, np.int64))
    buffer = bytearray()
    seen = 0
    for byte in raw:
        buffer.append(byte)
        seen += len(list(whole_packets(buffer)))
    assert (seen, len(buffer)) == (2, 0)


def test_the_remaining_length_is_what_the_standard_gives_as_examples() -> None:
    # MQTT 3.1.1, table 2.4
    assert remaining_length(127) == b"\x7f"
    assert remaining_length(128) == b"\x80\x01"
    assert remaining_length(16_383) == b"\xff\x7f"
    assert remaining_length(16_384) == b"\x80\x80\x01"
