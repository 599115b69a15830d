"""A server that could not write is restarted once it could again, also when its disk cannot be asked for a while."""

import asyncio
import errno
from pathlib import Path

import pytest

from kit.supervision import mending
from kit.supervision.mending import LogTail, WriteSigns, look_for_failure, mending_task
from kit.supervision.process import Command, running_child
from tests.conftest import LIVENESS_S

WELL = WriteSigns(has_failed=False, has_room=True)


def test_what_the_log_says_is_read_once_and_a_log_that_is_gone_says_nothing(tmp_path: Path) -> None:
    log = tmp_path / "nats.log"
    log.write_text(f"old: {mending.CANNOT_WRITE}\n")
    words = LogTail(log, read_bytes=log.stat().st_size)
    assert look_for_failure(tmp_path, words) == WELL
    with log.open("a") as file:
        file.write(f"new: {mending.CANNOT_WRITE}\n")
    assert look_for_failure(tmp_path, words) == WriteSigns(has_failed=True, has_room=True)
    assert look_for_failure(tmp_path, words) == WELL
    log.unlink()
    assert look_for_failure(tmp_path, words) == WELL


def test_a_folder_that_is_gone_cannot_be_written(tmp_path: Path) -> None:
    words = LogTail(tmp_path / "nats.log", read_bytes=0)
    assert look_for_failure(tmp_path / "none", words) == WriteSigns(has_failed=True, has_room=False)


async def test_a_disk_that_cannot_be_asked_is_a_failure_that_ends_with_a_restart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mending, "MEND_EVERY_S", 0.05)
    failures: list[int] = []

    def broken_at_first(words: LogTail) -> list[str]:
        if len(failures) < 2:
            raise OSError(errno.EIO, "broken")
        return []

    async def ready() -> bool:
        return True

    monkeypatch.setattr(LogTail, "new_lines", broken_at_first)
    async with running_child(Command("sleep", ["sleep", "600"], tmp_path), ready) as child:
        mend = mending_task(child, tmp_path, saw_failure=lambda: failures.append(1))
        async with asyncio.timeout(LIVENESS_S):
            while not child.restarts:
                await asyncio.sleep(0.05)
        assert (len(failures), mend.done()) == (2, False)
        mend.cancel()
