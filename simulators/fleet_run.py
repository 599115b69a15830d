"""The fleet in motion: physics stepped at their pace, publishers and gateways behind them, faults ended in time."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager

from building.declaration import SiteDeclaration
from building.profile import DeviceProfile
from kit.clock import Clock
from kit.logs import logger
from simulators.fleet.fleet import Fleet
from simulators.links import Links
from simulators.modbus.fleet_gateways import FleetGateways
from simulators.mqtt.connection import Broker, Connection, CredentialsFile
from simulators.mqtt.elevators import ElevatorPublisher
from simulators.mqtt.platforms import PlatformPublisher, smoke_platform, water_platform
from simulators.mqtt.stations import StationPublisher
from simulators.settings import DECLARED_MODBUS_PORT, SimulatorSettings

log = logger(__name__)

ELEVATOR_STEP_S = 0.2
SLOW_STEP_S = 0.5
LONGEST_STEP_S = 5.0  # after the machine slept, time is not made up for
CLOSE_WITHIN_S = 2.0


class FleetRun:
    """One fleet with its wires. Built by `running_fleet`."""

    def __init__(
        self,
        fleet: Fleet,
        clock: Clock,
        *,
        elevators: ElevatorPublisher,
        stations: StationPublisher,
        platforms: list[PlatformPublisher],
        gateways: FleetGateways,
    ) -> None:
        self.fleet = fleet
        self._clock = clock
        self._elevators = elevators
        self._stations = stations
        self._platforms = platforms
        self._gateways = gateways
        self.connections = [
            *elevators.connections, *stations.connections, *(platform.connection for platform in platforms),
        ]  # fmt: skip
        self.links = Links(self.connections, gateways)

    async def run(self) -> None:
        """Runs until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._pace(ELEVATOR_STEP_S, self._step_elevators), name="elevators")
            group.create_task(self._pace(SLOW_STEP_S, self._step_others), name="other devices")

    async def _pace(self, period_s: float, step: Callable[[float, float], Awaitable[None]]) -> None:
        last = self._clock.monotonic()
        while True:
            await asyncio.sleep(period_s)
            now = self._clock.monotonic()
            await step(self._clock.now().timestamp(), min(now - last, LONGEST_STEP_S))
            last = now

    async def _step_elevators(self, unix_s: float, dt_s: float) -> None:
        for fault in self.fleet.faults.expire(self._clock.now()):
            log.info("fault is over", fault=fault.name.value, device=fault.device)
        self.fleet.step_elevators(unix_s=unix_s, dt_s=dt_s)
        self._elevators.publish(unix_s=unix_s)

    async def _step_others(self, unix_s: float, dt_s: float) -> None:
        self.fleet.step_others(unix_s=unix_s, dt_s=dt_s)
        for platform in self._platforms:
            platform.publish(unix_s=unix_s)
        self._stations.publish(unix_s=unix_s)
        await self._gateways.mind_power()


@asynccontextmanager
async def running_fleet(
    site: SiteDeclaration, profiles: Mapping[str, DeviceProfile], settings: SimulatorSettings, clock: Clock
) -> AsyncIterator[FleetRun]:
    """A fleet whose sockets are open. Raises PortTaken and BadProfile before anything is started."""
    unix_s = clock.now().timestamp()
    fleet = Fleet(site, seed=settings.seed, speed=settings.speed, started_unix_s=unix_s)
    gateways = FleetGateways(fleet, profiles, shift=settings.modbus_port - DECLARED_MODBUS_PORT)
    broker = Broker(settings.mqtt_host, settings.mqtt_port, settings.mqtt_ca_file)
    credentials = CredentialsFile(settings.mqtt_credentials)

    def connect(username: str, client_id: str, status_topic: str | None) -> Connection:
        return Connection(broker, credentials, username=username, client_id=client_id, status_topic=status_topic)

    spread = {"unix_s": unix_s, "first_within_s": settings.first_report_s}
    smoke = connect(f"{site.code}/nbiot-smoke", f"sim-{site.code}-nbiot-smoke", None)
    water = connect(f"{site.code}/nbiot-water", f"sim-{site.code}-nbiot-water", None)
    run = FleetRun(
        fleet,
        clock,
        elevators=ElevatorPublisher(fleet, connect, unix_s=unix_s),
        stations=StationPublisher(fleet, connect, unix_s=unix_s),
        platforms=[smoke_platform(fleet, smoke, **spread), water_platform(fleet, water, **spread)],
        gateways=gateways,
    )
    await gateways.open()
    for connection in run.connections:
        connection.open()
    try:
        yield run
    finally:
        await gateways.close()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_WITHIN_S):
                await asyncio.gather(*(asyncio.to_thread(connection.close) for connection in run.connections))
