"""Rarity by rank: exact in the tail, bounded in memory, and nothing is rare before there is something to compare."""

import numpy as np

from predictive.detectors.contract import Floats, State
from predictive.detectors.tail_rank import (
    FEWEST_BEFORE,
    KEPT,
    LONGEST_MEMORY,
    nothing_seen,
    remember,
    room_left,
    tail_shares,
)


def shares_of(values: Floats, *, state: State | None = None) -> Floats:
    """The share float64[T] of each of values float64[T], taken in as the memory has room."""
    state = state or nothing_seen(equipment=1, signals=1)
    found = []
    start = 0
    while start < len(values):
        part = values[None, None, start : start + room_left(state)]
        read = np.isfinite(part[:, 0])
        found.append(tail_shares(state, part, signals=slice(0, 1), read=read)[0, 0])
        remember(state, np.nan_to_num(part), read=read)
        start += part.shape[2]
    return np.concatenate(found)


def counted(values: Floats) -> Floats:
    """The same by looking at every earlier value."""
    return np.array(
        [
            (np.sum(values[:place] >= value) + 1) / (place + 1) if place >= FEWEST_BEFORE else 1.0
            for place, value in enumerate(values)
        ]
    )


def test_ranks_in_the_tail_are_those_of_all_that_ever_came() -> None:
    values = np.abs(np.random.default_rng(3).standard_t(3, size=6_000))
    found, truth = shares_of(values), counted(values)
    rare = truth < 100 / len(values)
    assert rare.sum() > 50
    np.testing.assert_allclose(found[rare], truth[rare])


def test_the_bulk_is_near_enough() -> None:
    values = np.abs(np.random.default_rng(4).normal(size=6_000))
    assert np.abs(shares_of(values) - counted(values)).max() < 0.1


def test_equal_values_are_as_large_as_each_other() -> None:
    assert shares_of(np.ones(2_000))[FEWEST_BEFORE:].min() == 1.0


def test_memory_is_bounded_and_what_is_old_counts_less() -> None:
    state = nothing_seen(equipment=1, signals=1)
    shares_of(np.random.default_rng(5).uniform(size=3 * LONGEST_MEMORY), state=state)
    assert state["kept"].shape == (1, 1, KEPT)
    assert state["seen"][0] <= LONGEST_MEMORY + room_left(state)
    np.testing.assert_allclose(state["weights"].sum() + state["filled"][0], state["seen"][0], rtol=0.01)


def test_what_was_not_read_is_neither_rare_nor_remembered() -> None:
    values = np.full(200, 1.0)
    values[50:150] = np.nan
    state = nothing_seen(equipment=1, signals=1)
    found = shares_of(values, state=state)
    assert (found[50:150] == 1.0).all()
    assert state["seen"][0] == 100
