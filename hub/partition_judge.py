"""One line (ordinary or life safety) of one partition under judgement: from deliveries of the bus to detections."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from alarms.detection import Detection
from building.reading import ReadingBatch
from bus.delivery import Delivery
from catalog.directory import Directory
from hub.judge_meters import JudgeMeters, line_name
from rules.reorder import OrderedJudge
from telemetry.admission import AHEAD_TOLERANCE_MS, admit, admit_all

# A device's clock may be this far ahead before its readings are judged at their arrival instead.
SKEW_TOLERANCE_MS = 60_000
# The clocks of the bus and of this hub differ by less.
SAME_CLOCK_MS = 60_000
# What took longer than this from the device to the bus is stored only: nobody acts on it any more. Longer than a clock
# is off by a daylight-saving mistake or two hours: a hub whose clock is wrong must still hear its devices.
LATENESS_BOUND_MS = 3 * 3_600_000


@dataclass(frozen=True)
class Reached:
    """How far a line was judged: the sequence of the last delivery, and a time at which the bus had taken it and none
    after it."""

    sequence: int = 0
    at_ms: int = 0

    def includes(self, delivery: Delivery) -> bool:
        """Sequences begin anew when the bus lost its files; a small one that came later is new all the same."""
        return delivery.sequence <= self.sequence and delivery.arrived_ms <= self.at_ms + SAME_CLOCK_MS


class PartitionJudge:
    """`reached` is how far it judged, `written` the sequence last recorded in the database."""

    def __init__(
        self, judge: OrderedJudge, *, partition: int, epoch: int, life_safety: bool, meters: JudgeMeters
    ) -> None:
        self.judge = judge
        self.partition = partition
        self.epoch = epoch
        self.life_safety = life_safety
        self.reached = Reached()
        self.written = 0
        self._meters = meters
        self._line = line_name(life_safety=life_safety)
        self._delivered = 0

    def misses_some(self, deliveries: Sequence[Delivery]) -> bool:
        """Whether the durable consumer gave out something before these that never came (a connection that broke).

        It would come again only after what follows it; judged then, it could be too late to count. The consumer counts
        what it gives out from 1 on; it is made anew for each owner.
        """
        missing = False
        for delivery in deliveries:
            number = delivery.number
            missing |= number > self._delivered + 1
            self._delivered = number
        return missing

    def take(self, deliveries: Sequence[Delivery], directory: Directory, *, now_ms: int) -> list[Detection]:
        """Judges, in order, what was not judged before."""
        fresh = [delivery for delivery in deliveries if not self.reached.includes(delivery)]
        if not fresh:
            return []
        # First, so that a batch that cannot be judged is not tried for ever.
        self.reached = Reached(fresh[-1].sequence, fresh[-1].arrived_ms)
        if self.life_safety:
            # One by one: what is late is told by what the one before said.
            return [found for delivery in fresh for found in self._life_safety(delivery, directory, now_ms)]
        return self._ordinary(fresh, directory, now_ms)

    def _life_safety(self, delivery: Delivery, directory: Directory, now_ms: int) -> list[Detection]:
        """No time a device may say keeps an alarm from being raised."""
        arrived_ms = delivery.arrived_ms
        batch = self._not_ahead(delivery.batch, np.full(len(delivery.batch), arrived_ms))
        admitted = self._admitted(batch, directory, arrived_ms)
        return self._judged(self.judge.never_late(admitted, arrived_ms=arrived_ms), now_ms)

    def _ordinary(self, deliveries: Sequence[Delivery], directory: Directory, now_ms: int) -> list[Detection]:
        arrivals = [delivery.arrived_ms for delivery in deliveries]
        arrived_ms = np.repeat(np.array(arrivals, np.int64), [len(delivery.batch) for delivery in deliveries])
        batch = ReadingBatch.concat([delivery.batch for delivery in deliveries])
        in_time = batch.ts_ms >= arrived_ms - LATENESS_BOUND_MS
        if not in_time.all():
            self._meters.left_out.labels(self._line, "too_old").inc(int((~in_time).sum()))
            batch, arrived_ms = batch.where(in_time), arrived_ms[in_time]
        return self._judged(self._admitted(self._in_step(batch, arrived_ms), directory, max(arrivals)), now_ms)

    def _in_step(self, batch: ReadingBatch, arrived_ms: npt.NDArray[np.int64]) -> ReadingBatch:
        """The batch with the time of arrival where a device's clock jumped ahead, and never before what it said last.

        An equipment that goes on where it left off is right: then it is the hub's clock that stands behind.
        """
        ahead_ms = batch.ts_ms - arrived_ms
        skewed = (ahead_ms > SKEW_TOLERANCE_MS) & (ahead_ms <= AHEAD_TOLERANCE_MS)
        if not skewed.any():
            return batch
        self._meters.clock_skew.inc(int(skewed.sum()))
        goes_on, newest_ms = self.judge.in_step(batch)
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
