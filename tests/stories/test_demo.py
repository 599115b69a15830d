"""The manners of `hub demo`: it ends cleanly, starts again after anything, and says plainly why it cannot start."""

import asyncio
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.stories.harness import STOP_S, Demo, until

INTERRUPTED = 130
# One of each server that the hub, and then the simulators, listen with.
PORTS = [
    "HUB_HTTP_PORT", "HUB_MQTT_PORT",
    *(pytest.param(one, marks=pytest.mark.long) for one in ("HUB_POSTGRES_PORT", "HUB_SIM_MODBUS_PORT")),
]  # fmt: skip


@pytest.mark.long
async def test_no_child_outlives_a_killed_demo_and_the_next_start_ends_cleanly_by_ctrl_c(tmp_path: Path) -> None:
    demo = Demo(tmp_path)

    async def childless() -> bool:
        return not children_of(demo)

    try:
        await demo.start()
        accounts = demo.accounts()
        assert children_of(demo), "its servers are found by what they carry in their environment"
        demo.kill()
        await until(childless, what="the end of every child")
        await demo.start()
        assert demo.accounts() == accounts, "the passwords that were written down still hold"
        async with demo.logged_in("engineer") as engineer:
            assert (await engineer.get("/auth/me")).json()["person_id"]
    finally:
        status = demo.stop()
    assert status == INTERRUPTED or status == 0
    assert children_of(demo) == []


@pytest.mark.parametrize("setting", PORTS)
async def test_a_taken_port_is_one_line_that_names_port_and_setting(tmp_path: Path, setting: str) -> None:
    demo = Demo(tmp_path, fleet=True)
    port = int(demo.environment[setting])
    with socket.socket() as other:
        other.bind(("127.0.0.1", port))
        other.listen()
        argv = [sys.executable, "-m", "hub", "demo"]
        ended = await asyncio.to_thread(
            subprocess.run, argv, env=demo.environment, capture_output=True, text=True, timeout=STOP_S
        )
    assert ended.returncode == 1, ended.stderr
    (line,) = [line for line in ended.stdout.splitlines() if "in use" in line]
    assert str(port) in line
    assert setting in line
    assert "Traceback" not in ended.stdout + ended.stderr
    assert children_of(demo) == []


def children_of(demo: Demo) -> list[int]:
    """Processes that a hub of this folder started: they carry their name and folder in their environment."""
    mark = f"@{demo.folder}".encode()
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            environ = (process / "environ").read_bytes().split(b"\0")
        except OSError:
            continue  # another's, or ended meanwhile
        if any(entry.startswith(b"HUB_CHILD_IDENTITY=") and mark in entry for entry in environ):
            found.append(int(process.name))
    return found
