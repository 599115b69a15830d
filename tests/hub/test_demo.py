"""The demo beside another one, and the words it prints."""

from pathlib import Path

import pytest
from rich.console import Console

import hub.demo.run
from hub.demo.run import run_demo
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
