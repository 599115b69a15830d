"""What the bench of the fleet counts, and that it reads what the simulators write."""

from pathlib import Path

import numpy as np
import pytest

from benchmarks.fleet.counting import Count, Tally, beginnings
from benchmarks.fleet.months import DAY_MS, Failure, play, read
from benchmarks.fleet.nights import ordered
from benchmarks.fleet.part import COLUMNS, FleetPart

EDGES = np.arange(101) * DAY_MS
FAILURE = Failure("bearing-wear", "linear", 40 * DAY_MS, 80 * DAY_MS, 82 * DAY_MS)


def standing(*spans: tuple[int, int]) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    days = np.zeros(100, dtype=np.bool_)
    for first, last in spans:
        days[first : last + 1] = True
    return days


@pytest.mark.parametrize(
    ("spans", "found", "late", "false"),
    [
        ([], 0, 0, 0),
        ([(50, 81)], 1, 0, 0),
        ([(50, 52), (60, 81)], 1, 0, 0),  # one order, gone for a while
        ([(72, 81)], 1, 0, 0),
        ([(73, 81)], 0, 1, 0),
        ([(20, 22), (50, 81)], 1, 0, 1),
        ([(20, 81)], 0, 0, 1),  # ordered before anything wore, for whatever reason
        ([(50, 81), (97, 99)], 1, 0, 1),
        ([(50, 88)], 1, 0, 0),  # lingers in the smoothing after the repair
    ],
)
def test_an_order_is_in_time_late_or_for_nothing(
    spans: list[tuple[int, int]], found: int, late: int, false: int
) -> None:
    tally = Tally()
    tally.add("pump", standing(*spans), [FAILURE], EDGES)
    count, kind = tally.by_fault["bearing-wear"], tally.by_kind["pump"]
    assert (count.failures, count.found, count.late, kind.false_orders) == (1, found, late, false)
    assert kind.months == pytest.approx(100 / 30)


def test_an_order_that_comes_back_within_two_weeks_is_the_same_one() -> None:
    assert beginnings(standing((3, 3), (10, 11), (24, 24), (60, 99))) == [3, 60]
    assert beginnings(standing()) == []


def test_an_order_for_a_machine_that_is_well_is_for_nothing() -> None:
    tally = Tally()
    tally.add("ahu", standing((30, 40)), [], EDGES)
    assert tally.by_kind["ahu"] == Count(false_orders=1, months=100 / 30)


def test_figures_are_made_from_what_was_counted() -> None:
    tally = Tally()
    tally.add("pump", standing((50, 81)), [FAILURE], EDGES)
    tally.add("pump", standing((30, 40)), [], EDGES)
    columns = {column: tally.plain() for column in COLUMNS}
    figures = {figure.name: figure for figure in FleetPart().figures({"columns": columns})}
    assert figures["fleet.tuned_on.found"].value == 100
    assert figures["fleet.other_seeds.false_orders"].value == pytest.approx(7.5, rel=0.01)
    assert figures["fleet.other_shapes_of_wear.bearing-wear.lead"].value == 29


@pytest.mark.long
def test_the_months_of_a_fleet_are_read_as_they_were_written_and_judged_by_the_day(tmp_path: Path) -> None:
    play(tmp_path, seed=2, days=30, machines=1, paths=("linear",))
    groups = list(read(tmp_path))
    assert [group.kind for group in groups] == ["pump", "ahu", "elevator", "smoke_detector", "sensor"]
    for group in groups:
        assert group.window.values.shape[0::2] == (1, len(group.keys))
        assert np.isfinite(group.window.values).mean() > 0.8
        assert ordered(group).shape == (1, 30)
    assert groups[3].window.step_s == 3600
