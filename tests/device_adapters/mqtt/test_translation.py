"""Messages of every dialect, recorded and hostile, through the shipped profiles."""

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from building.quality import Quality
from catalog.directory import EquipmentEntry, LiveDirectory
from device_adapters.mqtt.message import Message
from device_adapters.mqtt.payload import MAX_PAYLOAD_BYTES
from device_adapters.mqtt.routing import Router, Share
from device_adapters.mqtt.translation import Translation, Translator
from device_adapters.values import Reason
from tests.device_adapters.directories import PROFILES, directory, equipment

FIXTURES = Path(__file__).parents[2] / "fixtures" / "mqtt"
NOW = 1_763_791_200_000
TS = NOW - 5_000

LIFT = equipment("gb24476-elevator", "LIFT-06", first_point=1)
SMOKE = equipment("nbiot-smoke", "SMOKE-001", first_point=100)
METER = equipment("nbiot-water-meter", "WM-0001", first_point=200)
ZIGBEE = equipment("zigbee2mqtt-sensor", "0x00158d00018255df", first_point=300)
PLUG = equipment("tasmota-plug", "lobby-plug", first_point=400)
PLUG_IN_ZONE = equipment("tasmota-plug", "zoned-plug", first_point=500, address={"time_zone": "Asia/Shanghai"})
SHELLY = equipment("shelly-gen2-switch", "shellypro4pm-f008d1d8b8b8", first_point=600)
BEHIND_GATEWAY = equipment("thingsboard-gateway-sensor", "A", first_point=700)
EVERYTHING = (LIFT, SMOKE, METER, ZIGBEE, PLUG, PLUG_IN_ZONE, SHELLY, BEHIND_GATEWAY)
TELEMETRY = "site/yunqi/device/LIFT-06/telemetry"


def translator(*entries: EquipmentEntry, **router: Any) -> Translator:
    live = LiveDirectory(directory(*(entries or EVERYTHING)))
    return Translator(Router(live, PROFILES, broker="embedded", **router), broker="embedded")


def translate(topic: str, payload: Any, *, share: Share = Share.ALL, retained: bool = False) -> Translation:
    raw = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    return translator().translate(Message(topic, raw, retained), share=share, now_ms=NOW)


def recorded(name: str) -> bytes:
    return (FIXTURES / name).read_bytes()


def values(result: Translation) -> Mapping[str, float]:
    """point key → value of everything that was read."""
    found: dict[str, float] = {}
    for entry, readings in result.entries:
        keys = {point.point_no: key for key, point in entry.points.items()}
        found |= {keys[reading.point_no]: reading.value for reading in readings}
    return found


def times(result: Translation) -> set[int]:
    return {reading.ts_ms for _, readings in result.entries for reading in readings}


def reasons(result: Translation) -> list[Reason]:
    return [refusal.reason for refusal in result.refusals]


# --- native -------------------------------------------------------------------------------------------------------


def test_a_native_message_becomes_readings_at_its_own_time() -> None:
    result = translate(TELEMETRY, {"ts": TS, "values": {"floor": 12, "running": True, "direction": "up"}})
    assert values(result) == {"floor": 12.0, "running": 1.0, "direction": 1.0}
    assert times(result) == {TS}
    assert result.links == [(LIFT, True)]
    assert result.refusals == []


def test_without_a_time_it_is_the_hubs() -> None:
    assert times(translate(TELEMETRY, {"values": {"floor": 0}})) == {NOW}


def test_a_list_is_several_samples() -> None:
    result = translate(TELEMETRY, [{"ts": TS, "values": {"floor": 1}}, {"ts": TS + 1, "values": {"floor": 2}}])
    assert [reading.value for _, readings in result.entries for reading in readings] == [1.0, 2.0]
    assert times(result) == {TS, TS + 1}


@pytest.mark.parametrize(("word", "up"), [(b"online", True), (b"offline", False), (b'{"status": "offline"}', False)])
def test_the_last_will_is_the_link(word: bytes, up: bool) -> None:
    assert translate("site/yunqi/device/LIFT-06/status", word, retained=True).links == [(LIFT, up)]


