"""The fleet without waiting: days of what it would send, written to files as fast as the physics can be stepped.

Nothing is left out on the way: MQTT payloads are the publishers' own, Modbus values go through their registers. What
real time adds is added here, from the seed: a loop that wakes up a little late, a poll that takes its milliseconds.
"""

import json
import random
import struct
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from building.equipment import EquipmentKind
from building.profile import DeviceProfile
from kit.clock import from_ms
from simulators.faults.plan import PlannedFault
from simulators.fleet.devices import Device
from simulators.fleet.fleet import FaultRequest, Fleet
from simulators.modbus.registers import RegisterField, RegisterMap, register_map
from simulators.mqtt.connection import Broker, Connection, CredentialsFile
from simulators.mqtt.elevators import ElevatorPublisher
from simulators.mqtt.platforms import smoke_platform, water_platform
from simulators.mqtt.stations import StationPublisher

ELEVATOR_STEP_S = 0.2
SLOW_STEP_S = 1.0
HOUR_S = 3600
_LATE_MEAN_S = 0.0006
_POLL_MEAN_S = 0.004
_POLLED = (EquipmentKind.PUMP, EquipmentKind.ELECTRICITY_METER)


@dataclass
class Tape:
    """Readings in the order they were sent. `message` counts the messages they came in."""

    point_no: list[int] = field(default_factory=list)
    ts_ms: list[int] = field(default_factory=list)
    value: list[float] = field(default_factory=list)
    message: list[int] = field(default_factory=list)
    messages: int = 0

    def note(self, points: Mapping[str, int], values: Mapping[str, float], *, ts_ms: int) -> None:
        """One message of one device."""
        self.messages += 1
        known = [(points[key], float(value)) for key, value in values.items() if key in points]
        self.point_no += [number for number, _ in known]
        self.value += [value for _, value in known]
        self.ts_ms += [ts_ms] * len(known)
        self.message += [self.messages] * len(known)

    def take(self) -> pa.Table:
        """What was noted since the last call."""
        columns = {
            "point_no": np.array(self.point_no, np.int32),
            "ts_ms": np.array(self.ts_ms, np.int64),
            "value": np.array(self.value, np.float64),
            "message": np.array(self.message, np.int64),
        }
        for column in (self.point_no, self.ts_ms, self.value, self.message):
            column.clear()
        return pa.table(columns)


class TapedConnection(Connection):
    """A connection whose other end is the tape."""

    def __init__(self, tape: Tape, points: Mapping[str, Mapping[str, int]]) -> None:
        super().__init__(Broker("", 0, None), CredentialsFile(None), username="", client_id="", status_topic=None)
        self._tape = tape
        self._points = points

    def publish(self, topic: str, payload: bytes | str, *, retain: bool = False) -> None:
        *_, device, subject = topic.split("/")
        if subject == "telemetry":
            document: dict[str, Any] = json.loads(payload)
            self._tape.note(self._points[device], document["values"], ts_ms=document["ts"])

    def open(self) -> None:
        """There is no line to open, and none to cut."""

    def cut(self) -> None:
        """What is silent is not published in the first place."""


@dataclass(frozen=True)
class Pace:
    """Steps of the physics, in which months go faster than in those of real time. Devices report as often whatever they
    are; of polled ones every `poll_every`th answer is kept."""

    elevator_s: float = ELEVATOR_STEP_S
    slow_s: float = SLOW_STEP_S
    poll_every: int = 1


@dataclass
class PolledUnit:
    """A device behind a gateway and when it is asked next."""

    device: Device
    registers: RegisterMap
    interval_s: float
    due_s: float


