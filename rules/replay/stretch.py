"""Stored readings of a stretch of time, laid out by equipment and instant, so that a condition is run over all at once.

An instant is one time at which an equipment said something: there its condition is looked at, as a judge does.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from rules.rule_set import Ints, RuleSet
from rules.state import JudgeState

Rows = npt.NDArray[np.int32]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Stretch:
    """`slot`, `ts_ms`, `value`: readings by (equipment, time). Instants are numbered through: `equipment` and `at_ms`
    of each, `reading_bounds` (instants + 1) where its readings lie, `bounds` (equipments + 1) where an equipment's
    instants do."""

    slot: Rows
    ts_ms: Ints
    value: Floats
    equipment: Rows
    at_ms: Ints
    reading_bounds: Ints
    bounds: Ints
    _by_slot: Ints
    _keys: Ints
    _slot_keys: Ints

    @classmethod
    def of(cls, slots: Rows, ts_ms: Ints, value: Floats, rules: RuleSet) -> Self:
        """Of readings in any order, each (slot, time) once; at least one."""
        first_ms = int(ts_ms.min())
        width_ms = int(ts_ms.max()) - first_ms + 2
        # One number of equipment and time sorts three times as fast as the two.
        order = np.argsort(rules.equipment_of_slot[slots] * np.int64(width_ms) + (ts_ms - first_ms), kind="stable")
        slots, ts_ms, value = slots[order], ts_ms[order], value[order]
        equipment = rules.equipment_of_slot[slots]
        begins = np.ones(len(slots), np.bool_)
        begins[1:] = (equipment[1:] != equipment[:-1]) | (ts_ms[1:] != ts_ms[:-1])
        firsts = np.flatnonzero(begins)
        at_equipment = equipment[firsts]
        by_slot = np.argsort(slots, kind="stable")
        slot_keys = np.arange(len(rules.point_nos), dtype=np.int64) * width_ms - first_ms
        return cls(
            slots, ts_ms, value, at_equipment, ts_ms[firsts], np.append(firsts, len(slots)),
            np.searchsorted(at_equipment, np.arange(len(rules.places) + 1)),
            by_slot, slot_keys[slots[by_slot]] + ts_ms[by_slot], slot_keys,
        )  # fmt: skip

    @property
    def instants(self) -> int:
        return len(self.at_ms)

    def last_said(self, slots: Rows, at_ms: Ints, state: JudgeState, *, before: bool) -> tuple[Floats, Ints]:
        """Value and time of what each slot said last by an instant, or `before` it; from `state` where it said nothing
        in this stretch yet. Columns of equal length."""
        keys = self._slot_keys[slots] + at_ms
        places = np.searchsorted(self._keys, keys, side="left" if before else "right") - 1
        known = places >= 0
        readings = self._by_slot[np.maximum(places, 0)]
        known &= self.slot[readings] == slots
        said = np.where(known, self.value[readings], state.value[slots])
        return said, np.where(known, self.ts_ms[readings], state.seen_ms[slots])

    def readings_of(self, instants: Ints) -> Ints:
        """The places of the readings of these instants."""
        starts = self.reading_bounds[instants]
        counts = self.reading_bounds[instants + 1] - starts
        within = np.arange(int(counts.sum())) - np.repeat(np.cumsum(counts) - counts, counts)
        places: Ints = np.repeat(starts, counts) + within
        return places
