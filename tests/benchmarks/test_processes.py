"""CPU and memory of a tree of processes, those that ended included."""

import os
import subprocess
import sys
import time

import pytest

from benchmarks.processes import cpu_of, pss_mb, tree

BURN = "import time\nbegan = time.process_time()\nwhile time.process_time() - began < 0.5: pass\n"
PARENT = f"""
import subprocess, sys, time
subprocess.run([sys.executable, '-c', {BURN!r}])
print('ended', flush=True)
time.sleep(60)
"""
HOLDER = "import time\nheld = bytearray(b'x' * 50_000_000)\nprint('held', flush=True)\ntime.sleep(60)"


def started(program: str) -> subprocess.Popen[bytes]:
    """Running, and past its first line of output."""
    process = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.readline()
    return process


def test_what_an_ended_child_used_is_counted_with_its_parent() -> None:
    process = started(PARENT)
    try:
        assert cpu_of([process.pid]).total_s >= 0.45
        assert [each.pid for each in tree([process.pid])] == [process.pid]
    finally:
        process.kill()
        process.wait()


def test_cpu_since_a_moment_leaves_out_what_was_before() -> None:
    process = started(PARENT)
    try:
        before = cpu_of([process.pid])
        time.sleep(0.2)
        assert cpu_of([process.pid]).since(before).total_s < 0.1
    finally:
        process.kill()
        process.wait()


def test_memory_of_a_tree_has_what_a_child_holds() -> None:
    process = started(HOLDER)
    try:
        assert sum(pss_mb([process.pid]).values()) == pytest.approx(60, abs=20)
        assert process.pid in {each.pid for each in tree([os.getpid()])}
    finally:
        process.kill()
        process.wait()


def test_a_process_that_is_gone_costs_nothing() -> None:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    assert cpu_of([process.pid]).total_s == 0
    assert pss_mb([process.pid]) == {}
