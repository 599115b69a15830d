"""What a judge remembers: arrays over slots, places and pairs. 8 bytes a number, 49 bytes a pair, 17 a point.

What functions over time look back at is kept beside it (`rules.history`)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rules.history import FAR
from rules.rule_set import PlaceKey, RuleSet

# Long ago, and far enough from the ends of int64 that differences do not overflow.
NEVER = -(2**61)


@dataclass(eq=False)
class JudgeState:
    """A pure function of the readings since long enough ago, given the rules.

    Slots: `value`, `seen_ms` (event time of it: the point's watermark), `is_seeded` (it came from the store, so that
    the same reading may still come by the bus). Places: `clock_ms`, the newest event time of any of its points;
    `turned_ms`, the newest instant at which time alone turned a condition of it.
    Pairs: `since_ms` (the wanted condition has held since then, NEVER: it does not hold), `is_active` and `onset_ms`
    of the episode under way; `wake_ms`, when the condition is looked at without a reading, because it may turn by time
    alone or has a new text; for missing-data rules `last_ms`
    (event time of the last reading) and `heard_ms` (the hub's time when it came, or since when somebody listens).
    """

    value: npt.NDArray[np.float64]
    seen_ms: npt.NDArray[np.int64]
    is_seeded: npt.NDArray[np.bool_]
    clock_ms: npt.NDArray[np.int64]
    turned_ms: npt.NDArray[np.int64]
    since_ms: npt.NDArray[np.int64]
    onset_ms: npt.NDArray[np.int64]
    is_active: npt.NDArray[np.bool_]
    wake_ms: npt.NDArray[np.int64]
    last_ms: npt.NDArray[np.int64]
    heard_ms: npt.NDArray[np.int64]

    @classmethod
    def blank(cls, rules: RuleSet) -> "JudgeState":
        slots, places, pairs = len(rules.point_nos), len(rules.places), rules.pairs
        return cls(
            value=np.full(slots, np.nan),
            seen_ms=np.full(slots, NEVER, np.int64),
            is_seeded=np.zeros(slots, np.bool_),
            clock_ms=np.full(places, NEVER, np.int64),
            turned_ms=np.full(places, NEVER, np.int64),
            since_ms=np.full(pairs, NEVER, np.int64),
            onset_ms=np.full(pairs, NEVER, np.int64),
            is_active=np.zeros(pairs, np.bool_),
            wake_ms=np.full(pairs, FAR, np.int64),
            last_ms=np.full(pairs, NEVER, np.int64),
            heard_ms=np.full(pairs, NEVER, np.int64),
        )

    def take_over(self, old: "JudgeState", *, old_rules: RuleSet, rules: RuleSet) -> npt.NDArray[np.int64]:
        """Copies what is still meant: points by number, places and pairs by their keys. Returns the pairs that go on.

        A pair whose rule was changed, or that looks at other points than before, keeps its episode, but a duration
        begins anew: it does not go on.
        """
        is_new = self._take_points(old, old_rules, rules)
        before, after = _matches(old_rules.places, rules.places)
        self.clock_ms[after], self.turned_ms[after] = old.clock_ms[before], old.turned_ms[before]
        if is_new.any():
            slots = np.flatnonzero(is_new)
            np.maximum.at(self.clock_ms, rules.equipment_of_slot[slots], self.seen_ms[slots])
        old_versions, versions = rule_versions(old_rules), rule_versions(rules)
        before, after = _matches(old_rules.pair_keys, rules.pair_keys)
        for name in ("onset_ms", "is_active", "last_ms", "heard_ms"):
            getattr(self, name)[after] = getattr(old, name)[before]
        unchanged = np.array(
            [old_versions[key] == versions[key] for key, _ in (rules.pair_keys[pair] for pair in after)], np.bool_
        )
        unchanged &= ~np.isin(after, rules.pairs_touched(np.flatnonzero(is_new).astype(np.int32)))
        self.since_ms[after[unchanged]] = old.since_ms[before[unchanged]]
        self.wake_ms[after[unchanged]] = old.wake_ms[before[unchanged]]
        return after[unchanged]

    def _take_points(self, old: "JudgeState", old_rules: RuleSet, rules: RuleSet) -> npt.NDArray[np.bool_]:
        """Which copies of points of both are new; they begin with what the point itself says."""
        slots = old_rules.slots_in(rules)
        before = np.flatnonzero(slots >= 0)
        after = slots[before]
        for name in ("value", "seen_ms", "is_seeded"):
            getattr(self, name)[after] = getattr(old, name)[before]
        is_new = np.zeros(len(rules.point_nos), np.bool_)
        if rules.copies is None:
            return is_new
        taken = np.zeros(len(rules.point_nos), np.bool_)
        taken[after] = True
        ours = np.flatnonzero(taken[: rules.own_slots]).astype(np.int32)
        of, copied = rules.copies.of(ours)
        is_new[copied] = ~taken[copied]
        of, copied = of[is_new[copied]], copied[is_new[copied]]
        for name in ("value", "seen_ms", "is_seeded"):
            getattr(self, name)[copied] = getattr(self, name)[ours[of]]
        return is_new


def rule_versions(rules: RuleSet) -> Mapping[str, int]:
    return {group.compiled.rule.key: group.compiled.rule.version for group in rules.groups}


def _matches(
    before: Sequence[PlaceKey], after: Sequence[PlaceKey]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """The indexes of what is in both, side by side."""
    place: dict[PlaceKey, int] = {key: index for index, key in enumerate(before)}
    both = [(place[key], index) for index, key in enumerate(after) if key in place]
    return np.array([b for b, _ in both], np.int64), np.array([a for _, a in both], np.int64)
