"""Judges readings by rules, in event time. No I/O and no clock of its own: what comes out depends on what went in.

How a pair (rule, equipment) is judged:

* A value holds from its reading on for its point's hold time (`rule_set.hold_ms`); after that it is not known.
* A condition that is not known neither raises nor ends anything, and breaks a duration under way.
* An episode begins once `when` has held for `for`; its onset is when it began to hold. It ends once `clear` (without
  one: the opposite of `when`) has held for `clear_for`.
* Durations end at their due time even when no reading comes then: the next reading finds it out, or `tick` does
  earlier. Both give the same onset and time, so that a tick changes only how soon something is known.
* A condition with functions over time (`rules.windows`) may turn between readings: it is looked at with each reading
  and at each instant at which time alone may turn it, in event time, whenever that becomes known.
* A reading not newer than its point's last one is late and changes nothing: a closed episode is never reopened, and
  re-delivered batches are harmless.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from alarms.detection import Detection
from building.reading import ReadingBatch
from rules.heard import Heard
from rules.history import FAR, History
from rules.program import Frame
from rules.rule import CompiledRule
from rules.rule_set import Ints, PairKey, RuleGroup, RuleSet
from rules.state import NEVER, JudgeState
from rules.telling import told, values_of
from rules.waves import waves
from rules.windows import LookBack, View, next_change_ms, signals

Flags = npt.NDArray[np.bool_]

# Told about a rule that failed while it ran, and why.
FailureHandler = Callable[[CompiledRule, Exception], None]


@dataclass(frozen=True)
class Verdicts:
    """What judging gave. `late` readings were not newer than their point's last and left out."""

    detections: list[Detection]
    late: int = 0