def test_a_strange_status_word_is_refused() -> None:
    result = translate("site/yunqi/device/LIFT-06/status", b"sleeping")
    assert reasons(result) == [Reason.BAD_VALUE]
    assert result.links == []


# --- the other dialects, recorded -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("zigbee2mqtt-climate.json", {"temperature_c": 27.34, "humidity_pct": 44.72}),
        ("zigbee2mqtt-button.json", {"action": 1.0}),
        ("zigbee2mqtt-motion.json", {"occupancy": 1.0}),
        ("zigbee2mqtt-lamp.json", {"state": 1.0, "brightness": 215.0, "color_temp_mired": 325.0}),
    ],
)
def test_zigbee2mqtt(name: str, expected: dict[str, float]) -> None:
    result = translate("zigbee2mqtt/0x00158d00018255df", recorded(name))
    assert values(result) == expected
    assert times(result) == {NOW}
    assert result.refusals == []


@pytest.mark.parametrize("payload", [b"offline", b'{"state":"offline"}'])
def test_zigbee2mqtt_availability_and_bridge(payload: bytes) -> None:
    assert translate("zigbee2mqtt/0x00158d00018255df/availability", payload).links == [(ZIGBEE, False)]
    assert translate("zigbee2mqtt/bridge/state", payload).links == [(ZIGBEE, False)]


def test_a_bridge_that_is_back_does_not_vouch_for_its_devices() -> None:
    result = translate("zigbee2mqtt/bridge/state", b"online")
    assert result.links == []
    assert result.refusals == []


def test_tasmota_without_a_known_zone_takes_the_hubs_time() -> None:
    result = translate("tele/lobby-plug/SENSOR", recorded("tasmota-sensor.json"))
    assert values(result) == {
        "power_w": 5.0, "apparent_power_va": 5.0, "reactive_power_var": 0.0, "power_factor": 1.0, "voltage_v": 233.0,
        "current_a": 0.021, "energy_kwh": 3.705,
    }  # fmt: skip
    assert times(result) == {NOW}


def test_tasmota_with_a_zone_in_its_address_takes_its_own_time() -> None:
    result = translate("tele/zoned-plug/SENSOR", recorded("tasmota-sensor.json"))
    assert times(result) == {1641909458000}  # 2022-01-11 21:57:38 at UTC+8


def test_tasmota_switch_and_last_will() -> None:
    assert values(translate("stat/lobby-plug/RESULT", recorded("tasmota-result.json"))) == {"power": 1.0}
    assert translate("tele/lobby-plug/LWT", b"Offline", retained=True).links == [(PLUG, False)]


def test_shelly_notification_is_a_partial_overlay() -> None:
    topic = "shellypro4pm-f008d1d8b8b8/events/rpc"
    result = translate(topic, recorded("shelly-notify-status.json"))
    assert values(result) == {"output": 1.0}
    assert times(result) == {1631186545040}
    gone = translate(topic, {"method": "NotifyStatus", "params": {"ts": 1631186545.04, "switch:0": {"apower": None}}})
    [(_, [reading])] = gone.entries
    assert reading.quality is Quality.UNKNOWN
    assert math.isnan(reading.value)


def test_other_shelly_notifications_are_left_alone() -> None:
    result = translate(
        "shellypro4pm-f008d1d8b8b8/events/rpc", {"method": "NotifyEvent", "params": {"ts": 1.0, "events": []}}
    )
    assert result.entries == []
    assert result.refusals == []
    assert translate("shellypro4pm-f008d1d8b8b8/online", b"false").links == [(SHELLY, False)]


def test_thingsboard_gateway_names_its_devices_in_the_payload() -> None:
    result = translate("v1/gateway/telemetry", recorded("thingsboard-gateway-telemetry.json"))
    assert values(result) == {"temperature_c": 18.5}
    assert times(result) == {1714112445000}
    assert translate("v1/gateway/connect", recorded("thingsboard-gateway-connect.json")).links == [
        (BEHIND_GATEWAY, True)
    ]
    assert translate("v1/gateway/disconnect", {"device": "A"}).links == [(BEHIND_GATEWAY, False)]
    assert values(translate("v1/gateway/attributes", {"A": {"temp": 0}})) == {"temperature_c": 0.0}


