"""The short way says what the general way says, or leaves the message alone."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from building.reading import Reading
from catalog.directory import LiveDirectory
from device_adapters.intake import Flush
from device_adapters.mqtt.lanes import NumbersLane, SilentLane, lane_of
from device_adapters.mqtt.message import Message
from device_adapters.mqtt.payload import MAX_PAYLOAD_BYTES
from device_adapters.mqtt.routing import Router, Share
from device_adapters.mqtt.translation import Translator
from tests.device_adapters.directories import PROFILES, directory, equipment

NOW = 1_763_791_200_000
LIFT = equipment("gb24476-elevator", "LIFT-06", first_point=1)
SMOKE = equipment("nbiot-smoke", "SMOKE-001", first_point=100)
METER = equipment("nbiot-water-meter", "WM-0001", first_point=200, partition=5)
PLUG = equipment("tasmota-plug", "lobby-plug", first_point=400)
ROUTER = Router(LiveDirectory(directory(LIFT, SMOKE, METER, PLUG)), PROFILES, broker="embedded")
TOPIC = "site/yunqi/device/{}/telemetry"

numbers = st.one_of(st.integers(-(2**70), 2**70), st.floats(allow_nan=False, allow_infinity=False), st.booleans())
anything = st.one_of(numbers, st.none(), st.text(max_size=5), st.sampled_from(["up", "12.5", "alarm", [], {}]))
keys = st.sampled_from(["floor", "running", "passenger_trapped", "direction", "volume_m3", "flow_l_h", "smoke", "odd"])
times = st.one_of(st.integers(NOW - 10**6, NOW + 10**6), st.none(), st.booleans(), st.integers(0, 10), st.floats())


def short(topic: str, payload: bytes, share: Share) -> list[tuple[int, list[Reading]]] | None:
    """What the lane of a topic makes of a message, by partition; None when it leaves it to the general way."""
    lane = lane_of(ROUTER.routes(topic), share)
    assert lane is not None
    flush = Flush(life_safety=False)
    if not lane.read(payload, flush, NOW):
        assert flush.count == 0
        return None
    return [(partition, list(batch)) for partition, batch in flush.batches()]


def general(topic: str, payload: bytes, share: Share) -> list[tuple[int, list[Reading]]]:
    message = Message(topic, payload, retained=False)
    result = Translator(ROUTER, broker="embedded").translate(message, share=share, now_ms=NOW)
    assert result.refusals == []
    assert result.unknown == []
    return [(entry.partition, readings) for entry, readings in result.entries]


@given(
    st.sampled_from([LIFT, METER, SMOKE]),
    st.dictionaries(keys, anything, max_size=5),
    times,
    st.sampled_from([Share.ORDINARY, Share.ALL, Share.LIFE_SAFETY]),
)
async def test_both_ways_say_the_same(device: Any, values: dict[str, Any], ts: Any, share: Share) -> None:
    topic, payload = TOPIC.format(device.code), json.dumps({"ts": ts, "values": values}).encode()
    found = short(topic, payload, share)
    if found is not None:
        assert found == general(topic, payload, share)


@given(st.dictionaries(st.sampled_from(["volume_m3", "flow_l_h", "battery_pct"]), numbers, min_size=1))
async def test_numbers_of_known_points_take_the_short_way(values: dict[str, Any]) -> None:
    payload = json.dumps({"ts": NOW, "values": values}).encode()
    assert short(TOPIC.format("WM-0001"), payload, Share.ORDINARY) == general(
        TOPIC.format("WM-0001"), payload, Share.ORDINARY
    )


@given(st.binary(max_size=200))
async def test_no_bytes_do_anything_but_take_the_general_way(payload: bytes) -> None:
    found = short(TOPIC.format("WM-0001"), payload, Share.ORDINARY)
    assert found in (None, [])


@pytest.mark.parametrize(
    "payload",
    [
        b'{"values": {"volume_m3": "12"}}',
        b'{"values": {"volume_m3": null}}',
        b'{"values": {"volume_m3": 1, "nonsense": 2}}',
        b'{"ts": 1714112445, "values": {"volume_m3": 1}}',
        b'[{"values": {"volume_m3": 1}}]',
        b'{"values": {"volume_m3": 1}}' + b" " * MAX_PAYLOAD_BYTES,
    ],
)
async def test_whatever_is_unusual_is_left_alone(payload: bytes) -> None:
    assert short(TOPIC.format("WM-0001"), payload, Share.ORDINARY) is None


async def test_columns_stay_equally_long_over_many_messages_and_shapes() -> None:
    lane = lane_of(ROUTER.routes(TOPIC.format("WM-0001")), Share.ORDINARY)
    assert isinstance(lane, NumbersLane)
    flush = Flush(life_safety=False)
    for number in range(100):
        values = {"volume_m3": number, "flow_l_h": 1.5} if number % 2 else {"flow_l_h": number}
        assert lane.read(json.dumps({"ts": NOW + number, "values": values}).encode(), flush, NOW)
    [(partition, batch)] = flush.batches()
    assert partition == 5
    assert len(batch) == len(batch.ts_ms) == len(batch.quality) == len(batch.value) == 150
    volume, flow = METER.points["volume_m3"].point_no, METER.points["flow_l_h"].point_no
    assert list(batch)[:3] == [Reading(flow, NOW, 0.0), Reading(volume, NOW + 1, 1.0), Reading(flow, NOW + 1, 1.5)]


async def test_the_life_safety_line_passes_over_devices_that_have_no_such_point() -> None:
    assert isinstance(lane_of(ROUTER.routes(TOPIC.format("WM-0001")), Share.LIFE_SAFETY), SilentLane)
    assert short(TOPIC.format("SMOKE-001"), b'{"values": {"smoke": 1}}', Share.LIFE_SAFETY) is None


def test_a_stranger_has_no_lane() -> None:
    assert lane_of(ROUTER.routes(TOPIC.format("NEW")), Share.ORDINARY) is None
    assert lane_of(ROUTER.routes("nobody/knows"), Share.ORDINARY) is None
