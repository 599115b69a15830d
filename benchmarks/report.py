"""Results as JSON, as a table for the terminal and as Markdown for the documentation; several runs joined into one."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.part import Details, Figure, Part

BEGIN, END = "<!-- figures: begin -->", "<!-- figures: end -->"


class UnreadableReport(ValueError):
    """A file that `hub bench --json` did not write, or one without a place for tables."""


@dataclass(frozen=True)
class Report:
    """`runs` are the facts of each run that went in; `details` what each part measured, `failures` why a part did not
    (or not to its end), both by its name."""

    runs: Sequence[Mapping[str, Any]]
    details: Mapping[str, Details]
    failures: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, path: Path) -> "Report":
        """Raises UnreadableReport."""
        try:
            raw = json.loads(path.read_text("utf-8"))
            return cls(raw["runs"], raw["details"], raw.get("failures", {}))
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise UnreadableReport(f"{path} is no result of `hub bench --json`: {error}") from None

    @classmethod
    def join(cls, reports: Sequence["Report"]) -> "Report":
        """What a later report measured again replaces what an earlier one says."""
        details: dict[str, Any] = {}
        failures: dict[str, str] = {}
        for report in reports:
            details = _merged(details, report.details)
            mended = {name: reason for name, reason in failures.items() if name not in report.details}
            failures = mended | dict(report.failures)
        return cls([run for report in reports for run in report.runs], details, failures)

    def write(self, path: Path, parts: Sequence[Part]) -> None:
        """Figures are written beside what they are made from, for readers without this program."""
        figures = [
            {"part": part.name, "name": each.name, "words": each.words, "column": each.column, "value": each.value,
             "unit": each.unit, "aim": str(each.aim) if each.aim else None, "met": each.is_met, "note": each.note}
            for part, each in self.figures(parts)
        ]  # fmt: skip
        whole = {"runs": self.runs, "failures": self.failures, "figures": figures, "details": self.details}
        path.write_text(json.dumps(whole, ensure_ascii=False, indent=1) + "\n", "utf-8")

    def figures(self, parts: Sequence[Part]) -> Iterator[tuple[Part, Figure]]:
        for part in parts:
            if part.name in self.details:
                for figure in part.figures(self.details[part.name]):
                    yield part, figure


@dataclass(frozen=True)
class Row:
    """What stands in a line of a table: a figure a column, and the aim of those that have one."""

    words: str
    unit: str
    figures: Mapping[str, Figure]

    @property
    def judged(self) -> Figure | None:
        return next((figure for figure in self.figures.values() if figure.aim is not None), None)

    @property
    def note(self) -> str:
        return "; ".join(sorted({figure.note for figure in self.figures.values() if figure.note}))


def rows_of(figures: Sequence[Figure]) -> list[Row]:
    """Figures of equal words as one row, in the order in which they first come."""
    grouped: dict[tuple[str, str], dict[str, Figure]] = {}
    for figure in figures:
        grouped.setdefault((figure.words, figure.unit), {})[figure.column] = figure
    return [Row(words, unit, found) for (words, unit), found in grouped.items()]


def show(report: Report, parts: Sequence[Part], console: Console) -> None:
    """One table a part, the aims beside the figures."""
    for part in parts:
        figures = [figure for _, figure in report.figures([part])]
        if not figures:
            continue
        columns = _columns(figures)
        headers = [column or "value" for column in columns]
        table = Table("figure", *headers, "aim", "", title=part.words, title_justify="left", box=None, pad_edge=False)
        for row in rows_of(figures):
            values = [_value(row.figures.get(column)) for column in columns]
            table.add_row(row.words, *values, _aim(row), _mark(row) or row.note)
        console.print()
        console.print(table)
    for name, reason in report.failures.items():
        console.print(f"{name}: not measured, or not to its end: {reason}", style="red", markup=False, soft_wrap=True)


def markdown(report: Report, parts: Sequence[Part]) -> str:
    """The tables of docs/performance.md, with machine and date."""
    lines = [_machine(report)]
    for part in parts:
        figures = [figure for _, figure in report.figures([part])]
        if not figures:
            continue
        columns = _columns(figures)
        headers = " | ".join(column or "value" for column in columns)
        lines += ["", f"### {part.words}", "", f"| figure | {headers} | aim | |"]
        lines += ["|---|" + "---:|" * len(columns) + "---|---|"]
        for row in rows_of(figures):
            values = " | ".join(_value(row.figures.get(column)) for column in columns)
            met = {True: "met", False: "**missed**", None: ""}[row.judged.is_met if row.judged else None]
            lines.append(f"| {row.words} | {values} | {_aim(row)} | {met or row.note} |")
    for name, reason in report.failures.items():
        lines += ["", f"**{name}**: not measured, or not to its end: {' '.join(reason.split())}"]
    return "\n".join(lines) + "\n"


def renew(document: Path, tables: str) -> None:
    """Puts the tables where the document's marks are. Raises UnreadableReport when it has none."""
    text = document.read_text("utf-8")
    head, begin, rest = text.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not begin or not end:
        raise UnreadableReport(f"{document} has no place for tables: put {BEGIN} and {END} on lines of their own")
    document.write_text(f"{head}{BEGIN}\n\n{tables}\n{END}{tail}", "utf-8")


def _columns(figures: Sequence[Figure]) -> list[str]:
    return list(dict.fromkeys(figure.column for figure in figures))


def _machine(report: Report) -> str:
    run = report.runs[-1]
    dates = sorted({str(each["date"])[:10] for each in report.runs})
    commits = sorted({str(each["commit"]) for each in report.runs})
    return (
        f"{run['cpu']}, {run['cores']} cores, {run['memory_gb']:g} GB, {run['system']}, Python {run['python']}, "
        f"Mosquitto {run['mosquitto'].removeprefix('mosquitto version ')}; {' and '.join(dates)}; "
        f"commit {', '.join(commits)}."
    )


def _value(figure: Figure | None) -> str:
    if figure is None:
        return ""
    if figure.value is None:
        return "–"
    size = abs(figure.value)
    digits = 0 if size >= 1000 or size == int(size) else 1 if size >= 100 else 2
    return f"{figure.value:,.{digits}f} {figure.unit}".rstrip()


def _aim(row: Row) -> str:
    return str(row.judged.aim) if row.judged else ""


def _mark(row: Row) -> str:
    match row.judged.is_met if row.judged else None:
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
