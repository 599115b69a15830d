"""Rules about silence over stored history: between two readings, what the hub's clock would have found.

Live they go by the time at which something is heard; of history the device's own time is all there is.
"""

import numpy as np

from rules.replay.episode import Episode
from rules.rule_set import Ints, RuleGroup, RuleSet
from rules.state import NEVER


class Silences:
    """Of every missing-data rule in `rules`."""

    def __init__(self, rules: RuleSet) -> None:
        self._rules = rules
        self._last_ms = np.full(rules.pairs, NEVER, np.int64)

    @property
    def are_ruled(self) -> bool:
        return bool(self._rules.is_missing.any())

    def take(self, slots: np.ndarray, ts_ms: Ints) -> list[Episode]:
        """The silences that readings, later than all before, ended."""
        rules = self._rules
        starts = rules.pair_starts[slots]
        counts = rules.pair_starts[slots + 1] - starts
        within = np.arange(int(counts.sum())) - np.repeat(np.cumsum(counts) - counts, counts)
        pairs = rules.pairs_by_slot[np.repeat(starts, counts) + within]
        at_ms = np.repeat(ts_ms, counts)
        ours = rules.is_missing[pairs]
        pairs, at_ms = pairs[ours], at_ms[ours]
        order = np.lexsort((at_ms, pairs))
        pairs, at_ms = pairs[order], at_ms[order]
        before_ms = self._last_ms[pairs]
        follows = pairs[1:] == pairs[:-1]
        before_ms[1:][follows] = at_ms[:-1][follows]
        self._last_ms[pairs] = at_ms  # of equal pairs the last stays
        long = (before_ms != NEVER) & (at_ms - before_ms >= rules.need_ms[pairs])
        return [
            self._episode(int(pairs[place]), last_ms=int(before_ms[place]), end_ms=int(at_ms[place]))
            for place in np.flatnonzero(long).tolist()
        ]

    def lasting(self, *, until_ms: int) -> list[Episode]:
        """Those under way at the end."""
        rules, last_ms = self._rules, self._last_ms
        silent = rules.is_missing & (last_ms != NEVER) & (until_ms - last_ms >= rules.need_ms)
        return [
            self._episode(pair, last_ms=int(last_ms[pair]), end_ms=None) for pair in np.flatnonzero(silent).tolist()
        ]

    def _episode(self, pair: int, *, last_ms: int, end_ms: int | None) -> Episode:
        group, onset_ms = self._group(pair), last_ms + int(self._rules.need_ms[pair])
        rule, entry = group.compiled.rule, group.equipment[pair - group.start]
        return Episode(
            rule_key=rule.key, equipment_id=entry.equipment_id, site_id=entry.site_id, fault_mode=rule.fault_mode,
            severity=rule.severity, order=rule.order, life_safety=rule.life_safety, onset_ms=onset_ms,
            raised_ms=onset_ms, end_ms=end_ms,
        )  # fmt: skip

    def _group(self, pair: int) -> RuleGroup:
        return self._rules.groups[int(np.searchsorted(self._rules.group_bounds, pair, side="right")) - 1]
