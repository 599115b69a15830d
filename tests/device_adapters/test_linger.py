"""How long readings wait for company."""

import pytest

from device_adapters.linger import Linger


def steady(linger: Linger, *, readings_per_s: float, seconds: float = 3.0) -> float:
    """What a new batch would wait after so many seconds of an even flow."""
    now = 0.0
    while now < seconds:
        wait_s = max(0.001, linger.wait_s(now))
        now += wait_s
        linger.flushed(now, readings=round(readings_per_s * wait_s))
    return linger.wait_s(now)


def test_where_little_comes_nothing_waits() -> None:
    assert Linger().wait_s(5.0) == 0
    assert steady(Linger(), readings_per_s=1_000) == 0


@pytest.mark.parametrize(
    ("readings_per_s", "wait_s"), [(8_000, 0.002), (40_000, 0.010), (120_000, 0.030), (1_000_000, 0.040)]
)
def test_the_more_comes_the_longer_a_batch_gathers(readings_per_s: float, wait_s: float) -> None:
    assert steady(Linger(), readings_per_s=readings_per_s) == pytest.approx(wait_s, rel=0.15)


def test_after_a_pause_the_first_waits_for_nobody() -> None:
    linger = Linger()
    steady(linger, readings_per_s=100_000)
    assert linger.wait_s(5.0) == 0
