"""`hub detect`: the detectors of the reading line on one CSV from stdin, verdicts as CSV on stdout.

In: `timestamp,SENSOR,…` with one row a reading, oldest first; AD_TRAIN_ROWS leading rows are known to be normal;
AD_FREQ_SECONDS is the time between two rows, where it is known. Out: `timestamp,score,is_anomaly`, one row for each.
Nothing is imported here that is not needed: starting takes longer than judging a thousand rows.
"""

import contextlib
import csv
import math
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TextIO

import numpy as np

from predictive.detectors.conditioning import learn_scale
from predictive.detectors.contract import Floats, Integers, Window
from predictive.detectors.ensemble import Ensemble

# Fewer normal rows say nothing of what is normal.
FEWEST_NORMAL_ROWS = 30
BLOCK_ROWS = 4096
# The end of the year 9999, in seconds since 1970.
LAST_S = 253_402_300_799
# What spreadsheets put before the first letter of a file.
BYTE_ORDER_MARK = "\ufeff"
PLAIN_TIME = len("2026-03-01 08:00:00")


class UnreadableCsv(ValueError):
    """The CSV cannot be judged; the words say which row and what to do."""


@dataclass(frozen=True, slots=True, eq=False)
class Recording:
    """One CSV: its times as they were written; ts_ms int64[T], values float64[T, P] with NaN for missing."""

    times: Sequence[str]
    ts_ms: Integers
    values: Floats
    unreadable_cells: int

    def window(self, *, start: int, stop: int, step_s: float | None) -> Window:
        return Window(ts_ms=self.ts_ms[None, start:stop], values=self.values[None, start:stop], step_s=step_s)


def read(source: Iterable[str]) -> Recording:
    """Reads a CSV. A cell that is no finite number is missing, and counted; UnreadableCsv for anything worse."""
    try:
        header, *rows = [row for row in csv.reader(source) if row] or [[]]
    except csv.Error as error:
        raise UnreadableCsv(f"this is no CSV: {error}") from None
    if not header or header[0].strip(BYTE_ORDER_MARK + " ").lower() != "timestamp":
        raise UnreadableCsv("the first line must be a header that begins with `timestamp`")
    if len(header) < 2:
        raise UnreadableCsv("there is no sensor: the header must name one column at least after `timestamp`")
    for number, row in enumerate(rows, start=2):
        if len(row) != len(header):
            raise UnreadableCsv(f"line {number} has {len(row)} cells, the header has {len(header)}")
    values = np.array([[_number(cell) for cell in row[1:]] for row in rows], dtype=np.float64)
    written = sum(1 for row in rows for cell in row[1:] if cell.strip())
    return Recording(
        times=[row[0] for row in rows],
        ts_ms=_times([row[0] for row in rows]),
        values=values.reshape(len(rows), len(header) - 1),
        unreadable_cells=written - int(np.isfinite(values).sum()),
    )


def normal_rows(environment: Mapping[str, str]) -> int:
    """How many leading rows are known to be normal, from AD_TRAIN_ROWS."""
    text = environment.get("AD_TRAIN_ROWS", "")
    if not text.isdecimal():
        raise UnreadableCsv(f"AD_TRAIN_ROWS must be the number of leading rows known to be normal, not {text!r}")
    return int(text)