def test_one_unknown_device_behind_a_gateway_does_not_hide_the_others() -> None:
    result = translate(
        "v1/gateway/telemetry", {"B": [{"ts": TS, "values": {"temp": 1}}], "A": [{"ts": TS, "values": {"temp": 2}}]}
    )
    assert values(result) == {"temperature_c": 2.0}
    assert [unknown.external_id for unknown in result.unknown] == ["B"]


# --- unknown and refused ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("topic", "site", "device"),
    [
        ("site/yunqi/device/LIFT-99/telemetry", "yunqi", "LIFT-99"),
        ("site/elsewhere/device/LIFT-06/telemetry", "elsewhere", "LIFT-06"),
        ("site/yunqi/device/LIFT-99/status", "yunqi", "LIFT-99"),
        ("zigbee2mqtt/hall", "", "hall"),
    ],
)
def test_an_unknown_device_is_noted_with_its_payload(topic: str, site: str, device: str) -> None:
    payload = b"online" if topic.endswith("status") else b'{"values": {"floor": 1}}'
    [unknown] = translate(topic, payload).unknown
    assert (unknown.site_code, unknown.external_id, unknown.payload) == (site, device, payload)


def test_a_foreign_topic_is_nobodys() -> None:
    result = translate("homeassistant/status", b"online")
    assert result == Translation(is_foreign=True)


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"", Reason.NOT_JSON),
        (b"\x00\xff", Reason.NOT_JSON),
        (b'"\xff"', Reason.NOT_JSON),
        (b'{"values": {"floor": 1}', Reason.NOT_JSON),
        (b"[" * 100_000, Reason.TOO_DEEP),
        (b'{"a":' * 50_000, Reason.TOO_DEEP),
        (b" " * (MAX_PAYLOAD_BYTES + 1), Reason.TOO_LARGE),
        (b"7", Reason.BAD_SHAPE),
        (b"{}", Reason.BAD_SHAPE),
        (b'{"values": [1]}', Reason.BAD_SHAPE),
        (b'[{"values": 3}]', Reason.BAD_SHAPE),
        (b'{"values": {"floor": NaN}}', Reason.NOT_A_NUMBER),
        (b'{"values": {"floor": 1e999}}', Reason.NOT_A_NUMBER),
        (b'{"values": {"floor": "high"}}', Reason.BAD_VALUE),
        (b'{"values": {"floor": {"deep": {}}}}', Reason.BAD_VALUE),
        (b'{"ts": "yesterday", "values": {"floor": 1}}', Reason.BAD_TIME),
        (b'{"ts": NaN, "values": {"floor": 1}}', Reason.BAD_TIME),
        (b'{"ts": 1714112445, "values": {"floor": 1}}', Reason.BAD_TIME),
        (b'{"ts": true, "values": {"floor": 1}}', Reason.BAD_TIME),
        (b'{"ts": 1e300, "values": {"floor": 1}}', Reason.BAD_TIME),
        (b'{"values": {"flor": 1}}', Reason.UNKNOWN_POINT),
    ],
)
def test_hostile_payloads_are_refused_with_the_reason_and_leave_no_reading(payload: bytes, reason: Reason) -> None:
    result = translate(TELEMETRY, payload)
    assert reasons(result) == [reason]
    assert result.entries == []
    assert result.entry == LIFT, "whose site's people see it among their dead letters"


def test_a_status_nobody_understands_is_still_that_devices() -> None:
    result = translate("site/yunqi/device/LIFT-06/status", b"perhaps")
    assert reasons(result) == [Reason.BAD_VALUE]
    assert result.entry == LIFT


