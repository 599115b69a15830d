"""`hub rul`: remaining life of many units from one CSV on stdin, learned from the finished lives of another.

In: `unit,cycle,POINT,…`; AD_TRAIN_FILE names a CSV with the same columns and `rul`, what was left at each row.
Out: `unit,cycle,rul`, one row for each row of the input, in its order, from rows of its unit up to its cycle only.
"""

import csv
import math
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

import numpy as np

from predictive.detectors.contract import Floats
from predictive.remaining_life.errors import TooFewLives
from predictive.remaining_life.fleet_model import learn, predict
from predictive.remaining_life.lives import Life


class UnreadableLives(ValueError):
    """The CSV cannot be used; the words say which line and what to do."""


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """A CSV of rows of units. cells: float64[T, C], NaN for what is no finite number; columns: their C names."""

    units: Sequence[str]
    cycles_as_written: Sequence[str]
    cycles: Floats
    columns: Sequence[str]
    cells: Floats

    def rows_of_units(self) -> list[np.ndarray[tuple[int], np.dtype[np.int64]]]:
        """Of each unit where its rows stand, by cycle, rows of one cycle in the order they stand in."""
        _, unit_of = np.unique(np.array(self.units), return_inverse=True)
        by_cycle = np.argsort(self.cycles, kind="stable")
        ordered = by_cycle[np.argsort(unit_of[by_cycle], kind="stable")]
        return np.split(ordered, np.flatnonzero(np.diff(unit_of[ordered])) + 1) if len(ordered) else []


def read(source: Iterable[str]) -> Table:
    """Raises UnreadableLives without the columns `unit` and `cycle`, and for a line or a cycle that cannot be read."""
    lines = csv.reader(source)
    header = [name.strip() for name in next(lines, [])]
    lowered = [name.lower() for name in header]
    if "unit" not in lowered or "cycle" not in lowered:
        raise UnreadableLives("the first line must be a header with `unit` and `cycle`")
    unit_at, cycle_at = lowered.index("unit"), lowered.index("cycle")
    others = [place for place in range(len(header)) if place not in (unit_at, cycle_at)]
    rows = [row for row in lines if row]
    for number, row in enumerate(rows, start=2):
        if len(row) != len(header):
            raise UnreadableLives(f"line {number} has {len(row)} cells, the header has {len(header)}")
        if math.isnan(_number(row[cycle_at])):
            raise UnreadableLives(f"line {number}: cycle {row[cycle_at]!r} is no number")
    cells = np.array([[_number(row[place]) for place in others] for row in rows], dtype=np.float64)
    return Table(
        units=[row[unit_at].strip() for row in rows],
        cycles_as_written=[row[cycle_at].strip() for row in rows],
        cycles=np.array([_number(row[cycle_at]) for row in rows], dtype=np.float64),
        columns=[header[place] for place in others],
        cells=cells.reshape(len(rows), len(others)),
    )


def finished_lives(table: Table) -> tuple[list[Life], list[str]]:
    """The lives of a training table and the names of its points. Rows without a known `rul` are left out."""
    places = [place for place, name in enumerate(table.columns) if name.lower() == "rul"]
    if not places:
        raise UnreadableLives("the training file needs a column `rul`: what was left at each row")
    points = [place for place in range(len(table.columns)) if place not in places]
    left = table.cells[:, places[0]]
    lives = []
    for rows in table.rows_of_units():
        known = rows[np.isfinite(left[rows])]
        if len(known):
            lives.append(Life(ages=table.cycles[known], values=table.cells[known][:, points], left=left[known]))
    return lives, [table.columns[place] for place in points]


def forecast(training: Table, table: Table) -> Floats:
    """What is left at each row of `table`, float64[T]. Points are found by their names, wherever they stand.

    Raises UnreadableLives where a point of the training file is missing, TooFewLives.
    """
    lives, points = finished_lives(training)
    if missing := [name for name in points if name not in table.columns]:
        raise UnreadableLives(f"there is no column {', '.join(missing)}, which the training file has")
    places = [table.columns.index(name) for name in points]
    model = learn(lives)
    left = np.zeros(len(table.units))
    for rows in table.rows_of_units():
        life = Life(ages=table.cycles[rows], values=table.cells[rows][:, places])
        left[rows] = predict(model, life).middle
    return left


def run(training: Iterable[str], source: Iterable[str], sink: TextIO) -> None:
    """Reads both CSVs and writes the forecast of each row."""
    table = read(source)
    left = forecast(read(training), table)
    writer = csv.writer(sink, lineterminator="\n")
    writer.writerow(("unit", "cycle", "rul"))
    writer.writerows(
        (unit, cycle, f"{value:.6g}")
        for unit, cycle, value in zip(table.units, table.cycles_as_written, left.tolist(), strict=True)
    )


def main(environment: Mapping[str, str]) -> int:
    """Runs `hub rul` on stdin and stdout. 0, or 2 with one line on stderr when there is nothing to tell from."""
    name = environment.get("AD_TRAIN_FILE", "")
    if not name:
        print("hub rul: AD_TRAIN_FILE must name a CSV with lives that ran to failure", file=sys.stderr)
        return 2
    try:
        with Path(name).open(newline="", encoding="utf-8") as training:
            run(training, sys.stdin, sys.stdout)
    except (UnreadableLives, TooFewLives, OSError) as error:
        print(f"hub rul: {error}", file=sys.stderr)
        return 2
    return 0


def _number(cell: str) -> float:
    try:
        value = float(cell)
    except ValueError:
        return math.nan
    return value if math.isfinite(value) else math.nan