def step_seconds(environment: Mapping[str, str], ts_ms: Integers) -> float | None:
    """The time between two rows: AD_FREQ_SECONDS, or the middle of the steps forward in `ts_ms`; None without any."""
    if text := environment.get("AD_FREQ_SECONDS", ""):
        step = _number(text)
        if not step > 0:
            raise UnreadableCsv(f"AD_FREQ_SECONDS must be a number of seconds above 0, not {text!r}")
        return step
    steps = np.diff(ts_ms)
    forward = np.sort(steps[steps > 0])
    return float(forward[len(forward) // 2]) / 1000.0 if len(forward) else None


def detect(recording: Recording, *, normal: int, step_s: float | None, sink: TextIO) -> None:
    """Learns from the first `normal` rows, judges the rest as the reading line does, writes a line for each row."""
    sink.write("timestamp,score,is_anomaly\n")
    rows = len(recording.times)
    learning = min(normal, rows)
    if learning < FEWEST_NORMAL_ROWS:
        _write(sink, recording.times, np.zeros(rows), np.zeros(rows, dtype=np.bool_))
        return
    ensemble = Ensemble()
    model = ensemble.calibrate(recording.window(start=0, stop=learning, step_s=step_s))
    state = ensemble.begin(model)
    _write(sink, recording.times[:learning], np.zeros(learning), np.zeros(learning, dtype=np.bool_))
    for start in range(learning, rows, BLOCK_ROWS):
        stop = min(start + BLOCK_ROWS, rows)
        verdict = ensemble.judge(model, state, recording.window(start=start, stop=stop, step_s=step_s))
        _write(sink, recording.times[start:stop], verdict.score[0], verdict.is_anomaly[0])


def notices(recording: Recording, *, normal: int) -> list[str]:
    """What whoever sent the CSV should know about it, a line each."""
    steps, said = np.diff(recording.ts_ms), []
    if (back := int((steps < 0).sum())) > 0:
        said.append(f"time goes backwards {back} times: rows are judged in the order they stand in")
    if (same := int((steps == 0).sum())) > 0:
        said.append(f"{same} rows have the time of the row before: each is judged")
    if recording.unreadable_cells:
        said.append(f"{recording.unreadable_cells} cells are no finite number: they count as missing")
    learning = min(normal, len(recording.times))
    if learning < FEWEST_NORMAL_ROWS:
        return [*said, f"learning: {learning} of {FEWEST_NORMAL_ROWS} normal rows; until then every score is 0"]
    live = learn_scale(recording.values[None, :learning])["live"][0]
    # A point alone is judged by what it never did, which moving is, for one that stood still.
    if len(live) > 1 and (still := int((~live).sum())):
        rest = "they are left out" if live.any() else "every score is 0"
        said.append(f"{still} of {len(live)} sensors are constant or empty in the normal rows: {rest}")
    return said


def main(environment: Mapping[str, str]) -> int:
    """Runs `hub detect` on stdin and stdout. 0, or 2 with one line on stderr when the CSV cannot be judged."""
    try:
        normal = normal_rows(environment)
        recording = read(line.decode(errors="replace") for line in sys.stdin.buffer)
        step_s = step_seconds(environment, recording.ts_ms[:normal])
    except UnreadableCsv as error:
        print(f"hub detect: {error}", file=sys.stderr)
        return 2
    for line in notices(recording, normal=normal):
        print(f"hub detect: {line}", file=sys.stderr)
    detect(recording, normal=normal, step_s=step_s, sink=sys.stdout)
    return 0


def _write(sink: TextIO, times: Sequence[str], score: Floats, is_anomaly: Iterable[bool]) -> None:
    quoted = (f'"{time}"' if "," in time else time for time in times)
    sink.writelines(
        f"{time},{value:.9g},{int(flag)}\n"
        for time, value, flag in zip(quoted, score.tolist(), is_anomaly, strict=True)
    )


def _number(cell: str) -> float:
    try:
        value = float(cell)
    except ValueError:
        return math.nan
    return value if math.isfinite(value) else math.nan


def _times(cells: Sequence[str]) -> Integers:
    """UTC milliseconds int64[T]; at once where every cell is a plain `2026-03-01 08:00:00`, else one by one."""
    if all(len(cell) == PLAIN_TIME and cell[4] == cell[7] == "-" for cell in cells):
        with contextlib.suppress(ValueError):
            return np.array(cells, dtype="datetime64[ms]").astype(np.int64)
    return np.array([_milliseconds(cell, line=line) for line, cell in enumerate(cells, start=2)], dtype=np.int64)


def _milliseconds(cell: str, *, line: int) -> int:
    """UTC milliseconds of an ISO 8601 time (UTC where it names no zone) or of seconds since 1970."""
    try:
        time = datetime.fromisoformat(cell.strip())
    except ValueError:
        seconds = _number(cell)
        if not abs(seconds) <= LAST_S:
            raise UnreadableCsv(f"line {line}: {cell!r} is no time; write it as 2026-03-01 08:00:00") from None
        return round(seconds * 1000)
    return round((time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp() * 1000)