def test_a_bad_part_does_not_take_the_good_with_it() -> None:
    payload = b'{"values": {"floor": NaN, "running": "maybe", "nonsense": 1, "passenger_trapped": 1, "run_count": 7}}'
    result = translate(TELEMETRY, payload)
    assert values(result) == {"passenger_trapped": 1.0, "run_count": 7.0}
    assert sorted(reasons(result)) == [Reason.BAD_VALUE, Reason.NOT_A_NUMBER, Reason.UNKNOWN_POINT]
    assert any("nonsense" in refusal.detail for refusal in result.refusals)


def test_a_wrong_time_refuses_ordinary_points_and_never_life_safety() -> None:
    payload = {"ts": "??", "values": {"floor": 3, "passenger_trapped": True}}
    result = translate(TELEMETRY, payload)
    assert values(result) == {"passenger_trapped": 1.0}
    assert times(result) == {NOW}
    assert reasons(result) == [Reason.BAD_TIME]


def test_a_retained_value_without_a_time_is_not_taken_for_a_new_one() -> None:
    result = translate(TELEMETRY, {"values": {"floor": 3, "passenger_trapped": 1}}, retained=True)
    assert values(result) == {"passenger_trapped": 1.0}
    assert result.links == []
    assert values(translate(TELEMETRY, {"ts": TS, "values": {"floor": 3}}, retained=True)) == {"floor": 3.0}


# --- two lines --------------------------------------------------------------------------------------------------------


def test_each_point_belongs_to_one_of_the_two_lines() -> None:
    payload = {"ts": TS, "values": {"floor": 3, "passenger_trapped": 1, "nonsense": 1}}
    ordinary = translate(TELEMETRY, payload, share=Share.ORDINARY)
    urgent = translate(TELEMETRY, payload, share=Share.LIFE_SAFETY)
    assert values(ordinary) == {"floor": 3.0}
    assert values(urgent) == {"passenger_trapped": 1.0}
    assert reasons(ordinary) == [Reason.UNKNOWN_POINT]
    assert urgent.refusals == []
    assert urgent.links == []


@pytest.mark.parametrize(
    ("topic", "payload"),
    [
        (TELEMETRY, b"not json"),
        ("site/yunqi/device/NEW/telemetry", b"{}"),
        ("site/yunqi/device/LIFT-06/status", b"strange"),
        (TELEMETRY, b" " * (MAX_PAYLOAD_BYTES + 1)),
    ],
)
def test_what_both_lines_see_is_told_once(topic: str, payload: bytes) -> None:
    told = translate(topic, payload, share=Share.ORDINARY)
    assert len(told.refusals) + len(told.unknown) == 1
    assert translate(topic, payload, share=Share.LIFE_SAFETY) == Translation(
        entry=told.entry if topic == TELEMETRY and len(payload) < 100 else None
    )


def test_a_bad_life_safety_value_is_told_by_its_own_line() -> None:
    payload = {"values": {"smoke": "perhaps"}}
    topic = "site/yunqi/device/SMOKE-001/telemetry"
    assert reasons(translate(topic, payload, share=Share.LIFE_SAFETY)) == [Reason.BAD_VALUE]
    assert reasons(translate(topic, payload, share=Share.ORDINARY)) == []


# --- brokers ----------------------------------------------------------------------------------------------------------


def test_a_broker_of_one_site_knows_only_its_devices() -> None:
    other = equipment("zigbee2mqtt-sensor", "0x00158d00018255df", first_point=900, site_code="other")
    both = (ZIGBEE, other)
    message = Message("zigbee2mqtt/0x00158d00018255df", recorded("zigbee2mqtt-motion.json"), retained=False)
    for site_code, expected in (("yunqi", ZIGBEE), ("other", other)):
        result = translator(*both, site_code=site_code).translate(message, share=Share.ALL, now_ms=NOW)
        assert [entry for entry, _ in result.entries] == [expected]


def test_a_device_of_another_broker_is_unknown_here() -> None:
    elsewhere = equipment("gb24476-elevator", "LIFT-06", address={"broker": "north"})
    message = Message(TELEMETRY, b'{"values": {"floor": 1}}', retained=False)
    result = translator(elsewhere).translate(message, share=Share.ALL, now_ms=NOW)
    assert result.entries == []
    assert len(result.unknown) == 1


