"""Commands between processes over a real bus: carried, answered, in time, and once, whoever dies meanwhile."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest

from bus.client import Bus, BusSettings
from catalog.directory import LiveDirectory
from device_adapters.commands.command import TOO_LATE, Answer, Command, Outcome
from device_adapters.commands.sending import WAY_S, Carry, CommandDoor, Commands
from kit.clock import SystemClock
from tests.conftest import LIVENESS_S
from tests.device_adapters.directories import directory
from tests.device_adapters.modbus.bench import equipment
from tests.device_adapters.modbus.test_commands import VALVE

ENTRY = equipment("V-01", VALVE, port=1502)
PLACE = "modbus 127.0.0.1:1502"
PROFILES = {"valve": VALVE}


class Device:
    """What an adapter would do: notes each command, answers when it is told to."""

    def __init__(self) -> None:
        self.done: list[Command] = []
        self.may_answer = asyncio.Event()
        self.begun = asyncio.Event()

    async def carry(self, command: Command) -> Answer:
        self.done.append(command)
        self.begun.set()
        await self.may_answer.wait()
        return Answer(outcome=Outcome.DONE, read_back=command.value)


@asynccontextmanager
async def adapter_process(settings: BusSettings, carry: Carry) -> AsyncIterator[asyncio.Task[None]]:
    """A process that holds the device's connection, on a connection of its own to the bus."""
    async with Bus(settings) as bus:
        door = CommandDoor(bus, directory=LiveDirectory(directory(ENTRY)), profiles=PROFILES, clock=SystemClock())
        task = asyncio.create_task(door.serve(PLACE, carry))
        try:
            yield task
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


def asking(bus: Bus) -> Commands:
    return Commands(
        bus, directory=LiveDirectory(directory(ENTRY)), profiles=PROFILES, brokers=[], clock=SystemClock()
    )  # fmt: skip


async def write(commands: Commands, *, began_s_ago: float = 0.0) -> Answer:
    begun_at = SystemClock().now() - timedelta(seconds=began_s_ago)
    return await commands.write(ENTRY.equipment_id, "open", 1.0, timeout_s=1.0, begun_at=begun_at)


async def heard(commands: Commands) -> Answer:
    """The answer of the first command that finds its adapter: until then it was certainly not sent."""
    async with asyncio.timeout(LIVENESS_S):
        while (answer := await write(commands)).outcome is Outcome.NOT_SENT:
            await asyncio.sleep(0.02)
    return answer


async def test_a_command_is_carried_to_the_process_that_holds_the_device_and_answered(
    bus: Bus, bus_settings: BusSettings
) -> None:
    commands, device = asking(bus), Device()
    device.may_answer.set()
    assert (await write(commands)).outcome is Outcome.NOT_SENT  # nobody is there
    async with adapter_process(bus_settings, device.carry):
        assert await heard(commands) == Answer(outcome=Outcome.DONE, read_back=1.0)
        # Begun too long ago, by a process that stood still meanwhile, or held up on its way: not done.
        late = await write(commands, began_s_ago=WAY_S + 1)
        assert (late.outcome, late.detail) == (Outcome.NOT_SENT, TOO_LATE)
    assert len(device.done) == 1


@pytest.mark.long
async def test_a_command_whose_process_dies_is_unknown_and_never_done_by_the_next(
    bus: Bus, bus_settings: BusSettings
) -> None:
    commands, dying, next_one = asking(bus), Device(), Device()
    next_one.may_answer.set()
    async with adapter_process(bus_settings, dying.carry) as first:
        waiting = asyncio.create_task(heard(commands))
        await asyncio.wait_for(dying.begun.wait(), LIVENESS_S)
        first.cancel()
        async with adapter_process(bus_settings, next_one.carry):
            assert (await waiting).outcome is Outcome.UNCONFIRMED
            assert (len(dying.done), next_one.done) == (1, [])
            assert (await heard(commands)).outcome is Outcome.DONE
