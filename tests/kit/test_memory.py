"""Memory of a process as the kernel divides it."""

import os
import subprocess
import sys

from kit.memory import proportional_bytes


def test_a_process_that_takes_more_is_seen_to() -> None:
    before = proportional_bytes(os.getpid())
    ballast = b"x" * 32_000_000
    assert 30_000_000 < proportional_bytes(os.getpid()) - before < 60_000_000
    assert len(ballast) == 32_000_000


def test_a_process_that_is_gone_takes_nothing() -> None:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    assert proportional_bytes(process.pid) == 0
