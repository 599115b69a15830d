"""Commands over the bus: whoever wants something asks, the process that holds the device's connection does it.

A request of the bus is delivered once or not at all: nothing here repeats a command.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

import msgspec

from building.profile import BadProfile, DeviceProfile
from bus.errors import NobodyAnswers, NobodyServes, RequestFailed
from catalog.directory import EquipmentEntry, LiveDirectory, PointEntry
from device_adapters.commands.command import (
    MODBUS,
    TOO_LATE,
    Answer,
    Command,
    NoWay,
    Outcome,
    place_of,
    subject_of,
)
from device_adapters.commands.targets import ProfileKinds, Refused, is_named_protected, moved_with, why_refused
from device_adapters.modbus.address import BROADCAST_UNIT, BadAddress, parse_address
from device_adapters.modbus.registers import RegisterMap
from device_adapters.modbus.writing import why_unwritable
from device_adapters.mqtt.command_dialect import command_of
from kit.clock import Clock, to_ms
from kit.ids import new_id

# What the way over the bus and one poll under way may take, beside the read-back.
WAY_S = 5.0

Carry = Callable[[Command], Awaitable[Answer]]


class AskingBus(Protocol):
    async def request(self, subject: str, payload: bytes, *, timeout_s: float) -> bytes: ...


class ServingBus(Protocol):
    async def serve(self, subject: str, handler: Callable[[bytes], Awaitable[bytes]]) -> None: ...


class NoBus:
    """For a process without a bus: whoever is asked, nobody is there."""

    async def request(self, subject: str, payload: bytes, *, timeout_s: float) -> bytes:
        raise NobodyServes(f"{subject}: this process has no bus")


class Commands:
    """Asks for commands, in any process. `brokers`: the names of the installation's MQTT brokers."""

    def __init__(
        self,
        bus: AskingBus,
        *,
        directory: LiveDirectory,
        profiles: Mapping[str, DeviceProfile],
        brokers: Sequence[str],
        clock: Clock,
    ) -> None:
        self._bus = bus
        self._directory = directory
        self._profiles = profiles
        self._kinds = kinds_of(profiles)
        self._brokers = brokers
        self._clock = clock

    def entry(self, equipment_id: UUID) -> EquipmentEntry | None:
        return self._directory.current.by_id.get(equipment_id)

    def protection(self, entry: EquipmentEntry) -> Refused | None:
        """Why the hub never switches this; None where it may."""
        return why_refused(self._directory.current, entry, kinds=self._kinds)

    def moved_with(self, equipment_id: UUID) -> list[UUID]:
        """Whose locks a command to this must heed; of what is not in the directory, its own."""
        entry = self.entry(equipment_id)
        if entry is None:
            return [equipment_id]
        return [one.equipment_id for one in moved_with(self._directory.current, entry)]

    def writable(self, entry: EquipmentEntry, key: str) -> PointEntry:
        """The point, where a command can reach it. Raises NoWay, which says what is missing."""
        place_of(entry, brokers=self._brokers)
        return writable_point(entry, key, self._profiles)

    async def write(
        self, equipment_id: UUID, key: str, value: float, *, timeout_s: float, begun_at: datetime
    ) -> Answer:
        """Writes a value in the point's unit and says what was read back. Never raises for what a device does.

        Nobody begins it later than WAY_S after `begun_at`: a process that stood still meanwhile sends nothing.
        """
        entry = self.entry(equipment_id)
        if entry is None:
            return Answer(outcome=Outcome.NOT_SENT, detail="the equipment is not in the directory any more")
        try:
            subject = subject_of(place_of(entry, brokers=self._brokers))
        except NoWay as reason:
            return Answer(outcome=Outcome.NOT_SENT, detail=str(reason))
        command = Command(
            command_id=new_id(), equipment_id=equipment_id, point=key, value=value, within_s=timeout_s,
            expires_at_ms=to_ms(begun_at + timedelta(seconds=WAY_S)),
        )  # fmt: skip
        if command.is_late(to_ms(self._clock.now())):
            return Answer(outcome=Outcome.NOT_SENT, detail=TOO_LATE)
        try:
            raw = await self._bus.request(subject, msgspec.msgpack.encode(command), timeout_s=timeout_s + 2 * WAY_S)
        except NobodyServes:
            return Answer(outcome=Outcome.NOT_SENT, detail="no process holds the device's connection now")
        except (NobodyAnswers, RequestFailed) as error:
            return Answer(outcome=Outcome.UNCONFIRMED, detail=str(error))
        return msgspec.msgpack.decode(raw, type=Answer)


