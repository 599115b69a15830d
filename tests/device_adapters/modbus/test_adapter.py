"""The adapter against real sockets: pymodbus servers, and a raw server where a device misbehaves."""

import asyncio
import itertools
import math
import struct
import subprocess
import time
from dataclasses import replace

import pytest
from pymodbus import FramerType

from building.quality import Quality
from catalog.directory import Directory
from tests.conftest import need
from tests.device_adapters.modbus.bench import (
    PROBE,
    Bench,
    device,
    equipment,
    gateway,
    misbehaving,
    port_of,
    profiles,
    serving,
    silent_device,
    until,
)

METER = profiles()["eastron-sdm630"]
PUMP = profiles()["grundfos-cim-pump"]


def floats(**at: float) -> dict[int, list[int]]:
    """One run of input registers from 0 to 0x158, zero but for `r<address>=value`."""
    words = [0] * 0x158
    for name, value in at.items():
        address = int(name[1:])
        words[address : address + 2] = struct.unpack(">2H", struct.pack(">f", value))
    return {0: words}


def probe_registers(level: int, flow: int = 0) -> dict[int, list[int]]:
    return {10: [level, 0, flow]}


async def test_a_meter_and_mbpoll_agree_on_what_the_registers_say() -> None:
    inputs = floats(r0=230.1, r52=4250.0, r342=98765.4)
    async with serving([device(1, inputs=inputs)]) as server:
        port = port_of(server)
        meter = equipment("EM-01", METER, port=port)
        bench = Bench([meter])
        async with bench.running():
            await until(lambda: ("EM-01", "energy_total_kwh") in bench.intake.newest)
        mbpoll = need("mbpoll", package="mbpoll")
        command = [mbpoll, "-m", "tcp", "-a", "1", "-t", "3:float", "-B", "-0", "-r", "52", "-1", "-q", "-p", str(port)]
        answer = await asyncio.to_thread(
            subprocess.run, [*command, "127.0.0.1"], capture_output=True, text=True, timeout=20, check=True
        )
    newest = bench.intake.newest
    assert newest["EM-01", "voltage_a_v"].value == pytest.approx(230.1, abs=1e-4)
    assert newest["EM-01", "power_kw"].value == pytest.approx(4.25)
    assert newest["EM-01", "energy_total_kwh"].value == pytest.approx(98765.4, abs=0.01)
    assert newest["EM-01", "current_a_a"].value == 0.0
    assert "4250" in answer.stdout
    assert bench.links == [(meter.equipment_id, True)]


async def test_rtu_frames_over_tcp_are_spoken_too() -> None:
    async with serving([device(7, holding=probe_registers(1234))], framer=FramerType.RTU) as server:
        bench = Bench([equipment("P", PROBE, port=port_of(server), unit=7, framing="rtu")])
        async with bench.running():
            await until(lambda: ("P", "level_m") in bench.intake.newest)
    assert bench.intake.newest["P", "level_m"].value == pytest.approx(12.34)


async def test_what_a_pump_does_not_have_is_unknown_and_a_refused_register_a_fault_of_that_point_only() -> None:
    status = [0x0040, 0, 4, 0, 0, 0]
    data = [0xFFFF] * 64
    data[0], data[1], data[3] = 3500, 0, 2900
    data[11:13] = [0, 1500]
    # No auxiliary sensor: 4096 and 4097 are illegal addresses here.
    async with serving([device(1, holding={200: status, 300: data})]) as server:
        bench = Bench([equipment("PUMP-01", PUMP, port=port_of(server))])
        async with bench.running():
            await until(lambda: ("PUMP-01", "bearing_temp_c") in bench.intake.newest)
    newest = {key: reading for (_, key), reading in bench.intake.newest.items()}
    assert newest["head_bar"].value == pytest.approx(3.5)
    assert (newest["flow_m3_h"].value, newest["flow_m3_h"].quality) == (0.0, Quality.OK)
    assert (newest["running"].value, newest["fault"].value, newest["power_w"].value) == (1.0, 0.0, 1500.0)
    assert newest["run_hours"].quality is Quality.UNKNOWN
    assert newest["bearing_temp_c"].quality is newest["vibration_mm_s"].quality is Quality.FAULT
    assert all(math.isnan(newest[key].value) for key in ("run_hours", "bearing_temp_c", "vibration_mm_s"))
    assert [is_up for _, is_up in bench.links] == [True]


