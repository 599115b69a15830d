"""Rules over history, in order of time: what the live judge would have raised, without a clock and without I/O.

The judge is the very one that judges live (`rules.judge`); `rules.replay.quiet` spares it the instants at which nothing
can happen. Rules that look back in time are judged instant by instant.
"""

import numpy as np

from building.reading import ReadingBatch
from rules.judge import FailureHandler, Judge
from rules.replay.episode import Episode, EpisodeBook
from rules.replay.quiet import Lookout, can_pass_over
from rules.replay.silence import Silences
from rules.replay.stretch import Stretch
from rules.rule_set import Ints, RuleSet


class Replay:
    """One RuleSet over one history. `on_failure` hears of a rule that failed; the others go on."""

    def __init__(self, rules: RuleSet, *, on_failure: FailureHandler) -> None:
        self.rules = rules
        self._judge = Judge(rules, on_failure=on_failure)
        self._silences = Silences(rules)
        self._book = EpisodeBook()
        self._passes_over = can_pass_over(rules)
        self._is_watched = rules.is_watched

    @property
    def point_nos(self) -> list[int]:
        """The points whose readings it wants."""
        numbers: list[int] = self.rules.own_point_nos[self._is_watched[: self.rules.own_slots]].tolist()
        return numbers

    def take(self, readings: ReadingBatch) -> None:
        """Readings in any order, each once, none earlier than any taken before: no instant may be cut in two.

        What no rule looks at is passed over.
        """
        slots = self.rules.slots_of(readings.point_no)
        ours = slots >= 0
        ours[ours] = self._is_watched[slots[ours]]
        slots, ts_ms, value = self.rules.spread(slots[ours], readings.ts_ms[ours], readings.value[ours])
        if not len(slots):
            return
        if self._silences.are_ruled:
            for silence in self._silences.take(slots, ts_ms):
                self._book.add(silence)
        if self._passes_over:
            with np.errstate(all="ignore"):
                self._pass_over(Stretch.of(slots, ts_ms, value, self.rules))
            return
        order = np.argsort(ts_ms, kind="stable")
        self._tell(slots[order], ts_ms[order], value[order])

    def episodes(self, *, until_ms: int) -> list[Episode]:
        """What was raised, by onset, with what is due before `until_ms`. Nothing is taken after that."""
        self._book.enter(self._judge.tick(now_ms=0, settled_ms=until_ms))
        for silence in self._silences.lasting(until_ms=until_ms):
            self._book.add(silence)
        return self._book.episodes()

    # --- inside ----------------------------------------------------------------------------------------------------

    def _pass_over(self, stretch: Stretch) -> None:
        """Judges where something can happen: of each equipment one instant after the other, of all of them at once."""
        state = self._judge.state
        lookout = Lookout(self.rules, stretch, state)
        cursor, ends = stretch.bounds[:-1].copy(), stretch.bounds[1:]
        going = np.flatnonzero(cursor < ends)
        while len(going):
            upcoming = lookout.next(going, cursor[going])
            has_more = upcoming < ends[going]
            going, upcoming = going[has_more], upcoming[has_more]
            if not len(going):
                break
            passed = upcoming > cursor[going]
            self._bring_up(stretch, going[passed], stretch.at_ms[upcoming[passed]])
            readings = stretch.readings_of(upcoming)
            self._tell(stretch.slot[readings], stretch.ts_ms[readings], stretch.value[readings])
            cursor[going] = upcoming + 1
            going = going[upcoming + 1 < ends[going]]
        self._bring_up(stretch, np.flatnonzero(stretch.bounds[1:] > stretch.bounds[:-1]), None)

    def _bring_up(self, stretch: Stretch, equipment: Ints, before_ms: Ints | None) -> None:
        """The state of these equipments as what they said before those instants left it; None: all of the stretch."""
        if not len(equipment):
            return
        state, rules = self._judge.state, self.rules
        until_ms = np.full(len(rules.places), -1, np.int64)
        last_ms = stretch.at_ms[stretch.bounds[equipment + 1] - 1] + 1
        until_ms[equipment] = last_ms if before_ms is None else before_ms
        slots = np.flatnonzero(self._is_watched & (until_ms[rules.equipment_of_slot] >= 0)).astype(np.int32)
        at_ms = until_ms[rules.equipment_of_slot[slots]]
        state.value[slots], state.seen_ms[slots] = stretch.last_said(slots, at_ms, state, before=True)
        if before_ms is None:
            state.clock_ms[equipment] = last_ms - 1

    def _tell(self, slots: np.ndarray, ts_ms: Ints, value: np.ndarray) -> None:
        self._book.enter(self._judge.judge_slots(slots, ts_ms, value, now_ms=0).detections)
