"""How many messages a second pass from MQTT to the bus, and what they cost. Not a test: run it by hand.

    python -m tests.device_adapters.mqtt.bench [--qos 1] [--messages 100000] [--rate 0] [--profile]

Publisher and nats-server share the machine with the adapter; "CPU" is the adapter's alone. Every message holds four
readings; one device in ten is a smoke detector, whose messages hold one life-safety reading more.
"""

import argparse
import asyncio
import cProfile
import json
import multiprocessing
import pstats
import socket
import struct
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from unittest import mock

import uvloop
from prometheus_client import CollectorRegistry

from bus.client import Bus, BusSettings
from catalog.directory import EquipmentEntry, LiveDirectory
from device_adapters.intake import Intake
from device_adapters.links import LinkBook
from device_adapters.mqtt.adapter import MqttAdapter
from device_adapters.mqtt.broker import Broker
from device_adapters.mqtt.metrics import MqttMetrics
from device_adapters.refusals import RefusalLine
from kit.clock import SystemClock
from kit.supervision.nats import BUS_USER, MQTT_USER, NatsConfig, running_nats
from tests.device_adapters.directories import PROFILES, directory, equipment

DEVICES = 500
PARTITIONS = 12


def fleet() -> list[EquipmentEntry]:
    kinds = ["nbiot-smoke", "gb24476-elevator"] + ["nbiot-water-meter"] * 8
    return [
        equipment(kinds[n % 10], f"DEV-{n:03}", first_point=n * 20 + 1, partition=n % PARTITIONS)
        for n in range(DEVICES)
    ]


def packets(messages: int, qos: int) -> list[bytes]:
    """PUBLISH packets, made beforehand: the publisher shall cost little."""
    found = []
    for number in range(messages):
        device = number % DEVICES
        values: dict[str, Any] = {"volume_m3": number / 100, "flow_l_h": 12, "battery_pct": 98, "valve_open": True}
        if device % 10 == 0:
            values = {"smoke": 0, "smoke_level": 0.01, "temperature_c": 21.5, "battery_pct": 98, "signal_dbm": -80}
        elif device % 10 == 1:
            values = {"floor": number % 30, "running": True, "door_closed": 1, "run_count": number}
        topic = f"site/yunqi/device/DEV-{device:03}/telemetry".encode()
        body = struct.pack("!H", len(topic)) + topic
        if qos:
            body += struct.pack("!H", number % 65_000 + 1)
        body += json.dumps({"ts": 1_763_791_200_000 + number, "values": values}).encode()
        found.append(bytes([0x30 | qos << 1]) + _length(len(body)) + body)
    return found


def publish(host: str, port: int, *, messages: int, qos: int, rate: int, start: Any) -> None:
    ready = packets(messages, qos)
    sock = socket.create_connection((host, port))
    user, password = MQTT_USER.encode(), b"mqtt"
    body = b"\x00\x04MQTT\x04\xc2\x00\x00\x00\x03pub"
    body += struct.pack("!H", len(user)) + user + struct.pack("!H", len(password)) + password
    sock.sendall(b"\x10" + _length(len(body)) + body)
    sock.recv(4)
    sock.setblocking(True)
    start.wait()
    began, sent = time.monotonic(), 0
    while sent < messages:
        step = 100 if rate == 0 else max(1, rate // 200)
        sock.sendall(b"".join(ready[sent : sent + step]))
        sent += step
        if qos:
            _drain(sock)
        if rate:
            time.sleep(max(0.0, began + sent / rate - time.monotonic()))
    time.sleep(60)


def _drain(sock: socket.socket) -> None:
    sock.setblocking(False)
    try:
        while sock.recv(65536):
            pass
    except BlockingIOError:
        pass
    sock.setblocking(True)


def _length(size: int) -> bytes:
    encoded = b""
    while True:
        size, byte = divmod(size, 128)
        encoded += bytes([byte | (0x80 if size else 0)])
        if not size:
            return encoded


async def measure(arguments: argparse.Namespace) -> None:
    with tempfile.TemporaryDirectory() as home:
        config = NatsConfig(bus_password="bus", mqtt_password="mqtt")
        async with (
            running_nats(Path(home), config) as server,
            Bus(BusSettings(server.url, BUS_USER, "bus")) as bus,
        ):
            await _run(arguments, bus, Broker(
                name="embedded", host=server.mqtt_host, port=server.mqtt_port, username=MQTT_USER, password="mqtt"
            ))  # fmt: skip


async def _run(arguments: argparse.Namespace, bus: Bus, broker: Broker) -> None:
    registry, clock, links = CollectorRegistry(), SystemClock(), LinkBook(on_link=_ignore, clock=SystemClock())
    refusals = mock.create_autospec(RefusalLine)
    async with Intake(bus, refusals, registry=registry) as intake:
        adapter = MqttAdapter(
            broker, directory=LiveDirectory(directory(*fleet())), profiles=PROFILES, intake=intake, links=links,
            clock=clock, metrics=MqttMetrics(registry),
        )  # fmt: skip
        running = asyncio.create_task(adapter.run())
        start = multiprocessing.Event()
        publisher = multiprocessing.Process(
            target=publish, args=(broker.host, broker.port), daemon=True,
            kwargs={"messages": arguments.messages, "qos": arguments.qos, "rate": arguments.rate, "start": start},
        )  # fmt: skip
        publisher.start()
        await asyncio.sleep(3)
        profiler = cProfile.Profile() if arguments.profile else None
        if profiler:
            profiler.enable()
        began, cpu = time.monotonic(), time.process_time()
        start.set()
        wanted = arguments.messages * 4 + arguments.messages // 10
        while _accepted(registry) < wanted and time.monotonic() - began < 120:
            await asyncio.sleep(0.02)
        took, cpu = time.monotonic() - began, time.process_time() - cpu
        if profiler:
            profiler.disable()
            pstats.Stats(profiler).sort_stats("tottime").print_stats(25)
        batches = registry.get_sample_value("hub_intake_batch_readings_count") or 1
        print(
            f"{_accepted(registry):.0f} of {wanted} readings at {arguments.messages / took:,.0f} msg/s;"
            f" adapter CPU {cpu / arguments.messages * 1e5:.2f} s per 100,000 messages"
            f" = {arguments.messages / cpu:,.0f} msg/s a core;"
            f" {_accepted(registry) / batches:.0f} readings a bus message"
        )
        running.cancel()
        publisher.kill()
        await asyncio.gather(running, return_exceptions=True)


def _accepted(registry: CollectorRegistry) -> float:
    lines: Sequence[str] = ("readings", "life_safety")
    return sum(registry.get_sample_value("hub_intake_readings_total", {"line": line}) or 0 for line in lines)


async def _ignore(*_: object) -> None:
    """Links are not what is measured."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--qos", type=int, default=1)
    parser.add_argument("--messages", type=int, default=100_000)
    parser.add_argument("--rate", type=int, default=0, help="messages a second; 0: as fast as it goes")
    parser.add_argument("--profile", action="store_true")
    uvloop.run(measure(parser.parse_args()))


if __name__ == "__main__":
    main()