class FastFleet:
    """A fleet whose hours pass one call each."""

    def __init__(
        self,
        fleet: Fleet,
        profiles: Mapping[str, DeviceProfile],
        points: Sequence["TapedPoint"],
        *,
        seed: int,
        unix_s: float,
        plan: Sequence[PlannedFault] = (),
        pace: Pace | None = None,
    ) -> None:
        """`plan`: faults that happen on the way. Raises what `Fleet.check_fault` does."""
        self._fleet = fleet
        self._began_s = unix_s
        self._to_come = deque(sorted(((one.begins_s, _request(one)) for one in plan), key=lambda each: each[0]))
        for _, request in self._to_come:
            fleet.check_fault(request)
        self._pace = pace or Pace()
        self._random = random.Random(seed)
        self._now_s = unix_s
        self._tape = Tape()
        self._by_code: dict[str, dict[str, int]] = {}
        by_external: dict[str, dict[str, int]] = {}
        for point in points:
            self._by_code.setdefault(point.device, {})[point.key] = point.point_no
        for device in fleet.register:
            by_external[device.external_id] = self._by_code.get(device.code, {})

        def taped(*_: str | None) -> Connection:
            return TapedConnection(self._tape, by_external)

        self._elevators = ElevatorPublisher(fleet, taped, unix_s=unix_s)
        self._stations = StationPublisher(fleet, taped, unix_s=unix_s)
        spread = {"unix_s": unix_s, "first_within_s": 45.0}
        self._platforms = [
            platform(fleet, TapedConnection(self._tape, by_external), **spread)
            for platform in (smoke_platform, water_platform)
        ]
        self._units = [
            _polled(device, profiles, self._random, unix_s, every=self._pace.poll_every)
            for device in _polled_devices(fleet)
        ]

    def hour(self) -> pa.Table:
        """The next hour's readings: point_no, ts_ms, value, message; in the order they were sent."""
        end_s = self._now_s + HOUR_S
        slow_s = self._now_s
        last_s = self._now_s
        step_s = self._pace.elevator_s if self._fleet.elevators else self._pace.slow_s
        while self._now_s < end_s:
            self._now_s = last_s + step_s + self._random.expovariate(1 / _LATE_MEAN_S)
            self._mind_faults()
            self._fleet.step_elevators(unix_s=self._now_s, dt_s=self._now_s - last_s)
            self._elevators.publish(unix_s=self._now_s)
            last_s = self._now_s
            if self._now_s - slow_s >= self._pace.slow_s:
                self._step_others(self._now_s - slow_s)
                slow_s = self._now_s
        return self._tape.take()

    def _step_others(self, dt_s: float) -> None:
        self._fleet.step_others(unix_s=self._now_s, dt_s=dt_s)
        for platform in self._platforms:
            platform.publish(unix_s=self._now_s)
        self._stations.publish(unix_s=self._now_s)
        for unit in self._units:
            self._poll(unit)

    def _poll(self, unit: PolledUnit) -> None:
        if unit.due_s > self._now_s:
            return
        due_s = np.arange(unit.due_s, self._now_s + 1e-9, unit.interval_s).tolist()
        unit.due_s += len(due_s) * unit.interval_s
        if self._fleet.is_offline(unit.device):
            return
        read = over_the_wire(unit.registers, self._fleet.values(unit.device.code))
        for at_s in due_s:
            answered_s = at_s + self._random.expovariate(1 / _POLL_MEAN_S)
            self._tape.note(self._by_code[unit.device.code], read, ts_ms=int(answered_s * 1000))

    def _mind_faults(self) -> None:
        now = from_ms(int(self._now_s * 1000))
        self._fleet.faults.expire(now)
        while self._to_come and self._began_s + self._to_come[0][0] <= self._now_s:
            self._fleet.start_fault(self._to_come.popleft()[1], now=now)


@dataclass(frozen=True)
class TapedPoint:
    """A point of the tape. Numbered in the order of the declaration, as a catalog that loads it numbers them."""

    point_no: int
    device: str
    kind: str
    key: str


def taped_points(fleet: Fleet, profiles: Mapping[str, DeviceProfile]) -> list[TapedPoint]:
    named = [
        (device, key)
        for device in fleet.register
        if device.profile is not None
        for key in profiles[device.profile].points
    ]
    return [
        TapedPoint(number, device.code, device.kind.value, key) for number, (device, key) in enumerate(named, start=1)
    ]


def write_days(fast: FastFleet, points: Sequence[TapedPoint], folder: Path, *, days: float) -> Iterator[int]:
    """Writes `points.json` and `hour-00000.parquet`, …; yields the readings of each hour once its file is whole."""
    folder.mkdir(parents=True, exist_ok=True)
    described = [{"point_no": p.point_no, "device": p.device, "kind": p.kind, "key": p.key} for p in points]
    (folder / "points.json").write_text(json.dumps(described), "utf-8")
    for number in range(round(days * 24)):
        table = fast.hour()
        unfinished = folder / f"hour-{number:05}.part"
        pq.write_table(table, unfinished, compression="zstd")
        unfinished.rename(folder / f"hour-{number:05}.parquet")
        yield table.num_rows


def over_the_wire(registers: RegisterMap, values: Mapping[str, float]) -> dict[str, float]:
    """The values as a master reads them back: rounded by their register's type and scale."""
    return {field.key: _read_back(field, values[field.key]) for field in registers.fields if field.key in values}


def _read_back(field: RegisterField, value: float) -> float:
    if field.bit is not None:
        return float(value > 0.5)
    words = field.words(value)
    if field.bytes_swapped:
        words = tuple((word & 0xFF) << 8 | word >> 8 for word in words)
    ordered = words[::-1] if field.words_swapped else words
    (raw,) = struct.unpack(f">{field.letter}", struct.pack(f">{field.width}H", *ordered))
    parts = round(1 / field.scale)
    return float(raw / parts if parts and field.scale == 1 / parts else raw * field.scale) + field.offset


def _request(planned: PlannedFault) -> FaultRequest:
    return FaultRequest(planned.name, planned.device, planned.parameters, planned.lasts_s)


def _polled_devices(fleet: Fleet) -> list[Device]:
    return [device for device in fleet.register if device.kind in _POLLED and device.profile is not None]


def _polled(
    device: Device, profiles: Mapping[str, DeviceProfile], chance: random.Random, unix_s: float, *, every: int
) -> PolledUnit:
    assert device.profile is not None
    profile = profiles[device.profile]
    interval_s = every * float(profile.sections["modbus"]["poll_interval_s"])
    # As the hub's poller begins: units spread over a part of their interval.
    return PolledUnit(device, register_map(profile), interval_s, unix_s + chance.random() * min(interval_s / 4, 0.5))
