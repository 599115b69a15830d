"""Real reads over real sockets: mbpoll, and frames by hand."""

import asyncio
import re
import socket
import struct
import subprocess
from pathlib import Path

import pytest

from building.profile import BadProfile, parse_profile
from kit.supervision.ports import PortTaken, free_port
from simulators.fleet.fleet import FaultRequest, Fleet
from simulators.modbus.fleet_gateways import FleetGateways, load_profiles
from simulators.modbus.registers import register_map
from tests.conftest import need
from tests.simulators.days import MIDNIGHT_S
from tests.simulators.test_fleet import NOW

NOON_S = MIDNIGHT_S + 12 * 3600
PROFILES = load_profiles(Path("device_adapters/profiles"))


@pytest.fixture
def fleet(small_site) -> Fleet:
    return Fleet(small_site, seed=1, speed=1.0, started_unix_s=NOON_S)


@pytest.fixture
async def gateways(fleet):
    """(pump gateway, meter gateway) on ports of their own."""
    shift = free_port() - 15020
    made = FleetGateways(fleet, PROFILES, shift=shift)
    for gateway in made.gateways:
        gateway.port = free_port()
    await made.open()
    yield made
    await made.close()


async def mbpoll(port: int, unit: int, *arguments: str) -> dict[int, float]:
    """Register numbers and values as mbpoll prints them; fails the test when the read fails."""
    program = need("mbpoll", package="mbpoll")
    command = [program, "-m", "tcp", "-1", "-a", str(unit), "-p", str(port), *arguments, "127.0.0.1"]
    done = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, timeout=30)
    assert done.returncode == 0, done.stderr
    return {int(n): float(value) for n, value in re.findall(r"\[(\d+)\]:\s+(\S+)", done.stdout)}


