"""A file system of a few megabytes, to be filled up.

Root mounts it. Anybody else mounts it in a user and mount namespace of his own, held by a sleeping process, and comes
in through `/proc/PID/root`. Where neither is allowed a test says so and skips (in CI: fails).
"""

import asyncio
import contextlib
import os
import subprocess
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

REFILL_EVERY_S = 0.1


@dataclass(frozen=True)
class SmallDisk:
    """`folder` is where it is mounted, seen from here; `mount` are the words that mount, without the options."""

    folder: Path
    mount: Sequence[str]
    mounted_on: Path

    def grow(self, *, megabytes: int) -> None:
        """What it holds stays."""
        subprocess.run([*self.mount, "-o", f"remount,size={megabytes}m", str(self.mounted_on)], check=True)

    def set_writable(self, writable: bool) -> None:
        """Refused by the kernel while a file is open for writing."""
        options = f"remount,{'rw' if writable else 'ro'}"
        subprocess.run([*self.mount, "-o", options, str(self.mounted_on)], check=True)

    def fill(self, *, leave_bytes: int = 0) -> None:
        """Takes what room there is; `empty` gives it back."""
        free = os.statvfs(self.folder).f_bavail * os.statvfs(self.folder).f_frsize
        with (self.folder / "ballast").open("ab") as ballast:
            if free > leave_bytes:
                os.posix_fallocate(ballast.fileno(), ballast.tell(), free - leave_bytes)

    def empty(self) -> None:
        (self.folder / "ballast").unlink(missing_ok=True)

    @asynccontextmanager
    async def kept_full(self) -> AsyncIterator[None]:
        """Full within the block, whatever is let go meanwhile."""
        filling = asyncio.create_task(self._refill(), name="full disk")
        try:
            yield
        finally:
            filling.cancel()
            await asyncio.gather(filling, return_exceptions=True)
            self.empty()

    async def _refill(self) -> None:
        while True:
            with contextlib.suppress(OSError):  # somebody else took the room first
                self.fill()
            await asyncio.sleep(REFILL_EVERY_S)


@contextmanager
def small_disk(folder: Path, *, megabytes: int) -> Iterator[SmallDisk]:
    folder.mkdir()
    options = ["-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(folder)]
    if os.geteuid() == 0 and subprocess.run(["mount", *options], check=False).returncode == 0:
        try:
            yield SmallDisk(folder, ["mount"], folder)
        finally:
            subprocess.run(["umount", "--lazy", str(folder)], check=True)
        return
    with _namespace(options) as pid:
        enter = [
            "nsenter",
            f"--target={pid}",
            "--user",
            "--mount",
            "--preserve-credentials",
            "mount",
            "--options-mode=ignore",
        ]
        yield SmallDisk(Path(f"/proc/{pid}/root{folder}"), enter, folder)


@contextmanager
def _namespace(options: Sequence[str]) -> Iterator[int]:
    """The pid of a process that sees the mount, in a namespace where this account may mount."""
    script = 'mount "$@" && echo mounted && exec sleep infinity'
    holder = subprocess.Popen(
        ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", script, "sh", *options],
        stdout=subprocess.PIPE,
    )
    try:
        assert holder.stdout is not None
        if holder.stdout.readline() != b"mounted\n":
            words = "a small disk needs root that may mount, or user namespaces for everybody"
            if os.environ.get("CI") == "true":
                pytest.fail(words)
            pytest.skip(words)
        yield holder.pid
    finally:
        holder.kill()
        holder.wait()
