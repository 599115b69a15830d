"""Results: joined, written, read again, shown; and that nothing of a result is believed blindly."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from benchmarks.line.figures import figures
from benchmarks.part import Aim, Context, Details, Figure
from benchmarks.report import BEGIN, END, Report, UnreadableReport, markdown, renew, show

FACTS = {
    "date": "2026-11-22T08:00:00+00:00", "cpu": "Test CPU", "cores": 2, "memory_gb": 4.0, "system": "Linux",
    "python": "3.11", "mosquitto": "mosquitto version 2.0.11", "commit": "abc",
}  # fmt: skip


@dataclass(frozen=True)
class Stopwatch:
    """A part whose figures are its details."""

    name: str = "stopwatch"
    words: str = "How long it takes"

    def measure(self, context: Context) -> Details:
        return {"here": {"p50": 4.0}}

    def figures(self, details: Mapping[str, Any]) -> Sequence[Figure]:
        return [
            Figure(name=f"{who}.{key}", words=key, value=value, unit="ms", column=who, aim=Aim(at_most=5))
            for who, found in details.items()
            for key, value in found.items()
        ]


def report(**details: Any) -> Report:
    return Report([FACTS], {"stopwatch": details})


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    found = report(here={"p50": 4.0})
    found.write(tmp_path / "result.json", [Stopwatch()])
    assert Report.read(tmp_path / "result.json") == found


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"runs": []}'])
def test_a_file_that_is_no_result_is_refused_with_its_name(tmp_path: Path, text: str) -> None:
    (tmp_path / "other.json").write_text(text)
    with pytest.raises(UnreadableReport, match=r"other\.json"):
        Report.read(tmp_path / "other.json")


def test_joined_results_keep_what_was_measured_once_and_take_the_later_of_what_was_measured_twice() -> None:
    joined = Report.join([report(here={"p50": 4.0, "p99": 9.0}), report(here={"p50": 6.0}, there={"p50": 1.0})])
    assert joined.details["stopwatch"] == {"here": {"p50": 6.0, "p99": 9.0}, "there": {"p50": 1.0}}
    assert len(joined.runs) == 2


def test_a_table_puts_subjects_side_by_side_and_marks_what_is_missed() -> None:
    console = Console(record=True, width=120)
    show(report(here={"p50": 4.0, "p99": 9.0}, there={"p50": 1.5}), [Stopwatch()], console)
    lines = console.export_text().splitlines()
    assert "p50 4 ms 1.50 ms ≤ 5 met" in [" ".join(line.split()) for line in lines]
    assert "missed" in next(line for line in lines if line.startswith("p99"))


def test_markdown_names_the_machine_the_date_and_the_commit() -> None:
    text = markdown(report(here={"p50": 9.0}), [Stopwatch()])
    assert "Test CPU, 2 cores" in text
    assert "2026-11-22" in text
    assert "| p50 | 9 ms | ≤ 5 | **missed** |" in text


def test_an_aim_is_met_at_its_bound() -> None:
    assert Aim(at_most=5).is_met_by(5)
    assert not Aim(at_most=5).is_met_by(5.01)
    assert Aim(at_least=1.7).is_met_by(1.7)
    assert not Aim(at_least=1.7).is_met_by(1.69)


def test_a_peer_that_could_not_be_measured_says_why() -> None:
    found = figures({"home-assistant": {"unavailable": "pip could not install it"}})
    assert [(figure.value, figure.note) for figure in found] == [(None, "home-assistant: pip could not install it")]


def test_tables_are_renewed_between_the_marks_of_a_document(tmp_path: Path) -> None:
    document = tmp_path / "performance.md"
    document.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n")
    renew(document, "| new |\n")
    assert document.read_text() == f"before\n{BEGIN}\n\n| new |\n\n{END}\nafter\n"


def test_a_document_without_marks_is_left_alone(tmp_path: Path) -> None:
    document = tmp_path / "performance.md"
    document.write_text("nothing here\n")
    with pytest.raises(UnreadableReport, match="no place for tables"):
        renew(document, "| new |\n")
    assert document.read_text() == "nothing here\n"
