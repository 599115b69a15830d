"""Servers that a bench starts end with it, also when it is killed."""

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

_PR_SET_PDEATHSIG = 1


def started(
    argv: Sequence[str], *, log: Path, cwd: Path | None = None, env: Mapping[str, str] | None = None
) -> subprocess.Popen[bytes]:
    """A process whose output goes to `log`, in a group of its own so that Ctrl-C is ours to hand on."""
    libc, parent = ctypes.CDLL(None), os.getpid()

    def enter() -> None:
        os.setpgid(0, 0)
        libc.prctl(_PR_SET_PDEATHSIG, int(signal.SIGTERM))
        if os.getppid() != parent:
            os._exit(1)

    with log.open("ab") as output:
        return subprocess.Popen(argv, stdout=output, stderr=output, cwd=cwd, env=env, preexec_fn=enter)


def stop(process: subprocess.Popen[bytes], *, within_s: float = 30.0) -> None:
    """In order if it can, otherwise by force."""
    if process.poll() is not None:
        return
    process.terminate()
    try:
        process.wait(within_s)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(within_s)


def end_in_order_when_told() -> None:
    """TERM ends a bench as Ctrl-C does: what it started is stopped, its folder removed."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    # A shell lets what it starts in the background ignore it.
    signal.signal(signal.SIGINT, signal.default_int_handler)
