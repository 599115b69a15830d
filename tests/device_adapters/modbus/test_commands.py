"""Commands over Modbus against real pymodbus servers: written, read back, first in turn, never twice."""

import asyncio
import time
import tomllib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from msgspec.structs import replace
from prometheus_client import CollectorRegistry
from pymodbus.simulator import DataType, SimData, SimDevice

from building.profile import parse_profile
from catalog.directory import EquipmentEntry
from device_adapters.commands.command import TOO_LATE, Answer, Command, NoWay, Outcome
from device_adapters.modbus.address import parse_address
from device_adapters.modbus.metrics import ModbusMetrics
from device_adapters.modbus.poller import EndpointPoller, PollerOutputs
from device_adapters.modbus.registers import RegisterMap
from device_adapters.modbus.settings import ModbusSettings
from device_adapters.modbus.unit import UnitSpec
from kit.clock import SystemClock, to_ms
from kit.ids import new_id
from tests.device_adapters.modbus.bench import PROBE, equipment, misbehaving, port_of, serving, silent_device

POINT = """
[[points]]
key = "{key}"
name = {{ zh-CN = "{key}", en = "{key}" }}
kind = "command"
unit = ""
range = [0, 100]
reporting = {{ mode = "periodic", interval_s = 1 }}
modbus = {{ {modbus} }}
"""
VALVE = parse_profile(
    tomllib.loads(
        'key = "valve"\nname = { zh-CN = "阀", en = "Valve" }\nkind = "valve"\nprotocol = "modbus"\nedition = "tests"\n'
        "[modbus]\npoll_interval_s = 0.1\n"
        + POINT.format(key="open", modbus='table = "coil", address = 0, write = "single"')
        + POINT.format(key="lamp", modbus='table = "coil", address = 1, write = "multiple"')
        + POINT.format(key="position", modbus='table = "holding", address = 0, scale = 0.1, write = "single"')
        + POINT.format(key="limit", modbus='table = "holding", address = 2, type = "float32", write = "multiple"')
        + POINT.format(key="serial", modbus='table = "holding", address = 4')
    )
)


def valve(unit: int = 1) -> SimDevice:
    coils = [SimData(0, values=[False] * 16, datatype=DataType.BITS)]
    words = [SimData(0, values=[0] * 8, datatype=DataType.REGISTERS)]
    return SimDevice(id=unit, simdata=(coils, coils, words, words))


@asynccontextmanager
async def polled(*entries: EquipmentEntry) -> AsyncIterator[EndpointPoller]:
    """A poller that polls these, whose writer is tried meanwhile."""
    endpoint, _ = parse_address(entries[0].address)
    registers = {"valve": RegisterMap.of(VALVE), "probe": RegisterMap.of(PROBE)}
    specs = [UnitSpec(one, parse_address(one.address)[1], registers[one.profile_key]) for one in entries]
    poller = EndpointPoller(
        endpoint, specs, gateway_id=None, outputs=PollerOutputs(lambda *_: None, lambda *_: None),
        settings=ModbusSettings(timeout_s=0.5, connect_timeout_s=1.0), clock=SystemClock(),
        metrics=ModbusMetrics(CollectorRegistry()),
    )  # fmt: skip
    running = asyncio.create_task(poller.run())
    try:
        yield poller
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


def command(entry: EquipmentEntry, point: str, value: float, *, within_s: float = 1.0) -> Command:
    return Command(
        command_id=new_id(), equipment_id=entry.equipment_id, point=point, value=value, within_s=within_s,
        expires_at_ms=to_ms(SystemClock().now()) + 10_000,
    )  # fmt: skip


async def test_coils_registers_and_floats_are_written_and_read_back() -> None:
    async with serving([valve()]) as server:
        entry = equipment("V-01", VALVE, port=port_of(server))
        async with polled(entry) as poller:
            wanted = [("open", 1.0), ("lamp", 1.0), ("position", 42.5), ("limit", 17.25), ("open", 0.0)]
            answers = [await poller.writer.carry(command(entry, point, value)) for point, value in wanted]
            # A value between two steps of the register is the nearest of them there, and no other value.
            between = await poller.writer.carry(command(entry, "position", 21.37))
            late = await poller.writer.carry(replace(command(entry, "open", 1.0), expires_at_ms=1))
            again = await poller.writer.carry(command(entry, "open", 0.0))
            for point, value in (("serial", 1.0), ("nothing", 1.0), ("position", 9_999.0)):
                with pytest.raises(NoWay):
                    await poller.writer.carry(command(entry, point, value))
    assert [(one.outcome, one.read_back) for one in answers] == [(Outcome.DONE, value) for _, value in wanted]
    assert (between.outcome, between.read_back) == (Outcome.DONE, 21.4)
    assert (late.outcome, late.detail, again.outcome) == (Outcome.NOT_SENT, TOO_LATE, Outcome.DONE)


