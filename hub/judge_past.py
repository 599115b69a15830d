"""What a judge knows from before it began: values that still hold, and what functions over time look back at."""

import asyncio
from collections.abc import Sequence

import numpy as np

from kit.logs import logger
from rules.reorder import OrderedJudge
from telemetry.store import TelemetryQueries

log = logger(__name__)

STORE_TIMEOUT_S = 5.0
POINTS_A_QUERY = 5_000
# The past that functions over time look back at: 10 s for all of it, a page at a time.
PAST_TIMEOUT_S = 10.0
POINTS_A_WINDOW_QUERY = 500
READINGS_A_WINDOW_QUERY = 200_000


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