async def test_one_missing_register_inside_a_merged_block_does_not_spoil_its_neighbours() -> None:
    async with serving([device(1, holding={10: [150]})]) as server:  # 12 is missing
        bench = Bench([equipment("P", PROBE, port=port_of(server))])
        async with bench.running():
            await until(lambda: len(bench.intake.polls("P", "flow_l_s")) >= 3)
    assert {reading.value for reading in bench.intake.polls("P", "level_m")} == {1.5}
    assert {reading.quality for reading in bench.intake.polls("P", "flow_l_s")} == {Quality.FAULT}


async def test_a_link_that_goes_is_seen_within_two_polls_and_its_return_too() -> None:
    async with serving([device(1, holding=probe_registers(100))]) as server:
        port = port_of(server)
        pump_room = gateway("PGW-1")
        probe = equipment("P", PROBE, port=port, parent_id=pump_room.equipment_id)
        bench = Bench([pump_room, probe])
        running = bench.running()
        await running.__aenter__()
        await until(lambda: (probe.equipment_id, True) in bench.links)
    try:
        gone = time.monotonic()
        await until(lambda: (probe.equipment_id, False) in bench.links)
        assert time.monotonic() - gone < 10  # two polls of 0.2 s and two time-outs; the rest is a slow machine
        await until(lambda: bench.intake.newest["P", "level_m"].quality is Quality.DOWN)
        assert (pump_room.equipment_id, False) in bench.links
        async with serving([device(1, holding=probe_registers(200))], port=port):
            await until(lambda: bench.links[-2:] and bench.intake.newest["P", "level_m"].value == 2.0)
            await until(lambda: (probe.equipment_id, True) in bench.links[2:])
    finally:
        await running.__aexit__(None, None, None)
    told = [is_up for equipment_id, is_up in bench.links if equipment_id == probe.equipment_id]
    assert told == [True, False, True]
    assert [is_up for equipment_id, is_up in bench.links if equipment_id == pump_room.equipment_id] == told


def is_read_often(bench: Bench, code: str) -> bool:
    """Whether its last five polls came within 1.5 s of each other.

    The interval is 0.2 s; a unit that had to wait for each of five dead ones' 0.3 s never comes twice in 1.5 s.
    """
    times = [reading.ts_ms for reading in bench.intake.polls(code, "level_m")][-5:]
    return len(times) == 5 and all(after - before < 1500 for before, after in itertools.pairwise(times))


async def test_dead_units_of_a_gateway_do_not_delay_the_living() -> None:
    alive = [unit for unit in range(1, 31) if unit % 6]
    dead = [unit for unit in range(1, 31) if unit not in alive]
    devices = [device(unit, holding=probe_registers(unit)) for unit in alive]
    devices += [silent_device(unit, holding=probe_registers(unit)) for unit in dead]
    async with serving(devices) as server:
        units = [equipment(f"P-{unit}", PROBE, port=port_of(server), unit=unit) for unit in range(1, 31)]
        bench = Bench(units, timeout_s=0.3)
        async with bench.running():
            await until(lambda: len({code for code, _ in bench.intake.newest}) >= 30, timeout_s=60)
            await until(lambda: all(is_read_often(bench, f"P-{unit}") for unit in alive), timeout_s=60)
    down = {equipment_id for equipment_id, is_up in bench.links if not is_up}
    assert down == {unit.equipment_id for unit in units if int(unit.code[2:]) in dead}


async def test_a_dead_endpoint_does_not_delay_another() -> None:
    async def never(request: bytes) -> bytes:
        await asyncio.sleep(3600)
        return b""

    async with misbehaving(never) as dead, serving([device(1, holding=probe_registers(5))]) as server:
        entries = [equipment("DEAD", PROBE, port=dead), equipment("P", PROBE, port=port_of(server))]
        bench = Bench(entries)
        async with bench.running():
            await until(lambda: len(bench.intake.polls("P", "level_m")) >= 5)
    assert not [reading for reading in bench.intake.polls("DEAD", "level_m") if reading.quality.has_value]


def mbap(request: bytes, pdu: bytes) -> bytes:
    """A Modbus TCP answer to `request`."""
    return request[:4] + struct.pack(">H", len(pdu) + 1) + request[6:7] + pdu


@pytest.mark.parametrize(
    "garbage",
    [
        b"\x00" * 3,
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"\xff" * 300,
        bytes.fromhex("000100000003018302")[:-1],
    ],
)
async def test_garbage_is_never_a_reading_and_ends_as_link_down(garbage: bytes) -> None:
    async def answer(request: bytes) -> bytes:
        return garbage

    async with misbehaving(answer) as port:
        bench = Bench([equipment("P", PROBE, port=port)])
        async with bench.running():
            await until(lambda: bench.links)
    assert [is_up for _, is_up in bench.links] == [False]
    assert {reading.quality for _, _, reading in bench.intake.history} == {Quality.DOWN}


