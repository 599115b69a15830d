"""What a judge knows from before it began: values that still hold, what functions over time look back at, and durations
that have been under way for longer than the bus is read back."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import aclosing

import numpy as np

from building.reading import ReadingBatch
from bus.delivery import Delivery
from kit.logs import logger
from rules.history import FAR
from rules.reorder import WINDOW_MS, OrderedJudge
from rules.rule_set import Ints, Rows
from telemetry.history import history
from telemetry.store import TelemetryQueries

log = logger(__name__)

STORE_TIMEOUT_S = 5.0
POINTS_A_QUERY = 5_000
# The past that functions over time look back at: 10 s for all of it, a page at a time.
PAST_TIMEOUT_S = 10.0
POINTS_A_WINDOW_QUERY = 500
READINGS_A_WINDOW_QUERY = 200_000
# Of what long durations are rebuilt from, this much is held at a time: 60 MB. Where more is needed they begin anew.
MOST_RECALLED = 3_000_000


class TooMuchToRecall(Exception):
    """More readings are needed than are held at a time."""


async def seed(judge: OrderedJudge, queries: TelemetryQueries, *, before_ms: int) -> None:
    """Without the store judging begins all the same, knowing less: a life-safety line waits for nobody."""
    point_nos = judge.rules.own_point_nos.tolist()
    try:
        async with asyncio.timeout(STORE_TIMEOUT_S):
            for start in range(0, len(point_nos), POINTS_A_QUERY):
                latest = await queries.latest(point_nos[start : start + POINTS_A_QUERY])
                judge.seed(latest.where(latest.ts_ms < before_ms))
    except Exception as error:
        log.warning("judging begins without what the store knows", error=repr(error))


def doubt(judge: OrderedJudge, page: Sequence[Delivery], *, since_ms: int, now_ms: int) -> None:
    """Forgets what the store gave of equipment whose clock is so far behind that it came after `since_ms`, the
    beginning of what the bus brings again: it is no past of that, it may be what is still to be judged.

    Called for each page before it is judged. How long after its own time a reading came says how far the clock is
    behind. Something old that is sent once more lags too: what by that lag would have come only in the future did not.
    """
    rules, state = judge.rules, judge.state
    if not page or not state.is_seeded.any():
        return
    lag_ms = np.full(len(rules.places), FAR, np.int64)
    for delivery in page:
        slots = rules.slots_of(delivery.batch.point_no)
        ours = slots >= 0
        late_ms = delivery.arrived_ms - delivery.batch.ts_ms[ours]
        np.minimum.at(lag_ms, rules.equipment_of_slot[slots[ours]], late_ms)
    of_slot_ms = lag_ms[rules.equipment_of_slot]
    known = state.is_seeded & (of_slot_ms < FAR)
    came_ms = np.where(known, state.seen_ms + np.where(known, of_slot_ms, 0), since_ms - 1)
    doubtful = (came_ms >= since_ms) & (came_ms <= now_ms + WINDOW_MS)
    if doubtful.any():
        places = np.zeros(len(rules.places), np.bool_)
        places[rules.equipment_of_slot[doubtful]] = True
        judge.forget(places)


async def remember(judge: OrderedJudge, queries: TelemetryQueries, *, before_ms: int) -> None:
    """What functions over time look back at, from before the bus is read. Without it their windows fill anew."""
    kept = judge.rules.kept
    if not before_ms or not len(kept.slot):
        return
    reach_ms = kept.window_ms + kept.hold_ms
    by_reach = np.argsort(reach_ms, kind="stable")
    try:
        async with asyncio.timeout(PAST_TIMEOUT_S):
            for start in range(0, len(by_reach), POINTS_A_WINDOW_QUERY):
                some = by_reach[start : start + POINTS_A_WINDOW_QUERY]
                point_nos = kept.point_no[some].tolist()
                start_ms = before_ms - int(reach_ms[some].max())
                await _read_back(judge, queries, point_nos, start_ms=start_ms, end_ms=before_ms)
    except Exception as error:
        log.warning("judging begins with windows that the store could not fill", error=repr(error))


async def _read_back(
    judge: OrderedJudge, queries: TelemetryQueries, point_nos: Sequence[int], *, start_ms: int, end_ms: int
) -> None:
    while True:
        page = await queries.raw(point_nos, start_ms=start_ms, end_ms=end_ms, limit=READINGS_A_WINDOW_QUERY)
        judge.remember(page)
        if len(page) < READINGS_A_WINDOW_QUERY or int(page.ts_ms[-1]) == start_ms:
            return
        start_ms = int(page.ts_ms[-1])  # of that instant some may be missing; what comes again is known


async def recall(
    judge: OrderedJudge, queries: TelemetryQueries, *, before_ms: int, beyond_ms: int, now_ms: int
) -> None:
    """Rebuilds durations longer than `beyond_ms`: what they depend on is judged once more, silently, as the store has
    it. Before `seed`, for a judge that knows nothing yet. Without the store those durations begin anew."""
    if not before_ms:
        return
    slots, reach_ms = judge.rules.needed_back(beyond_ms=beyond_ms)
    try:
        async with asyncio.timeout(PAST_TIMEOUT_S):
            for some in _alike(judge, slots, reach_ms):
                point_nos = sorted(judge.rules.point_nos[slots[some]].tolist())
                start_ms = before_ms - int(reach_ms[some].max())
                # All of it or nothing: a value that is followed by one not read would be taken to hold.
                past = await _every(queries, point_nos, start_ms=start_ms, end_ms=before_ms)
                judge.recall(past, now_ms=now_ms)
    except Exception as error:
        log.warning("judging begins with long durations that the store could not tell", error=repr(error))


def _alike(judge: OrderedJudge, slots: Rows, reach_ms: Ints) -> Iterator[Ints]:
    """Places in `slots`, some equipments at a time, no equipment in two, and all that reach back about as far."""
    equipment = judge.rules.equipment_of_slot[slots]
    magnitude = np.log2(np.maximum(reach_ms, 1)).astype(np.int64)
    order = np.lexsort((equipment, magnitude))
    part = np.zeros(len(order), np.int64)
    if len(order):
        is_first = np.ones(len(order), np.bool_)
        is_first[1:] = equipment[order][1:] != equipment[order][:-1]
        begins = np.flatnonzero(is_first)
        # An equipment belongs where its first point does.
        part = (begins // POINTS_A_WINDOW_QUERY)[np.cumsum(is_first) - 1]
    key = magnitude[order] * (len(order) + 1) + part
    for each in np.unique(key).tolist():
        yield order[key == each]


async def _every(queries: TelemetryQueries, point_nos: Sequence[int], *, start_ms: int, end_ms: int) -> ReadingBatch:
    pages: list[ReadingBatch] = []
    async with aclosing(history(queries, point_nos, start_ms=start_ms, end_ms=end_ms)) as found:
        async for page in found:
            pages.append(page.readings)
            if sum(map(len, pages)) > MOST_RECALLED:
                raise TooMuchToRecall
    return ReadingBatch.concat(pages)
