"""Results as JSON, as a table for the terminal and as Markdown for the documentation; several runs joined into one."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.part import Details, Figure, Part


class UnreadableReport(ValueError):
    """A file that `hub bench --json` did not write."""


@dataclass(frozen=True)
class Report:
    """`runs` are the facts of each run that went in; `details` what each part measured, by its name."""

    runs: Sequence[Mapping[str, Any]]
    details: Mapping[str, Details]

    @classmethod
    def read(cls, path: Path) -> "Report":
        """Raises UnreadableReport."""
        try:
            raw = json.loads(path.read_text("utf-8"))
            return cls(raw["runs"], raw["details"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise UnreadableReport(f"{path} is no result of `hub bench --json`: {error}") from None

    @classmethod
    def join(cls, reports: Sequence["Report"]) -> "Report":
        """What a later report measured again replaces what an earlier one says."""
        details: dict[str, Any] = {}
        for report in reports:
            details = _merged(details, report.details)
        return cls([run for report in reports for run in report.runs], details)

    def write(self, path: Path, parts: Sequence[Part]) -> None:
        """Figures are written beside what they are made from, for readers without this program."""
        figures = [
            {"part": part.name, "name": each.name, "words": each.words, "value": each.value, "unit": each.unit,
             "aim": str(each.aim) if each.aim else None, "met": each.is_met, "note": each.note}
            for part, each in self.figures(parts)
        ]  # fmt: skip
        whole = {"runs": self.runs, "figures": figures, "details": self.details}
        path.write_text(json.dumps(whole, ensure_ascii=False, indent=1) + "\n", "utf-8")

    def figures(self, parts: Sequence[Part]) -> Iterator[tuple[Part, Figure]]:
        for part in parts:
            if part.name in self.details:
                for figure in part.figures(self.details[part.name]):
                    yield part, figure


def show(report: Report, parts: Sequence[Part], console: Console) -> None:
    """One table a part, the aims beside the figures."""
    for part in parts:
        figures = [figure for owner, figure in report.figures([part]) if owner is part]
        if not figures:
            continue
        table = Table("figure", "value", "aim", "", title=part.words, title_justify="left", box=None, pad_edge=False)
        for figure in figures:
            table.add_row(figure.words, _value(figure), str(figure.aim or ""), _mark(figure) or figure.note)
        console.print()
        console.print(table)


def markdown(report: Report, parts: Sequence[Part]) -> str:
    """The tables of docs/performance.md, with machine and date."""
    lines = [_machine(report)]
    for part in parts:
        figures = [figure for _, figure in report.figures([part])]
        if not figures:
            continue
        lines += ["", f"### {part.words}", "", "| figure | value | aim | |", "|---|---:|---|---|"]
        for figure in figures:
            met = {True: "met", False: "**missed**", None: ""}[figure.is_met]
            lines.append(f"| {figure.words} | {_value(figure)} | {figure.aim or ''} | {met or figure.note} |")
    return "\n".join(lines) + "\n"


def _machine(report: Report) -> str:
    run = report.runs[-1]
    dates = sorted({str(each["date"])[:10] for each in report.runs})
    commits = sorted({str(each["commit"]) for each in report.runs})
    return (
        f"{run['cpu']}, {run['cores']} cores, {run['memory_gb']:g} GB, {run['system']}, Python {run['python']}, "
        f"Mosquitto {run['mosquitto'].removeprefix('mosquitto version ')}; {' and '.join(dates)}; "
        f"commit {', '.join(commits)}."
    )


def _value(figure: Figure) -> str:
    if figure.value is None:
        return "–"
    digits = (
        0 if abs(figure.value) >= 1000 or float(figure.value).is_integer() else 1 if abs(figure.value) >= 100 else 2
    )
    return f"{figure.value:,.{digits}f} {figure.unit}".rstrip()


def _mark(figure: Figure) -> str:
    match figure.is_met:
        case True:
            return "[green]met[/green]"
        case False:
            return "[red]missed[/red]"
        case None:
            return ""


def _merged(first: Mapping[str, Any], second: Mapping[str, Any]) -> dict[str, Any]:
    both = dict(first)
    for key, value in second.items():
        old = both.get(key)
        both[key] = _merged(old, value) if isinstance(old, Mapping) and isinstance(value, Mapping) else value
    return both
