"""Months of a fleet in seconds: what wears shows in its points, what is well stays within its own."""

import json
import tomllib
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from simulators.cli import HISTORY_FROM_UNIX_S, app
from simulators.history.lives import LIFE_DAYS, QUIET_DAYS, REPAIR_DAYS, BenignKind, Life, WearSpell
from simulators.history.machines import Machines, side_by_side
from simulators.history.play import KINDS, HistoryOrder, PlayedKind, play
from simulators.physics.tick import DAY_S
from simulators.physics.wear import KEPT_FOR_JUDGING, WORKED_WITH, WearFault, WearPath

ORDER = HistoryOrder(begins_s=HISTORY_FROM_UNIX_S, days=130, seed=5, step_s=1800.0, share_failing=0.6)

# The point that shows it best, and how much it has moved in the last days before the failure, at least.
SHOWS = {
    WearFault.BEARING_WEAR: ("vibration_mm_s", 2.0),
    WearFault.IMPELLER_WEAR: ("speed_rpm", 40.0),
    WearFault.MOTOR_OVERHEATING: ("bearing_temp_c", 8.0),
    WearFault.FILTER_CLOGGING: ("filter_dp_pa", 50.0),
    WearFault.COIL_FOULING: ("cooling_valve_pct", 10.0),
    WearFault.DOOR_WEAR: ("door_motor_current_a", 0.5),
    WearFault.LEVELLING_DRIFT: ("levelling_error_mm", 5.0),
    WearFault.MACHINE_ROOM_COOLING: ("machine_room_temp_c", 6.0),
    WearFault.BATTERY_DRAIN: ("battery_pct", 20.0),
    WearFault.DETECTOR_DIRT: ("smoke_level", 0.03),
    WearFault.LOOSE_CONTACT: ("cable_temp_c", 4.0),
    WearFault.INSULATION_AGEING: ("residual_current_ma", 60.0),
}


@pytest.fixture(scope="module")
def played() -> list[PlayedKind]:
    return play(ORDER)


def test_the_seed_decides_and_a_kind_more_changes_no_other(played: list[PlayedKind]) -> None:
    (alone,) = play(HistoryOrder(**{**ORDER.__dict__, "counts": {"elevators": 12}}))
    among = next(group for group in played if group.kind.name == "elevators")
    assert alone.lives == among.lives
    for key, column in alone.values.items():
        assert np.array_equal(column, among.values[key], equal_nan=True), key
    other = play(HistoryOrder(**{**ORDER.__dict__, "counts": {"elevators": 12}, "seed": 6}))[0]
    assert other.lives != alone.lives


def test_every_point_of_a_profile_is_played_and_within_its_range(played: list[PlayedKind]) -> None:
    for group in played:
        profile = tomllib.loads(Path(f"device_adapters/profiles/{group.kind.profile}.toml").read_text("utf-8"))
        ranges = {point["key"]: point["range"] for point in profile["points"]}
        assert set(group.values) == set(ranges)
        for key, (low, high) in ranges.items():
            assert low <= np.nanmin(group.values[key]), (group.kind.name, key)
            assert np.nanmax(group.values[key]) <= high, (group.kind.name, key)


def test_a_machine_has_quiet_weeks_then_wears_for_weeks_and_is_repaired_soon(played: list[PlayedKind]) -> None:
    spells = [spell for group in played for life in group.lives for spell in life.spells]
    assert len(spells) > 20
    for spell in spells:
        assert spell.begins_s >= HISTORY_FROM_UNIX_S + QUIET_DAYS * DAY_S
        assert LIFE_DAYS[0] <= (spell.fails_s - spell.begins_s) / DAY_S <= LIFE_DAYS[1]
        assert REPAIR_DAYS[0] <= (spell.repaired_s - spell.fails_s) / DAY_S <= REPAIR_DAYS[1]
        assert spell.path in WORKED_WITH
    assert {event.kind for group in played for life in group.lives for event in life.benign} == set(BenignKind)


