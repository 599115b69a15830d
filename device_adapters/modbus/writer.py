"""Carries out commands over an endpoint's one socket: writes, then reads back until the device says the same."""

import asyncio
from collections.abc import Mapping
from uuid import UUID

from building.quality import Quality
from device_adapters.commands.command import TOO_LATE, Answer, Command, NoWay, Outcome, is_close
from device_adapters.modbus.block_codec import BlockCodec
from device_adapters.modbus.client import EndpointClient, EndpointUnreachable, UnitRefused, UnitSilent
from device_adapters.modbus.plan import Block
from device_adapters.modbus.registers import PointRegister
from device_adapters.modbus.turns import Turns
from device_adapters.modbus.unit import UnitSpec
from device_adapters.modbus.writing import CannotHold, WriteRequest, held_value, why_unwritable, write_request
from kit.clock import Clock, to_ms

READ_BACK_EVERY_S = 0.2


class Writer:
    """`carry` takes its turns before polls and gives the socket back between writing and each reading."""

    def __init__(self, client: EndpointClient, turns: Turns, specs: Mapping[UUID, UnitSpec], *, clock: Clock) -> None:
        self._client = client
        self._turns = turns
        self._specs = specs
        self._clock = clock

    async def carry(self, command: Command) -> Answer:
        """Raises NoWay for what this endpoint cannot be told. Nothing is written twice."""
        spec = self._specs.get(command.equipment_id)
        point = None if spec is None else _point(spec, command.point)
        if spec is None or point is None or (reason := why_unwritable(point)) is not None:
            raise NoWay("the point is not written over this endpoint" if point is None else str(reason))
        try:
            request, wanted = write_request(point, command.value), held_value(point, command.value)
        except CannotHold as error:
            raise NoWay(str(error)) from None
        deadline = self._clock.monotonic() + command.within_s
        try:
            async with self._turns.taken(is_command=True):
                await self._client.connect()
                # Looked at again: others may have had their turns before, and an endpoint may be slow to be reached.
                if command.is_late(to_ms(self._clock.now())):
                    return Answer(outcome=Outcome.NOT_SENT, detail=TOO_LATE)
                doubt = await self._write(request, spec)
        except EndpointUnreachable as error:
            return Answer(outcome=Outcome.NOT_SENT, detail=str(error))
        except UnitRefused as refusal:
            return Answer(outcome=Outcome.REFUSED, detail=f"Modbus exception {refusal.code}")
        found = await self._read_back(wanted, spec, point, deadline=deadline)
        if doubt and found.outcome is not Outcome.DONE:
            # Nobody knows whether it was the device that took it and changed it, or never took it.
            return Answer(outcome=Outcome.UNCONFIRMED, read_back=found.read_back, detail=doubt)
        return found

    async def _write(self, request: WriteRequest, spec: UnitSpec) -> str:
        """Why it is not sure that it was done; empty where it is. Raises UnitRefused where it was not."""
        try:
            await self._client.write(request, unit=spec.unit)
        except UnitRefused as refusal:
            if refusal.is_certain:
                raise
            return f"Modbus exception {refusal.code}"
        except UnitSilent as error:
            return str(error)
        return ""

    async def _read_back(self, wanted: float, spec: UnitSpec, point: PointRegister, *, deadline: float) -> Answer:
        """Until it is as wanted or the time is over. A device that is slow to follow is not written to again."""
        last, detail = None, "it could not be read back"
        while True:
            try:
                last = await self._read(spec, point)
                detail = "" if last is not None else "it says that it has no value"
            except (EndpointUnreachable, UnitSilent) as error:
                detail = str(error)
            except UnitRefused as refusal:
                return Answer(outcome=Outcome.UNCONFIRMED, detail=f"reading back: Modbus exception {refusal.code}")
            if last is not None and is_close(wanted, last):
                return Answer(outcome=Outcome.DONE, read_back=last)
            if self._clock.monotonic() + READ_BACK_EVERY_S > deadline:
                outcome = Outcome.UNCONFIRMED if last is None else Outcome.DIFFERENT
                return Answer(outcome=outcome, read_back=last, detail=detail)
            await asyncio.sleep(READ_BACK_EVERY_S)

    async def _read(self, spec: UnitSpec, point: PointRegister) -> float | None:
        block = Block.of((point,))
        async with self._turns.taken(is_command=True):
            await self._client.connect()
            data = await self._client.read(block, unit=spec.unit)
        values, qualities = BlockCodec(block).decode(data)
        return float(values[0]) if qualities[0] == Quality.OK else None


def _point(spec: UnitSpec, key: str) -> PointRegister | None:
    if key not in spec.entry.points:
        return None
    return next((point for point in spec.registers.points if point.key == key), None)
