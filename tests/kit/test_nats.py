"""The embedded nats-server: who may do what, what survives a kill, what a taken port says."""

import asyncio
import contextlib
import os
import signal
import socket
from pathlib import Path

import nats
import nats.errors
import pytest
from nats.js import JetStreamContext

from kit.supervision.nats import (
    BUS_USER,
    GARBAGE_PERCENT,
    MQTT_USER,
    MqttUser,
    NatsConfig,
    collector,
    config_path,
    hash_password,
    running_nats,
    subject_of_topic,
)
from kit.supervision.ports import PortTaken
from tests.conftest import LIVENESS_S, need
from tests.kit.mqtt_device import Device, until
from tests.small_disk import small_disk
from torture.disk import DiskError, failing_disk

LIFT = MqttUser("yunqi/LIFT-06", hash_password("lift"), publish=("site/yunqi/device/LIFT-06/telemetry",))
OTHER = MqttUser("yunqi/LIFT-07", hash_password("other"), publish=("site/yunqi/device/LIFT-07/telemetry",))
PANEL = MqttUser("panel", hash_password("panel"), subscribe=("site/yunqi/alarms",))


def config(**changes) -> NatsConfig:
    return NatsConfig(bus_password="bus", mqtt_password="mqtt", **changes)


async def test_a_device_publishes_its_own_topic_and_no_other(tmp_path: Path) -> None:
    async with running_nats(tmp_path, config(mqtt_users=[LIFT])) as server:
        hub = await Device(server, MQTT_USER, "mqtt").up()
        assert await hub.subscribe("site/+/device/+/telemetry") == 1
        lift = await Device(server, "yunqi/LIFT-06", "lift").up()
        await lift.publish("site/yunqi/device/LIFT-06/telemetry", b"mine")
        lift.client.publish("site/yunqi/device/LIFT-07/telemetry", b"forged", qos=0)
        await lift.publish("site/yunqi/device/LIFT-06/telemetry", b"after")
        await until(lambda: (("site/yunqi/device/LIFT-06/telemetry", b"after")) in hub.messages)
        assert [payload for _, payload in hub.messages] == [b"mine", b"after"]
        assert await lift.subscribe("site/yunqi/device/LIFT-07/telemetry") == 0x80
        lift.close()
        hub.close()


async def test_the_server_collects_its_garbage_early_unless_told_otherwise(tmp_path: Path) -> None:
    async with running_nats(tmp_path, config()) as server:
        environment = Path(f"/proc/{server.pid}/environ").read_bytes().split(b"\0")
        assert f"GOGC={GARBAGE_PERCENT}".encode() in environment
    assert collector({"GOGC": "100"}) == {"GOGC": "100"}


async def test_a_panel_hears_its_sites_alarms_and_nothing_else(tmp_path: Path) -> None:
    async with running_nats(tmp_path, config(mqtt_users=[PANEL])) as server:
        panel = await Device(server, "panel", "panel").up()
        assert await panel.subscribe("site/yunqi/alarms") == 1
        assert await panel.subscribe("site/+/device/+/telemetry") == 0x80
        hub = await Device(server, MQTT_USER, "mqtt").up()
        await hub.publish("site/yunqi/alarms", b"raised")
        await until(lambda: panel.messages == [("site/yunqi/alarms", b"raised")])
        panel.close()
        hub.close()


async def test_a_wrong_password_is_refused(tmp_path: Path) -> None:
    async with running_nats(tmp_path, config(mqtt_users=[LIFT])) as server:
        stranger = await Device(server, "yunqi/LIFT-06", "guess").up()
        assert stranger.refused is not None
        stranger.close()
        with pytest.raises(nats.errors.Error):
            await nats.connect(server.url, user=BUS_USER, password="guess", allow_reconnect=False)


async def test_new_users_are_let_in_and_removed_ones_put_out_while_the_others_stay(tmp_path: Path) -> None:
    async with running_nats(tmp_path, config(mqtt_users=[LIFT, OTHER])) as server:
        staying = await Device(server, "yunqi/LIFT-06", "lift").up()
        leaving = await Device(server, "yunqi/LIFT-07", "other").up()
        bus_lost = asyncio.Event()

        async def on_lost() -> None:
            bus_lost.set()

        bus = await nats.connect(server.url, user=BUS_USER, password="bus", disconnected_cb=on_lost)
        await server.set_mqtt_users([LIFT, PANEL])
        assert await asyncio.to_thread(leaving.lost.wait, LIVENESS_S)
        panel = await Device(server, "panel", "panel").up()
        assert panel.refused is None
        assert not staying.lost.is_set()
        assert not bus_lost.is_set()
        await bus.close()
        for device in (staying, leaving, panel):
            device.close()


