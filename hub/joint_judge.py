"""One line (ordinary or life safety) of all partitions held, under judgement: from deliveries to detections.

Judged together, because a fetch that brings a little of many partitions costs what one partition's little costs.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from alarms.detection import Detection
from building.reading import ReadingBatch
from bus.delivery import Delivery
from catalog.directory import Directory
from hub.judge_meters import JudgeMeters, line_name
from hub.partition_mark import Finding, PartitionMark, Reached
from kit.logs import logger
from rules.judge import FailureHandler
from rules.reorder import WINDOW_MS, OrderedJudge
from rules.rule_set import RuleSet
from telemetry.admission import AHEAD_TOLERANCE_MS, admit, admit_all

log = logger(__name__)

# A device's clock may be this far ahead before its readings are judged at their arrival instead.
SKEW_TOLERANCE_MS = 60_000
# What took longer than this from the device to the bus is stored only: nobody acts on it any more. Longer than a clock
# is off by a daylight-saving mistake or two hours: a hub whose clock is wrong must still hear its devices.
LATENESS_BOUND_MS = 3 * 3_600_000


class JointJudge:
    """`marks` says which partitions are ours and how far each was judged; one that is dropped from it is silent."""

    def __init__(
        self, judge: OrderedJudge, marks: Iterable[PartitionMark], *, life_safety: bool, meters: JudgeMeters
    ) -> None:
        self.judge = judge
        self.marks: dict[int, PartitionMark] = {mark.partition: mark for mark in marks}
        self._life_safety = life_safety
        self._meters = meters
        self._line = line_name(life_safety=life_safety)
        self._laid_out = frozenset(self.marks)

    @classmethod
    def of(
        cls,
        rules: RuleSet,
        marks: Iterable[PartitionMark] = (),
        *,
        on_failure: FailureHandler,
        life_safety: bool,
        meters: JudgeMeters,
    ) -> "JointJudge":
        """One that knows nothing yet of the equipment in `rules`."""
        # A word of life safety that comes late counts at its arrival: nothing of it is ever taken back.
        judge = OrderedJudge(rules, on_failure=on_failure, window_ms=0 if life_safety else WINDOW_MS)
        return cls(judge, marks, life_safety=life_safety, meters=meters)

    @property
    def is_crooked(self) -> bool:
        """Whether it is laid out over partitions that are not ours any more."""
        return self._laid_out != self.marks.keys()

    # --- readings ------------------------------------------------------------------------------------------------

    def take(self, deliveries: Sequence[Delivery], directory: Directory, *, now_ms: int) -> list[Finding]:
        """Judges, in order, what was not judged before. All deliveries are of partitions in `marks`.

        What cannot be judged stops nothing: it is stored all the same, counted and logged here, and not tried again.
        """
        fresh = [delivery for delivery in deliveries if not self.marks[delivery.partition].reached.includes(delivery)]
        for delivery in fresh:
            self.marks[delivery.partition].reached = Reached(delivery.sequence, delivery.arrived_ms)
        if self._life_safety:
            # One by one: what is late is told by what the one before said.
            return self.by_partition([found for each in fresh for found in self._guarded([each], directory, now_ms)])
        return self.by_partition(self._guarded(fresh, directory, now_ms)) if fresh else []

    def tick(self, *, now_ms: int, settled_ms: int) -> list[Finding]:
        """What became due by the passing of time alone (`rules.judge.Judge.tick`)."""
        self._meters.window.labels(self._line).set(self.judge.window_ms / 1000)
        return self.by_partition(self.judge.tick(now_ms=now_ms, settled_ms=settled_ms))

    # --- partitions and rules that come and go -------------------------------------------------------------------

    def join(self, rules: RuleSet, begun: Sequence["JointJudge"], *, on_failure: FailureHandler) -> "JointJudge":
        """This one and those begun, as one over `rules`, which are the same over all their partitions."""
        marks = {mark.partition: mark for each in (self, *begun) for mark in each.marks.values()}
        joined = JointJudge.of(
            rules, marks.values(), on_failure=on_failure, life_safety=self._life_safety, meters=self._meters
        )
        for each in (self, *begun):
            joined.judge.take_over(each.judge)
        return joined

    def succeed(self, rules: RuleSet, *, on_failure: FailureHandler, now_ms: int) -> list[Finding]:
        """Goes on by other rules, or another catalog. What ended with a rule is found."""
        before, self._laid_out = self.judge, frozenset(self.marks)
        self.judge = JointJudge.of(
            rules, on_failure=on_failure, life_safety=self._life_safety, meters=self._meters
        ).judge
        return self.by_partition(self.judge.succeed(before, now_ms=now_ms), of=before)

    def by_partition(self, detections: Iterable[Detection], *, of: OrderedJudge | None = None) -> list[Finding]:
        """Detections by the partition of their equipment; those of a partition that was dropped are its owner's."""
        judge = of or self.judge
        found: dict[int, list[Detection]] = defaultdict(list)
        for detection in detections:
            found[judge.partition_of(detection.equipment_id)].append(detection)
        return [(self.marks[partition], some) for partition, some in found.items() if partition in self.marks]

    # --- inside --------------------------------------------------------------------------------------------------

    def _guarded(self, fresh: Sequence[Delivery], directory: Directory, now_ms: int) -> list[Detection]:
        """What is found in these; where they cannot be judged together, in each by itself."""
        try:
            if self._life_safety:
                return self._take_life_safety(fresh[0], directory, now_ms)
            return self._take_ordinary(fresh, directory, now_ms)
        except Exception:
            if len(fresh) > 1:
                log.exception("a fetch cannot be judged together, each batch is judged by itself", batches=len(fresh))
                return [found for each in fresh for found in self._guarded([each], directory, now_ms)]
            self._meters.poison.labels(self._line).inc()
            log.exception("batch cannot be judged", partition=fresh[0].partition, sequence=fresh[0].sequence)
            return []

    def _take_life_safety(self, delivery: Delivery, directory: Directory, now_ms: int) -> list[Detection]:
        """No time a device may say keeps an alarm from being raised."""
        arrived_ms = delivery.arrived_ms
        batch = self._not_ahead(delivery.batch, np.full(len(delivery.batch), arrived_ms))
        admitted = self._admitted(batch, directory, arrived_ms)
        return self._judged(self.judge.never_late(admitted, arrived_ms=arrived_ms), now_ms)

    def _take_ordinary(self, deliveries: Sequence[Delivery], directory: Directory, now_ms: int) -> list[Detection]:
        arrivals = [delivery.arrived_ms for delivery in deliveries]
        if len(deliveries) == 1:
            batch, arrived_ms = deliveries[0].batch, np.full(len(deliveries[0].batch), arrivals[0], np.int64)
        else:
            batch = ReadingBatch.concat([delivery.batch for delivery in deliveries])
            arrived_ms = np.repeat(np.array(arrivals, np.int64), [len(delivery.batch) for delivery in deliveries])
        if not _are_in_step(batch, arrived_ms):
            batch, arrived_ms = self._in_time(batch, arrived_ms)
            batch = self._in_step(batch, arrived_ms)
        return self._judged(self._admitted(batch, directory, max(arrivals)), now_ms)

    def _in_time(
        self, batch: ReadingBatch, arrived_ms: npt.NDArray[np.int64]
    ) -> tuple[ReadingBatch, npt.NDArray[np.int64]]:
        in_time = batch.ts_ms >= arrived_ms - LATENESS_BOUND_MS
        if in_time.all():
            return batch, arrived_ms
        self._meters.left_out.labels(self._line, "too_old").inc(int((~in_time).sum()))
        return batch.where(in_time), arrived_ms[in_time]

    def _in_step(self, batch: ReadingBatch, arrived_ms: npt.NDArray[np.int64]) -> ReadingBatch:
        """The batch with the time of arrival where a device's clock jumped ahead, and never before what it said last.

        An equipment that goes on where it left off is right: then it is the hub's clock that stands behind.
        """
        ahead_ms = batch.ts_ms - arrived_ms
        skewed = (ahead_ms > SKEW_TOLERANCE_MS) & (ahead_ms <= AHEAD_TOLERANCE_MS)
        if not skewed.any():
            return batch
        self._meters.clock_skew.inc(int(skewed.sum()))
        goes_on, newest_ms = self.judge.in_step(batch, believed=~skewed)
        ts_ms = np.where(skewed & ~goes_on, np.maximum(arrived_ms, newest_ms + 1), batch.ts_ms)
        return ReadingBatch(batch.point_no, ts_ms, batch.value, batch.quality)

    def _not_ahead(self, batch: ReadingBatch, arrived_ms: npt.NDArray[np.int64]) -> ReadingBatch:
        """The batch with the time of arrival where a clock runs ahead; what is absurdly ahead is left to admission."""
        ahead_ms = batch.ts_ms - arrived_ms
        skewed = (ahead_ms > SKEW_TOLERANCE_MS) & (ahead_ms <= AHEAD_TOLERANCE_MS)
        if not skewed.any():
            return batch
        self._meters.clock_skew.inc(int(skewed.sum()))
        return ReadingBatch(batch.point_no, np.where(skewed, arrived_ms, batch.ts_ms), batch.value, batch.quality)

    def _admitted(self, batch: ReadingBatch, directory: Directory, arrived_ms: int) -> ReadingBatch:
        """The store line makes dead letters of what is refused; here it is only counted."""
        going = admit_all([batch], directory, [arrived_ms])
        if going is not None:
            return going[0]
        admission = admit(batch, directory, arrived_ms)
        for refused in admission.refused:
            self._meters.left_out.labels(self._line, refused.reason.value).inc(len(refused.readings))
        return admission.batch

    def _judged(self, batch: ReadingBatch, now_ms: int) -> list[Detection]:
        verdicts = self.judge.judge(batch, now_ms=now_ms)
        self._meters.readings.labels(self._line).inc(len(batch))
        if verdicts.late:
            self._meters.left_out.labels(self._line, "late").inc(verdicts.late)
        return verdicts.detections


def _are_in_step(batch: ReadingBatch, arrived_ms: npt.NDArray[np.int64]) -> bool:
    """Whether nothing is too old or ahead: nearly always."""
    if not len(batch):
        return True
    ahead_ms = batch.ts_ms - arrived_ms
    return int(ahead_ms.max()) <= SKEW_TOLERANCE_MS and int(ahead_ms.min()) >= -LATENESS_BOUND_MS
