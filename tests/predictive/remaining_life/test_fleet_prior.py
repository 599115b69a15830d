"""What a fleet has lived through moves what is expected of it, the more the oftener."""

import pytest

from predictive.remaining_life.degradation import UNKNOWN_FLEET
from predictive.remaining_life.fleet_prior import WearLife, priors_of


def lived(days: float, *, left: float | None = None, has_failed: bool = True, kind: str = "pump") -> WearLife:
    return WearLife(mode="bearing_wear", kind=kind, days=days, days_left=left, has_failed=has_failed)


def test_one_life_moves_it_a_little_and_many_nearly_all_the_way() -> None:
    medians = [priors_of([lived(20.0)] * count, kind="pump")["bearing_wear"].median_days for count in (1, 5, 60)]
    assert UNKNOWN_FLEET.median_days > medians[0] > medians[1] > medians[2]
    assert medians[2] == pytest.approx(20, rel=0.1)


def test_lives_alike_narrow_it_and_lives_unlike_do_not() -> None:
    alike = priors_of([lived(40.0)] * 20, kind="pump")["bearing_wear"]
    unlike = priors_of([lived(10.0), lived(160.0)] * 10, kind="pump")["bearing_wear"]
    assert alike.spread < UNKNOWN_FLEET.spread < unlike.spread
    assert (alike.lives, unlike.lives) == (20, 20)


def test_what_was_repaired_in_time_would_have_lasted_longer() -> None:
    assert lived(30.0, left=12.0, has_failed=False).whole_days == 42.0
    assert lived(30.0, left=12.0, has_failed=True).whole_days == 30.0
    assert lived(0.0).whole_days == 1.0


def test_other_kinds_of_equipment_say_nothing() -> None:
    assert priors_of([lived(20.0, kind="ahu")], kind="pump") == {}
    assert priors_of([], kind="pump") == {}
