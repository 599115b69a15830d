"""`hub detect`: whatever is on stdin, each row gets its verdict, or one line says what is wrong with it."""

import io
import itertools
import os
import subprocess
import sys

import numpy as np
import pytest

from predictive.csv_runs import BLOCK_ROWS, UnreadableCsv, detect, normal_rows, notices, read, step_seconds
from predictive.detectors.ensemble import Ensemble

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


def commanded(text: str | bytes, *, normal: int = 400) -> subprocess.CompletedProcess[bytes]:
    """`hub detect` as a process of its own."""
    environment = {**os.environ, "AD_TRAIN_ROWS": str(normal), "AD_FREQ_SECONDS": "1"}
    sent = text.encode() if isinstance(text, str) else text
    return subprocess.run(
        [sys.executable, "-m", "hub", "detect"], input=sent, env=environment, capture_output=True, timeout=60
    )


def told(text: str) -> np.ndarray:
    """Score and flag of each row, float64[T, 2], as the command writes them."""
    ran = commanded(text)
    assert ran.returncode == 0, ran.stderr
    return np.array([[float(cell) for cell in line.split(",")[1:]] for line in ran.stdout.decode().splitlines()[1:]])


def disguised(text: str) -> str:
    """The same columns under other names, in another order, on other scales, one upside down."""
    _, *lines = text.splitlines()
    rows = [line.split(",") for line in lines]
    other = (f"{t},{float(c) * -3.7 + 900},{float(a) * 0.02},{float(b) * 51 - 7}\n" for t, a, b, c in rows)
    return "timestamp,ch0,ch1,ch2\n" + "".join(other)


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


def test_the_command_knows_neither_the_future_nor_names_nor_scales() -> None:
    text = recorded(1000, broken_from=700)
    lines = text.splitlines(keepends=True)
    whole = told(text)
    assert whole[:, 1].any()
    assert not whole[:, 1].all()
    for rows in (690, 716):
        cut = told("".join(lines[: 1 + rows]))
        np.testing.assert_allclose(cut, whole[:rows], rtol=1e-6, atol=1e-7)
    np.testing.assert_allclose(told(disguised(text)), whole, rtol=1e-5, atol=1e-6)


def test_a_run_may_stop_anywhere_and_go_on_from_what_was_stored() -> None:
    rows = 400 + BLOCK_ROWS + 500
    recording = read(io.StringIO(recorded(rows, broken_from=rows - 300)))
    whole = verdicts(recorded(rows, broken_from=rows - 300))
    ensemble = Ensemble()
    model = ensemble.calibrate(recording.window(start=0, stop=400, step_s=1.0))
    state = ensemble.begin(model)
    cuts = [400, 401, 1_700, rows - 290, rows - 289, rows]
    parts = []
    for start, stop in itertools.pairwise(cuts):
        model, state = (
            {key: np.frombuffer(a.tobytes(), a.dtype).reshape(a.shape).copy() for key, a in arrays.items()}
            for arrays in (model, state)
        )
        verdict = ensemble.judge(model, state, recording.window(start=start, stop=stop, step_s=1.0))
        parts.append(np.stack([verdict.score[0], verdict.is_anomaly[0]], axis=1))
    assert 0 < whole[400:, 1].sum() < 400
    np.testing.assert_allclose(np.concatenate(parts), whole[400:], rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("cell", ["", "5"])
@pytest.mark.parametrize("columns", [1, 4])
def test_where_nothing_moves_nothing_is_told(cell: str, columns: int) -> None:
    header = ",".join(["timestamp", *"abcd"[:columns]])
    rows = "".join(f"{1_772_300_000 + row}" + f",{cell}" * columns + "\n" for row in range(700))
    recording = read(io.StringIO(f"{header}\n{rows}"))
    assert not verdicts(f"{header}\n{rows}").any()
    said = " ".join(notices(recording, normal=400))
    assert ("4 of 4 sensors are constant or empty in the normal rows: every score is 0" in said) == (columns > 1)


def test_sensors_that_stand_still_are_named_by_number_and_the_others_judged() -> None:
    lines = [line.rstrip("\n") for line in recorded(900, broken_from=700).splitlines()]
    text = "\n".join([lines[0] + ",d,e", *(line + ",5," for line in lines[1:])])
    assert notices(read(io.StringIO(text)), normal=400) == [
        "2 of 5 sensors are constant or empty in the normal rows: they are left out"
    ]
    assert verdicts(text)[730:, 1].all()


def test_more_normal_rows_than_rows_teach_and_judge_nothing() -> None:
    assert not verdicts(recorded(100), normal=500).any()


@pytest.mark.parametrize(
    ("sent", "words"),
    [
        (b"", b"header"),
        (b"timestamp,a\n1e300,2\n", b"line 2: '1e300' is no time"),
        (b"timestamp,a\n\xff\xfe,2\n", b"is no time"),
        (b"timestamp,a\n2026-03-01," + b"9" * 200_000 + b"\n", b"this is no CSV"),
    ],
)
def test_the_command_fails_with_one_line_that_says_what_is_wrong(sent: bytes, words: bytes) -> None:
    ran = commanded(sent)
    assert ran.returncode == 2
    assert ran.stdout == b""
    assert ran.stderr.startswith(b"hub detect: ")
    assert words in ran.stderr
    assert ran.stderr.count(b"\n") == 1


def test_what_a_spreadsheet_writes_is_read() -> None:
    text = "\ufeff" + recorded(50).replace("\n", "\r\n")
    assert len(read(io.StringIO(text, newline="")).times) == 50