class Judge:
    """One line (life safety or not) of one partition. `on_failure` hears of rules that failed; the others go on."""

    def __init__(self, rules: RuleSet, *, on_failure: FailureHandler, history: History | None = None) -> None:
        """With a `history` given, somebody else keeps it; readings must be there before they are judged."""
        self.rules = rules
        self.state = JudgeState.blank(rules)
        self.history = History(rules.kept) if history is None else history
        self._keeps_history = history is None
        self._on_failure = on_failure
        self._heard_before = Heard()

    # --- readings ------------------------------------------------------------------------------------------------

    def judge(self, batch: ReadingBatch, *, now_ms: int) -> Verdicts:
        """Takes readings in order of arrival. `now_ms` is the hub's time; only missing-data rules look at it.

        Points that are not judged here are passed over. Readings of one equipment and time that stand together count
        as one instant; however a stream is cut into batches between instants, the verdicts are the same.
        """
        slots = self.rules.slots_of(batch.point_no)
        ours = slots >= 0
        if not ours.all():
            slots, batch = slots[ours], batch.where(ours)
        slots, ts_ms, values = self.rules.spread(slots, batch.ts_ms, batch.value)
        return self.judge_slots(slots, ts_ms, values, now_ms=now_ms)

    def judge_slots(
        self, slots: npt.NDArray[np.int32], ts_ms: Ints, values: npt.NDArray[np.float64], *, now_ms: int
    ) -> Verdicts:
        """`judge` of readings whose slots, with their copies, have been looked up already; columns of equal length."""
        detections: list[Detection] = []
        late = 0
        # Division by 0 and the like make a value unknown; that is no news.
        with np.errstate(all="ignore"):
            for places in waves(self.rules.equipment_of_slot[slots], ts_ms):
                found, too_late = self._wave(slots[places], ts_ms[places], values[places], now_ms)
                detections += found
                late += too_late
        if self._keeps_history:
            self.history.floor_ms = self.rules.history_floor_ms(self.state.seen_ms)
        return Verdicts(detections, late)

    def tick(self, *, now_ms: int, settled_ms: int, among: Flags | None = None) -> list[Detection]:
        """What became due by the passing of time alone; of the pairs `among`, if given.

        `settled_ms` is the event time up to which readings are taken to have come: a little before `now_ms`.
        """
        state, rules = self.state, self.rules
        need_ms = np.where(state.is_active, rules.clear_need_ms, rules.need_ms)
        is_due = (state.since_ms != NEVER) & (state.since_ms + need_ms < settled_ms)
        is_due |= state.wake_ms < settled_ms
        is_due &= ~rules.is_missing
        if among is not None:
            is_due &= among
        pairs = np.flatnonzero(is_due)
        with np.errstate(all="ignore"):
            detections = self._settle(pairs, np.full(len(pairs), settled_ms)) if len(pairs) else []
        return detections + self._tick_missing(now_ms)

    def never_late(self, batch: ReadingBatch, *, arrived_ms: int) -> ReadingBatch:
        """The batch with the time of arrival on readings that would come too late for their point.

        For life safety, where no clock of a device may keep an alarm from being raised. Only for batches that were
        not judged before: a re-delivered one must stay late, and so does a reading that its broker delivered again.
        """
        again = np.array(self._heard_before.again(batch, arrived_ms=arrived_ms), np.bool_)
        slots = self.rules.slots_of(batch.point_no)
        ours = np.flatnonzero((slots >= 0) & ~again)
        seen_ms = self.state.seen_ms[slots[ours]]
        late = batch.ts_ms[ours] <= seen_ms
        if not late.any():
            return batch
        ts_ms = batch.ts_ms.copy()
        ts_ms[ours[late]] = np.maximum(arrived_ms, seen_ms[late] + 1)
        return ReadingBatch(batch.point_no, ts_ms, batch.value, batch.quality)

    # --- beginnings ----------------------------------------------------------------------------------------------

    def seed(self, latest: ReadingBatch) -> None:
        """Last known values from before the readings that will be judged; they decide nothing by themselves.

        The same reading may still come by the bus, and counts then.
        """
        latest = latest.where(self.rules.slots_of(latest.point_no) >= 0)
        state = self.state
        slots, ts_ms, value = self.rules.spread(self.rules.slots_of(latest.point_no), latest.ts_ms, latest.value)
        state.value[slots], state.seen_ms[slots], state.is_seeded[slots] = value, ts_ms, True
        pairs = self.rules.pairs_touched(slots)
        missing = pairs[self.rules.is_missing[pairs]]
        np.maximum.at(state.clock_ms, self.rules.equipment_of_slot[slots], ts_ms)
        state.last_ms[missing] = state.heard_ms[missing] = state.clock_ms[self.rules.equipment_of_pair[missing]]
        timed = pairs[self.rules.is_timed[pairs]]
        state.wake_ms[timed] = state.clock_ms[self.rules.equipment_of_pair[timed]]
        if self._keeps_history:
            self.history.add(slots, ts_ms, value)

    def remember(self, readings: ReadingBatch) -> None:
        """What was said before those, for functions over time; decides nothing by itself."""
        slots = self.rules.slots_of(readings.point_no)
        ours = slots >= 0
        self.history.add(slots[ours], readings.ts_ms[ours], readings.value[ours])

    def adopt(self, lasting: Mapping[PairKey, int]) -> list[PairKey]:
        """Makes exactly these episodes (pair → onset, UTC ms) the ones under way; returns those no rule is left for."""
        state = self.state
        was_active = state.is_active.copy()
        state.is_active[:] = False
        place = {key: pair for pair, key in enumerate(self.rules.pair_keys)}
        for key, onset_ms in lasting.items():
            if key in place:
                state.is_active[place[key]], state.onset_ms[place[key]] = True, onset_ms
        state.since_ms[was_active != state.is_active] = NEVER  # what it measured was something else
        return [key for key in lasting if key not in place]

    def listen_from(self, now_ms: int) -> None:
        """From now on silence is a device's, not ours: missing-data rules count from here."""
        heard_ms = self.state.heard_ms
        np.maximum(heard_ms, now_ms, out=heard_ms, where=heard_ms != NEVER)

    def take_over(self, old: "Judge") -> Ints:
        """Goes on with what `old` knows of what both judge. Returns the pairs that go on as they were."""
        self.history.take_over(old.history)
        self._heard_before.take_over(old._heard_before)
        return self.state.take_over(old.state, old_rules=old.rules, rules=self.rules)

    def succeed(self, old: "Judge", *, now_ms: int) -> list[Detection]:
        """Takes over from the judge of the rules as they were. Ends the episodes that have no rule any more.

        What has a new text is judged at `now_ms` by what is known then: points that report on change may say nothing
        for hours, and what was known once is no gap made into a duration.
        """
        self._look_anew(self.take_over(old), now_ms=now_ms)
        kept = set(self.rules.pair_keys)
        return [
            old._detection(group, pair, active=False, at_ms=now_ms, values={})
            for group in old.rules.groups
            for pair in range(group.start, group.stop)
            if old.state.is_active[pair] and old.rules.pair_keys[pair] not in kept
        ]

    def detection_of(self, pair: int, *, active: bool, at_ms: int) -> Detection:
        """What would be said of a pair at that instant, without the values that decided."""
        place = int(np.searchsorted(self.rules.group_bounds, pair, side="right")) - 1
        return self._detection(self.rules.groups[place], pair, active=active, at_ms=at_ms, values={})

    # --- inside --------------------------------------------------------------------------------------------------

    def _wave(
        self, slots: npt.NDArray[np.int32], ts_ms: Ints, values: npt.NDArray[np.float64], now_ms: int
    ) -> tuple[list[Detection], int]:
        state, rules = self.state, self.rules
        seen_ms = state.seen_ms[slots]
        fresh = (ts_ms > seen_ms) | ((ts_ms == seen_ms) & state.is_seeded[slots])
        late = len(fresh) - int(fresh.sum())
        if late:
            late -= int((slots[~fresh] >= rules.own_slots).sum())  # a reading counts once, however many look at it
            slots, ts_ms, values = slots[fresh], ts_ms[fresh], values[fresh]
        equipment = rules.equipment_of_slot[slots]
        state.clock_ms[equipment] = np.maximum(state.clock_ms[equipment], ts_ms)
        pairs = rules.pairs_touched(slots)
        at_ms = state.clock_ms[rules.equipment_of_pair[pairs]]
        timing = (state.since_ms[pairs] != NEVER) | (state.wake_ms[pairs] < at_ms)
        if self._keeps_history:
            self.history.add(slots, ts_ms, values)
        # What became due before this instant is settled by the values as they were.
        detections = self._settle(pairs[timing], at_ms[timing]) if timing.any() else []
        state.value[slots], state.seen_ms[slots], state.is_seeded[slots] = values, ts_ms, False
        for group, members in self._by_group(pairs):
            detections += self._guarded(self._evaluate, group, pairs[members], at_ms[members], now_ms)
        return detections, late

    def _by_group(self, pairs: Ints) -> Iterator[tuple[RuleGroup, slice]]:
        """Each rule with the stretch of `pairs` (ascending) that is its own."""
        bounds = np.searchsorted(pairs, self.rules.group_bounds)
        for place in np.flatnonzero(bounds[1:] > bounds[:-1]).tolist():
            yield self.rules.groups[place], slice(int(bounds[place]), int(bounds[place + 1]))

    def _guarded(self, step: Callable[..., list[Detection]], group: RuleGroup, *arguments: object) -> list[Detection]:
        try:
            return step(group, *arguments)
        except Exception as error:
            self._on_failure(group.compiled, error)
            return []

    def _look_anew(self, going_on: Ints, *, now_ms: int) -> None:
        """All other pairs are looked at once their equipment is past `now_ms`, and past what is known of it."""
        is_new = ~self.rules.is_missing
        is_new[going_on] = False
        pairs = np.flatnonzero(is_new)
        clock_ms = self.state.clock_ms[self.rules.equipment_of_pair[pairs]]
        self.state.wake_ms[pairs] = np.where(clock_ms == NEVER, FAR, np.maximum(clock_ms + 1, now_ms))

    def _settle(self, pairs: Ints, until_ms: Ints) -> list[Detection]:
        timed = self.rules.is_timed[pairs]
        looked_at = timed | (self.state.wake_ms[pairs] != FAR)
        if not looked_at.any():
            return self._advance(pairs, until_ms)
        detections = self._pass_time(pairs[looked_at], until_ms[looked_at])
        lasting = ~timed & (self.state.since_ms[pairs] != NEVER)
        return detections + self._advance(pairs[lasting], until_ms[lasting])

    def _pass_time(self, pairs: Ints, until_ms: Ints) -> list[Detection]:
        """Looks at these conditions wherever, before `until_ms`, one may turn, has a new text or a duration is full."""
        detections: list[Detection] = []
        while len(pairs):
            next_ms = self._next_look_ms(pairs)
            before = next_ms < until_ms
            pairs, until_ms, next_ms = pairs[before], until_ms[before], next_ms[before]
            for group, members in self._by_group(pairs):
                detections += self._guarded(self._look, group, pairs[members], next_ms[members])
            # A rule that failed is not asked again before the next reading.
            stuck = pairs[self._next_look_ms(pairs) <= next_ms]
            self.state.wake_ms[stuck], self.state.since_ms[stuck] = FAR, NEVER
        return detections

    def _next_look_ms(self, pairs: Ints) -> Ints:
        state, rules = self.state, self.rules
        since_ms = state.since_ms[pairs]
        need_ms = np.where(state.is_active[pairs], rules.clear_need_ms[pairs], rules.need_ms[pairs])
        return np.minimum(state.wake_ms[pairs], np.where(since_ms == NEVER, FAR, since_ms + need_ms))

    def _look(self, group: RuleGroup, pairs: Ints, at_ms: Ints) -> list[Detection]:
        state = self.state
        since_ms, was_active = state.since_ms[pairs], state.is_active[pairs]
        if not group.compiled.terms:
            state.wake_ms[pairs[state.wake_ms[pairs] <= at_ms]] = FAR  # time alone will not turn it again
        detections = self._evaluate(group, pairs, at_ms, NEVER)
        turned = (state.since_ms[pairs] != since_ms) | (state.is_active[pairs] != was_active)
        if turned.any():
            np.maximum.at(state.turned_ms, self.rules.equipment_of_pair[pairs[turned]], at_ms[turned])
        return detections

    def _advance(self, pairs: Ints, until_ms: Ints) -> list[Detection]:
        """Settles durations that end before `until_ms`, and breaks those whose condition has become unknown."""
        detections: list[Detection] = []
        for group, members in self._by_group(pairs):
            detections += self._guarded(self._advance_group, group, pairs[members], until_ms[members])
        return detections

    def _advance_group(self, group: RuleGroup, pairs: Ints, until_ms: Ints) -> list[Detection]:
        state = self.state
        detections: list[Detection] = []
        for active in (False, True):
            some = state.is_active[pairs] == active
            if not some.any():
                continue
            chosen, until = pairs[some], until_ms[some]
            need_ms = self.rules.clear_need_ms if active else self.rules.need_ms
            due_ms = state.since_ms[chosen] + need_ms[chosen]
            # Values only become unknown as time passes, so what holds at the end has held all the while.
            at_ms = np.minimum(due_ms, until)
            frame = self._frame(group, chosen, at_ms)
            holds = self._wanted(group, frame, ending=active)
            state.since_ms[chosen[~holds]] = NEVER
            done = holds & (due_ms < until)
            detections += self._change(group, chosen, at_ms, done, frame, becoming_active=not active)
        return detections

    def _evaluate(self, group: RuleGroup, pairs: Ints, at_ms: Ints, now_ms: int) -> list[Detection]:
        if group.compiled.when is None:
            return self._heard(group, pairs, at_ms, now_ms)
        state = self.state
        active = state.is_active[pairs]
        if not active.any():
            return self._time(group, pairs, at_ms, ending=False)
        detections = self._time(group, pairs[active], at_ms[active], ending=True)
        if not active.all():
            detections += self._time(group, pairs[~active], at_ms[~active], ending=False)
        return detections

    def _time(self, group: RuleGroup, pairs: Ints, at_ms: Ints, *, ending: bool) -> list[Detection]:
        """Starts, keeps or breaks the durations of these pairs, and changes those whose duration is full."""
        state, rule = self.state, group.compiled.rule
        back = LookBack(self._view(group, pairs, at_ms), self.history) if group.compiled.terms else None
        frame = self._frame(group, pairs, at_ms, back)
        if back is not None:
            state.wake_ms[pairs] = self._next_change_ms(group, back, frame)
        holds = self._wanted(group, frame, ending=ending)
        if ending:
            holds &= at_ms > state.onset_ms[pairs]  # readings from before an adopted episode do not end it
        since_ms = state.since_ms[pairs]
        if not holds.any():  # by far the most common: nothing is wrong
            if (since_ms != NEVER).any():
                state.since_ms[pairs] = NEVER
            return []
        since_ms = np.where(holds, np.where(since_ms == NEVER, at_ms, since_ms), NEVER)
        state.since_ms[pairs] = since_ms
        done = holds & (at_ms - since_ms >= (rule.clear_for_ms if ending else rule.for_ms))
        return self._change(group, pairs, at_ms, done, frame, becoming_active=not ending)

    def _wanted(self, group: RuleGroup, frame: Frame, *, ending: bool) -> Flags:
        """Where what would change the pair is known to hold."""
        when, clear = group.compiled.when, group.compiled.clear
        assert when is not None
        if not ending:
            return when.run(frame).yes
        return clear.run(frame).yes if clear is not None else when.run(frame).no

    def _change(
        self, group: RuleGroup, pairs: Ints, at_ms: Ints, done: Flags, frame: Frame, *, becoming_active: bool
    ) -> list[Detection]:
        state = self.state
        detections = []
        for place in np.flatnonzero(done).tolist():
            pair = int(pairs[place])
            if becoming_active:
                state.onset_ms[pair] = state.since_ms[pair]
            state.is_active[pair], state.since_ms[pair] = becoming_active, NEVER
            values = values_of(group, frame, place)
            detections.append(
                self._detection(group, pair, active=becoming_active, at_ms=int(at_ms[place]), values=values)
            )
        return detections

    def _heard(self, group: RuleGroup, pairs: Ints, at_ms: Ints, now_ms: int) -> list[Detection]:
        """A reading for missing-data rules: whatever it says, the silence is over."""
        state = self.state
        detections = []
        active = state.is_active[pairs]
        if active.any():
            for pair, time_ms in zip(pairs[active].tolist(), at_ms[active].tolist(), strict=True):
                end_ms = max(time_ms, int(state.onset_ms[pair]))
                detections.append(self._detection(group, pair, active=False, at_ms=end_ms, values={}))
            state.is_active[pairs[active]] = False
        state.last_ms[pairs] = at_ms
        state.heard_ms[pairs] = now_ms
        return detections

    def _tick_missing(self, now_ms: int) -> list[Detection]:
        state, rules = self.state, self.rules
        if not rules.is_missing.any():
            return []
        has_spoken = rules.is_missing & (state.heard_ms != NEVER) & ~state.is_active
        pairs = np.flatnonzero(has_spoken & (now_ms - state.heard_ms >= rules.need_ms))
        detections = []
        for group, members in self._by_group(pairs):
            for pair in pairs[members].tolist():
                # Told by the device's own last time, so that it is the same episode after a restart.
                state.onset_ms[pair] = min(int(state.last_ms[pair] + rules.need_ms[pair]), now_ms)
                state.is_active[pair] = True
                detections.append(self._detection(group, pair, active=True, at_ms=now_ms, values={}))
        return detections

    def _frame(self, group: RuleGroup, pairs: Ints, at_ms: Ints, back: LookBack | None = None) -> Frame:
        """`back`: what a rule over time looks back from, where it is known already."""
        columns = pairs - group.start
        slots = group.slots[:, columns]
        expired = at_ms - self.state.seen_ms[slots] > self.rules.hold_ms[slots]
        values = np.where(expired, np.nan, self.state.value[slots])
        if not group.compiled.terms:
            return Frame(values, group.parameters[:, columns])
        back = back or LookBack(self._view(group, pairs, at_ms), self.history)
        return Frame(values, back.view.parameters, signals(group.compiled.terms, back))

    def _view(self, group: RuleGroup, pairs: Ints, at_ms: Ints) -> View:
        columns = pairs - group.start
        slots = group.slots[:, columns]
        steady, parameters = self.rules.reach_ms[slots] == 0, group.parameters[:, columns]
        return View(slots, at_ms, self.state.seen_ms[slots], steady, parameters, group.zones[columns])

    def _next_change_ms(self, group: RuleGroup, back: LookBack, frame: Frame) -> Ints:
        view = back.view
        soonest = next_change_ms(group.compiled.terms, group.compiled.age_limits, back, frame)
        # A value that holds no more turns a condition too.
        expires_ms = view.seen_ms + self.rules.hold_ms[view.slots] + 1
        turns: Ints = np.minimum(soonest, np.where(expires_ms > view.at_ms, expires_ms, FAR).min(axis=0))
        return turns

    def _detection(
        self, group: RuleGroup, pair: int, *, active: bool, at_ms: int, values: Mapping[str, float]
    ) -> Detection:
        return told(group, pair, active=active, onset_ms=int(self.state.onset_ms[pair]), at_ms=at_ms, values=values)
