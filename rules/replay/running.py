"""Runs replays over what the store has: readings are fetched while those before are judged in a thread."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import aclosing

from building.reading import ReadingBatch
from rules.replay.engine import Replay
from rules.rule_set import RuleSet
from telemetry.history import READINGS_A_STRETCH, history
from telemetry.store import TelemetryQueries

# Rules are judged for at least this long before the span, so that what lasts at its beginning is known to.
_SHORTEST_WARM_UP_MS = 3_600_000

# Told how far it is, 0 to 1, after each stretch; False ends the replay.
Progress = Callable[[float], Awaitable[bool]]


class ReplayStopped(Exception):
    """Whoever was told of the progress wants no more of it."""


def warm_up_ms(rules: RuleSet) -> int:
    """How long before a span its rules must be judged: windows, durations and values that hold."""
    held_ms = int(rules.hold_ms.max(initial=0))
    return max(rules.longest_window_ms + rules.longest_need_ms + held_ms, _SHORTEST_WARM_UP_MS)


async def run(
    replays: Sequence[Replay], queries: TelemetryQueries, *, since_ms: int, until_ms: int, on_progress: Progress,
    readings: int = READINGS_A_STRETCH,
) -> int:  # fmt: skip
    """Lets all of them take the same history, from their warm-up to `until_ms`; how many readings there were.

    Raises ReplayStopped, QueryTooSlow, StoreUnavailable.
    """
    point_nos = sorted({number for one in replays for number in one.point_nos})
    if not point_nos:
        return 0
    start_ms = since_ms - max(warm_up_ms(one.rules) for one in replays)
    pages = history(queries, point_nos, start_ms=start_ms, end_ms=until_ms, readings=readings)
    count = 0
    async with aclosing(pages):
        fetching = asyncio.create_task(anext(pages, None), name="replay history")
        try:
            while (page := await fetching) is not None:
                fetching = asyncio.create_task(anext(pages, None), name="replay history")
                count += len(page.readings)
                await asyncio.to_thread(_take, replays, page.readings)
                if not await on_progress((page.until_ms - start_ms) / (until_ms - start_ms)):
                    raise ReplayStopped
        finally:
            fetching.cancel()
            await asyncio.wait([fetching])
    return count


def _take(replays: Sequence[Replay], readings: ReadingBatch) -> None:
    for one in replays:
        one.take(readings)
