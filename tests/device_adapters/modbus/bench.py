"""What Modbus tests stand on: real pymodbus servers, a raw one that misbehaves, and where readings end up."""

import asyncio
import tomllib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import UUID

from prometheus_client import CollectorRegistry
from pymodbus import FramerType
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

from building.equipment import EquipmentKind
from building.link import LinkChange
from building.profile import DeviceProfile, parse_profile
from building.reading import Reading
from catalog.directory import Directory, EquipmentEntry, LiveDirectory, PointEntry
from catalog.profiles import load_profiles
from device_adapters.links import LinkBook
from device_adapters.modbus.adapter import ModbusAdapter
from device_adapters.modbus.outlet import Entry
from device_adapters.modbus.settings import ModbusSettings
from kit.clock import SystemClock
from kit.ids import new_id

PROFILES_FOLDER = Path(__file__).parents[3] / "device_adapters" / "profiles"
SITE_ID = new_id()

PROBE = parse_profile(
    tomllib.loads("""
key = "probe"
name = { zh-CN = "探头", en = "Probe" }
kind = "sensor"
protocol = "modbus"
edition = "tests"
[modbus]
poll_interval_s = 0.2
max_gap = 8
[[points]]
key = "level_m"
name = { zh-CN = "液位", en = "Level" }
kind = "sensor"
unit = "m"
range = [0, 100]
reporting = { mode = "periodic", interval_s = 1 }
modbus = { table = "holding", address = 10, type = "u16", scale = 0.01, not_available = [0xFFFF] }
[[points]]
key = "flow_l_s"
name = { zh-CN = "流量", en = "Flow" }
kind = "sensor"
unit = "L/s"
range = [0, 100]
reporting = { mode = "periodic", interval_s = 1 }
modbus = { table = "holding", address = 12, type = "i16" }
""")
)


def profiles() -> dict[str, DeviceProfile]:
    return {**load_profiles(PROFILES_FOLDER), PROBE.key: PROBE}


class RecordingIntake:
    """Keeps the newest reading of every point, and every submission, by equipment code and point key."""

    def __init__(self) -> None:
        self.newest: dict[tuple[str, str], Reading] = {}
        self.history: list[tuple[str, str, Reading]] = []

    async def submit(self, entries: Sequence[Entry]) -> None:
        for entry, readings in entries:
            keys = {point.point_no: point.key for point in entry.points.values()}
            for reading in readings:
                self.newest[entry.code, keys[reading.point_no]] = reading
                self.history.append((entry.code, keys[reading.point_no], reading))

    def polls(self, code: str, key: str) -> list[Reading]:
        return [reading for c, k, reading in self.history if (c, k) == (code, key)]


class Bench:
    """An adapter with everything it needs, and what it told."""

    def __init__(self, entries: Sequence[EquipmentEntry], *, timeout_s: float = 0.3) -> None:
        self.directory = LiveDirectory(Directory.of(1, entries))
        self.intake = RecordingIntake()
        self.links: list[tuple[UUID, bool]] = []
        self.registry = CollectorRegistry()
        clock = SystemClock()
        self.book = LinkBook(on_links=self._on_links, clock=clock)
        self.adapter = ModbusAdapter(
            directory=self.directory,
            profiles=profiles(),
            intake=self.intake,
            links=self.book,
            settings=ModbusSettings(timeout_s=timeout_s, connect_timeout_s=1.0, longest_backoff_s=1.0),
            clock=clock,
            registry=self.registry,
        )

    async def _on_links(self, changes: Sequence[LinkChange]) -> None:
        self.links += [(change.equipment_id, change.is_up) for change in changes]

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        tasks = [asyncio.create_task(self.adapter.run()), asyncio.create_task(self.book.run())]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


def equipment(
    code: str,
    profile: DeviceProfile,
    *,
    port: int,
    unit: int = 1,
    framing: str = "tcp",
    parent_id: UUID | None = None,
    first_point: int = 1,
) -> EquipmentEntry:
    points = {
        key: PointEntry(
            first_point + number, key, spec.kind, spec.unit, spec.low, spec.high, spec.reporting, spec.life_safety
        )
        for number, (key, spec) in enumerate(profile.points.items())
    }
    return EquipmentEntry(
        equipment_id=new_id(), site_id=SITE_ID, site_code="test", code=code, name=code, kind=profile.kind,
        profile_key=profile.key, protocol="modbus", external_id=code,
        address={"host": "127.0.0.1", "port": port, "unit": unit, "framing": framing},
        partition=1, parent_id=parent_id, building_id=None, in_service=True, points=points,
    )  # fmt: skip


def gateway(code: str) -> EquipmentEntry:
    return EquipmentEntry(
        equipment_id=new_id(), site_id=SITE_ID, site_code="test", code=code, name=code, kind=EquipmentKind.GATEWAY,
        profile_key="", protocol="", external_id=code, address={}, partition=1, parent_id=None, building_id=None,
        in_service=True,
    )  # fmt: skip


def device(
    unit: int, *, holding: Mapping[int, Sequence[int]] | None = None, inputs: Mapping[int, Sequence[int]] | None = None
) -> SimDevice:
    """A device whose registers are just these runs; every other address is illegal to read."""
    bits = [SimData(0, values=[False], datatype=DataType.BITS)]
    return SimDevice(id=unit, simdata=(bits, bits, _runs(holding), _runs(inputs)))


def silent_device(unit: int, *, holding: Mapping[int, Sequence[int]]) -> SimDevice:
    """A unit that is wired but dead: it takes requests and answers none. (A unit that pymodbus does not know gets an
    exception from it, whatever `ignore_missing_devices` says, and so does one without the registers.)"""

    async def never(*_: object) -> None:
        await asyncio.sleep(3600)

    bits = [SimData(0, values=[False], datatype=DataType.BITS)]
    return SimDevice(id=unit, simdata=(bits, bits, _runs(holding), _runs(None)), action=never)


def _runs(registers: Mapping[int, Sequence[int]] | None) -> list[SimData]:
    runs = registers or {0xFFF0: [0]}
    return [SimData(at, values=list(words), datatype=DataType.REGISTERS) for at, words in runs.items()]


@asynccontextmanager
async def serving(
    devices: Sequence[SimDevice], *, framer: FramerType = FramerType.SOCKET, port: int = 0
) -> AsyncIterator[ModbusTcpServer]:
    """A gateway with these devices behind it."""
    server = ModbusTcpServer(list(devices), framer=framer, address=("127.0.0.1", port))
    assert await server.listen()
    try:
        yield server
    finally:
        await server.shutdown()  # type: ignore[no-untyped-call]


def port_of(server: ModbusTcpServer) -> int:
    assert isinstance(server.transport, asyncio.Server)
    port: int = server.transport.sockets[0].getsockname()[1]
    return port


Answer = Callable[[bytes], Awaitable[bytes]]


@asynccontextmanager
async def misbehaving(answer: Answer) -> AsyncIterator[int]:
    """A TCP server that answers each request with whatever bytes `answer` makes of it; its port."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while request := await reader.read(260):
                writer.write(await answer(request))
                await writer.drain()
        except ConnectionError:
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


async def until(condition: Callable[[], object], *, timeout_s: float = 20.0) -> None:
    """A liveness deadline only."""
    async with asyncio.timeout(timeout_s):
        while not condition():
            await asyncio.sleep(0.02)
