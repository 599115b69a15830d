"""The whole line bench, small: with the cheapest peer always, with the hub itself among the long trials."""

import json
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from benchmarks.line import hub_subject
from benchmarks.line.part import LinePart
from benchmarks.line.peers import floor
from benchmarks.line.phases import Extent, Phase
from benchmarks.line.subject import Subject
from benchmarks.part import Context
from tests.conftest import need

DEVICES = 80


def measured(subject: Subject, folder: Path, *, messages: int) -> dict[str, Any]:
    need("mosquitto", package="mosquitto")
    part = LinePart(
        subjects=[subject], devices=DEVICES, phases=[Phase.PACED_1000, Phase.BURST],
        extent=Extent(is_quick=True, messages=messages),
    )  # fmt: skip
    details = part.measure(Context(folder, is_quick=True, console=Console(quiet=True)))
    assert part.figures(json.loads(json.dumps(details)))
    found: dict[str, Any] = details["subjects"][subject.name]
    return found


def check(phase: dict[str, Any], *, messages: int) -> None:
    assert phase["is_done"]
    assert phase["verdict"]["is_clean"], phase["verdict"]
    assert phase["verdict"]["readings"] == 4 * messages
    assert phase["alarms_timed"] == phase["verdict"]["alarms"] > 0
    assert phase["latency_ms"]["p50"] > 0
    assert phase["cpu_per_100k_s"] > 0
    assert phase["memory_mb"]["peak"] > 1


def test_the_floor_stores_and_tells_everything(tmp_path: Path) -> None:
    found = measured(floor.subject(), tmp_path, messages=1_200)
    for phase in found["phases"].values():
        check(phase, messages=1_200)


@pytest.mark.long
def test_the_hub_stores_and_tells_everything(tmp_path: Path) -> None:
    found = measured(hub_subject.subject(), tmp_path, messages=4_000)
    for phase in found["phases"].values():
        check(phase, messages=4_000)
