"""Devices that misbehave in every way of Modbus TCP: nothing wrong is ever stored, and the healthy ones go on."""

import asyncio
import os
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial

from building.quality import Quality
from catalog.directory import EquipmentEntry
from tests.device_adapters.modbus.bench import PROBE, Bench, device, equipment, port_of, serving, until
from tests.device_adapters.modbus.test_adapter import probe_registers

TRUE, POISON = 1234, 6666
LATE_S = 0.45  # the adapter waits 0.3 s


@dataclass(frozen=True)
class Exchange:
    """One request on a connection, and how to answer it."""

    request: bytes
    writer: asyncio.StreamWriter

    def frame(self, value: int, *, transaction: int = 0, unit: int = 0, function: int = 3) -> bytes:
        """An answer with three registers of `value`; `transaction` and `unit` are added to what was asked."""
        (asked,) = struct.unpack(">H", self.request[:2])
        pdu = bytes([function, 6]) + struct.pack(">3H", value, 0, value)
        header = struct.pack(">HHHB", (asked + transaction) & 0xFFFF, 0, len(pdu) + 1, (self.request[6] + unit) & 0xFF)
        return header + pdu

    def exception(self, code: int) -> bytes:
        return self.request[:4] + struct.pack(">HBBB", 3, self.request[6], 0x83, code)

    async def send(self, *parts: bytes, pause_s: float = 0.0) -> None:
        for part in parts:
            self.writer.write(part)
            await self.writer.drain()
            await asyncio.sleep(pause_s)


Fault = Callable[[Exchange], Awaitable[None]]


async def hang(exchange: Exchange) -> None:
    await asyncio.sleep(3600)


async def answer_late(exchange: Exchange) -> None:
    await asyncio.sleep(LATE_S)
    await exchange.send(exchange.frame(POISON))


async def drip(exchange: Exchange) -> None:
    await exchange.send(*(bytes([byte]) for byte in exchange.frame(POISON)), pause_s=0.04)


async def garbage(exchange: Exchange) -> None:
    await exchange.send(os.urandom(64))


async def other_transaction(exchange: Exchange) -> None:
    await exchange.send(exchange.frame(POISON, transaction=1))


async def the_transaction_before(exchange: Exchange) -> None:
    await exchange.send(exchange.frame(POISON, transaction=-1))


async def other_unit(exchange: Exchange) -> None:
    await exchange.send(exchange.frame(POISON, unit=1))


async def other_function(exchange: Exchange) -> None:
    await exchange.send(exchange.frame(POISON, function=4))


async def close_in_mid_frame(exchange: Exchange) -> None:
    await exchange.send(exchange.frame(POISON)[:11])
    exchange.writer.close()


async def close_at_once(exchange: Exchange) -> None:
    exchange.writer.close()


async def length_that_lies(exchange: Exchange) -> None:
    frame = bytearray(exchange.frame(POISON))
    frame[5] = 200
    await exchange.send(bytes(frame))


async def refuse(exchange: Exchange, *, code: int) -> None:
    await exchange.send(exchange.exception(code))


FAULTS: list[Fault] = [
    hang, answer_late, drip, garbage, other_transaction, the_transaction_before, other_unit, other_function,
    close_in_mid_frame, close_at_once, length_that_lies,
]  # fmt: skip


