"""The system calls of a running process, seen by strace."""

import contextlib
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.conftest import LIVENESS_S, need

BEGUN = re.compile(r"^(?P<thread>\d+) +(?P<name>\w+)\((?P<fd>\d+)")
RESUMED = re.compile(r"^(?P<thread>\d+) +<\.\.\. \w+ resumed>")


@contextmanager
def traced(pid: int, into: Path) -> Iterator[None]:
    """The system calls of a process and its children, in order, in a file."""
    argv = [
        need("strace", package="strace"),
        "-f",
        "-qq",
        "-s",
        "400",
        "-e",
        "trace=fsync,fdatasync,write,writev,pwrite64",
        "-o",
    ]
    tracer = subprocess.Popen([*argv, str(into), "-p", str(pid)], stderr=subprocess.PIPE)
    try:
        assert tracer.stderr is not None
        for _ in range(200):  # until it says that it may not, or has begun
            if tracer.poll() is not None:
                pytest.skip(f"strace may not watch here: {tracer.stderr.read().decode()[-200:]}")
            if Path(f"/proc/{pid}/status").read_text().split("TracerPid:\t")[1].split()[0] != "0":
                break
            with contextlib.suppress(subprocess.TimeoutExpired):
                tracer.wait(0.02)
        yield
    finally:
        tracer.terminate()
        tracer.wait(LIVENESS_S)


@dataclass(frozen=True)
class Call:
    """One system call on a descriptor. `began` and `ended` are line numbers of the trace; `line` is the first."""

    name: str
    fd: str
    began: int
    ended: int
    line: str


def calls(trace: Path) -> list[Call]:
    """Those that ended, in the order in which they began."""
    found: list[Call] = []
    open_calls: dict[str, tuple[int, re.Match[str]]] = {}
    lines = trace.read_text("utf-8", "replace").splitlines()
    for number, line in enumerate(lines):
        if begun := BEGUN.match(line):
            open_calls[begun["thread"]] = (number, begun)
            thread = begun["thread"]
        elif resumed := RESUMED.match(line):
            thread = resumed["thread"]
        else:
            continue
        if "<unfinished" not in line and thread in open_calls:
            began, call = open_calls.pop(thread)
            found.append(Call(call["name"], call["fd"], began=began, ended=number, line=lines[began]))
    return sorted(found, key=lambda call: call.began)
