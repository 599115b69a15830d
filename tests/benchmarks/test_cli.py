"""What a run of several parts leaves when one of them fails."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from benchmarks import cli, machine
from benchmarks.broker import ProgramMissing
from benchmarks.line.part import LinePart
from benchmarks.line.phases import Phase
from benchmarks.part import Context, CutShort, Details, Figure
from benchmarks.report import Report


@dataclass(frozen=True)
class Trial:
    """Measures one figure, or fails."""

    name: str
    failure: Exception | None = None
    words: str = "A trial"

    def measure(self, context: Context) -> Details:
        if self.failure is not None:
            raise self.failure
        return {"value": 4.0}

    def figures(self, details: Mapping[str, Any]) -> Sequence[Figure]:
        return [Figure(name=self.name, words="value", value=details["value"])]


@pytest.fixture(autouse=True)
def _no_look_at_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "facts", lambda: {"load_average": 0.0})
    monkeypatch.setattr(cli, "_refuse_little_room", lambda folder: None)


def run(parts: Iterable[Trial], path: Path) -> None:
    cli._run(list(parts), json=path, quick=True, keep=None)


@pytest.mark.parametrize(
    "failure",
    [ProgramMissing("mosquitto", package="mosquitto"), TimeoutError("nothing moved"), AssertionError("no smoke")],
    ids=lambda failure: type(failure).__name__,
)
def test_a_part_that_fails_is_named_and_costs_no_other_part(failure: Exception, tmp_path: Path) -> None:
    path = tmp_path / "result.json"
    with pytest.raises(typer.Exit) as ended:
        run([Trial("first"), Trial("second", failure), Trial("third")], path)
    found = Report.read(path)
    assert ended.value.exit_code == 1
    assert set(found.details) == {"first", "third"}
    assert found.failures == {"second": f"{type(failure).__name__}: {failure}"}


def test_what_was_measured_is_saved_before_the_next_part_begins(tmp_path: Path) -> None:
    path = tmp_path / "result.json"

    class Interrupted(Trial):
        def measure(self, context: Context) -> Details:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run([Trial("first"), Interrupted("second")], path)
    assert [figure["value"] for figure in json.loads(path.read_text())["figures"]] == [4.0]


def test_what_a_part_measured_before_it_failed_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "result.json"
    with pytest.raises(typer.Exit):
        run([Trial("first", CutShort("the soak broke off", measured={"value": 7.0}))], path)
    assert Report.read(path).details == {"first": {"value": 7.0}}
    assert Report.read(path).failures == {"first": "the soak broke off"}


def test_a_run_without_failures_ends_as_a_success(tmp_path: Path) -> None:
    run([Trial("first")], tmp_path / "result.json")
    assert Report.read(tmp_path / "result.json").failures == {}


def test_a_part_measured_again_is_a_failure_no_more() -> None:
    failed, mended = Report([], {}, {"line": "no broker"}), Report([], {"line": {}})
    assert Report.join([failed, mended]).failures == {}
    assert Report.join([mended, failed]).failures == {"line": "no broker"}


@pytest.mark.parametrize(("quick", "own"), [(False, (Phase.SOAK,)), (True, ())], ids=["all", "--quick"])
def test_everything_includes_the_soak_of_this_hub_and_quick_does_not(quick: bool, own: tuple[Phase, ...]) -> None:
    part = cli._with_peers(LinePart(), quick=quick)
    assert isinstance(part, LinePart)
    assert Phase.SOAK not in part.phases
    assert part.own_phases == own
    assert part.extent.soak_minutes == 10.0


def test_an_option_before_the_part_is_refused_instead_of_measuring_without_it(tmp_path: Path) -> None:
    saved = tmp_path / "saved.json"
    done = CliRunner().invoke(cli.app, ["--json", str(saved), "alarms", "--quick"])
    assert (done.exit_code, saved.exists()) == (2, False)
    assert "behind the part" in done.output