@pytest.mark.parametrize(("fault", "path"), [(f, p) for f in WearFault for p in (WearPath.LINEAR, WearPath.LATE_KNEE)])
def test_wear_moves_its_point_more_than_all_else_does(fault: WearFault, path: WearPath) -> None:
    key, least = SHOWS[fault]
    machines, begins, fails = _worn(fault, path)
    kind = next(kind for kind in KINDS.values() if fault in kind.faults)
    column = np.abs(kind.played(machines)[key])
    spinning = column > 0.3 * np.median(column[column > 0]) if fault is not WearFault.BATTERY_DRAIN else column >= 0
    day = machines.span.day
    before = (day > begins - 12) & (day < begins)
    late = (day > fails - 4) & (day < fails)
    moved = [
        abs(column[row, late & spinning[row]].mean() - column[row, before & spinning[row]].mean()) for row in (0, 3)
    ]
    assert moved[0] > least, "the worn one"
    assert moved[1] < max(moved[0] / 3, 0.004), "its healthy neighbour"


def _worn(fault: WearFault, path: WearPath) -> tuple[Machines, float, float]:
    """Six machines of its kind of which only the first wears: from day 30 to day 60."""
    kind = next(kind for kind in KINDS.values() if fault in kind.faults)
    span = play(HistoryOrder(begins_s=HISTORY_FROM_UNIX_S + 60 * DAY_S, days=64, seed=3, counts={kind.name: 1}))[0].span
    start = float(span.ts_s[0])
    spell = WearSpell(fault, path, 1.0, start + 30 * DAY_S, start + 60 * DAY_S, start + 61 * DAY_S, seed=1)
    lives = [Life((spell,), ()), *[Life((), ())] * 5]
    return side_by_side(kind, lives, span, np.random.default_rng(1)), 30, 60


def test_an_ordered_history_is_written_as_recordings_are(tmp_path: Path) -> None:
    arguments = ["history", str(tmp_path), "--days", "60", "--minutes", "30", "--machines", "pumps=3", "--csv"]
    arguments += ["--failing", "1", "--path", str(KEPT_FOR_JUDGING[0])]
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0, done.output
    points = {point["point_no"]: point for point in json.loads((tmp_path / "points.json").read_text("utf-8"))}
    tables = [pq.read_table(file) for file in sorted(tmp_path.glob("day-*.parquet"))]
    assert len(tables) == 60
    assert f"{sum(table.num_rows for table in tables)} readings of 3 machines" in done.output
    first = tables[0].to_pylist()
    assert set(tables[0].column_names) == {"point_no", "ts_ms", "value", "message"}
    assert first[0]["ts_ms"] == HISTORY_FROM_UNIX_S * 1000
    assert first == sorted(first, key=lambda row: row["ts_ms"])
    row = next(row for row in first if points[row["point_no"]]["device"] == "PUMP-002")
    lines = (tmp_path / "csv" / "PUMP-002.csv").read_text("utf-8").splitlines()
    column = lines[0].split(",").index(points[row["point_no"]]["key"])
    assert float(lines[1].split(",")[column]) == row["value"]
    faults = json.loads((tmp_path / "faults.json").read_text("utf-8"))
    assert {fault["parameters"]["path"] for fault in faults} == {str(KEPT_FOR_JUDGING[0])}
    assert all(fault["begins_ms"] < fault["fails_ms"] < fault["ends_ms"] for fault in faults)
    assert {change["name"] for change in json.loads((tmp_path / "changes.json").read_text("utf-8"))} <= set(BenignKind)


@pytest.mark.parametrize(
    "wrong", [["--machines", "ships=3"], ["--path", "sudden"], ["--days", "3660", "--minutes", "1"]]
)
def test_what_cannot_be_played_is_refused_before_anything_is_written(tmp_path: Path, wrong: list[str]) -> None:
    done = CliRunner().invoke(app, ["history", str(tmp_path / "h"), *wrong])
    assert (done.exit_code, (tmp_path / "h").exists()) == (1, False)
