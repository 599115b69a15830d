"""The Modbus adapter: a poller an endpoint, as the directory says now."""

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from prometheus_client import CollectorRegistry

from building.equipment import EquipmentKind
from building.profile import BadProfile, DeviceProfile
from catalog.directory import Directory, EquipmentEntry, LiveDirectory
from device_adapters.commands.command import MODBUS as PROTOCOL
from device_adapters.commands.sending import CommandDoor
from device_adapters.links import LinkBook
from device_adapters.modbus.address import BadAddress, Endpoint, parse_address
from device_adapters.modbus.metrics import ModbusMetrics
from device_adapters.modbus.outlet import Outlet, ReadingIntake
from device_adapters.modbus.poller import EndpointPoller, PollerOutputs
from device_adapters.modbus.registers import RegisterMap
from device_adapters.modbus.settings import ModbusSettings
from device_adapters.modbus.unit import UnitSpec
from device_adapters.sharing import Alone, Share
from device_adapters.supervisor import keep_running
from kit.clock import Clock
from kit.logs import logger

log = logger(__name__)

_LOOK_FOR_CHANGES_S = 0.5


@dataclass(frozen=True)
class EndpointWork:
    """What an endpoint's poller is told; a different one means a new poller."""

    specs: tuple[UnitSpec, ...]
    gateway_id: UUID | None


