"""After building, the collector leaves what was built alone."""

import gc
from collections.abc import Iterator

import pytest

from kit.heap import YOUNG_OBJECTS, settle_heap


@pytest.fixture(autouse=True)
def as_it_was() -> Iterator[None]:
    before = gc.get_threshold()
    yield
    gc.unfreeze()
    gc.set_threshold(*before)


def test_what_was_built_is_not_looked_through_again_and_garbage_made_later_still_is() -> None:
    settle_heap()
    assert gc.get_freeze_count() > 1_000
    assert gc.get_threshold()[0] == YOUNG_OBJECTS
    circle: list[object] = []
    circle.append(circle)
    del circle
    assert gc.collect() >= 1
