"""What the detectors together say of machines whose faults are known."""

import numpy as np
import pytest

from predictive.detectors.contract import Floats, Window
from predictive.detectors.ensemble import Ensemble, Verdict, confidence

NORMAL, ROWS, BREAKS = 1500, 2500, 2000


def machine(seed: int = 1) -> Floats:
    """A pump that goes on and off: status, flow, pressure, power, bearing temperature: float64[T, 5]."""
    rng = np.random.default_rng(seed)
    is_on = (np.sin(np.arange(ROWS) / 40.0) + 0.3 * np.sin(np.arange(ROWS) / 7.0) > -0.3).astype(float)
    load = 1.0 + 0.3 * np.sin(np.arange(ROWS) / 91.0)
    warmth = np.zeros(ROWS)
    for row in range(1, ROWS):
        warmth[row] = 0.95 * warmth[row - 1] + 0.05 * 20 * is_on[row] * load[row]
    clean = np.stack([is_on, 30 * is_on * load, 4 * is_on * load, 7 * is_on * load, 25 + warmth], axis=1)
    return clean + rng.normal(size=clean.shape) * [0.0, 0.4, 0.05, 0.08, 0.2]


def judged(values: Floats) -> Verdict:
    window = Window(ts_ms=(np.arange(ROWS) * 60_000)[None], values=values[None], step_s=60.0)
    ensemble = Ensemble()
    model = ensemble.calibrate(window.between(start=0, stop=NORMAL))
    return ensemble.judge(model, ensemble.begin(model), window.between(start=NORMAL, stop=ROWS))


def test_going_on_and_off_is_normal() -> None:
    assert judged(machine()).is_anomaly.mean() < 0.01


@pytest.mark.parametrize(("point", "fault"), [(1, "leaves"), (2, "leaves"), (3, "stuck"), (2, "stuck")])
def test_a_point_that_leaves_or_sticks_is_found_and_named(point: int, fault: str) -> None:
    values = machine()
    if fault == "leaves":
        values[BREAKS:, point] += 0.8 * values[:NORMAL, point].std()
    else:
        values[BREAKS:, point] = values[BREAKS, point]
    verdict = judged(values)
    after = slice(BREAKS - NORMAL + 60, None)
    assert not verdict.is_anomaly[0, : BREAKS - NORMAL].any()
    assert verdict.is_anomaly[0, after].mean() > 0.6
    in_alarm = verdict.is_anomaly[0, after]
    assert verdict.shares[0, after][in_alarm].mean(axis=0).argmax() == point


def test_a_point_that_is_gone_is_no_alarm_of_the_others() -> None:
    values = machine()
    values[BREAKS:, 3] = np.nan
    assert judged(values).is_anomaly.mean() < 0.01


def test_confidence_rises_with_the_score_and_with_agreement() -> None:
    loud, silent = np.array([[1.5]]), np.array([[0.0]])
    alone, joined = confidence(loud, [loud, silent]), confidence(loud, [loud, loud])
    assert 0.5 < alone[0, 0] < joined[0, 0] < 1.0
    assert confidence(np.array([[1.0]]), [np.array([[1.0]])])[0, 0] == pytest.approx(0.5)
    assert confidence(silent, [silent])[0, 0] == 0.0
