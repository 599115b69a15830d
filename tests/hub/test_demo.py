"""The demo beside another one, and the words it prints."""

import io
import re
from pathlib import Path

import pytest
from rich.console import Console

import hub.demo.run
from hub.demo.run import Progress, run_demo
from hub.lock import AlreadyRunning, folder_lock
from hub.settings import HubSettings


@pytest.mark.parametrize("reset", [False, True])
async def test_a_second_demo_is_refused_before_it_touches_the_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reset: bool
) -> None:
    touched: list[str] = []

    async def end(command: object) -> None:
        touched.append("simulators")

    monkeypatch.setattr(hub.demo.run, "end_leftover", end)
    monkeypatch.setattr(hub.demo.run, "check_ports", lambda *_, **__: touched.append("ports"))
    with folder_lock(tmp_path), pytest.raises(AlreadyRunning, match=r"pid \d+"):
        await run_demo(HubSettings(var=tmp_path), reset=reset, fleet=True, console=Console(quiet=True))
    assert touched == []


def test_a_step_is_named_before_it_and_timed_after_it() -> None:
    console = Console(file=io.StringIO(), width=40)
    words = "a step whose words are longer than the window is wide"
    with Progress(console).step(words):
        assert said(console) == f"· {words} … "
    assert re.fullmatch(rf"· {words} … \d+\.\d s\n", said(console))


def test_a_step_that_fails_ends_its_line() -> None:
    console = Console(file=io.StringIO())
    with pytest.raises(AlreadyRunning), Progress(console).step("the hub"):
        raise AlreadyRunning
    assert said(console) == "· the hub … not done\n"


def said(console: Console) -> str:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()
