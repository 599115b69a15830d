"""Modbus: requests a second from one core, and what dead and garbling devices cost the healthy ones.

The devices are a process of their own, each an address of the loopback network; the hub's pollers ask as fast as
answers come, decode every register and count. CPU is the pollers' process alone.
"""

import asyncio
import multiprocessing
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import uvloop
from prometheus_client import CollectorRegistry

from benchmarks.adapters.modbus_devices import Manner, serve
from benchmarks.part import Aim, Context, Details, Figure
from building.equipment import EquipmentKind
from building.point import PointKind, Reporting, ReportingMode
from building.reading import ReadingBatch
from catalog.directory import EquipmentEntry, PointEntry
from device_adapters.modbus.address import Endpoint, Framing
from device_adapters.modbus.metrics import ModbusMetrics
from device_adapters.modbus.poller import EndpointPoller, PollerOutputs
from device_adapters.modbus.registers import PointRegister, RegisterMap, RegisterType, Table
from device_adapters.modbus.settings import ModbusSettings
from device_adapters.modbus.unit import UnitSpec
from kit.clock import SystemClock
from kit.ids import new_id

REGISTERS = 60
HEALTHY, BAD = 70, 30
_SPAWN = multiprocessing.get_context("spawn")
_WARM_S = 1.0
# Far below what a question and its answer take: a healthy device that has answered is asked again at once.
_NO_PAUSE_S = 1e-6
_PACE_S = 0.01
# The shortest interval that a profile may give: how often the others are asked while nothing says they are down.
_SHORTEST_INTERVAL_S = 0.1


@dataclass(frozen=True, kw_only=True)
class ModbusPart:
    """Three rounds: 100 healthy devices as fast as they answer; 70 of them alone, each asked 100 times a second (their
    part of 10,000); the same 70 beside 15 dead and 15 garbling ones."""

    name: str = "modbus"
    words: str = "Modbus: 100 devices of 60 registers"
    seconds: float = 8.0

    def measure(self, context: Context) -> Details:
        seconds = self.seconds / 4 if context.is_quick else self.seconds
        healthy, bad = [Manner.HEALTHY] * HEALTHY, [Manner.DEAD, Manner.GARBLING] * (BAD // 2)
        rounds = {
            "all_healthy": ([Manner.HEALTHY] * (HEALTHY + BAD), _NO_PAUSE_S),
            "healthy_alone": (healthy, _PACE_S),
            "beside_bad": (healthy + bad, _PACE_S),
        }
        found: Details = {}
        for name, (manners, interval_s) in rounds.items():
            with _devices(manners) as port:
                found[name] = uvloop.run(_ask(manners, port, interval_s=interval_s, seconds=seconds))
            context.say(f"modbus: {name}: {found[name]['requests_per_s']:,.0f} requests/s")
        return found

    def figures(self, details: Mapping[str, Any]) -> Sequence[Figure]:
        whole, alone, beside = (details[name] for name in ("all_healthy", "healthy_alone", "beside_bad"))
        lost = 100 * (1 - beside["requests_per_s"] / alone["requests_per_s"])
        return [
            Figure(
                name="modbus.requests_per_s", words="requests a second", value=whole["requests_per_s"],
                unit="1/s", aim=Aim(at_least=10_000),
            ),
            Figure(
                name="modbus.requests_per_core_s", words="requests a CPU-second of the hub",
                value=whole["requests"] / whole["cpu_s"], unit="1/s", aim=Aim(at_least=10_000),
            ),
            Figure(
                name="modbus.lost_to_bad_pct", words="lost by 70 healthy beside 30 dead or garbling", value=lost,
                unit="%", aim=Aim(at_most=10), note="each healthy one asked 100 times a second",
            ),
        ]  # fmt: skip


@dataclass
class _Tally:
    """Counts what the pollers read."""

    requests: int = 0
    links_down: set[object] = field(default_factory=set)

    def take(self, entry: EquipmentEntry, batch: ReadingBatch) -> None:
        if not batch.quality.any():
            assert len(batch) == REGISTERS
            self.requests += 1

    def note(self, equipment_id: object, is_up: bool) -> None:
        (self.links_down.discard if is_up else self.links_down.add)(equipment_id)


async def _ask(manners: Sequence[Manner], port: int, *, interval_s: float, seconds: float) -> Details:
    tally, clock, metrics = _Tally(), SystemClock(), ModbusMetrics(CollectorRegistry())
    intervals = [interval_s if manner is Manner.HEALTHY else _SHORTEST_INTERVAL_S for manner in manners]
    pollers = [
        EndpointPoller(
            Endpoint(_host(number), port, Framing.TCP), [_unit(number, interval)], gateway_id=None,
            outputs=PollerOutputs(readings=tally.take, link=tally.note), settings=ModbusSettings(timeout_s=0.5),
            clock=clock, metrics=metrics,
        )
        for number, interval in enumerate(intervals)
    ]  # fmt: skip
    tasks = [asyncio.create_task(poller.run()) for poller in pollers]
    try:
        await asyncio.sleep(_WARM_S)
        before, began, cpu = tally.requests, time.monotonic(), time.process_time()
        await asyncio.sleep(seconds)
        requests, took_s, cpu_s = tally.requests - before, time.monotonic() - began, time.process_time() - cpu
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    return {"requests": requests, "requests_per_s": requests / took_s, "cpu_s": cpu_s, "down": len(tally.links_down)}


def _unit(number: int, interval_s: float) -> UnitSpec:
    keys = [f"r{at}" for at in range(REGISTERS)]
    registers = RegisterMap(
        poll_interval_s=interval_s, max_gap=0, max_registers=125,
        points=tuple(
            PointRegister(key=key, table=Table.HOLDING, address=at, type=RegisterType.U16, scale=0.1)
            for at, key in enumerate(keys)
        ),
    )  # fmt: skip
    reporting = Reporting(ReportingMode.PERIODIC, 1.0)
    points = {
        key: PointEntry(number * REGISTERS + at + 1, key, PointKind.SENSOR, "", 0, 10_000, reporting, False)
        for at, key in enumerate(keys)
    }
    entry = EquipmentEntry(
        equipment_id=new_id(), site_id=new_id(), site_code="bench", code=f"M-{number}", name="", partition=1,
        kind=EquipmentKind.SENSOR, profile_key="bench", protocol="modbus", external_id=f"M-{number}", address={},
        parent_id=None, building_id=None, in_service=True, points=points,
    )  # fmt: skip
    return UnitSpec(entry, 1, registers)


def _host(number: int) -> str:
    return f"127.0.77.{number + 1}"


@contextmanager
def _devices(manners: Sequence[Manner]) -> Iterator[int]:
    """The devices in a process of their own; the port on which each has its address."""
    ours, theirs = _SPAWN.Pipe()
    hosts = [_host(number) for number in range(len(manners))]
    process = _SPAWN.Process(target=serve, args=(list(manners), hosts, theirs), daemon=True)
    process.start()
    try:
        yield ours.recv()
    finally:
        process.terminate()
        process.join(10)