def test_a_new_directory_is_followed_at_once() -> None:
    live = LiveDirectory(directory())
    reading = Translator(Router(live, PROFILES, broker="embedded"), broker="embedded")
    message = Message(TELEMETRY, b'{"values": {"floor": 1}}', retained=False)
    assert len(reading.translate(message, share=Share.ALL, now_ms=NOW).unknown) == 1
    live.replace(directory(LIFT, version=2))
    assert values(reading.translate(message, share=Share.ALL, now_ms=NOW)) == {"floor": 1.0}


def test_life_safety_listens_only_where_life_safety_may_come() -> None:
    live = LiveDirectory(directory(*EVERYTHING))
    by_topic = Router(live, PROFILES, broker="embedded", life_safety_topics=2)
    assert set(by_topic.life_safety_filters()) == {TELEMETRY, "site/yunqi/device/SMOKE-001/telemetry"}
    by_wildcard = Router(live, PROFILES, broker="embedded", life_safety_topics=1)
    assert set(by_wildcard.life_safety_filters()) == {"site/+/device/+/telemetry"}
    assert set(by_wildcard.life_safety_filters()) < set(by_wildcard.filters())


def test_a_catalog_that_changes_elsewhere_leaves_the_life_safety_filters_as_they_are() -> None:
    live = LiveDirectory(directory(LIFT, METER))
    router = Router(live, PROFILES, broker="embedded", life_safety_topics=5)
    before = router.life_safety_filters()
    live.replace(directory(LIFT, METER, PLUG, version=2))
    assert router.life_safety_filters() is before
    live.replace(directory(LIFT, SMOKE, version=3))
    assert set(router.life_safety_filters()) > set(before)


def test_many_sessions_share_the_topics_and_each_keeps_its_own() -> None:
    detectors = [equipment("nbiot-smoke", f"SMOKE-{n:03}", first_point=1000 + 20 * n) for n in range(300)]
    live = LiveDirectory(directory(*detectors))
    router = Router(live, PROFILES, broker="embedded", life_safety_topics=50, life_safety_sessions=10)
    shares = [router.life_safety_filters(session) for session in range(10)]
    assert sum(map(len, shares)) == 300
    assert all(0 < len(share) <= 50 for share in shares)
    live.replace(directory(*detectors[1:], version=2))
    left = [router.life_safety_filters(session) for session in range(10)]
    assert sum(new is not old for new, old in zip(left, shares, strict=True)) == 1


def test_sessions_take_topics_until_all_are_full_and_only_then_the_wildcard_is_heard() -> None:
    detectors = [equipment("nbiot-smoke", f"SMOKE-{n:03}", first_point=1000 + 20 * n) for n in range(501)]
    live = LiveDirectory(directory(*detectors[:500]))
    router = Router(live, PROFILES, broker="embedded", life_safety_topics=50, life_safety_sessions=10)
    assert [len(router.life_safety_filters(session)) for session in range(10)] == [50] * 10
    live.replace(directory(*detectors, version=2))
    assert [len(router.life_safety_filters(session)) for session in range(10)] == [1] + [0] * 9


def test_a_name_that_would_change_a_filter_is_heard_by_the_wildcard() -> None:
    odd = equipment("nbiot-smoke", "SMOKE-9", first_point=900, external_id="SMOKE+9")
    router = Router(LiveDirectory(directory(odd)), PROFILES, broker="embedded", life_safety_topics=5)
    assert set(router.life_safety_filters()) == {"site/+/device/+/telemetry"}


@given(st.binary(max_size=200), st.sampled_from(["LIFT-06/telemetry", "LIFT-06/status", "SMOKE-001/telemetry"]))
def test_no_bytes_do_anything_but_be_read_or_refused(payload: bytes, rest: str) -> None:
    for share in Share:
        result = translate(f"site/yunqi/device/{rest}", payload, share=share)
        assert all(math.isfinite(r.value) for _, readings in result.entries for r in readings if r.quality.has_value)
