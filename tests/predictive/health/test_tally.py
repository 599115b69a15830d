"""Evidence is added up as if row by row, whatever the blocks."""

from uuid import UUID

import numpy as np
import pytest

from predictive.health.tally import QUARTER_MS, EvidenceTally, excess_of, together

EQUIPMENT = [(UUID(int=1), UUID(int=9)), (UUID(int=2), UUID(int=9))]
KEYS = ["flow", "vibration"]
ROWS = 50
STEP_MS = QUARTER_MS // 20
TS = np.tile(np.arange(ROWS) * STEP_MS, (2, 1)).astype(np.int64)
_RANDOM = np.random.default_rng(1)
SCORE = _RANDOM.gamma(2.0, 0.5, (2, ROWS))
SHARES = _RANDOM.dirichlet([1.0, 3.0], (2, ROWS))
READ = _RANDOM.random((2, ROWS)) < 0.9


def tallied(blocks: list[slice]) -> EvidenceTally:
    tally = EvidenceTally()
    for rows in blocks:
        tally.add(
            EQUIPMENT, KEYS, ts_ms=TS[:, rows], score=SCORE[:, rows], shares=SHARES[:, rows], is_read=READ[:, rows]
        )
    return tally


@pytest.mark.parametrize("size", [1, 7, ROWS])
def test_blocks_change_nothing(size: int) -> None:
    whole = tallied([slice(0, ROWS)]).taken()
    parts = tallied([slice(at, at + size) for at in range(0, ROWS, size)]).taken()
    assert len(whole) == len(parts) == 6
    for one, other in zip(whole, parts, strict=True):
        assert (one.equipment_id, one.since_ms, one.rows, one.above) == (
            other.equipment_id, other.since_ms, other.rows, other.above,
        )  # fmt: skip
        assert one.excess == pytest.approx(other.excess)
        assert one.shares == pytest.approx(other.shares, abs=1e-3)


def test_a_day_is_the_sum_of_its_quarters() -> None:
    sums = tallied([slice(0, ROWS)]).taken()
    day = together([one for one in sums if one.equipment_id == UUID(int=1)])
    assert day is not None
    assert day.rows == READ[0].sum()
    assert day.excess == pytest.approx(excess_of(SCORE[0][READ[0]]).sum())
    assert day.highest == pytest.approx(SCORE[0][READ[0]].max())
    assert sum(day.shares.values()) == pytest.approx(1)
    assert together([]) is None


def test_what_is_taken_is_not_taken_again() -> None:
    tally = tallied([slice(0, ROWS)])
    assert {one.since_ms for one in tally.taken()} == {0, QUARTER_MS, 2 * QUARTER_MS}
    assert tally.taken() == []


def test_missing_scores_and_shares_poison_nothing() -> None:
    tally = EvidenceTally()
    score, shares = SCORE.copy(), SHARES.copy()
    score[0, :5], shares[1, :5] = np.nan, np.nan
    tally.add(EQUIPMENT, KEYS, ts_ms=TS, score=score, shares=shares, is_read=READ)
    assert all(np.isfinite(one.excess) and one.rows for one in tally.taken())


def test_nothing_read_is_nothing_said() -> None:
    tally = EvidenceTally()
    tally.add(EQUIPMENT, KEYS, ts_ms=TS, score=SCORE, shares=SHARES, is_read=np.zeros_like(READ))
    assert tally.taken() == []
