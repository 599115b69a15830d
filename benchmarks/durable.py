"""What it costs that not even a power cut loses anything (`HUB_DURABLE=power`): the bus with and without waiting for
the disk, by the hub's own client, in batches as the intake makes them; and the MQTT listener, by one connection that
waits for the PUBACKs of so many messages before it sends as many more, beside a client that takes them."""

import asyncio
import socket
import statistics
import struct
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from benchmarks.line.packets import PUBLISH, Login, connected, packet, text
from benchmarks.part import Context, Details, Figure
from building.reading import Reading, ReadingBatch
from bus.client import Bus, BusSettings
from kit.supervision.nats import BUS_USER, MQTT_USER, NatsConfig, NatsServer, running_nats

READINGS_A_BATCH = 100
UNDER_WAY = 32
PUBACK_BYTES = 4
CONNECT_S = 30.0
TOPIC = "site/bench/device/METER-1/telemetry"
PAYLOAD = b'{"ts":1700000000000,"values":{"a":20.01,"b":20.02,"c":20.03,"d":20.04}}'
SYNC_INTERVALS = {"process": "1s", "power": "always"}


@dataclass(frozen=True)
class DurablePart:
    """For each setting: one batch after the other (time to its acknowledgement), `UNDER_WAY` at once, and as many
    messages at once through the listener."""

    name: str = "durable"
    words: str = "what HUB_DURABLE=power costs the bus, on this machine's disk"

    def measure(self, context: Context) -> Details:
        seconds = 2.0 if context.is_quick else 10.0
        details: Details = {"seconds": seconds, "readings_a_batch": READINGS_A_BATCH, "under_way": UNDER_WAY}
        for setting, sync_interval in SYNC_INTERVALS.items():
            context.say(f"the bus with HUB_DURABLE={setting}, {3 * seconds:.0f} s")
            details[setting] = asyncio.run(_measure(context, setting, sync_interval=sync_interval, seconds=seconds))
        return details

    def figures(self, details: Mapping[str, Any]) -> Sequence[Figure]:
        found = []
        for setting in SYNC_INTERVALS:
            measured = details[setting]
            found += [
                Figure(
                    name=f"durable.{setting}.readings_per_s", words="readings/s acknowledged, 32 batches under way",
                    column=setting, value=measured["readings_per_s"],
                ),
                Figure(
                    name=f"durable.{setting}.mqtt_messages_per_s", words="messages/s of one MQTT connection",
                    column=setting, value=measured["mqtt_messages_per_s"],
                ),
                Figure(
                    name=f"durable.{setting}.p50_ms", words="a lone batch's acknowledgement, p50", column=setting,
                    value=measured["p50_ms"], unit="ms",
                ),
                Figure(
                    name=f"durable.{setting}.p99_ms", words="a lone batch's acknowledgement, p99", column=setting,
                    value=measured["p99_ms"], unit="ms",
                ),
            ]  # fmt: skip
        return found


async def _measure(context: Context, setting: str, *, sync_interval: str, seconds: float) -> Details:
    config = NatsConfig(bus_password="bench", mqtt_password="bench", sync_interval=sync_interval)  # noqa: S106
    async with (
        running_nats(context.folder / f"durable-{setting}", config) as server,
        Bus(BusSettings(server.url, BUS_USER, config.bus_password)) as bus,
    ):
        alone_ms = await _alone(bus, seconds=seconds)
        batches = await _together(bus, seconds=seconds)
        messages = await asyncio.to_thread(_through_the_listener, server, seconds=seconds)
    cuts = statistics.quantiles(alone_ms, n=100)
    return {
        "readings_per_s": round(batches * READINGS_A_BATCH / seconds),
        "mqtt_messages_per_s": round(messages / seconds),
        "p50_ms": round(cuts[49], 3),
        "p99_ms": round(cuts[98], 3),
    }


async def _alone(bus: Bus, *, seconds: float) -> list[float]:
    """Milliseconds to each acknowledgement."""
    taken: list[float] = []
    until = time.monotonic() + seconds
    while (began := time.monotonic()) < until:
        await bus.publish(1, _batch(len(taken)))
        taken.append((time.monotonic() - began) * 1000)
    return taken


async def _together(bus: Bus, *, seconds: float) -> int:
    """How many batches were acknowledged in that time."""
    until, done = time.monotonic() + seconds, 0

    async def publish(partition: int) -> None:
        nonlocal done
        while time.monotonic() < until:
            await bus.publish(partition, _batch(done))
            done += 1

    await asyncio.gather(*(publish(number % 8) for number in range(UNDER_WAY)))
    return done


def _through_the_listener(server: NatsServer, *, seconds: float) -> int:
    """How many messages were acknowledged in that time."""
    password = server.config.mqtt_password
    taker = paho.Client(CallbackAPIVersion.VERSION2, client_id="taker", clean_session=False)
    taker.username_pw_set(MQTT_USER, password)
    is_listening = threading.Event()  # what nobody has subscribed to is not kept
    taker.on_connect = lambda client, *_: client.subscribe("site/#", qos=1)
    taker.on_subscribe = lambda *_: is_listening.set()
    taker.connect(server.mqtt_host, server.mqtt_port)
    taker.loop_start()
    try:
        if not is_listening.wait(CONNECT_S):
            raise TimeoutError("the listener did not answer a subscription")
        login = Login(server.mqtt_port, MQTT_USER, password, "bench", host=server.mqtt_host)
        with connected(login) as connection:
            return _acknowledged(connection, seconds=seconds)
    finally:
        taker.disconnect()
        taker.loop_stop()


def _acknowledged(connection: socket.socket, *, seconds: float) -> int:
    kind = PUBLISH | 0x02  # QoS 1
    window = b"".join(packet(kind, text(TOPIC) + struct.pack("!H", mid) + PAYLOAD) for mid in range(1, UNDER_WAY + 1))
    until, done = time.monotonic() + seconds, 0
    while time.monotonic() < until:
        connection.sendall(window)
        waiting = UNDER_WAY * PUBACK_BYTES
        while waiting:
            answer = connection.recv(waiting)
            if not answer:
                raise ConnectionError("the listener hung up")
            waiting -= len(answer)
        done += UNDER_WAY
    return done


def _batch(number: int) -> ReadingBatch:
    first_ms = 1_700_000_000_000 + number
    return ReadingBatch.of([Reading(point, first_ms, 20.0) for point in range(READINGS_A_BATCH)])
