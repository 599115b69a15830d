"""Shapes of wear."""

import numpy as np
import pytest

from simulators.physics.wear import KEPT_FOR_JUDGING, WORKED_WITH, WearPath, wear_along

USED = np.linspace(-0.5, 1.5, 2001)


@pytest.mark.parametrize("path", WearPath)
def test_wear_begins_as_new_ends_failed_and_stays_between(path: WearPath) -> None:
    wear = wear_along(path, USED)
    assert (wear[USED <= 0] == 0).all()
    assert (wear[USED >= 1] == 1).all()
    assert ((wear >= 0) & (wear <= 1)).all()
    assert wear[(USED > 0) & (USED < 0.5)].mean() < 0.35 < wear[(USED > 0.75) & (USED < 1)].mean()


@pytest.mark.parametrize("path", [path for path in WearPath if path is not WearPath.SAWTOOTH])
def test_what_is_worn_does_not_heal(path: WearPath) -> None:
    assert (np.diff(wear_along(path, USED)) >= 0).all()


def test_a_sawtooth_falls_back_on_its_way() -> None:
    inside = wear_along(WearPath.SAWTOOTH, np.linspace(0, 0.999, 1000))
    assert inside.min() == 0
    assert inside[-1] > 0.9
    assert (np.diff(inside) < 0).sum() > 100


def test_every_shape_is_either_worked_with_or_kept_for_judging() -> None:
    assert set(WORKED_WITH) | set(KEPT_FOR_JUDGING) == set(WearPath)
    assert not set(WORKED_WITH) & set(KEPT_FOR_JUDGING)