async def test_a_command_waits_for_one_question_not_for_the_polls_of_dead_units() -> None:
    """Five dead units behind the gateway: their polls would keep the line busy for seconds."""
    dead = [silent_device(unit, holding={10: [1, 0, 1]}) for unit in range(2, 7)]
    async with serving([valve(), *dead]) as server:
        port = port_of(server)
        entry = equipment("V-01", VALVE, port=port)
        others = [equipment(f"D-{unit}", PROBE, port=port, unit=unit, first_point=unit * 10) for unit in range(2, 7)]
        async with polled(entry, *others) as poller:
            await asyncio.sleep(0.6)  # until the line is busy with them
            begun = time.monotonic()
            answer = await poller.writer.carry(command(entry, "open", 1.0, within_s=5.0))
    assert answer.outcome is Outcome.DONE
    assert time.monotonic() - begun < 2.0  # one time-out of 0.5 s, and a slow machine


async def test_what_a_device_does_not_take_is_said_and_never_repeated() -> None:
    asked: list[bytes] = []

    async def sticks(request: bytes) -> bytes:
        """Says yes to writing and stays at 0; FC 6 it knows not, and FC 16 it does not answer."""
        head, function = request[:4], request[7]
        if function in (5, 6, 15, 16):
            asked.append(request[7:])
        match function:
            case 5:
                return request
            case 6:
                return head + b"\0\3" + request[6:7] + bytes([0x86, 1])
            case 16:
                return b""
        size = -(-int.from_bytes(request[10:12], "big") // 8) if function == 1 else 2 * request[11]
        return head + (3 + size).to_bytes(2, "big") + request[6:8] + bytes([size]) + bytes(size)

    async with misbehaving(sticks) as port:
        entry = equipment("V-01", VALVE, port=port)
        async with polled(entry) as poller:
            carry = poller.writer.carry
            stuck = await carry(command(entry, "open", 1.0, within_s=0.5))
            refused = await carry(command(entry, "position", 5.0))
            silent = await carry(command(entry, "limit", 5.0))
    assert stuck == Answer(outcome=Outcome.DIFFERENT, read_back=0.0)
    assert (refused.outcome, refused.detail) == (Outcome.REFUSED, "Modbus exception 1")
    assert silent.outcome is Outcome.UNCONFIRMED
    assert [question[0] for question in asked] == [5, 6, 16]


async def test_a_device_that_is_still_at_it_or_whose_answer_was_lost_is_asked_what_it_did() -> None:
    """Exception 5 is "accepted, I am at it", 4 "failed while doing it": after both it may have been done."""
    state = {"coil": 0, "register": 0}

    async def slow(request: bytes) -> bytes:
        head, function = request[:4], request[7]
        match function:
            case 5:
                state["coil"] = 1
                return head + b"\0\3" + request[6:7] + bytes([0x85, 5])
            case 6:
                return head + b"\0\3" + request[6:7] + bytes([0x86, 4])
            case 15:
                state["coil"] = 1
                return b""
        value = bytes([state["coil"]]) if function == 1 else bytes(2 * request[11])
        return head + (3 + len(value)).to_bytes(2, "big") + request[6:8] + bytes([len(value)]) + value

    async with misbehaving(slow) as port:
        entry = equipment("V-01", VALVE, port=port)
        async with polled(entry) as poller:
            accepted = await poller.writer.carry(command(entry, "open", 1.0))
            failed = await poller.writer.carry(command(entry, "position", 5.0, within_s=0.3))
            lost = await poller.writer.carry(command(entry, "lamp", 1.0, within_s=2.0))
    assert accepted == Answer(outcome=Outcome.DONE, read_back=1.0)
    assert failed == Answer(outcome=Outcome.UNCONFIRMED, read_back=0.0, detail="Modbus exception 4")
    assert (lost.outcome, lost.read_back) == (Outcome.DONE, 1.0)


async def test_what_cannot_be_reached_was_not_sent() -> None:
    entry = equipment("V-01", VALVE, port=1)
    async with polled(entry) as poller:
        answer = await poller.writer.carry(command(entry, "open", 1.0))
    assert answer.outcome is Outcome.NOT_SENT
