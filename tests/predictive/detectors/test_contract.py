"""Every registered detector, and all of them together, keep to the contract."""

from collections.abc import Callable

import pytest

from predictive.detectors.contract import Detector, Window
from predictive.detectors.ensemble import Ensemble
from predictive.detectors.registry import registered
from tests.predictive.detectors import contract_suite as suite

SHAPES = [(1, 300.0), (5, 1.0), (4, 60.0)]
PROMISES = [
    suite.check_is_quiet_before_the_fault_and_tells_it,
    suite.check_is_causal,
    suite.check_blocks_change_nothing,
    suite.check_scale_offset_and_order_change_nothing,
    suite.check_each_equipment_is_judged_for_itself,
    suite.check_bad_points_never_spoil_a_score,
    suite.check_little_normal_time_spoils_no_score,
]


@pytest.mark.parametrize(
    "detector", [*(seat.detector for seat in registered()), Ensemble()], ids=lambda detector: str(detector.name)
)
@pytest.mark.parametrize("promise", PROMISES, ids=lambda promise: str(promise.__name__).removeprefix("check_"))
def test_a_detector_keeps_its_promises(detector: Detector, promise: Callable[[Detector, Window], None]) -> None:
    suiting = [shape for shape in SHAPES if detector.suits(points=shape[0], step_s=shape[1])]
    assert suiting, "no shape here suits this detector: add one"
    for points, step_s in suiting:
        promise(detector, suite.recording(points=points, step_s=step_s, seed=points))


def test_names_are_unique_and_can_stand_in_a_key() -> None:
    names = [seat.detector.name for seat in registered()]
    assert len(set(names)) == len(names)
    assert all(name.isidentifier() for name in names)