@asynccontextmanager
async def rogue(fault: Fault, *, every: int) -> AsyncIterator[int]:
    """A real server that is at fault with each `every`-th request and right with the others; its port."""
    asked = 0
    connections: set[asyncio.Task[None]] = set()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal asked
        task = asyncio.current_task()
        assert task is not None
        connections.add(task)
        try:
            while request := await reader.read(260):
                asked += 1
                exchange = Exchange(request, writer)
                await (fault(exchange) if asked % every == 0 else exchange.send(exchange.frame(TRUE)))
        except (ConnectionError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in connections:
            task.cancel()


@dataclass(frozen=True)
class Fleet:
    """A rogue device a fault, each at an address of its own, and a healthy one beside them."""

    bench: Bench
    rogues: Mapping[str, EquipmentEntry]

    def good(self, code: str) -> list[float]:
        return [reading.value for reading in self.bench.intake.polls(code, "level_m") if reading.quality.has_value]

    def qualities(self, code: str) -> set[Quality]:
        return {reading.quality for reading in self.bench.intake.polls(code, "level_m")}

    def links(self, code: str) -> list[bool]:
        return [is_up for equipment_id, is_up in self.bench.links if equipment_id == self.rogues[code].equipment_id]

    def counted(self, counter: str, **labels: str) -> float:
        return self.bench.registry.get_sample_value(f"hub_modbus_{counter}_total", labels) or 0


@asynccontextmanager
async def fleet(faults: Mapping[str, Fault], *, every: int) -> AsyncIterator[Fleet]:
    async with AsyncExitStack() as stack:
        healthy = await stack.enter_async_context(serving([device(1, holding=probe_registers(77))]))
        rogues = {
            name: equipment(name, PROBE, port=await stack.enter_async_context(rogue(fault, every=every)))
            for name, fault in faults.items()
        }
        bench = Bench([*rogues.values(), equipment("healthy", PROBE, port=port_of(healthy))])
        async with bench.running():
            yield Fleet(bench, rogues)


async def test_devices_at_fault_now_and_then_say_nothing_wrong_and_are_heard_in_between() -> None:
    async with fleet({fault.__name__: fault for fault in FAULTS}, every=3) as all_of_them:
        await until(lambda: all(len(all_of_them.good(fault.__name__)) >= 6 for fault in FAULTS), timeout_s=60)
    for fault in FAULTS:
        assert set(all_of_them.good(fault.__name__)) == {TRUE / 100}, fault.__name__
        assert all_of_them.links(fault.__name__) == [True], "a single failure is no lost link"
    assert all_of_them.counted("polls", outcome="silent") >= 2 * len(FAULTS)
    assert set(all_of_them.good("healthy")) == {0.77}
    assert len(all_of_them.good("healthy")) >= max(len(all_of_them.good(fault.__name__)) for fault in FAULTS)


async def test_devices_always_at_fault_are_down_and_the_healthy_go_on() -> None:
    async with fleet({fault.__name__: fault for fault in FAULTS}, every=1) as all_of_them:
        await until(lambda: all(all_of_them.links(fault.__name__) for fault in FAULTS), timeout_s=60)
        before = len(all_of_them.good("healthy"))
        await until(lambda: len(all_of_them.good("healthy")) >= before + 3)
    for fault in FAULTS:
        assert (all_of_them.links(fault.__name__), all_of_them.good(fault.__name__)) == ([False], []), fault.__name__
        assert all_of_them.qualities(fault.__name__) == {Quality.DOWN}
    assert all_of_them.counted("polls", outcome="silent") >= 2 * len(FAULTS)


async def test_each_exception_is_counted_and_is_no_value() -> None:
    """10 and 11 are a gateway's word for a device that does not answer: silence. The others refuse these registers."""
    codes = range(1, 12)
    async with fleet({str(code): partial(refuse, code=code) for code in codes}, every=1) as all_of_them:
        await until(lambda: all(all_of_them.links(str(code)) for code in codes), timeout_s=60)
        await until(lambda: len(all_of_them.good("healthy")) >= 3)
    for code in codes:
        is_silence = code in (10, 11)
        assert all_of_them.good(str(code)) == []
        assert all_of_them.links(str(code)) == [not is_silence], code
        assert all_of_them.qualities(str(code)) == {Quality.DOWN if is_silence else Quality.FAULT}
        assert (all_of_them.counted("refusals", code=str(code)) > 0) != is_silence
    assert all_of_them.counted("polls", outcome="silent") >= 4


async def test_a_late_answer_to_one_unit_is_not_the_next_units_value() -> None:
    """Two units behind one gateway: what the first says too late must not be read as the second's."""

    async def late_for_the_first(exchange: Exchange) -> None:
        if exchange.request[6] == 1:
            await asyncio.sleep(LATE_S)
            await exchange.send(exchange.frame(POISON))
        else:
            await exchange.send(exchange.frame(TRUE))

    async with rogue(late_for_the_first, every=1) as port:
        units = [equipment("LATE", PROBE, port=port, unit=1), equipment("GOOD", PROBE, port=port, unit=2)]
        them = Fleet(Bench(units), {})
        async with them.bench.running():
            silent = partial(them.counted, "polls", outcome="silent")
            await until(lambda: silent() >= 3 and len(them.good("GOOD")) >= 5, timeout_s=60)
    assert them.good("LATE") == []
    assert set(them.good("GOOD")) == {TRUE / 100}
