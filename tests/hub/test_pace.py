"""Nobody waits while it is quiet; under load readings gather, but never long."""

import pytest

from hub.pace import LONGEST_S, SHORTEST_S, gather_s


@pytest.mark.parametrize("rate", [0, 1, 400, 5_900])
def test_while_little_comes_nothing_waits(rate: int) -> None:
    assert gather_s(rate, over_s=1.0) == 0.0


@pytest.mark.parametrize("rate", [6_000, 40_000, 100_000, 10_000_000])
def test_the_more_comes_the_longer_it_gathers_up_to_a_bound(rate: int) -> None:
    assert SHORTEST_S <= gather_s(rate, over_s=1.0) <= min(LONGEST_S, rate * 1e-6)


def test_a_burst_after_no_time_at_all_is_bounded_too() -> None:
    assert gather_s(1_000_000, over_s=0.0) == LONGEST_S
