"""Whether a folder can be written, found out by writing there."""

import contextlib
import os
from pathlib import Path


def can_write(folder: Path, *, size_bytes: int = 4096) -> bool:
    """Whether a file of that size reaches the disk. Waits for the disk: not for the event loop."""
    trial = folder / f".trial-{os.getpid()}"
    try:
        with trial.open("wb") as file:
            file.write(b"\0" * size_bytes)
            file.flush()
            os.fsync(file.fileno())
    except OSError:
        return False
    finally:
        with contextlib.suppress(OSError):
            trial.unlink()
    return True
