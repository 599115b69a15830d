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


PUT = """
import asyncio, os, sys
from pathlib import Path
from kit.ids import new_id
from ticketing.attaching import PhotoFolder
from ticketing.photos import Photo

async def main():
    folder = PhotoFolder(Path(sys.argv[1]))
    for number in range(int(sys.argv[2])):
        photo_id = new_id()
        await folder.put(photo_id, Photo(b"jpeg", width_px=1, height_px=1, sha256=""))
        os.write(1, f"kept {photo_id.hex}\\n".encode())

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


def run_traced(program: str, folder: Path, *, calls: str, into: Path) -> None:
    """A program of ours that does MESSAGES things in a folder, with these system calls of it in a file."""
    argv = [need("strace", package="strace"), "-f", "-qq", "-y", "-s", "400", "-e", f"trace={calls}", "-o", str(into)]
    run = [sys.executable, "-c", program, str(folder), str(MESSAGES)]
    done = subprocess.run([*argv, *run], capture_output=True, text=True, timeout=120, check=False)
    if "PTRACE" in done.stderr or "Operation not permitted" in done.stderr:
        pytest.skip(f"strace may not watch here: {done.stderr[-200:]}")
    assert done.returncode == 0, done.stderr


def test_the_store_syncs_each_append_before_it_says_so(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    run_traced(APPEND, tmp_path / "store", calls="fsync,fdatasync,write,writev", into=trace)
    assert unsynced(trace, '"kept') == (MESSAGES, 0)


def test_a_picture_its_name_and_its_folders_are_synced_before_its_row_is_written(tmp_path: Path) -> None:
    trace, root = tmp_path / "trace", tmp_path / "files"
    run_traced(PUT, root, calls="fsync,rename,renameat,renameat2,write", into=trace)
    lines = trace.read_text().splitlines()
    kept = [re.search(r'"kept (\w+)', line) for line in lines]
    ids = [found[1] for found in kept if found]
    assert len(ids) == MESSAGES
    for photo_id in ids:
        folder = f"{root}/photos/{photo_id[-2:]}"
        told = next(at for at, line in enumerate(lines) if f'"kept {photo_id}' in line)
        written = next(at for at, line in enumerate(lines) if "fsync" in line and f"<{folder}/{photo_id}.new>" in line)
        renamed = next(at for at, line in enumerate(lines) if "rename" in line and f'{photo_id}.jpg"' in line)
        assert written < renamed < told
        for name in (folder, f"{root}/photos", str(root)):
            assert any("fsync" in line and f"<{name}>" in line for line in lines[renamed:told]), name
