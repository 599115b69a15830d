"""The MQTT adapter alone: Mosquitto → adapter → JetStream, nothing behind it. CPU is the adapter's own."""

import asyncio
import multiprocessing
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import uvloop
from prometheus_client import CollectorRegistry

from benchmarks.broker import HUB, PASSWORD, PLATFORM, Mosquitto, running_mosquitto
from benchmarks.line.publisher import Order, Pace, publish
from benchmarks.line.workload import BUILDINGS, POINTS, SITE, Fleet, write_files
from benchmarks.part import Aim, Context, Details, Figure
from building.link import LinkChange
from building.profile import DeviceProfile
from bus.client import Bus, BusSettings
from catalog.dead_letters import DeadLetters
from catalog.directory import Directory, EquipmentEntry, LiveDirectory, PointEntry
from catalog.discovery import Discovery
from catalog.profiles import load_profiles
from device_adapters.intake import Intake
from device_adapters.links import LinkBook
from device_adapters.mqtt.adapter import MqttAdapter
from device_adapters.mqtt.broker import Broker
from device_adapters.mqtt.metrics import MqttMetrics
from device_adapters.refusals import RefusalLine
from kit.clock import SystemClock
from kit.db import Database
from kit.ids import new_id
from kit.supervision.nats import BUS_USER, NatsConfig, running_nats

_SPAWN = multiprocessing.get_context("spawn")
_GIVE_UP_S = 120.0
_PASSWORD = "bench"  # noqa: S105 - on loopback, for the seconds of a bench


@dataclass(frozen=True, kw_only=True)
class MqttAdapterPart:
    """A burst of messages of four readings, at QoS 1."""

    name: str = "mqtt-adapter"
    words: str = "MQTT adapter alone: socket → batches on the bus"
    messages: int = 200_000

    def measure(self, context: Context) -> Details:
        fleet = Fleet()
        context.folder.mkdir(parents=True, exist_ok=True)
        write_files(context.folder, fleet)
        messages = self.messages // 4 if context.is_quick else self.messages
        with running_mosquitto(context.folder / "mosquitto") as broker:
            return uvloop.run(_measure(context.folder, broker, fleet, messages))

    def figures(self, details: Mapping[str, Any]) -> Sequence[Figure]:
        cpu = details["cpu_s"] / details["messages"] * 100_000
        return [
            Figure(
                name="mqtt_adapter.cpu_per_100k", words="CPU per 100,000 messages, adapter alone", value=cpu,
                unit="s", aim=Aim(at_most=1.2),
            ),
            Figure(
                name="mqtt_adapter.readings_a_batch", words="readings a bus message",
                value=details["readings"] / details["batches"],
            ),
        ]  # fmt: skip


async def _measure(folder: Path, broker: Mosquitto, fleet: Fleet, messages: int) -> Details:
    registry = CollectorRegistry()
    async with AsyncExitStack() as stack:
        config = NatsConfig(bus_password=_PASSWORD, mqtt_password=_PASSWORD)
        nats = await stack.enter_async_context(running_nats(folder / "nats", config))
        bus = await stack.enter_async_context(Bus(BusSettings(nats.url, BUS_USER, _PASSWORD)))
        profiles, clock = load_profiles(folder / "profiles"), SystemClock()
        # Nothing of the workload is refused, so that this line never comes to ask for its database.
        refusals = RefusalLine(
            Database("postgresql://nobody@localhost/none"), discovery=Discovery(profiles, clock, registry),
            dead_letters=DeadLetters(registry), clock=clock, registry=registry,
        )  # fmt: skip
        intake = await stack.enter_async_context(Intake(bus, refusals, registry=registry))
        adapter = MqttAdapter(
            Broker(name="bench", host="127.0.0.1", port=broker.port, username=HUB, password=PASSWORD),
            directory=LiveDirectory(_directory(fleet, profiles["bench-sensor"])), profiles=profiles, intake=intake,
            links=LinkBook(on_links=_ignore, clock=clock), clock=clock, metrics=MqttMetrics(registry),
        )  # fmt: skip
        running = asyncio.create_task(adapter.run())
        await _until(lambda: adapter.is_up)
        try:
            return await _burst(folder, broker, fleet, messages, registry)
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)


async def _burst(folder: Path, broker: Mosquitto, fleet: Fleet, messages: int, registry: CollectorRegistry) -> Details:
    """Raises TimeoutError when readings are missing."""
    order = Order(
        login=broker.login(PLATFORM, client_id="bench-publisher"), log=folder / "log", counts=folder / "counts",
        spent=folder / "spent", fleet=fleet, pace=Pace.BURST, messages=messages,
    )  # fmt: skip
    publisher = _SPAWN.Process(target=publish, args=(order,), daemon=True)
    wanted = messages * len(POINTS)
    publisher.start()
    began, cpu = time.monotonic(), time.process_time()
    await _until(lambda: _sample(registry, "hub_intake_readings_total", line="readings") >= wanted)
    cpu_s, seconds = time.process_time() - cpu, time.monotonic() - began
    await asyncio.to_thread(publisher.join, 10)
    batches = _sample(registry, "hub_intake_batch_readings_count")
    return {"messages": messages, "readings": wanted, "batches": batches, "cpu_s": cpu_s, "seconds": seconds}


def _directory(fleet: Fleet, profile: DeviceProfile) -> Directory:
    site_id = new_id()
    return Directory.of(1, [_equipment(fleet, profile, site_id, number) for number in range(fleet.devices)])


def _equipment(fleet: Fleet, profile: DeviceProfile, site_id: UUID, number: int) -> EquipmentEntry:
    code = fleet.codes[number]
    points = {
        spec.key: PointEntry(
            number * len(POINTS) + index + 1, spec.key, spec.kind, spec.unit, spec.low, spec.high, spec.reporting,
            spec.life_safety,
        )
        for index, spec in enumerate(profile.points.values())
    }  # fmt: skip
    return EquipmentEntry(
        equipment_id=new_id(), site_id=site_id, site_code=SITE, code=code, name=code, kind=profile.kind,
        profile_key=profile.key, protocol="mqtt", external_id=code, address={}, partition=number % BUILDINGS + 1,
        parent_id=None, building_id=None, in_service=True, points=points,
    )  # fmt: skip


async def _until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(_GIVE_UP_S):
        while not condition():  # noqa: ASYNC110 - counters announce nothing, and looking must cost nothing
            await asyncio.sleep(0.05)


def _sample(registry: CollectorRegistry, name: str, **labels: str) -> float:
    return registry.get_sample_value(name, labels) or 0.0


async def _ignore(changes: Sequence[LinkChange]) -> None:
    """Links are not what is measured."""
