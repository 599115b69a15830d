"""Looking at readings by all detectors, as the line does: readings in, frames, scores, what stands out. One core."""

import resource
import time
from uuid import UUID

from benchmarks.part import Details
from benchmarks.predictive.machines import MINUTE_MS, START_MS, learnt, machines, said
from predictive.detectors.ensemble import Ensemble
from predictive.streaming.checkpoint import checkpoints
from predictive.streaming.cohort import Cohort, Member
from predictive.streaming.stream import Stream
from predictive.streaming.telling import findings_of

LEARNT_DAYS = 3
LATENESS_MS = 30_000


def streamed(equipment: int, *, minutes: int) -> Details:
    """Each minute of the fleet is handed in when it has come, and judged when it is over; CPU of this process."""
    fleet = machines(equipment)
    model_id = UUID(int=1)
    members = [Member(one.equipment_id, UUID(int=0), 1, one.shape, model_id) for one in fleet]
    model = learnt(fleet, days=LEARNT_DAYS)
    stream = Stream(Ensemble(), lateness_ms=LATENESS_MS)
    stream.join([Cohort.begun(Ensemble(), members, model, next_ms=START_MS)])
    took_s = found = readings = 0.0
    longest_s = 0.0
    for minute in range(minutes):
        batch = said(fleet, first_minute=minute, minutes=1, seed=7)
        begun = time.process_time()
        stream.inbox.take(batch, arrived_ms=batch.ts_ms)
        judged = stream.advance(read_until_ms=START_MS + (minute + 1) * MINUTE_MS + LATENESS_MS)
        found += len(findings_of(judged))
        spent_s = time.process_time() - begun
        # The first rows fill caches of the allocator.
        if minute:
            took_s, readings, longest_s = took_s + spent_s, readings + len(batch), max(longest_s, spent_s)
    begun = time.process_time()
    kept = list(checkpoints(stream.cohorts))
    return {
        "equipment": equipment, "minutes": minutes, "readings": readings, "took_s": took_s, "longest_s": longest_s,
        "findings": found, "checkpoint_s": time.process_time() - begun,
        "checkpoint_bytes": sum(len(each.content) for each in kept),
        "model_bytes": sum(array.nbytes for array in model.values()),
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "detectors": sorted({key.partition("/")[0] for key in model}),
    }  # fmt: skip
