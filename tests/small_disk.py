"""A file system of a few megabytes, to be filled up. Mounting it needs root; without, a test says so and skips (in CI:
fails)."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest


@dataclass(frozen=True)
class SmallDisk:
    folder: Path

    def grow(self, *, megabytes: int) -> None:
        """What it holds stays."""
        subprocess.run(["mount", "-o", f"remount,size={megabytes}m", str(self.folder)], check=True)

    def fill(self, *, leave_bytes: int = 0) -> None:
        """Takes what room there is; `empty` gives it back."""
        free = os.statvfs(self.folder).f_bavail * os.statvfs(self.folder).f_frsize
        with (self.folder / "ballast").open("ab") as ballast:
            if free > leave_bytes:
                os.posix_fallocate(ballast.fileno(), ballast.tell(), free - leave_bytes)

    def empty(self) -> None:
        (self.folder / "ballast").unlink(missing_ok=True)


@contextmanager
def small_disk(folder: Path, *, megabytes: int) -> Iterator[SmallDisk]:
    folder.mkdir()
    argv = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(argv, check=False).returncode != 0:
        words = "mounting a small tmpfs needs root and a container that may mount"
        if os.environ.get("CI") == "true":
            pytest.fail(words)
        pytest.skip(words)
    try:
        yield SmallDisk(folder)
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)
