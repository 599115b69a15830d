"""What waits for the disk before it is acknowledged, seen by strace: the order of a server's own system calls.

A power cut takes what is only in the page cache. So nothing may be acknowledged before the fsync of what holds it.
"""

import asyncio
import re
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import nats
import psycopg
import pytest

from kit.supervision.nats import BUS_USER, MQTT_USER, MqttUser, NatsConfig, hash_password, running_nats
from kit.supervision.postgres import running_postgres
from tests.conftest import LIVENESS_S, need
from tests.kit.mqtt_device import Device
from tests.kit.strace import calls, traced

SYNC = re.compile(r"\b(fsync|fdatasync)\(.*= 0|(fsync|fdatasync) resumed>.*= 0")
MESSAGES = 20

APPEND = """
import asyncio, os, sys
from pathlib import Path
from building.reading import Reading, ReadingBatch
from kit.clock import SystemClock
from telemetry.duckdb_store import DuckDbStore

async def main():
    async with DuckDbStore(Path(sys.argv[1]), clock=SystemClock()) as store:
        for number in range(int(sys.argv[2])):
            await store.append([(number, ReadingBatch.of([Reading(1, 1_700_000_000_000 + number, 1.0)]))])
            os.write(1, b"kept\\n")

asyncio.run(main())
"""


def unsynced(trace: Path, acknowledgement: str) -> tuple[int, int]:
    """How many acknowledgements went out, and how many of them without a finished sync since the one before."""
    sent = without = syncs = 0
    for line in trace.read_text("utf-8", "replace").splitlines():
        if SYNC.search(line):
            syncs += 1
        elif acknowledgement in line and "write" in line:
            sent += 1
            without += syncs == 0
            syncs = 0
    return sent, without


@asynccontextmanager
async def stream(home: Path, *, sync_interval: str, trace: Path) -> AsyncIterator[None]:
    """A traced nats-server that is given messages one after the other."""
    config = NatsConfig(bus_password="bus", mqtt_password="mqtt", sync_interval=sync_interval)
    async with running_nats(home, config) as server:
        client = await nats.connect(server.url, user=BUS_USER, password="bus")
        jetstream = client.jetstream(timeout=LIVENESS_S)
        await jetstream.add_stream(name="POWER", subjects=["power"])
        with traced(server.pid, trace):
            for number in range(MESSAGES):
                await jetstream.publish("power", b"%d" % number)
        await client.close()
        yield


async def test_the_bus_set_to_outlive_a_power_cut_syncs_each_message_before_it_says_so(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    async with stream(tmp_path / "nats", sync_interval="always", trace=trace):
        assert unsynced(trace, r"\"stream\":\"POWER\"") == (MESSAGES, 0)


async def test_the_bus_as_it_is_by_default_does_not_and_the_trace_can_tell(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    async with stream(tmp_path / "nats", sync_interval="1h", trace=trace):
        sent, without = unsynced(trace, r"\"stream\":\"POWER\"")
        assert (sent, without > MESSAGES // 2) == (MESSAGES, True)


METER = MqttUser("yunqi/METER-1", hash_password("meter"), publish=("site/yunqi/device/METER-1/telemetry",))


def acknowledged_unsynced(trace: Path, payloads: Sequence[str]) -> list[str]:
    """Of messages published in turn: those whose PUBACK began before a sync of the file they are in had ended."""
    found = calls(trace)
    pubacks = [call for call in found if r'"@\2' in call.line]
    assert len(pubacks) == len(payloads), "each message was acknowledged, in turn"
    early = []
    for payload, puback in zip(payloads, pubacks, strict=True):
        write = next(call for call in found if call.name == "pwrite64" and payload in call.line)
        is_synced = any(
            call.name in ("fsync", "fdatasync") and call.fd == write.fd
            and call.began > write.ended and call.ended < puback.began
            for call in found
        )  # fmt: skip
        if not is_synced:
            early.append(payload)
    return early


@pytest.mark.parametrize(("sync_interval", "waits"), [("always", True), ("1h", False)])
async def test_the_mqtt_listener_acknowledges_a_device_as_the_setting_says(
    tmp_path: Path, sync_interval: str, waits: bool
) -> None:
    trace, payloads = tmp_path / "trace", [f"reading {number:03}." for number in range(MESSAGES)]
    config = NatsConfig(bus_password="bus", mqtt_password="mqtt", sync_interval=sync_interval, mqtt_users=[METER])
    async with running_nats(tmp_path / "nats", config) as server:
        hub = await Device(server, MQTT_USER, "mqtt", clean=False).up()  # somebody must want them, or none is kept
        await hub.subscribe("site/+/device/+/telemetry")
        meter = await Device(server, METER.name, "meter").up()
        with traced(server.pid, trace):
            for payload in payloads:
                await asyncio.wait_for(meter.publish(METER.publish[0], payload.encode()), LIVENESS_S)
        meter.close()
        hub.close()
    early = acknowledged_unsynced(trace, payloads)
    assert early == [] if waits else len(early) > MESSAGES // 2


async def test_postgresql_syncs_each_commit_before_it_says_so(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    async with (
        running_postgres(tmp_path / "postgres", password="test") as url,
        await psycopg.AsyncConnection.connect(url, autocommit=True) as connection,
    ):
        await connection.execute("CREATE TABLE kept (number int)")
        with traced(connection.info.backend_pid, trace):
            for number in range(MESSAGES):
                await connection.execute("INSERT INTO kept VALUES (%s)", (number,))
    syncs = sum(1 for line in trace.read_text("utf-8", "replace").splitlines() if SYNC.search(line))
    assert syncs >= MESSAGES


def test_the_store_syncs_each_append_before_it_says_so(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    argv = [need("strace", package="strace"), "-f", "-qq", "-s", "20", "-e", "trace=fsync,fdatasync,write,writev", "-o"]
    program = [sys.executable, "-c", APPEND, str(tmp_path / "store"), str(MESSAGES)]
    done = subprocess.run([*argv, str(trace), *program], capture_output=True, text=True, timeout=120, check=False)
    if "PTRACE" in done.stderr or "Operation not permitted" in done.stderr:
        pytest.skip(f"strace may not watch here: {done.stderr[-200:]}")
    assert done.returncode == 0, done.stderr
    assert unsynced(trace, '"kept') == (MESSAGES, 0)
