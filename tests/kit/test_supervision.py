"""Embedded servers die with the hub, come back when they die, and trust no stale pid file."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import textwrap
from pathlib import Path

import psycopg
import pytest

from kit.supervision.ports import PortTaken, free_port, require_free
from kit.supervision.postgres import running_postgres
from kit.supervision.process import IDENTITY, Child, ChildFailed, Command, end_leftover, leftover_pid, running_child
from tests.conftest import LIVENESS_S


def is_alive(pid: int) -> bool:
    """A process that is running, not a zombie waiting to be reaped."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


async def gone(pid: int) -> None:
    async with asyncio.timeout(LIVENESS_S):
        while is_alive(pid):
            await asyncio.sleep(0.02)


def sleeper(home: Path) -> Command:
    return Command("sleeper", ["/bin/sleep", "1000"], home)


async def at_once() -> bool:
    return True


async def test_a_server_that_dies_is_started_again(tmp_path: Path) -> None:
    async with running_child(sleeper(tmp_path), at_once) as child:
        first = child.pid
        os.kill(first, signal.SIGKILL)
        async with asyncio.timeout(LIVENESS_S):
            while child.pid == first or child.restarts == 0:
                await asyncio.sleep(0.02)
        assert is_alive(child.pid)
        last = child.pid
    assert not is_alive(last)


async def test_a_server_that_cannot_start_says_why(tmp_path: Path) -> None:
    command = Command("broken", ["/bin/sh", "-c", "echo the disk is upside down >&2; exit 3"], tmp_path)

    async def never() -> bool:
        return False

    with pytest.raises(ChildFailed, match="the disk is upside down"):
        await Child(command, never).start()


async def test_a_stale_pid_file_that_names_another_program_is_not_trusted(tmp_path: Path) -> None:
    stranger = await asyncio.create_subprocess_exec("/bin/sleep", "1000")
    (tmp_path / "sleeper.hub-pid").write_text(str(stranger.pid))
    assert leftover_pid(sleeper(tmp_path)) is None
    async with running_child(sleeper(tmp_path), at_once):
        assert is_alive(stranger.pid)
    stranger.kill()
    await stranger.wait()


async def test_a_server_left_behind_is_ended_before_a_new_one_starts(tmp_path: Path) -> None:
    command = sleeper(tmp_path)
    left = await asyncio.create_subprocess_exec(
        "/bin/sleep", "1000", env={IDENTITY: f"sleeper@{tmp_path.resolve()}"}, start_new_session=True
    )
    (tmp_path / "sleeper.hub-pid").write_text(str(left.pid))
    async with asyncio.timeout(LIVENESS_S):
        while leftover_pid(command) is None:
            await asyncio.sleep(0.02)
    async with running_child(command, at_once):
        await asyncio.wait_for(left.wait(), LIVENESS_S)


async def test_a_server_left_behind_that_does_not_obey_is_made_to_end(tmp_path: Path) -> None:
    command = Command("stubborn", ["/bin/sleep", "1000"], tmp_path, hard_signal=signal.SIGQUIT)
    left = await asyncio.create_subprocess_exec(
        "/bin/sh", "-c", "trap '' TERM QUIT; echo deaf; while :; do sleep 0.05; done",
        env={IDENTITY: f"stubborn@{tmp_path.resolve()}", "PATH": os.environ["PATH"]}, start_new_session=True,
        stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert left.stdout is not None
    assert await left.stdout.readline() == b"deaf\n"
    (tmp_path / "stubborn.hub-pid").write_text(str(left.pid))
    await end_leftover(command, patience_s=0.2)
    assert await asyncio.wait_for(left.wait(), LIVENESS_S) == -signal.SIGKILL
    assert leftover_pid(command) is None


async def test_postgres_dies_with_a_killed_parent_and_starts_again_on_the_same_data(tmp_path: Path) -> None:
    parent = textwrap.dedent(f"""
        import asyncio, pathlib, psycopg
        from kit.supervision.postgres import running_postgres
        async def main():
            async with running_postgres(pathlib.Path({str(tmp_path)!r}), password="pw") as url:
                with psycopg.connect(url) as connection:
                    connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
                print("up", flush=True)
                await asyncio.sleep(1000)
        asyncio.run(main())
    """)
    process = subprocess.Popen([sys.executable, "-c", parent], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "up\n"
    postgres_pid = int((tmp_path / "postgres.hub-pid").read_text())
    process.kill()
    process.wait()
    await gone(postgres_pid)
    async with running_postgres(tmp_path, password="pw") as url:
        with psycopg.connect(url) as connection:
            assert connection.execute("SELECT answer FROM kept").fetchone() == (42,)


async def test_postgres_wants_its_password_and_listens_on_loopback_only(tmp_path: Path) -> None:
    async with running_postgres(tmp_path, password="right", durable=False) as url:
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            psycopg.connect(url.replace(":right@", ":wrong@"))
        with psycopg.connect(url) as connection:
            assert connection.execute("SHOW listen_addresses").fetchone() == ("127.0.0.1",)
            assert connection.execute("SHOW unix_socket_directories").fetchone() == ("",)


def test_a_taken_port_is_named_with_its_setting() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(PortTaken, match=rf"port {port} .*HUB_HTTP_PORT"):
            require_free("127.0.0.1", port, setting="HUB_HTTP_PORT")
    require_free("127.0.0.1", free_port(), setting="HUB_HTTP_PORT")


async def test_postgres_keeps_its_data_in_a_folder_named_from_where_the_hub_was_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    async with running_postgres(Path("var/postgres"), password="pw", durable=False) as url:
        with psycopg.connect(url) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)
    assert (tmp_path / "var" / "postgres" / "data" / "PG_VERSION").exists()
