"""Adds up what detectors say, equipment by equipment and quarter of a day, so that a day of a fleet is a few rows.

Pure. Whoever adds takes it out with `taken` every few minutes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeAlias
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]
Integers: TypeAlias = NDArray[np.int64]

QUARTER_MS: Final = 6 * 3_600_000
# Half a detector's threshold is everyday; four thresholds are as bad as it gets.
_EVERYDAY: Final = 0.5
_MOST_EXCESS: Final = 4.0
# Of a crowd of points those below this share say nothing.
_LEAST_SHARE: Final = 0.01


@dataclass(frozen=True, slots=True)
class EvidenceSum:
    """Evidence of one equipment. `excess` is the sum over rows of `excess_of`; `shares` sum to 1, or are empty."""

    equipment_id: UUID
    site_id: UUID
    since_ms: int
    rows: int
    excess: float
    highest: float
    above: int
    shares: Mapping[str, float]


def excess_of(score: Floats) -> Floats:
    """0 for what is everyday, 1 for a detector's own threshold of alarm, 4 at most."""
    return np.clip((score - _EVERYDAY) / _EVERYDAY, 0.0, _MOST_EXCESS)


@dataclass(eq=False)
class _Sums:
    equipment: Sequence[tuple[UUID, UUID]]
    point_keys: Sequence[str]
    rows: Integers
    excess: Floats
    highest: Floats
    above: Integers
    weight: Floats


@dataclass(eq=False)
class EvidenceTally:
    """`equipment` and `point_keys` are the same objects from call to call for as long as a cohort stays as it is."""

    _sums: dict[tuple[int, int], _Sums] = field(default_factory=dict)

    def add(
        self, equipment: Sequence[tuple[UUID, UUID]], point_keys: Sequence[str], *, ts_ms: Integers, score: Floats,
        shares: Floats, is_read: NDArray[np.bool_],
    ) -> None:  # fmt: skip
        """`equipment`: (equipment id, site id) of each on the first axis. ts_ms, score, is_read: [E, T]; shares:
        [E, T, P]. Rows that were not read count for nothing."""
        quarter = ts_ms // QUARTER_MS
        for each in np.unique(quarter[is_read]).tolist():
            rows = is_read & (quarter == each) & np.isfinite(score)
            sums = self._of(each, equipment, point_keys)
            excess = np.where(rows, excess_of(score), 0.0)
            sums.rows += rows.sum(axis=1)
            sums.excess += excess.sum(axis=1)
            sums.above += (rows & (score >= 1)).sum(axis=1)
            np.maximum(sums.highest, np.where(rows, score, 0.0).max(axis=1, initial=0.0), out=sums.highest)
            sums.weight += np.einsum("et,etp->ep", excess, np.nan_to_num(shares))

    def taken(self) -> list[EvidenceSum]:
        """Takes out everything; what is added afterwards begins at nothing again."""
        sums, self._sums = self._sums, {}
        return [one for (quarter, _), some in sums.items() for one in _told(quarter, some)]

    def _of(self, quarter: int, equipment: Sequence[tuple[UUID, UUID]], point_keys: Sequence[str]) -> _Sums:
        # The object itself is kept with the sums, so that no other can get its identity meanwhile.
        key = quarter, id(equipment)
        if key not in self._sums:
            count = len(equipment)
            self._sums[key] = _Sums(
                equipment, point_keys, np.zeros(count, np.int64), np.zeros(count), np.zeros(count),
                np.zeros(count, np.int64), np.zeros((count, len(point_keys))),
            )  # fmt: skip
        return self._sums[key]


def _told(quarter: int, sums: _Sums) -> list[EvidenceSum]:
    return [
        EvidenceSum(
            equipment_id=equipment_id, site_id=site_id, since_ms=quarter * QUARTER_MS, rows=int(sums.rows[place]),
            excess=float(sums.excess[place]), highest=float(sums.highest[place]), above=int(sums.above[place]),
            shares=_shares(sums.point_keys, sums.weight[place]),
        )
        for place, (equipment_id, site_id) in enumerate(sums.equipment)
        if sums.rows[place]
    ]  # fmt: skip


def _shares(point_keys: Sequence[str], weight: Floats) -> dict[str, float]:
    whole = float(weight.sum())
    if whole <= 0:
        return {}
    return {
        key: round(share, 4)
        for key, share in zip(point_keys, (weight / whole).tolist(), strict=True)
        if share >= _LEAST_SHARE
    }


def together(sums: Sequence[EvidenceSum]) -> EvidenceSum | None:
    """Of one equipment; None where there is nothing."""
    if not sums:
        return None
    weights: dict[str, float] = {}
    for one in sums:
        for key, share in one.shares.items():
            weights[key] = weights.get(key, 0.0) + share * one.excess
    whole = sum(weights.values())
    return EvidenceSum(
        equipment_id=sums[0].equipment_id, site_id=sums[0].site_id, since_ms=min(one.since_ms for one in sums),
        rows=sum(one.rows for one in sums), excess=sum(one.excess for one in sums),
        highest=max(one.highest for one in sums), above=sum(one.above for one in sums),
        shares={key: weight / whole for key, weight in weights.items()} if whole > 0 else {},
    )  # fmt: skip
