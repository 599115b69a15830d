"""The whole line bench, small: with the cheapest peer always, with the hub itself among the long trials."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

import pytest
from rich.console import Console

from benchmarks.line import hub_subject
from benchmarks.line.part import LinePart
from benchmarks.line.peers import floor
from benchmarks.line.phases import Extent, Phase
from benchmarks.line.subject import Place, Running, Subject
from benchmarks.part import Context, CutShort
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


@pytest.mark.long
def test_the_floor_stores_and_tells_everything(tmp_path: Path) -> None:
    found = measured(floor.subject(), tmp_path, messages=1_200)
    for phase in found["phases"].values():
        check(phase, messages=1_200)


@pytest.mark.long
def test_the_hub_stores_and_tells_everything_without_libraries_of_training(tmp_path: Path) -> None:
    mapped: list[str] = []

    @contextmanager
    def looked_at(place: Place) -> Iterator[Running]:
        with hub_subject.subject().start(place) as running:
            yield running
            mapped.extend(Path(f"/proc/{pid}/maps").read_text() for pid in running.pids)

    found = measured(Subject("hub", lambda: "1", looked_at), tmp_path, messages=4_000)
    for phase in found["phases"].values():
        check(phase, messages=4_000)
    assert "/numpy/" in mapped[0]
    for library in ("scipy", "sklearn", "pandas"):
        assert f"/{library}/" not in mapped[0]


def test_a_peer_that_breaks_is_named_and_the_next_is_measured(tmp_path: Path) -> None:
    need("mosquitto", package="mosquitto")

    def broken(place: Place) -> NoReturn:
        raise TimeoutError("it never listened")

    part = LinePart(subjects=[Subject(name, lambda: "1", broken) for name in ("first", "second")], devices=DEVICES)
    details = part.measure(Context(tmp_path, is_quick=True, console=Console(quiet=True)))
    unavailable = {"unavailable": "TimeoutError: it never listened"}
    assert details == {"subjects": {"first": unavailable, "second": unavailable}}


def test_phases_before_a_failure_are_shown_beside_it() -> None:
    idle = {"memory_mb": {"peak": 400.0}, "cpu_share_of_a_core": 0.1}
    measured = {"version": "1", "phases": {"idle": idle}, "unavailable": "the publisher stalled"}
    found = {figure.name: figure for figure in LinePart().figures({"subjects": {"hub": measured}})}
    assert found["hub.available"].note == "hub: the publisher stalled"
    assert found["hub.idle.memory"].value == 400.0


def test_when_this_hub_breaks_the_part_says_so_and_keeps_the_rest(tmp_path: Path) -> None:
    need("mosquitto", package="mosquitto")

    def broken(place: Place) -> NoReturn:
        raise AssertionError("no port in what it printed")

    part = LinePart(subjects=[Subject("hub", lambda: "1", broken)], devices=DEVICES)
    with pytest.raises(CutShort, match="no port in what it printed") as cut:
        part.measure(Context(tmp_path, is_quick=True, console=Console(quiet=True)))
    assert part.figures(cut.value.measured)[0].value is None