async def test_an_answer_of_the_wrong_length_is_not_believed() -> None:
    async def short(request: bytes) -> bytes:
        return mbap(request, bytes([3, 2, 0, 9]))  # one register where three were asked for

    async with misbehaving(short) as port:
        bench = Bench([equipment("P", PROBE, port=port)])
        async with bench.running():
            await until(lambda: bench.links)
    assert {reading.quality for _, _, reading in bench.intake.history} == {Quality.DOWN}


async def test_a_late_answer_is_never_taken_for_the_next_one() -> None:
    asked = 0

    async def late_then_prompt(request: bytes) -> bytes:
        nonlocal asked
        asked += 1
        value = asked
        if value % 2:
            await asyncio.sleep(0.45)  # after the 0.3 s that the adapter waits
        return mbap(request, bytes([3, 6, 0, value, 0, 0, 0, value]))

    async with misbehaving(late_then_prompt) as port:
        bench = Bench([equipment("P", PROBE, port=port)])
        async with bench.running():
            await until(lambda: len([r for r in bench.intake.polls("P", "flow_l_s") if r.quality.has_value]) >= 3)
    values = {reading.value for reading in bench.intake.polls("P", "flow_l_s") if reading.quality.has_value}
    assert all(value % 2 == 0 for value in values), "an answer that came too late was used"


async def test_a_gateway_that_says_its_device_does_not_answer_is_silence_not_a_fault() -> None:
    async def no_path(request: bytes) -> bytes:
        return mbap(request, bytes([0x83, 0x0B]))

    async with misbehaving(no_path) as port:
        bench = Bench([equipment("P", PROBE, port=port)])
        async with bench.running():
            await until(lambda: bench.links)
    assert [is_up for _, is_up in bench.links] == [False]


async def test_the_adapter_only_ever_reads() -> None:
    functions: set[int] = set()

    async def listening(request: bytes) -> bytes:
        functions.add(request[7])
        return mbap(request, bytes([request[7] | 0x80, 2]))

    async with misbehaving(listening) as port:
        entries = [equipment("PUMP-01", PUMP, port=port), equipment("EM-01", METER, port=port, unit=2)]
        bench = Bench(entries)
        async with bench.running():
            await until(lambda: len(bench.intake.newest) == len(PUMP.points) + len(METER.points))
    assert functions == {3, 4}


async def test_a_changed_directory_is_followed_without_a_restart() -> None:
    async with serving([device(unit, holding=probe_registers(unit)) for unit in (1, 2)]) as server:
        port = port_of(server)
        first = equipment("A", PROBE, port=port, unit=1)
        second = equipment("B", PROBE, port=port, unit=2, first_point=10)
        bench = Bench([first])
        async with bench.running():
            await until(lambda: ("A", "level_m") in bench.intake.newest)
            bench.directory.replace(Directory.of(2, [first, second]))
            await until(lambda: ("B", "level_m") in bench.intake.newest)
            moved = replace(first, address={**first.address, "unit": 2})
            bench.directory.replace(Directory.of(3, [moved]))
            await until(lambda: bench.intake.newest["A", "level_m"].value == 0.02)
            bench.intake.history.clear()
            await until(lambda: len(bench.intake.polls("A", "level_m")) >= 3)
            bench.directory.replace(Directory.of(4, []))
            await until(lambda: bench.registry.get_sample_value("hub_modbus_endpoints") == 0)
        assert not bench.intake.polls("B", "level_m")


async def test_equipment_that_cannot_be_polled_harms_nobody_and_is_counted() -> None:
    async with serving([device(1, holding=probe_registers(5))]) as server:
        good = equipment("P", PROBE, port=port_of(server))
        bad = [
            replace(equipment("NO-HOST", PROBE, port=1), address={"unit": 1}),
            replace(equipment("BAD-UNIT", PROBE, port=1), address={"host": "x", "unit": 700}),
            replace(equipment("NO-PROFILE", PROBE, port=1), profile_key="gone"),
        ]
        bench = Bench([*bad, good])
        async with bench.running():
            await until(lambda: ("P", "level_m") in bench.intake.newest)
    assert bench.registry.get_sample_value("hub_modbus_unusable") == 3
