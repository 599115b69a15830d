"""Reads stored readings stretch by stretch, in order of time, holding one stretch at a time."""

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from typing import Final

from building.reading import ReadingBatch
from telemetry.store import TelemetryQueries

# Of some 100 bytes each while they are judged.
READINGS_A_STRETCH: Final = 600_000
# A store that another process owns answers in messages of so many: less than that comes in one go.
READINGS_A_MESSAGE: Final = 30_000
_FIRST_MS: Final = 3_600_000
_LONGEST_MS: Final = 7 * 86_400_000
_SHORTEST_MS: Final = 1_000
# How full a stretch should be, so that the next one is not cut.
_AIM: Final = 0.7


@dataclass(frozen=True, eq=False)
class Page:
    """Everything the points said up to `until_ms` (not with it) and after the page before."""

    readings: ReadingBatch
    until_ms: int


async def history(
    queries: TelemetryQueries, point_nos: Sequence[int], *, start_ms: int, end_ms: int,
    readings: int = READINGS_A_STRETCH,
) -> AsyncGenerator[Page, None]:  # fmt: skip
    """`start_ms` <= time < `end_ms`. No instant is cut in two. Raises QueryTooSlow, StoreUnavailable."""
    width_ms = _FIRST_MS
    while start_ms < end_ms:
        until_ms = min(start_ms + width_ms, end_ms)
        found = await queries.raw(point_nos, start_ms=start_ms, end_ms=until_ms, limit=readings)
        if len(found) >= readings:
            last_ms = int(found.ts_ms[-1])
            if last_ms == start_ms:  # more in one instant than a page has: it is asked for whole
                readings *= 2
                continue
            # Of the last instant some may be missing.
            found, until_ms = found.where(found.ts_ms < last_ms), last_ms
        yield Page(found, until_ms)
        speed = max(len(found), 1) / (until_ms - start_ms)
        width_ms = int(min(max(_AIM * readings / speed, _SHORTEST_MS), 4 * width_ms, _LONGEST_MS))
        start_ms = until_ms