class CommandDoor:
    """Takes commands for the connections of this process. The last of the three that look at the target."""

    def __init__(
        self, bus: ServingBus, *, directory: LiveDirectory, profiles: Mapping[str, DeviceProfile], clock: Clock
    ) -> None:
        self._bus = bus
        self._directory = directory
        self._profiles = profiles
        self._kinds = kinds_of(profiles)
        self._clock = clock

    async def serve(self, place: str, carry: Carry) -> None:
        """Until cancelled. `carry` is given what may be done, and answers in time."""

        async def answer(payload: bytes) -> bytes:
            return msgspec.msgpack.encode(await self._answer(payload, carry))

        await self._bus.serve(subject_of(place), answer)

    async def _answer(self, payload: bytes, carry: Carry) -> Answer:
        command = msgspec.msgpack.decode(payload, type=Command)
        if command.is_late(to_ms(self._clock.now())):
            return Answer(outcome=Outcome.NOT_SENT, detail=TOO_LATE)
        entry = self._directory.current.by_id.get(command.equipment_id)
        if entry is None:
            return Answer(outcome=Outcome.NOT_SENT, detail="the equipment is not in the directory any more")
        refused = why_refused(self._directory.current, entry, kinds=self._kinds)
        if refused is not None:
            return Answer(outcome=Outcome.NOT_SENT, detail=f"protected: {refused.protection} ({refused.because.code})")
        try:
            writable_point(entry, command.point, self._profiles)
            return await carry(command)
        except NoWay as reason:
            return Answer(outcome=Outcome.NOT_SENT, detail=str(reason))


def kinds_of(profiles: Mapping[str, DeviceProfile]) -> ProfileKinds:
    called = (key for key, one in profiles.items() if is_named_protected(key, *one.name.values()))
    return ProfileKinds({key: profile.kind for key, profile in profiles.items()}, frozenset(called))


def writable_point(entry: EquipmentEntry, key: str, profiles: Mapping[str, DeviceProfile]) -> PointEntry:
    """Raises NoWay: no such point, one of life safety, or one that its profile knows no command for."""
    point, profile = entry.points.get(key), profiles.get(entry.profile_key)
    if point is None or profile is None:
        raise NoWay(f"{entry.code} has no point {key}")
    if point.life_safety:
        raise NoWay(f"{entry.code}.{key} is a life-safety point")
    described = profile.points.get(key)
    if is_named_protected(key, *(described.name.values() if described is not None else ())):
        # An input and output module that stands for nothing protected itself may well have such a contact.
        raise NoWay(f"{entry.code}.{key} is called fire-fighting equipment or an elevator")
    try:
        reason = _why_unwritable(entry, key, profile)
    except (BadProfile, BadAddress) as error:
        reason = str(error)
    if reason is not None:
        raise NoWay(f"{entry.code}.{key}: {reason}")
    return point


def _why_unwritable(entry: EquipmentEntry, key: str, profile: DeviceProfile) -> str | None:
    """None where its protocol has a way. Raises BadProfile, BadAddress."""
    if entry.protocol != MODBUS:
        return None if command_of(profile, key) else "its profile has no `command` for it"
    register = next((one for one in RegisterMap.of(profile).points if one.key == key), None)
    if register is None:
        return "it has no register"
    if parse_address(entry.address)[1] == BROADCAST_UNIT:
        return "unit 0 speaks to every device of the line: enter the device's own unit"
    return why_unwritable(register)
