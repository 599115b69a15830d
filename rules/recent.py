"""Readings that a judge keeps for a while, because one that belongs before them may still come."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from rules.rule_set import Ints, RuleSet

FETCHES_AS_ONE = 64


@dataclass(frozen=True, eq=False)
class Recent:
    """Readings of the window in order of arrival; columns of equal length."""

    slot: npt.NDArray[np.int32]
    ts_ms: Ints
    value: npt.NDArray[np.float64]

    @classmethod
    def concat(cls, parts: Sequence["Recent"]) -> Self:
        return cls(
            np.concatenate([np.empty(0, np.int32), *(part.slot for part in parts)]),
            np.concatenate([np.empty(0, np.int64), *(part.ts_ms for part in parts)]),
            np.concatenate([np.empty(0, np.float64), *(part.value for part in parts)]),
        )

    def where(self, mask: npt.NDArray[np.bool_]) -> "Recent":
        return Recent(self.slot[mask], self.ts_ms[mask], self.value[mask])

    def laid_out(self, before: RuleSet, after: RuleSet) -> "Recent":
        """The same by the slots of another layout; what that one does not have is left out."""
        slots = before.slots_in(after)[self.slot]
        return Recent(slots, self.ts_ms, self.value).where(slots >= 0)

    def in_order(self) -> "Recent":
        """By time; of the same reading the one that came first, as the judge has it."""
        order = np.lexsort((np.arange(len(self.slot)), self.slot, self.ts_ms))
        slot, ts_ms = self.slot[order], self.ts_ms[order]
        is_first = np.ones(len(order), np.bool_)
        is_first[1:] = (slot[1:] != slot[:-1]) | (ts_ms[1:] != ts_ms[:-1])
        kept = order[is_first]
        return Recent(self.slot[kept], self.ts_ms[kept], self.value[kept])


class RecentLog:
    """What is kept, as it came: fetch by fetch, many fetches as one."""

    def __init__(self) -> None:
        self._parts: list[Recent] = []
        self._fetches: list[Recent] = []
        self._count = 0

    def __len__(self) -> int:
        """Readings."""
        return self._count

    def add(self, readings: Recent) -> None:
        self._count += len(readings.slot)
        self._fetches.append(readings)
        if len(self._fetches) >= FETCHES_AS_ONE:
            self._parts.append(Recent.concat(self._fetches))
            self._fetches = []

    def all(self) -> Recent:
        return Recent.concat([*self._parts, *self._fetches])

    def of(self, chosen: npt.NDArray[np.bool_]) -> Recent:
        """Those of the slots where `chosen`, one flag a slot, says so."""
        return Recent.concat([part.where(chosen[part.slot]) for part in (*self._parts, *self._fetches)])

    def replace(self, readings: Recent) -> None:
        """Forgets all but these."""
        self._parts, self._fetches, self._count = [readings], [], len(readings.slot)
