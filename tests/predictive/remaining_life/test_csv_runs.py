"""`hub rul`: whatever is on stdin, each row gets what is left, or one line says what is wrong with it."""

import io
import os
from pathlib import Path

import numpy as np
import pytest

from predictive.remaining_life.csv_runs import UnreadableLives, main, read, run
from predictive.remaining_life.errors import TooFewLives

POINTS = ("vib", "temp", "flow", "idle")


def life(seed: int, *, length: int) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    """Rows of a part that wears faster and faster, with noise: three points that tell, one that never changes."""
    random = np.random.default_rng(seed)
    wear = np.exp((np.arange(length) - length) / 15.0)
    noise = random.normal(scale=0.05, size=(length, 3))
    return np.column_stack([wear + noise[:, 0], 3 * wear + noise[:, 1] + 40, 7 - wear + noise[:, 2], np.ones(length)])


def csv_of(
    lengths: list[int], *, with_left: bool, seed: int = 0, cut: int = 0, order: tuple[int, ...] = (0, 1, 2, 3)
) -> str:
    lines = [",".join(["unit", "cycle", *(POINTS[place] for place in order), *(["rul"] if with_left else [])])]
    for unit, length in enumerate(lengths):
        rows = life(seed + unit, length=length)
        for row in range(length - cut):
            cells = [f"{rows[row, place]:.6f}" for place in order]
            left = [str(length - 1 - row)] if with_left else []
            lines.append(",".join([str(unit), str(row + 1), *cells, *left]))
    return "\n".join(lines) + "\n"


TRAINING = csv_of([60, 72, 81, 66, 90], with_left=True)


def told(text: str, *, training: str = TRAINING) -> list[list[str]]:
    sink = io.StringIO()
    run(io.StringIO(training), io.StringIO(text), sink)
    return [line.split(",") for line in sink.getvalue().splitlines()]


@pytest.fixture(scope="module")
def whole() -> list[list[str]]:
    return told(csv_of([70, 85], with_left=False, seed=100, cut=10))


def test_every_row_gets_what_is_left_of_its_unit(whole: list[list[str]]) -> None:
    assert whole[0] == ["unit", "cycle", "rul"]
    assert [row[:2] for row in whole[1:]] == [
        [str(unit), str(n + 1)] for unit, n in ((0, 60), (1, 75)) for n in range(n)
    ]
    for last in (whole[60], whole[-1]):
        assert float(last[2]) == pytest.approx(10, abs=5)


def test_cutting_the_future_changes_nothing(whole: list[list[str]]) -> None:
    cut = told(csv_of([70, 85], with_left=False, seed=100, cut=30))
    expected = whole[1:41] + whole[61:116]
    assert [row[2] for row in cut[1:]] == [row[2] for row in expected]


def test_the_order_of_columns_and_of_rows_changes_nothing(whole: list[list[str]]) -> None:
    order = (3, 1, 0, 2)
    lines = csv_of([70, 85], with_left=False, seed=100, cut=10, order=order).splitlines()
    turned = told(
        "\n".join([lines[0], *reversed(lines[1:])]), training=csv_of([60, 72, 81, 66, 90], with_left=True, order=order)
    )
    assert [row[2] for row in reversed(turned[1:])] == [row[2] for row in whole[1:]]


def test_what_cannot_be_read_counts_as_missing() -> None:
    lines = csv_of([70], with_left=False, seed=100).splitlines()
    lines[20] = "0,20,inf,nan,,"
    rows = told("\n".join(lines))
    assert len(rows) == 71
    assert all(np.isfinite(float(row[2])) and float(row[2]) >= 0 for row in rows[1:])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "a header with `unit` and `cycle`"),
        ("cycle,a\n1,2\n", "a header with `unit` and `cycle`"),
        ("unit,cycle,a\n1,2\n", "line 2 has 2 cells"),
        ("unit,cycle,a\n1,soon,3\n", "line 2: cycle 'soon' is no number"),
    ],
)
def test_a_csv_that_cannot_be_read_is_refused_in_words(text: str, words: str) -> None:
    with pytest.raises(UnreadableLives, match=words):
        read(io.StringIO(text))


def test_a_point_that_is_missing_is_named() -> None:
    with pytest.raises(UnreadableLives, match="no column temp"):
        told("unit,cycle,vib,flow,idle\n1,1,0,0,0\n")


def test_no_lives_to_learn_from_is_said() -> None:
    with pytest.raises(TooFewLives):
        told("unit,cycle,vib,temp,flow,idle\n1,1,0,0,0,0\n", training=csv_of([60, 72], with_left=True))
    with pytest.raises(UnreadableLives, match="a column `rul`"):
        told("unit,cycle,vib\n1,1,0\n", training=csv_of([60], with_left=False))


def test_an_empty_table_is_answered_with_a_header_alone() -> None:
    assert told("unit,cycle,vib,temp,flow,idle\n") == [["unit", "cycle", "rul"]]


def test_the_command_says_what_it_misses(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main({}) == 2
    assert "AD_TRAIN_FILE must name" in capsys.readouterr().err
    assert main(dict(os.environ, AD_TRAIN_FILE=str(tmp_path / "none.csv"))) == 2