async def ask(port: int, unit: int, pdu: bytes) -> bytes:
    """The answer's PDU to a hand-made frame; empty when the connection is closed instead."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(struct.pack(">HHHB", 7, 0, len(pdu) + 1, unit) + pdu)
    head = await asyncio.wait_for(reader.read(7), 10)
    answer = await reader.readexactly(struct.unpack(">H", head[4:6])[0] - 1) if head else b""
    writer.close()
    return answer


def port_of(gateways: FleetGateways, code: str) -> int:
    return next(gateway.port for gateway in gateways.gateways if gateway.code == code)


async def test_mbpoll_reads_the_voltages_of_an_sdm630_as_floats(fleet, gateways):
    read = await mbpoll(port_of(gateways, "MGW-01"), 2, "-t", "3:float", "-B", "-r", "1", "-c", "3")
    values = fleet.values("EM-02")
    assert list(read.values()) == pytest.approx([values[f"voltage_{phase}_v"] for phase in "abc"], abs=0.01)


async def test_mbpoll_reads_head_flow_and_speed_of_a_pump(fleet, gateways):
    # 300 head in 0.001 bar, 301 flow in 0.1 m³/h, 303 rpm: wire addresses (-0)
    read = await mbpoll(port_of(gateways, "PGW-1"), 1, "-t", "4", "-0", "-r", "300", "-c", "4")
    values = fleet.values("PUMP-01")
    assert read[300] == pytest.approx(values["head_bar"] * 1000, abs=1)
    assert read[301] == pytest.approx(values["flow_m3_h"] * 10, abs=1)
    assert read[303] == pytest.approx(values["speed_rpm"], abs=1)


async def test_a_register_a_pump_does_not_have_says_not_available(gateways):
    answer = await ask(port_of(gateways, "PGW-1"), 1, struct.pack(">BHH", 3, 302, 1))
    assert answer == bytes.fromhex("03 02 FFFF")


async def test_the_status_word_carries_its_bits(fleet, gateways):
    port = port_of(gateways, "PGW-1")
    running = struct.unpack(">H", (await ask(port, 1, struct.pack(">BHH", 3, 200, 1)))[2:])[0]
    assert (running >> 6 & 1, running >> 8 & 1, running >> 10 & 1) == (1, 1, 0)
    fleet.start_fault(FaultRequest("pump-fault", "PUMP-01", {}, None), now=NOW)
    for second in range(20):
        fleet.step_others(unix_s=NOON_S + second, dt_s=1)
    tripped = struct.unpack(">HHHHH", (await ask(port, 1, struct.pack(">BHH", 3, 200, 5)))[2:])
    assert (tripped[0] >> 6 & 1, tripped[0] >> 10 & 1, tripped[4]) == (0, 1, 48)


async def test_an_sdm630_answers_function_4_only_and_30_parameters_at_most(gateways):
    port = port_of(gateways, "MGW-01")
    assert (await ask(port, 1, struct.pack(">BHH", 3, 0, 2))).hex() == "8301"
    assert (await ask(port, 1, struct.pack(">BHH", 4, 0, 62))).hex() == "8403"
    assert len(await ask(port, 1, struct.pack(">BHH", 4, 0, 60))) == 2 + 120


async def test_addresses_a_device_does_not_have_are_refused(gateways):
    assert (await ask(port_of(gateways, "PGW-1"), 1, struct.pack(">BHH", 3, 2000, 2))).hex() == "8302"


async def test_nothing_can_be_written(gateways):
    assert (await ask(port_of(gateways, "PGW-1"), 1, struct.pack(">BHH", 6, 200, 1))).hex() == "8601"


async def test_a_silent_unit_and_an_unknown_one_are_reported_by_the_gateway(fleet, gateways):
    port = port_of(gateways, "PGW-1")
    fleet.start_fault(FaultRequest("offline", "PUMP-02", {}, None), now=NOW)
    read = struct.pack(">BHH", 3, 300, 2)
    assert (await ask(port, 2, read)).hex() == "830b"
    assert (await ask(port, 77, read)).hex() == "830b"
    assert (await ask(port, 1, read))[0] == 3


async def test_a_gateway_without_power_closes_its_socket_and_comes_back(fleet, gateways):
    port = port_of(gateways, "PGW-1")
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    fleet.start_fault(FaultRequest("offline", "PWR-1", {}, None), now=NOW)
    await gateways.mind_power()
    assert await asyncio.wait_for(reader.read(1), 10) == b""
    writer.close()
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", port)
    fleet.faults.stop_all(None)
    await gateways.mind_power()
    assert (await ask(port, 1, struct.pack(">BHH", 3, 300, 1)))[0] == 3


async def test_a_taken_port_is_named_with_its_setting(fleet):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        made = FleetGateways(fleet, PROFILES, shift=0)
        for gateway in made.gateways:
            gateway.port = other.getsockname()[1]
        with pytest.raises(PortTaken, match="HUB_SIM_MODBUS_PORT"):
            await made.open()


# --- encoding -----------------------------------------------------------------------------------------------------


def a_profile(**modbus: object):
    point = {
        "key": "x", "name": {"en": "x"}, "kind": "sensor", "unit": "", "range": [-1e9, 1e9],
        "reporting": {"mode": "periodic", "interval_s": 1}, "modbus": {"table": "holding", "address": 10, **modbus},
    }  # fmt: skip
    return parse_profile(
        {"key": "p", "name": {"en": "p"}, "kind": "pump", "protocol": "modbus", "edition": "-", "points": [point]}
    )


@pytest.mark.parametrize(
    ("modbus", "value", "words"),
    [
        ({"type": "float32"}, 230.1, [0x4366, 0x199A]),  # the SDM630 manual's example
        ({"type": "float32", "word_order": "little"}, 230.1, [0x199A, 0x4366]),
        ({"type": "float32", "byte_order": "little"}, 230.1, [0x6643, 0x9A19]),
        ({"type": "u16", "scale": 0.1}, 12.34, [123]),
        ({"type": "u16"}, 0, [0]),
        ({"type": "u16"}, -3, [0]),
        ({"type": "u16"}, 1e6, [0xFFFF]),
        ({"type": "i16", "scale": 0.1}, -4.0, [0xFFD8]),
        ({"type": "u32"}, 70_000, [1, 4464]),
        ({"type": "u16", "offset": -40.0}, 0, [40]),
        ({"type": "u16", "not_available": [0xFFFF]}, float("nan"), [0xFFFF]),
        ({"type": "u32", "not_available": [0xFFFFFFFF]}, float("nan"), [0xFFFF, 0xFFFF]),
    ],
)
def test_numbers_become_the_registers_the_manuals_show(modbus, value, words):
    field = register_map(a_profile(**modbus)).fields[0]
    assert list(field.words(value)) == words


@pytest.mark.parametrize("modbus", [{"type": "bcd16"}, {"table": "coil"}])
def test_a_profile_that_cannot_be_served_is_refused_by_name(modbus):
    with pytest.raises(BadProfile, match="profile p"):
        register_map(a_profile(**modbus))
