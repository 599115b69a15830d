"""A judge that begins again knows what the one before knew, however long a duration lasts."""

import asyncio
from collections.abc import Sequence

import numpy as np
from hypothesis import example, given, settings
from hypothesis import strategies as st

from alarms.detection import Detection
from building.reading import Reading, ReadingBatch
from hub.judge_beginning import SHORTEST_LOOK_BACK_MS
from hub.judge_past import recall, seed
from rules.reorder import OrderedJudge
from rules.rule_set import PairKey, RuleSet
from telemetry.store import Series, SeriesQuery, StoreStats, TelemetryQueries
from tests.rules.plant import T0, at, batch, compiled, entry, rule

RULES = (
    rule("steady", when="pa > 5 and ca == 1", for_ms=40 * 60_000, clear_for_ms=25 * 60_000),
    rule("open", when="ca == 1", for_ms=70 * 60_000),
    rule("short", when="pa > 5", for_ms=60_000),
)
MINUTE_MS = 60_000
# (minutes, what pa says every ten seconds or nothing, what ca says once or nothing)
STRETCHES = st.lists(
    st.tuples(
        st.integers(1, 60), st.sampled_from([None, 1.0, 9.0, 9.0, 9.0]), st.sampled_from([None, None, 0.0, 1.0, 1.0])
    ),
    min_size=2, max_size=6,
)  # fmt: skip


class Store(TelemetryQueries):
    """All that was said."""

    def __init__(self, readings: ReadingBatch) -> None:
        self._readings = readings

    async def latest(self, point_nos: Sequence[int]) -> ReadingBatch:
        every = self._readings
        last = {number: place for place, number in enumerate(every.point_no.tolist()) if number in set(point_nos)}
        chosen = np.zeros(len(every), np.bool_)
        chosen[list(last.values())] = True
        return every.where(chosen)

    async def raw(self, point_nos: Sequence[int], *, start_ms: int, end_ms: int, limit: int) -> ReadingBatch:
        ts_ms = self._readings.ts_ms
        found = self._readings.where(
            (ts_ms >= start_ms) & (ts_ms < end_ms) & np.isin(self._readings.point_no, point_nos)
        )
        return found.where(np.arange(len(found)) < limit)

    async def series(self, query: SeriesQuery) -> Series:
        raise AssertionError("a judge asks for no figures")

    async def stats(self) -> StoreStats:
        raise AssertionError("a judge asks for no figures")


@settings(max_examples=10, deadline=None)
@given(STRETCHES, st.integers(0, 240))
@example([(60, 9.0, 1.0), (60, 9.0, None)], 30)
@example([(40, 9.0, 1.0), (1, None, None), (40, None, None), (60, None, None)], 141)
def test_a_restart_anywhere_changes_no_episode_however_long_a_rule_waits(
    stretches: list[tuple[int, float | None, float | None]], cut: int
) -> None:
    readings, last_minute = _said(stretches)
    cut_ms = T0 + min(cut, last_minute) * MINUTE_MS
    before, after = readings.where(readings.ts_ms < cut_ms), readings.where(readings.ts_ms >= cut_ms)
    it = _judge()
    _fed(it, before)
    it.tick(now_ms=cut_ms, settled_ms=cut_ms)  # a hub looks every second: what was due long ago has been told
    lasting = {
        key: int(it.state.onset_ms[pair]) for pair, key in enumerate(it.rules.pair_keys) if it.state.is_active[pair]
    }
    begun = asyncio.run(_begun(readings, cut_ms, lasting))
    assert _fed(begun, after) == _fed(it, after)


async def _begun(readings: ReadingBatch, cut_ms: int, lasting: dict[PairKey, int]) -> OrderedJudge:
    it, since_ms = _judge(), cut_ms - SHORTEST_LOOK_BACK_MS
    store = Store(readings.where(readings.ts_ms < cut_ms))
    await recall(it, store, before_ms=since_ms, beyond_ms=SHORTEST_LOOK_BACK_MS, now_ms=cut_ms)
    await seed(it, store, before_ms=since_ms)
    it.judge(readings.where((readings.ts_ms >= since_ms) & (readings.ts_ms < cut_ms)), now_ms=cut_ms)
    assert it.adopt(lasting) == []
    return it


def _said(stretches: list[tuple[int, float | None, float | None]]) -> tuple[ReadingBatch, int]:
    said: list[list[Reading]] = []
    second = 0
    for minutes, pa, ca in stretches:
        if ca is not None:
            said.append(at(second, ca=ca))
        if pa is not None:
            said += [at(second + 10 * step, pa=pa) for step in range(minutes * 6)]
        second += minutes * 60
    # Something is said in the end, so that what is due by then is found.
    return batch(*said, at(second + 7_200, pa=1)), second // 60


def _judge() -> OrderedJudge:
    return OrderedJudge(RuleSet.of(compiled(RULES), [entry(1)], life_safety=False), on_failure=_fail)


def _fed(it: OrderedJudge, readings: ReadingBatch) -> list[tuple[bool, str, int, int]]:
    found: list[Detection] = []
    for start in range(0, len(readings), 300):
        places = np.arange(len(readings))
        some = readings.where((places >= start) & (places < start + 300))
        found += it.judge(some, now_ms=int(some.ts_ms[-1])).detections
    return [(one.active, one.source_id, one.onset_ms, one.at_ms) for one in found]


def _fail(_rule: object, error: Exception) -> None:
    raise error
