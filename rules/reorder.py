"""Judges readings that come out of order as if they had come in order.

A reading is judged the instant it comes; nothing waits for stragglers. When one comes that belongs before what its
equipment has been judged by, that equipment is judged again: from the state of `WINDOW_MS` ago, by everything it has
said since, in event time. What then differs from what was told is told as a correction (`Detection.revises`). So the
episodes on the books are those of the readings in order of their time, whatever order, however often and in whatever
batches they came, as long as none comes more than `WINDOW_MS` behind the newest of its equipment.

Rules about silence are left as they are: they go by the hub's clock.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from uuid import UUID

import numpy as np
import numpy.typing as npt

from alarms.detection import Detection
from building.reading import ReadingBatch
from rules.history import History
from rules.judge import FailureHandler, Judge, Verdicts
from rules.recent import Recent, RecentLog
from rules.rule import CompiledRule
from rules.rule_set import Ints, PairKey, RuleSet
from rules.state import NEVER, JudgeState

Flags = npt.NDArray[np.bool_]

# How far behind the newest reading of its equipment one may come and still count in its place.
WINDOW_MS = 120_000
# What is older than the window is settled this often, and when so many readings wait for it: 20 MB. What is left then
# is half of it at most, two minutes of 4,000 a second that rules look at: where more comes the window is shorter.
SETTLE_EVERY_MS = 10_000
MOST_RECENT = 1_000_000


@dataclass
class Stretch:
    """An episode as it was told: `end_ms` is None while it lasts."""

    began: Detection | None
    onset_ms: int
    end_ms: int | None = None


class OrderedJudge:
    """A `Judge` for readings in any order within the window; the same contract otherwise.

    `window_ms` 0 leaves order alone: for life safety, where a late word counts at its arrival. The attribute says how
    long the window is now: less than that while more comes than is kept.
    """

    def __init__(self, rules: RuleSet, *, on_failure: FailureHandler, window_ms: int = WINDOW_MS) -> None:
        self.rules = rules
        self.window_ms = window_ms
        self._longest_window_ms = window_ms
        # One history for all who judge here: what was said does not depend on who looks at it.
        history = History(rules.kept) if window_ms else None
        self._lead = Judge(rules, on_failure=on_failure, history=history)
        self._base = Judge(rules, on_failure=_told_already, history=self._lead.history)
        self._recent = RecentLog()
        self._told: dict[PairKey, list[Stretch]] = {}
        self._ticked_ms = np.full(len(rules.places), NEVER, np.int64)
        self._settled_ms = NEVER
        self._next_settle_ms = NEVER
        self._is_judged = rules.is_watched
        self._watched = _of_watched_points(rules, self._is_judged)
        self._silence_rules = {g.compiled.rule.key for g in rules.groups if g.compiled.when is None}
        self._pair = {key: pair for pair, key in enumerate(rules.pair_keys)}
        self._place = {key: place for place, key in enumerate(rules.places)}

    @property
    def state(self) -> JudgeState:
        return self._lead.state

    @property
    def history(self) -> History:
        return self._lead.history

    # --- readings ------------------------------------------------------------------------------------------------

    def judge(self, batch: ReadingBatch, *, now_ms: int) -> Verdicts:
        """As `Judge.judge`; corrections of what was told before are among the detections."""
        if not self._longest_window_ms:
            return self._lead.judge(batch, now_ms=now_ms)
        readings = self._watched_in_order(batch)
        if not len(readings.slot):
            return Verdicts([])
        strays = self._strays(readings.slot, readings.ts_ms)
        if self._lead.history.is_kept:
            counts = strays | (readings.ts_ms > self.state.seen_ms[readings.slot])
            self._lead.history.add(readings.slot[counts], readings.ts_ms[counts], readings.value[counts])
        self._keep(readings)
        verdicts = self._lead.judge_slots(readings.slot, readings.ts_ms, readings.value, now_ms=now_ms)
        if not strays.any():
            self._tell(verdicts.detections)
            return verdicts
        again = np.zeros(len(self.rules.places), np.bool_)
        again[self.rules.equipment_of_slot[readings.slot[strays]]] = True
        standing = [d for d in verdicts.detections if self._stands(d, again)]
        self._tell(standing)
        corrections = self._judge_again(again, now_ms=now_ms)
        counting = int(strays[readings.slot < self.rules.own_slots].sum())
        return Verdicts(standing + corrections, max(verdicts.late - counting, 0))

    def tick(self, *, now_ms: int, settled_ms: int) -> list[Detection]:
        """As `Judge.tick`."""
        detections = self._lead.tick(now_ms=now_ms, settled_ms=settled_ms)
        if not self._longest_window_ms:
            return detections
        self._settled_ms = settled_ms
        for detection in detections:
            if detection.source_id not in self._silence_rules:
                place = self._place_of(_key(detection))
                self._ticked_ms[place] = max(self._ticked_ms[place], detection.at_ms)
        self._tell(detections)
        if now_ms >= self._next_settle_ms or self._next_settle_ms > now_ms + 2 * SETTLE_EVERY_MS:
            self._next_settle_ms = now_ms + SETTLE_EVERY_MS
            self._settle()
        return detections

    def never_late(self, batch: ReadingBatch, *, arrived_ms: int) -> ReadingBatch:
        return self._lead.never_late(batch, arrived_ms=arrived_ms)

    def in_step(self, batch: ReadingBatch, *, believed: Flags) -> tuple[Flags, Ints]:
        """Which readings go on where their equipment left off, and the newest time it said before the batch.

        One goes on when it is not further ahead than the window, or than a periodic point's silence may last, of what
        is known of its equipment or `believed` in this batch: so a device whose clock jumps can be told from a hub
        whose clock does.
        """
        slots = self.rules.slots_of(batch.point_no)
        equipment = (
            np.where(slots >= 0, self.rules.equipment_of_slot[slots], -1) if len(self.rules.point_nos) else slots
        )
        clock_ms = np.full(len(slots), NEVER, np.int64)
        reach_ms = np.full(len(slots), WINDOW_MS, np.int64)
        ours = slots >= 0
        clock_ms[ours] = self.state.clock_ms[equipment[ours]]
        reach_ms[ours] = np.maximum(self.rules.reach_ms[slots[ours]], WINDOW_MS)
        anchor_ms = self.state.clock_ms.copy()
        np.maximum.at(anchor_ms, equipment[ours & believed], batch.ts_ms[ours & believed])
        order = np.lexsort((batch.ts_ms, equipment))
        sorted_equipment, ts_ms = equipment[order], batch.ts_ms[order]
        before_ms = np.where(ours, anchor_ms[equipment], NEVER)[order] if len(anchor_ms) else clock_ms
        follows = np.zeros(len(order), np.bool_)
        follows[1:] = sorted_equipment[1:] == sorted_equipment[:-1]
        before_ms[follows] = np.maximum(before_ms[follows], ts_ms[:-1][follows[1:]])
        jumps = np.cumsum(ts_ms - before_ms > reach_ms[order])
        # What follows a jump does not go on either.
        at_first = np.maximum.accumulate(np.where(follows, 0, np.arange(len(order))))
        jumped_before = np.where(at_first > 0, jumps[at_first - 1], 0)
        goes_on = np.empty(len(order), np.bool_)
        goes_on[order] = jumps == jumped_before
        return goes_on & ours, clock_ms

    # --- beginnings ----------------------------------------------------------------------------------------------

    def seed(self, latest: ReadingBatch) -> None:
        self._lead.seed(latest)
        self._base.seed(latest)
        self._lead.remember(latest)

    def remember(self, readings: ReadingBatch) -> None:
        """As `Judge.remember`."""
        self._lead.remember(readings)

    def recall(self, past: ReadingBatch, *, now_ms: int) -> None:
        """Judges, telling nobody, what was said before everything else, by time. It is settled: nothing came late."""
        self.judge(past, now_ms=now_ms)
        self._begin_anew(range(len(self.rules.places)))

    def adopt(self, lasting: Mapping[PairKey, int]) -> list[PairKey]:
        """As `Judge.adopt`. Where the books say otherwise than the window, the window begins anew."""
        told = {key: stretches[-1].onset_ms for key, stretches in self._told.items() if stretches[-1].end_ms is None}
        orphans = self._lead.adopt(lasting)
        differing = {key for key in told.keys() | lasting.keys() if told.get(key) != lasting.get(key)}
        self._begin_anew({self._place_of(key) for key in differing if key in self._pair})
        return orphans

    def forget(self, places: Flags) -> None:
        """Knows nothing of these places any more."""
        self._copy(JudgeState.blank(self.rules), self._lead.state, places, whole=True)
        self._begin_anew(np.flatnonzero(places).tolist())

    def listen_from(self, now_ms: int) -> None:
        self._lead.listen_from(now_ms)

    def take_over(self, old: "OrderedJudge") -> None:
        """Goes on with what `old` knows of the equipment of both, its window too. Both judge by the same rules."""
        self._lead.take_over(old._lead)
        self._base.take_over(old._base)
        theirs = np.array([key in old._place for key in self.rules.places], np.bool_)
        mine = self._recent.of(~theirs[self.rules.equipment_of_slot])
        self._recent.replace(Recent.concat([mine, old._recent.all().laid_out(old.rules, self.rules)]))
        self._told = {key: told for key, told in self._told.items() if not theirs[self._place_of(key)]}
        self._told |= {key: told for key, told in old._told.items() if key in self._pair}
        for key, ticked_ms in zip(old.rules.places, old._ticked_ms.tolist(), strict=True):
            if key in self._place:
                self._ticked_ms[self._place[key]] = ticked_ms
        self._settled_ms = max(self._settled_ms, old._settled_ms)

    def succeed(self, old: "OrderedJudge", *, now_ms: int) -> list[Detection]:
        """As `Judge.succeed`; the window begins anew with the rules as they are now."""
        old._forget_unwatched()
        ended = self._lead.succeed(old._lead, now_ms=now_ms)
        self._settled_ms = old._settled_ms
        self._begin_anew(range(len(self.rules.places)))
        return ended

    def partition_of(self, equipment_id: UUID) -> int:
        return self.rules.equipment[self._place[equipment_id]].partition

    # --- inside: the window ----------------------------------------------------------------------------------------

    def _watched_in_order(self, batch: ReadingBatch) -> Recent:
        """What some rule looks at, with its copies, by time; the order of arrival where times are equal."""
        slots = self._watched.slots_of(batch.point_no)
        watched = Recent(slots, batch.ts_ms, batch.value)
        ours = slots >= 0
        if not ours.all():
            watched = watched.where(ours)
        if self.rules.copies is not None:
            watched = Recent(*self.rules.spread(watched.slot, watched.ts_ms, watched.value))
        ts_ms = watched.ts_ms
        if len(ts_ms) > 1 and (ts_ms[1:] < ts_ms[:-1]).any():
            order = np.argsort(ts_ms, kind="stable")
            watched = Recent(watched.slot[order], ts_ms[order], watched.value[order])
        return watched

    def _strays(self, slots: npt.NDArray[np.int32], ts_ms: Ints) -> Flags:
        """Which belong before, or to, an instant their equipment has been judged at, and still count there."""
        state, equipment = self._lead.state, self.rules.equipment_of_slot[slots]
        clock_ms = state.clock_ms[equipment]
        looked_ms = np.maximum(clock_ms, np.maximum(self._ticked_ms, state.turned_ms)[equipment])
        behind: Flags = (ts_ms <= looked_ms) & (ts_ms >= clock_ms - self.window_ms)
        if not behind.any():
            return behind
        behind &= (ts_ms != state.seen_ms[slots]) | state.is_seeded[slots]
        return behind

    def _keep(self, readings: Recent) -> None:
        self._recent.add(readings)
        if len(self._recent) > MOST_RECENT:
            self._settle()

    def _settle(self) -> None:
        """Lets the base take up what is out of the window; a shorter window when too much waits."""
        recent = self._recent.all()
        newest = self._lead.state.clock_ms[self.rules.equipment_of_slot[recent.slot]]
        self.window_ms = self._longest_window_ms
        final = recent.ts_ms < newest - self.window_ms
        while len(recent.slot) - int(final.sum()) > MOST_RECENT // 2 and self.window_ms > 1:
            self.window_ms //= 2
            final = recent.ts_ms < newest - self.window_ms
        self._judge_into(self._base, recent.where(final), now_ms=0)
        self._recent.replace(recent.where(~final))
        self._lead.history.floor_ms = self.rules.history_floor_ms(self._base.state.seen_ms)
        self._forget()

    def _forget(self) -> None:
        """Drops from memory what was told of stretches that ended before the window."""
        for key in list(self._told):
            horizon_ms = self._lead.state.clock_ms[self._place_of(key)] - self.window_ms
            kept = [each for each in self._told[key] if each.end_ms is None or each.end_ms >= horizon_ms]
            if kept:
                self._told[key] = kept
            else:
                del self._told[key]

    def _forget_unwatched(self) -> None:
        """What was known at the beginning of points that no rule looked at: they may have said other things since."""
        self._lead.state.value[~self._is_judged] = np.nan
        self._lead.state.seen_ms[~self._is_judged] = NEVER

    def _begin_anew(self, places: Collection[int]) -> None:
        """Takes the present of these places as settled."""
        if not len(places):
            return
        chosen = np.zeros(len(self.rules.places), np.bool_)
        chosen[list(places)] = True
        self._recent.replace(self._recent.of(~chosen[self.rules.equipment_of_slot]))
        self._copy(self._lead.state, self._base.state, chosen, whole=True)
        self._told = {key: stretches for key, stretches in self._told.items() if not chosen[self._place_of(key)]}
        state = self._lead.state
        for pair in np.flatnonzero(state.is_active & chosen[self.rules.equipment_of_pair]).tolist():
            self._told[self.rules.pair_keys[pair]] = [Stretch(None, int(state.onset_ms[pair]))]

    # --- inside: judging again ---------------------------------------------------------------------------------------

    def _judge_again(self, chosen: Flags, *, now_ms: int) -> list[Detection]:
        """Judges these places by the window in order; what was told otherwise, corrected."""
        scratch = Judge(self.rules, on_failure=_told_already, history=self._lead.history)
        scratch.state = _copied(self._base.state)
        mine = self._recent.of(chosen[self.rules.equipment_of_slot])
        found = self._judge_into(scratch, mine, now_ms=now_ms)
        among = chosen[self.rules.equipment_of_pair]
        found += scratch.tick(now_ms=NEVER, settled_ms=self._settled_ms, among=among)
        found = [d for d in found if not self._stands(d, chosen)]
        corrections = self._corrections(chosen, found)
        self._copy(scratch.state, self._lead.state, chosen, whole=False)
        return corrections

    def _judge_into(self, judge: Judge, readings: Recent, *, now_ms: int) -> list[Detection]:
        ordered = readings.in_order()
        return judge.judge_slots(ordered.slot, ordered.ts_ms, ordered.value, now_ms=now_ms).detections

    def _corrections(self, chosen: Flags, found: Sequence[Detection]) -> list[Detection]:
        """What turns the stretches told of these equipments into those found; keeps the found ones as told."""
        true: dict[PairKey, list[Stretch]] = {}
        base = self._base.state
        for pair in np.flatnonzero(chosen[self.rules.equipment_of_pair] & ~self.rules.is_missing).tolist():
            lasting = [Stretch(None, int(base.onset_ms[pair]))] if base.is_active[pair] else []
            true[self.rules.pair_keys[pair]] = lasting
        by_end: dict[tuple[PairKey, int], Detection] = {}
        for detection in found:
            key = _key(detection)
            _note(true[key], detection)
            if not detection.active:
                by_end[key, detection.onset_ms] = detection
        corrections: list[Detection] = []
        for key, stretches in true.items():
            told = self._told.get(key, [])
            corrections += self._differences(key, told, stretches, by_end)
            before = [each for each in told if self._is_settled(key, each)]
            if before or stretches:
                self._told[key] = [*before, *stretches]
            else:
                self._told.pop(key, None)
        return corrections

    def _differences(
        self,
        key: PairKey,
        told: Sequence[Stretch],
        true: Sequence[Stretch],
        by_end: Mapping[tuple[PairKey, int], Detection],
    ) -> list[Detection]:
        known = {each.onset_ms: each for each in told}
        wanted = {each.onset_ms for each in true}
        # An end at its own onset says that it never was.
        differences = [
            self._detection(key, active=False, onset_ms=each.onset_ms)
            for each in told
            if each.onset_ms not in wanted and not self._is_settled(key, each)
        ]
        for each in true:
            before = known.get(each.onset_ms)
            if before is None or (before.end_ms is not None and each.end_ms is None):
                began = each.began or self._detection(key, active=True, onset_ms=each.onset_ms)
                differences.append(replace(began, revises=True))
            if each.end_ms is not None and (before is None or before.end_ms != each.end_ms):
                differences.append(replace(by_end[key, each.onset_ms], revises=True))
        return differences

    def _is_settled(self, key: PairKey, told: Stretch) -> bool:
        """Whether it ended before what the base has judged: nothing that comes now can change it."""
        return told.end_ms is not None and told.end_ms <= self._base.state.clock_ms[self._place_of(key)]

    def _detection(self, key: PairKey, *, active: bool, onset_ms: int) -> Detection:
        detection = self._lead.detection_of(self._pair[key], active=active, at_ms=onset_ms)
        return replace(detection, onset_ms=onset_ms, revises=True)

    def _stands(self, detection: Detection, again: Flags) -> bool:
        return detection.source_id in self._silence_rules or not again[self._place_of(_key(detection))]

    def _place_of(self, key: PairKey) -> int:
        return int(self.rules.equipment_of_pair[self._pair[key]])

    def _tell(self, detections: Sequence[Detection]) -> None:
        for detection in detections:
            if detection.source_id not in self._silence_rules:
                _note(self._told.setdefault(_key(detection), []), detection)

    def _copy(self, source: JudgeState, target: JudgeState, chosen: Flags, *, whole: bool) -> None:
        """Copies the state of the chosen places: `whole`, or without what only the lead has (silence, points
        no rule looks at)."""
        slots = chosen[self.rules.equipment_of_slot] & (whole | self._is_judged)
        pairs = chosen[self.rules.equipment_of_pair] & (whole | ~self.rules.is_missing)
        for name in ("value", "seen_ms", "is_seeded"):
            getattr(target, name)[slots] = getattr(source, name)[slots]
        target.clock_ms[chosen], target.turned_ms[chosen] = source.clock_ms[chosen], source.turned_ms[chosen]
        for name in ("since_ms", "onset_ms", "is_active", "wake_ms", "last_ms", "heard_ms"):
            getattr(target, name)[pairs] = getattr(source, name)[pairs]


def _of_watched_points(rules: RuleSet, is_judged: Flags) -> RuleSet:
    """The layout with slots only for points that some rule looks at."""
    slot_by_point = rules.slot_by_point.copy()
    known = slot_by_point >= 0
    slot_by_point[known] = np.where(is_judged[slot_by_point[known]], slot_by_point[known], -1)
    return replace(rules, slot_by_point=slot_by_point)


def _copied(state: JudgeState) -> JudgeState:
    return JudgeState(**{column.name: getattr(state, column.name).copy() for column in fields(state)})


def _key(detection: Detection) -> PairKey:
    return detection.source_id, detection.equipment_id


def _note(stretches: list[Stretch], detection: Detection) -> None:
    if detection.active:
        stretches.append(Stretch(detection, detection.onset_ms))
        return
    for stretch in reversed(stretches):
        if stretch.onset_ms == detection.onset_ms:
            stretch.end_ms = detection.at_ms
            return


def _told_already(rule: CompiledRule, error: Exception) -> None:
    """A rule that fails when judged again failed when it was judged first, and was counted then."""