async def test_a_killed_server_comes_back_with_every_acknowledged_message(tmp_path: Path) -> None:
    async with running_nats(tmp_path, config()) as server:
        bus = await nats.connect(
            server.url, user=BUS_USER, password="bus", reconnect_time_wait=0.1, max_reconnect_attempts=-1
        )
        stream = bus.jetstream()
        await stream.add_stream(name="KEPT", subjects=["kept"])
        for number in range(200):
            await stream.publish("kept", str(number).encode())
        hub = await Device(server, MQTT_USER, "mqtt", clean=False).up()
        await hub.subscribe("site/yunqi/alarms")
        os.kill(server.pid, signal.SIGKILL)
        await until(lambda: server.restarts == 1)
        await until(lambda: bus.is_connected)
        async with asyncio.timeout(LIVENESS_S):
            while True:
                try:
                    info = await stream.stream_info("KEPT")
                    break
                except (nats.errors.Error, TimeoutError):
                    await asyncio.sleep(0.1)
        assert info.state.messages == 200
        hub.connected.clear()
        assert await asyncio.to_thread(hub.connected.wait, LIVENESS_S) or hub.client.is_connected()
        hub.close()
        await bus.close()


async def test_a_taken_port_is_named_with_its_setting(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(PortTaken, match=rf"{port}.*HUB_MQTT_PORT"):
            async with running_nats(tmp_path, config(mqtt_port=port)):
                pass
        with pytest.raises(PortTaken, match=rf"{port}.*HUB_NATS_PORT"):
            async with running_nats(tmp_path, config(port=port)):
                pass


async def test_the_configuration_is_private_and_holds_no_plain_password(tmp_path: Path) -> None:
    async with running_nats(tmp_path, config(mqtt_users=[LIFT])):
        path = config_path(tmp_path)
        assert path.stat().st_mode & 0o077 == 0
        text = path.read_text()
        assert '"bus"' not in text
        assert '"mqtt"' not in text.replace('"mqtt": {', "")


@pytest.mark.parametrize(
    ("topic", "subject"),
    [
        ("site/yunqi/device/LIFT-06/telemetry", "site.yunqi.device.LIFT-06.telemetry"),
        ("site/+/device/#", "site.*.device.>"),
        ("zigbee2mqtt/0.1", "zigbee2mqtt.0//1"),
        ("/leading", "/.leading"),
        ("电梯/3栋", "电梯.3栋"),
    ],
)
def test_topics_become_the_subjects_the_server_uses(topic: str, subject: str) -> None:
    assert subject_of_topic(topic) == subject


async def test_a_folder_may_be_named_from_where_the_hub_was_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    config = NatsConfig(bus_password="bus", mqtt_password="mqtt")
    async with running_nats(Path("var/nats"), config) as server:
        assert server.config.port
    assert (tmp_path / "var" / "nats" / "nats-server.conf").exists()


async def test_a_full_disk_refuses_and_room_on_it_is_enough_to_go_on(tmp_path: Path) -> None:
    with small_disk(tmp_path / "small", megabytes=24) as disk:
        async with running_nats(disk.folder / "nats", config()) as server:
            client = await nats.connect(
                server.url, user=BUS_USER, password="bus", max_reconnect_attempts=-1, reconnect_time_wait=0.2,
                error_cb=ignored,
            )  # fmt: skip
            stream = client.jetstream(timeout=2)
            await stream.add_stream(name="FULL", subjects=["full"])
            acknowledged = await published_until_refused(stream)
            disk.grow(megabytes=96)
            last = await published_at_last(stream)
            assert server.restarts >= 1
            assert last > acknowledged, "nothing acknowledged is gone"
            assert (await stream.stream_info("FULL")).state.messages > acknowledged
            await client.close()


async def test_a_broken_disk_refuses_and_one_that_works_again_is_enough_to_go_on(tmp_path: Path) -> None:
    need("strace", package="strace")
    async with running_nats(tmp_path / "nats", config()) as server:
        client = await nats.connect(
            server.url, user=BUS_USER, password="bus", max_reconnect_attempts=-1, reconnect_time_wait=0.2,
            error_cb=ignored,
        )  # fmt: skip
        stream = client.jetstream(timeout=2)
        await stream.add_stream(name="FULL", subjects=["full"])
        acknowledged = (await stream.publish("full", b"before")).seq
        async with failing_disk(lambda: [server.pid], DiskError.EIO):
            with pytest.raises((nats.errors.Error, TimeoutError)):
                await stream.publish("full", b"refused")
            await until(lambda: server.is_failing)
        last = await published_at_last(stream)
        assert server.restarts >= 1
        assert last > acknowledged
        assert (await stream.get_msg("FULL", acknowledged)).data == b"before"
        await client.close()


async def published_at_last(stream: JetStreamContext) -> int:
    async with asyncio.timeout(LIVENESS_S * 2):
        while True:
            with contextlib.suppress(nats.errors.Error, TimeoutError):
                return (await stream.publish("full", b"room again")).seq


async def published_until_refused(stream: JetStreamContext) -> int:
    """The sequence of the last message that the server acknowledged."""
    last = 0
    async with asyncio.timeout(LIVENESS_S * 2):
        while True:
            try:
                last = (await stream.publish("full", os.urandom(200_000))).seq
            except (nats.errors.Error, TimeoutError):
                return last


async def ignored(error: Exception) -> None:
    """The connection is cut by the restart: that is the point."""
