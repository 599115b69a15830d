"""`hub detect`: whatever is on stdin, each row gets its verdict, or one line says what is wrong with it."""

import io
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from predictive.csv_runs import UnreadableCsv, detect, normal_rows, notices, read, step_seconds

HEADER = "timestamp,a,b,c\n"


def recorded(rows: int, *, broken_from: int = 10**9, seed: int = 4) -> str:
    rng = np.random.default_rng(seed)
    common = np.sin(np.arange(rows) / 20)[:, None]
    values = common * [1.0, -2.0, 3.0] + 0.1 * rng.normal(size=(rows, 3))
    values[broken_from:, 1] += 4.0
    lines = [
        f"2026-03-01 {row // 3600:02d}:{row // 60 % 60:02d}:{row % 60:02d},{a},{b},{c}\n"
        for row, (a, b, c) in enumerate(values)
    ]
    return HEADER + "".join(lines)


def verdicts(text: str, *, normal: int = 400, step_s: float | None = 1.0) -> np.ndarray:
    """Score and flag of each row: float64[T, 2]."""
    sink = io.StringIO()
    detect(read(io.StringIO(text)), normal=normal, step_s=step_s, sink=sink)
    lines = sink.getvalue().splitlines()
    assert lines[0] == "timestamp,score,is_anomaly"
    return np.array([[float(cell) for cell in line.split(",")[1:]] for line in lines[1:]]).reshape(-1, 2)


def test_a_point_that_leaves_the_others_is_flagged_and_nothing_before_it() -> None:
    found = verdicts(recorded(1000, broken_from=700))
    assert len(found) == 1000
    assert not found[:700, 1].any()
    assert found[730:, 1].all()


@pytest.mark.parametrize("cell", ["#VALUE!", "", "inf", "-Infinity", "NaN", "n/a"])
def test_a_cell_that_is_no_number_is_missing_and_changes_no_other_verdict(cell: str) -> None:
    lines = recorded(900).splitlines(keepends=True)
    lines[600] = lines[600].split(",", 2)[0] + f",{cell},{cell},{cell}\n"
    recording = read(lines)
    assert np.isnan(recording.values[599]).all()
    assert not verdicts("".join(lines))[:, 1].any()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "header"),
        ("time,a\n1,2\n", "header that begins with `timestamp`"),
        ("timestamp\n2026-03-01\n", "there is no sensor"),
        (HEADER + "2026-03-01,1,2\n", "line 2 has 3 cells"),
        (HEADER + "yesterday,1,2,3\n", "line 2: 'yesterday' is no time"),
    ],
)
def test_a_file_that_cannot_be_judged_says_where_and_why(text: str, words: str) -> None:
    with pytest.raises(UnreadableCsv, match=words):
        read(io.StringIO(text))


@pytest.mark.parametrize("rows", ["", "-1", "many", "4.5"])
def test_the_number_of_normal_rows_must_be_told(rows: str) -> None:
    with pytest.raises(UnreadableCsv, match="AD_TRAIN_ROWS"):
        normal_rows({"AD_TRAIN_ROWS": rows})


def test_the_step_is_told_or_seen() -> None:
    ts_ms = np.array([0, 60_000, 120_000, 120_000, 30_000, 90_000])
    assert step_seconds({}, ts_ms) == 60.0
    assert step_seconds({"AD_FREQ_SECONDS": "3600"}, ts_ms) == 3600.0
    assert step_seconds({}, ts_ms[:1]) is None
    with pytest.raises(UnreadableCsv, match="AD_FREQ_SECONDS"):
        step_seconds({"AD_FREQ_SECONDS": "0"}, ts_ms)


def test_too_few_normal_rows_are_a_state_and_no_guess() -> None:
    text = recorded(100, broken_from=50)
    assert not verdicts(text, normal=20).any()
    assert notices(read(io.StringIO(text)), normal=20) == [
        "learning: 20 of 30 normal rows; until then every score is 0"
    ]


def test_times_that_go_back_or_stand_still_are_judged_in_the_order_of_the_rows_and_said() -> None:
    lines = recorded(900, broken_from=800).splitlines(keepends=True)
    lines[500], lines[501], lines[502] = lines[501], lines[500], lines[502].replace(":21,", ":20,")
    said = notices(read(lines), normal=400)
    assert any(line.startswith("time goes backwards") for line in said)
    found = verdicts("".join(lines))
    assert not found[:800, 1].any()
    assert found[840:, 1].all()


def test_constant_and_empty_columns_are_left_out_of_account() -> None:
    lines = [line.rstrip("\n") for line in recorded(900, broken_from=700).splitlines()]
    wider = "\n".join([lines[0] + ",d,e", *(line + ",5," for line in lines[1:])])
    found, plain = verdicts(wider), verdicts("\n".join(lines))
    assert np.array_equal(found[:, 1], plain[:, 1])


def test_the_command_reads_stdin_and_fails_with_one_line(tmp_path: Path) -> None:
    environment = {**os.environ, "AD_TRAIN_ROWS": "400"}
    command = [sys.executable, "-m", "hub", "detect"]
    good = subprocess.run(command, input=recorded(450), env=environment, capture_output=True, text=True, timeout=60)
    assert good.returncode == 0, good.stderr
    assert len(good.stdout.splitlines()) == 451
    bad = subprocess.run(command, input="x", env=environment, capture_output=True, text=True, timeout=60)
    assert bad.returncode == 2
    assert bad.stderr.startswith("hub detect: ")
    assert bad.stderr.count("\n") == 1
