"""Heat and smoke: what rises in most points at once and stays is an alarm within seconds, and nothing else is."""

import numpy as np
import pytest

from predictive.detectors.contract import Floats, Window
from predictive.detectors.rate_of_rise import RateOfRise

NORMAL, IGNITION, ROWS = 90, 180, 260


def room(*, points: int = 3) -> Floats:
    """Quiet minutes float64[1, T, P] of a room: slow air, a little noise."""
    rng = np.random.default_rng(5)
    slow = np.sin(np.arange(ROWS) / 25.0)[:, None] * np.linspace(0.2, 0.4, points)
    values: Floats = (21.0 + slow + 0.1 * rng.normal(size=(ROWS, points)))[None]
    return values


def scores(values: Floats, *, step_s: float = 1.0, gap_at: int | None = None) -> Floats:
    ts_ms = (np.arange(ROWS) * step_s * 1000).astype(np.int64)[None]
    if gap_at is not None:
        ts_ms[:, gap_at:] += 3_600_000
    window = Window(ts_ms=ts_ms, values=values, step_s=step_s)
    detector = RateOfRise()
    model = detector.calibrate(window.between(start=0, stop=NORMAL))
    found: Floats = detector.step(model, detector.begin(model), window.between(start=NORMAL, stop=ROWS)).score[0]
    return found


def test_a_quiet_room_raises_nothing() -> None:
    assert scores(room()).max() < 1.0


@pytest.mark.parametrize("directions", [(1, 1, 0), (1, -1, 0), (-1, -1, -1)])
def test_a_joint_rise_is_found_in_seconds_whatever_its_sign(directions: tuple[int, ...]) -> None:
    values = room()
    values[0, IGNITION:] += np.outer(np.arange(ROWS - IGNITION) * 0.5, directions)
    found = np.flatnonzero(scores(values) >= 1.0) + NORMAL
    assert IGNITION < found[0] <= IGNITION + 15


def test_one_point_alone_is_not_a_fire_however_far_it_goes_by_little() -> None:
    values = room()
    values[0, IGNITION:, 0] += 2.0
    assert scores(values).max() < 1.0


def test_a_moment_is_not_a_fire() -> None:
    values = room()
    values[0, IGNITION] += 8.0
    assert scores(values).max() < 1.0


def test_what_changed_while_nobody_looked_is_not_a_rise() -> None:
    values = room()
    values[0, IGNITION:] += 30.0
    assert scores(values).max() >= 1.0
    assert scores(values, gap_at=IGNITION).max() < 1.0


def test_slow_steps_are_left_to_other_methods() -> None:
    assert RateOfRise().suits(points=2, step_s=1.0)
    assert not RateOfRise().suits(points=2, step_s=60.0)
    assert not RateOfRise().suits(points=1, step_s=1.0)
