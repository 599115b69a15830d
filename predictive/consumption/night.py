"""Leaks: what still runs in the small hours when it used to stop. Pure.

The least flow of a night, as leakage engineers look at it for whole districts (minimum night flow: Lambert, Accounting
for losses, J. IWEM 8 (1994); Farley & Trow, Losses in Water Distribution Networks, IWA 2003), here of each meter: night
after night never below a size that its own nights, and those of its like, seldom had. Small leaks need more nights.
"""

from typing import Final

import numpy as np

from predictive.consumption.register import Floats, Integers
from predictive.consumption.suspicion import (
    CHANCE,
    FEWEST_PEERS,
    Group,
    Meter,
    MeterMode,
    Suspicion,
    confidence_of,
    score_of,
)

_FEWEST_NIGHTS: Final = 3
_MOST_NIGHTS: Final = 14
_FEWEST_REFERENCE: Final = 14
# Nights as wet as nearly the one in question are counted with it.
_NEARLY: Final = 0.8
# Nobody knows of rarer nights than so from a month or two.
_RAREST: Final = 0.03
_PRIOR_NIGHTS: Final = 5.0
# Guests stay for days: nights in a row are worth less than as many nights apart.
_APART: Final = 0.75
_SMALLEST_SHARE: Final = 0.1  # of what such meters use in an hour
_SHARED: Final = 0.2  # when so many of its like have it on the same nights, it is the weather or a feast
_ALWAYS_NIGHTS: Final = 28
_ALWAYS_SHARE: Final = 0.05


def night_leak(group: Group, place: int) -> Suspicion | None:
    """What the meter at `place` has running at night, if chance does not explain it."""
    meter = group.meters[place]
    nights = np.flatnonzero(np.isfinite(meter.days.night))
    if len(nights) < _FEWEST_REFERENCE + _FEWEST_NIGHTS or nights[-1] < len(meter.days) - 2:
        return None
    return _begun(group, meter, nights) or _always(group, meter, nights)


def smallest_leak(group: Group, meter: Meter) -> float:
    """An hour: two steps of the register in the window looked at, and a tenth of what such a meter uses."""
    by_register = 2 * meter.register.resolution / meter.days.night_window_h
    return max(by_register, _SMALLEST_SHARE * group.typical_h)


def _begun(group: Group, meter: Meter, known: Integers) -> Suspicion | None:
    night = meter.days.night[known]
    best: tuple[float, int, float] | None = None
    for last in range(_FEWEST_NIGHTS, min(_MOST_NIGHTS, len(night) - _FEWEST_REFERENCE) + 1):
        reference = night[:-last]
        usual = float(np.median(reference))
        least = float(night[-last:].min())
        if least - usual < smallest_leak(group, meter):
            continue
        bar = usual + _NEARLY * (least - usual)
        shared = _share_now(group.nights[:, known[-last:]], bar)
        if shared > _SHARED:
            continue
        often = ((reference >= bar).sum() + _PRIOR_NIGHTS * shared) / (len(reference) + _PRIOR_NIGHTS)
        chance = max(often, _RAREST) ** (_APART * last)
        if best is None or chance < best[0]:
            best = chance, last, bar
    # A dozen lengths were tried.
    if best is None or best[0] * (_MOST_NIGHTS - _FEWEST_NIGHTS + 1) > CHANCE:
        return None
    _, last, bar = best
    begin = _since(night, bar, last)
    return _leak(group, meter, night, known, begin=begin, chance=best[0] * (_MOST_NIGHTS - _FEWEST_NIGHTS + 1))


def _share_now(nights: Floats, bar: float) -> float:
    """The share of a group's meters that have not been below `bar` either; those not known do not count."""
    known = np.isfinite(nights).all(axis=1)
    others = int(known.sum()) - 1
    return 0.0 if others < 1 else (int((nights[known].min(axis=1) >= bar).sum()) - 1) / others


def _since(night: Floats, bar: float, last: int) -> int:
    """The first night of it: back from the last ones for as long as four of five are above."""
    begin = len(night) - last
    while begin > 0 and night[begin - 1] >= bar:
        begin -= 1
    return begin


def _leak(
    group: Group, meter: Meter, night: Floats, known: Integers, *, begin: int,
    chance: float,
) -> Suspicion:  # fmt: skip
    score = score_of(chance)
    lately = group.nights[:, known[begin:]]
    has = np.isfinite(lately).any(axis=1)
    peers = np.nanmedian(lately[has], axis=1)
    return Suspicion(
        mode=MeterMode.NIGHT_LEAK, since_ms=meter.days.day_ms(int(known[begin])), confidence=confidence_of(score),
        score=score, value=float(np.median(night[begin:])),
        usual=float(np.median(night[:begin])) if begin else 0.0, per_h=1,
        peers_low=float(np.quantile(peers, 0.1)), peers_high=float(np.quantile(peers, 0.9)),
    )  # fmt: skip


def _always(group: Group, meter: Meter, known: Integers) -> Suspicion | None:
    """Water that has never stopped since the meter is known, where nearly all of its like stop every few nights."""
    night = meter.days.night[known]
    if len(night) < _ALWAYS_NIGHTS:
        return None
    least = float(night[-_ALWAYS_NIGHTS:].min())
    if least < smallest_leak(group, meter):
        return None
    lately = group.nights[:, -_ALWAYS_NIGHTS:]
    good = np.isfinite(lately).sum(axis=1) >= _ALWAYS_NIGHTS // 2
    if good.sum() < FEWEST_PEERS:
        return None
    share = float((np.nanmin(lately[good], axis=1) >= _NEARLY * least).mean())
    return None if share > _ALWAYS_SHARE else _leak(group, meter, night, known, begin=0, chance=CHANCE)
