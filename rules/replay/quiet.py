"""Where nothing can happen: what lets a replay pass over most of the readings.

Nothing can happen to a pair at an instant at which its condition is not met, while nothing is measured and no alarm
lasts; nor, while one lasts, at an instant at which what would end it is not met. So each rule's conditions are run over
a whole stretch of time at once, and a judge is asked about the other instants only. It answers by its own rules: this
says where to look, never what is found.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rules.program import Frame
from rules.replay.stretch import Stretch
from rules.rule_set import Ints, RuleGroup, RuleSet
from rules.state import NEVER, JudgeState

# Instants a program is run on at once: its frames stay within some tens of MB.
_AT_ONCE = 1 << 18


def can_pass_over(rules: RuleSet) -> bool:
    """Whether every condition depends on its own place's last values alone, and not on time or on others."""
    own = all(
        (rules.equipment_of_slot[group.slots] == rules.equipment_of_pair[group.start : group.stop]).all()
        for group in rules.groups
        if len(group.slots)
    )
    return own and not rules.is_timed.any()


@dataclass(frozen=True, eq=False)
class _Upcoming:
    """Of one rule: its pair on each equipment (-1: none), and for each instant the next one at which it may begin and
    the next one at which it may end, the number of instants where there is none."""

    pair_of_equipment: Ints
    begins: Ints
    ends: Ints


class Lookout:
    """Says for equipments the next instant to be judged in one stretch."""

    def __init__(self, rules: RuleSet, stretch: Stretch, state: JudgeState) -> None:
        self._state = state
        self._upcoming = [
            _upcoming(rules, group, stretch, state) for group in rules.groups if group.compiled.when is not None
        ]

    def next(self, equipment: Ints, cursor: Ints) -> Ints:
        """From `cursor` (an instant of each) on; may lie beyond what the equipment has."""
        state = self._state
        soonest = np.full(len(equipment), np.iinfo(np.int64).max)
        for one in self._upcoming:
            pairs = one.pair_of_equipment[equipment]
            following = np.where(state.is_active[pairs], one.ends[cursor], one.begins[cursor])
            following = np.where(state.since_ms[pairs] != NEVER, cursor, following)
            np.minimum(soonest, np.where(pairs >= 0, following, soonest), out=soonest)
        return soonest


def _upcoming(rules: RuleSet, group: RuleGroup, stretch: Stretch, state: JudgeState) -> _Upcoming:
    pairs = np.full(len(rules.places), -1, np.int64)
    pairs[rules.equipment_of_pair[group.start : group.stop]] = np.arange(group.start, group.stop)
    begins, ends = np.zeros(stretch.instants, np.bool_), np.zeros(stretch.instants, np.bool_)
    ours = np.flatnonzero(pairs[stretch.equipment] >= 0)
    for start in range(0, len(ours), _AT_ONCE):
        some = ours[start : start + _AT_ONCE]
        begins[some], ends[some] = _met(rules, group, stretch, state, some, pairs[stretch.equipment[some]])
    return _Upcoming(pairs, _next_true(begins), _next_true(ends))


def _met(
    rules: RuleSet, group: RuleGroup, stretch: Stretch, state: JudgeState, instants: Ints, pairs: Ints
) -> Sequence[object]:
    """Where what would begin, and what would end an alarm is met: as the judge runs it."""
    when, clear = group.compiled.when, group.compiled.clear
    assert when is not None
    columns, at_ms = pairs - group.start, stretch.at_ms[instants]
    values = np.empty((len(group.slots), len(instants)))
    for row, slots_of_pair in enumerate(group.slots):
        slots = slots_of_pair[columns]
        said, said_ms = stretch.last_said(slots, at_ms, state, before=False)
        values[row] = np.where(at_ms - said_ms > rules.hold_ms[slots], np.nan, said)
    frame = Frame(values, group.parameters[:, columns])
    truth = when.run(frame)
    ends = clear.run(frame).yes if clear is not None else truth.no
    return np.broadcast_to(truth.yes, at_ms.shape), np.broadcast_to(ends, at_ms.shape)


def _next_true(flags: np.ndarray) -> Ints:
    """For each place, and the end, the next one that is true."""
    count = len(flags)
    places = np.append(np.where(flags, np.arange(count), count), count)
    following: Ints = np.minimum.accumulate(places[::-1])[::-1]
    return following
