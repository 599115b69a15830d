"""What the hub asks of a disk, also of one that hangs."""

import threading

import pytest

from kit.disk import DiskLook
from tests.conftest import LIVENESS_S


async def test_a_look_that_hangs_has_no_answer_takes_one_thread_and_answers_when_it_ends() -> None:
    answers, begun = threading.Event(), []

    def look() -> str:
        begun.append(threading.get_ident())
        answers.wait(LIVENESS_S)
        return "well"

    disk = DiskLook(look, within_s=0.05)
    assert [await disk() for _ in range(3)] == [None, None, None]
    assert len(begun) == 1
    answers.set()
    patient = DiskLook(look, within_s=LIVENESS_S)
    assert await patient() == "well"
    disk._within_s = LIVENESS_S
    assert [await disk(), await disk()] == ["well", "well"]
    assert len(begun) == 3


async def test_a_look_that_fails_says_so_and_the_next_one_looks_again() -> None:
    says: list[Exception | None] = [OSError("stale"), None]

    def look() -> str:
        if (error := says.pop(0)) is not None:
            raise error
        return "well"

    disk = DiskLook(look, within_s=LIVENESS_S)
    with pytest.raises(OSError, match="stale"):
        await disk()
    assert await disk() == "well"