class ModbusAdapter:
    """`run` until cancelled. A changed directory starts, stops or replaces just the pollers it concerns.

    Several processes share the endpoints out: each is polled by one of them.
    """

    def __init__(
        self,
        *,
        directory: LiveDirectory,
        profiles: Mapping[str, DeviceProfile],
        intake: ReadingIntake,
        links: LinkBook,
        settings: ModbusSettings,
        clock: Clock,
        registry: CollectorRegistry,
        share: Share | None = None,
        door: CommandDoor | None = None,
    ) -> None:
        """`door`: where commands come in; without one nothing is ever written."""
        self._door = door
        self._share = share or Alone()
        self._directory = directory
        self._profiles = profiles
        self._links = links
        self._settings = settings
        self._clock = clock
        self._metrics = ModbusMetrics(registry)
        self._outlet = Outlet(intake, registry=registry)
        self._registers: dict[str, RegisterMap] = {}
        self._reported: dict[UUID, str] = {}

    async def run(self) -> None:
        # pymodbus logs every time-out as an error; an outage is logged here, once.
        logging.getLogger("pymodbus").setLevel(logging.CRITICAL)
        async with asyncio.TaskGroup() as group:
            group.create_task(self._outlet.run(), name="modbus outlet")
            group.create_task(self._follow_directory(group), name="modbus endpoints")

    async def _follow_directory(self, group: asyncio.TaskGroup) -> None:
        running: dict[Endpoint, tuple[EndpointWork, asyncio.Task[None]]] = {}
        seen: Directory | None = None
        work: dict[Endpoint, EndpointWork] = {}
        while True:
            current = self._directory.current
            if current is not seen:
                seen, work = current, self._work(current)
            await self._share_out(work, running, group)
            await asyncio.sleep(_LOOK_FOR_CHANGES_S)

    async def _share_out(
        self,
        work: Mapping[Endpoint, EndpointWork],
        running: dict[Endpoint, tuple[EndpointWork, asyncio.Task[None]]],
        group: asyncio.TaskGroup,
    ) -> None:
        ours = await self._share.settle([str(endpoint) for endpoint in work])
        before = {str(endpoint) for endpoint in running}
        self._reconcile({endpoint: each for endpoint, each in work.items() if str(endpoint) in ours}, running, group)
        await self._share.release(before - ours)

    def _reconcile(
        self,
        wanted: Mapping[Endpoint, EndpointWork],
        running: dict[Endpoint, tuple[EndpointWork, asyncio.Task[None]]],
        group: asyncio.TaskGroup,
    ) -> None:
        for endpoint, (work, task) in list(running.items()):
            if wanted.get(endpoint) != work:
                task.cancel()
                self._forget_links(work, wanted)
                del running[endpoint]
        for endpoint, work in wanted.items():
            if endpoint not in running:
                running[endpoint] = (work, group.create_task(self._poll(endpoint, work), name=f"modbus {endpoint}"))
        self._metrics.endpoints.set(len(running))

    def _forget_links(self, work: EndpointWork, wanted: Mapping[Endpoint, EndpointWork]) -> None:
        still_polled = {spec.entry.equipment_id for kept in wanted.values() for spec in kept.specs}
        for spec in work.specs:
            if spec.entry.equipment_id not in still_polled:
                self._links.forget(spec.entry.equipment_id)

    async def _poll(self, endpoint: Endpoint, work: EndpointWork) -> None:
        async def attempt() -> None:
            poller = EndpointPoller(
                endpoint,
                work.specs,
                gateway_id=work.gateway_id,
                outputs=PollerOutputs(readings=self._outlet.put, link=self._links.note),
                settings=self._settings,
                clock=self._clock,
                metrics=self._metrics,
            )
            if self._door is None:
                await poller.run()
                return
            async with asyncio.TaskGroup() as group:
                group.create_task(poller.run(), name=f"modbus polls {endpoint}")
                commands = self._door.serve(f"{PROTOCOL} {endpoint}", poller.writer.carry)
                group.create_task(commands, name=f"modbus commands {endpoint}")

        failed = self._metrics.poller_failures.inc
        await keep_running(f"modbus {endpoint}", attempt, clock=self._clock, failed=failed)

    def _work(self, directory: Directory) -> dict[Endpoint, EndpointWork]:
        by_endpoint: dict[Endpoint, list[UnitSpec]] = {}
        problems: dict[UUID, str] = {}
        for entry in directory.of_protocol(PROTOCOL):
            try:
                endpoint, spec = self._spec(entry)
            except (BadAddress, BadProfile) as error:
                problems[entry.equipment_id] = str(error)
                continue
            by_endpoint.setdefault(endpoint, []).append(spec)
        self._report(problems, directory)
        return {
            endpoint: EndpointWork(tuple(specs), _gateway_of(specs, directory))
            for endpoint, specs in by_endpoint.items()
        }

    def _spec(self, entry: EquipmentEntry) -> tuple[Endpoint, UnitSpec]:
        endpoint, unit = parse_address(entry.address)
        registers = self._registers.get(entry.profile_key)
        if registers is None:
            profile = self._profiles.get(entry.profile_key)
            if profile is None:
                raise BadProfile(f"profile {entry.profile_key}: not in the device library")
            registers = self._registers[entry.profile_key] = RegisterMap.of(profile)
        spec = UnitSpec(entry, unit, registers)
        if not spec.blocks:
            raise BadProfile(f"profile {entry.profile_key}: none of the equipment's points has a register")
        return endpoint, spec

    def _report(self, problems: dict[UUID, str], directory: Directory) -> None:
        """Once each: what cannot be polled is a mistake in the catalog, not an outage."""
        for equipment_id, problem in problems.items():
            if self._reported.get(equipment_id) != problem:
                log.error("equipment cannot be polled", equipment=directory.by_id[equipment_id].code, problem=problem)
        self._reported = problems
        self._metrics.unusable.set(len(problems))


def _gateway_of(specs: list[UnitSpec], directory: Directory) -> UUID | None:
    """The gateway that all units of an endpoint hang on: when the socket is gone, it is what is down."""
    parents = {spec.entry.parent_id for spec in specs}
    if len(parents) != 1:
        return None
    parent_id = parents.pop()
    parent = directory.by_id.get(parent_id) if parent_id is not None else None
    return parent_id if parent is not None and parent.kind is EquipmentKind.GATEWAY else None
