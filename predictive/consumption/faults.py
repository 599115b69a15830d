"""Meters that fail or are passed by: standing still, running backwards, slipping, counting ever less. Pure."""

from typing import Final

import numpy as np

from predictive.consumption.days import DAY_MS
from predictive.consumption.level import Level
from predictive.consumption.register import Floats, Happening, Integers, RegisterEvent
from predictive.consumption.suspicion import (
    FEWEST_PEERS,
    Group,
    Meter,
    MeterMode,
    Suspicion,
    confidence_of,
)

_SHORTEST_STILL_H: Final = 6.0
_LONGER_THAN_EVER: Final = 2.0
_FEW: Final = 0.05  # of its like have had such a pause
# A meter that has never rested longer needs no others to be called stuck.
_NEVER_RESTS_H: Final = 2.0
_SHARED: Final = 0.3  # of its like stand still, too: the water is off
_TOLD_FOR_MS: Final = 7 * DAY_MS
DROP_DAYS: Final = 14
_BEFORE_DAYS: Final = 42
_DROPPED_TO: Final = 0.6
_PEERS_KEEP: Final = 0.85
_IDLE_SHARE: Final = 0.2
_RARE: Final = 0.005
_DROP_CONFIDENCE: Final = 0.5


def failing(group: Group, place: int) -> Suspicion | None:
    """The meter at `place` does not count as it should."""
    meter = group.meters[place]
    return _reversed(meter) or _stuck(group, place) or _slipped(meter)


def _happened(meter: Meter, event: RegisterEvent) -> Happening | None:
    return next((one for one in reversed(meter.register.happenings) if one.event is event), None)


def _reversed(meter: Meter) -> Suspicion | None:
    found = _happened(meter, RegisterEvent.REVERSED)
    if found is None:
        return None
    return Suspicion(
        mode=MeterMode.METER_REVERSED, since_ms=found.at_ms, confidence=0.9, score=2.0, value=found.after,
        usual=found.before, per_h=1,
    )  # fmt: skip


def _slipped(meter: Meter) -> Suspicion | None:
    found = _happened(meter, RegisterEvent.JUMP)
    last_ms = meter.register.last_ms
    if found is None or last_ms is None or last_ms - found.at_ms > _TOLD_FOR_MS:
        return None
    return Suspicion(
        mode=MeterMode.METER_JUMP, since_ms=found.at_ms, confidence=0.8, score=1.5, value=found.after - found.before,
        usual=_usual_hour(meter), per_h=1,
    )  # fmt: skip


def _stuck(group: Group, place: int) -> Suspicion | None:
    """Longer still than ever, and than nearly all its like; at once where its own sensor says that something flows."""
    meter, still_h = group.meters[place], float(group.still_h[place])
    usual = _usual_hour(meter)
    since_ms = meter.register.still_since_ms
    if still_h < _SHORTEST_STILL_H or since_ms is None or usual <= 0:
        return None
    if meter.flow is not None and abs(meter.flow) > 0:
        return _still(since_ms, usual, confidence=0.95, score=2.0)
    longest = float(group.longest_still_h[place])
    if (longest <= 0 and meter.days.known < DROP_DAYS) or still_h < _LONGER_THAN_EVER * max(longest, 1.0):
        return None
    others = np.arange(len(group.meters)) != place
    if others.sum() >= 2 and (group.still_h[others] >= _SHORTEST_STILL_H).mean() > _SHARED and longest > 0:
        return None
    counting = others & (np.nanmax(np.nan_to_num(group.totals), axis=1) > 0)
    if longest <= _NEVER_RESTS_H:
        return _still(since_ms, usual, confidence=0.7, score=1.2)
    if counting.sum() < FEWEST_PEERS:
        return None
    share = float((np.maximum(group.longest_still_h, group.still_h)[counting] >= still_h).mean())
    if share > _FEW:
        return None
    return _still(since_ms, usual, confidence=confidence_of(2 - share / _FEW), score=2 - share / _FEW)


def _still(since_ms: int, usual: float, *, confidence: float, score: float) -> Suspicion:
    return Suspicion(
        mode=MeterMode.METER_STUCK, since_ms=since_ms, confidence=confidence, score=score, value=0.0, usual=usual,
        per_h=1,
    )  # fmt: skip


def _usual_hour(meter: Meter) -> float:
    known = meter.days.totals[np.isfinite(meter.days.totals)]
    return float(known.mean()) / 24 if len(known) else 0.0


def drop(group: Group, place: int) -> Suspicion | None:
    """Two weeks of much less than before, while its like go on as ever, and without standing still: passed by, slow, or
    a home that has grown empty. Which of them only a visit, or a balance (`balance.py`), can say."""
    meter = group.meters[place]
    mine = fallen(meter.days.totals, group.levels[place], meter.days.types)
    lately = meter.days.totals[-DROP_DAYS:]
    if not len(mine) or not np.isfinite(mine[-1]) or mine[-1] > _DROPPED_TO:
        return None
    if (lately[np.isfinite(lately)] <= 0).mean() > _IDLE_SHARE:
        return None
    # Only for the few that fell: of a thousand meters, each looked at beside all, it would take minutes.
    falls = np.stack(
        [fallen(one.days.totals, level, one.days.types) for one, level in zip(group.meters, group.levels, strict=True)]
    )
    now = np.delete(falls[:, -1], place)
    known = np.isfinite(falls) & (np.arange(len(falls)) != place)[:, None]
    if np.isfinite(now).sum() < FEWEST_PEERS or np.nanmedian(now) < _PEERS_KEEP:
        return None
    rarity = float((falls[known] <= mine[-1]).mean())
    if rarity > _RARE:
        return None
    per_day = float(np.nanmean(lately))
    usual = per_day / max(float(mine[-1]), 0.01)
    return Suspicion(
        mode=MeterMode.CONSUMPTION_DROP, since_ms=meter.days.day_ms(len(meter.days) - DROP_DAYS),
        confidence=_DROP_CONFIDENCE, score=2 - rarity / _RARE, value=per_day, usual=usual, per_h=24,
    )  # fmt: skip


def fallen(totals: Floats, level: Level, types: Integers) -> Floats:
    """float64[W]: of each stretch of DROP_DAYS days, what was counted of what the _BEFORE_DAYS days before it had, by
    day types; one stretch a day, the last one ends today. NaN where too little is known."""
    plain = totals / level.factors[types]
    if len(plain) < DROP_DAYS + _BEFORE_DAYS:
        return np.empty(0)
    stretch = np.lib.stride_tricks.sliding_window_view(plain, DROP_DAYS)[_BEFORE_DAYS:]
    before = np.lib.stride_tricks.sliding_window_view(plain, _BEFORE_DAYS)[: len(stretch)]
    now, then = _means(stretch), _means(before)
    shares: Floats = np.divide(now, then, out=np.full(len(now), np.nan), where=then > 0)
    return shares


def _means(windows: Floats) -> Floats:
    """float64[W]: the mean of each row, NaN where more than a fifth of it is unknown."""
    known = np.isfinite(windows)
    count = known.sum(axis=1)
    sums = np.where(known, windows, 0.0).sum(axis=1)
    is_enough = count >= 0.8 * windows.shape[1]
    means: Floats = np.divide(sums, count, out=np.full(len(windows), np.nan), where=is_enough & (count > 0))
    return means
