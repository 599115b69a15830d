"""A process told to die at a named place dies there, at the count asked for, and nowhere else."""

import os
import re
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from kit.crash_points import VARIABLE, CrashPoint

PASSES = textwrap.dedent("""
    from kit.crash_points import CrashPoint, crash_here
    for number in range(1, 5):
        crash_here(CrashPoint.STORE_APPENDED)
        crash_here(CrashPoint.JUDGE_COMMITTED)
        print(number, flush=True)
""")


def passes(told: str | None) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if name != VARIABLE}
    if told is not None:
        environment[VARIABLE] = told
    return subprocess.run([sys.executable, "-c", PASSES], env=environment, capture_output=True, text=True, timeout=60)


def test_nothing_told_nothing_dies() -> None:
    assert (passes(None).returncode, passes("").returncode) == (0, 0)


@pytest.mark.parametrize(("told", "printed"), [("store.appended:3", ["1", "2"]), ("judge.committed", [])])
def test_the_process_is_killed_at_the_count_asked_for(told: str, printed: list[str]) -> None:
    ended = passes(told)
    assert (ended.returncode, ended.stdout.split()) == (-signal.SIGKILL, printed)


@pytest.mark.parametrize("told", ["store.apended", "store.appended:often"])
def test_a_place_that_is_none_is_refused_with_those_there_are(told: str) -> None:
    ended = passes(told)
    assert ended.returncode == 1
    assert CrashPoint.JUDGE_COMMITTED.value in ended.stderr


def test_every_place_is_somewhere_in_the_product() -> None:
    root = Path(__file__).parents[2]
    rooms = [
        root / name for name in ("kit", "telemetry", "device_adapters", "alarms", "notify", "owner_services", "hub")
    ]
    named = {
        name
        for room in rooms
        for file in room.rglob("*.py")
        for name in re.findall(r"crash_here\(CrashPoint\.(\w+)\)", file.read_text("utf-8"))
    }
    assert named == {point.name for point in CrashPoint}
