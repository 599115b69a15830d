"""What a supply meter counts and those behind it do not: leaks between them, and whoever is not counted. Pure."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from predictive.consumption.faults import DROP_DAYS
from predictive.consumption.level import Level
from predictive.consumption.register import Floats
from predictive.consumption.suspicion import Meter, MeterMode, Suspicion, confidence_of

FEWEST_CHILDREN: Final = 2
_FEWEST_REFERENCE: Final = 21
_FEWEST_DAYS: Final = 3
_COVERED: Final = 0.9
_SMALLEST_SHARE: Final = 0.03
_TOLD_AT: Final = 6.0
_LEAST_SPREAD: Final = 0.005
_MATCHES: Final = 0.5
_THEFT_CONFIDENCE: Final = 0.85


def losses(supply: Meter, children: Sequence[Meter], levels: Sequence[Level]) -> Floats:
    """float64[D]: what the supply counted and its children did not; NaN where a tenth of them or more is unknown.

    A child that is not known for a day is taken for what was expected of it.
    """
    totals = np.stack([child.days.totals for child in children])
    expected = np.stack([
        level.before * level.factors[child.days.types] for child, level in zip(children, levels, strict=True)
    ])  # fmt: skip
    known = np.isfinite(totals)
    whole = expected.sum(axis=0)
    seen = np.where(known, expected, 0.0).sum(axis=0)
    is_covered = (seen >= _COVERED * whole) & known.any(axis=0)
    return np.where(is_covered, supply.days.totals - np.where(known, totals, expected).sum(axis=0), np.nan)


def balance_loss(supply: Meter, children: Sequence[Meter], levels: Sequence[Level]) -> Suspicion | None:
    """The loss of the last days beyond the usual one, when that is far outside of how it has varied."""
    lost = losses(supply, children, levels)
    known = np.flatnonzero(np.isfinite(lost))
    if len(children) < FEWEST_CHILDREN or len(known) < _FEWEST_REFERENCE + _FEWEST_DAYS:
        return None
    whole = float(np.nanmedian(supply.days.totals))
    best: Suspicion | None = None
    for last in range(_FEWEST_DAYS, min(DROP_DAYS, len(known) - _FEWEST_REFERENCE) + 1):
        before, now = lost[known[:-last]], lost[known[-last:]]
        usual = float(np.median(before))
        spread = max(1.4826 * float(np.median(np.abs(before - usual))), _LEAST_SPREAD * whole)
        excess = float(np.median(now)) - usual
        score = excess * np.sqrt(last) / spread / _TOLD_AT
        if excess < _SMALLEST_SHARE * whole or score < 1 or now.min() < usual or (best and best.score >= score):
            continue
        best = Suspicion(
            mode=MeterMode.BALANCE_LOSS, since_ms=supply.days.day_ms(int(known[-last])),
            confidence=confidence_of(float(score)), score=float(score), value=usual + excess, usual=usual, per_h=24,
        )  # fmt: skip
    return best


def theft(loss: Suspicion, dropped: Suspicion) -> Suspicion | None:
    """A child's drop that accounts for half or more of a loss beyond the usual: passed by, or slow."""
    missing, fell = loss.value - loss.usual, dropped.usual - dropped.value
    is_same = _MATCHES * fell <= missing and _MATCHES * missing <= fell
    if not is_same:
        return None
    return replace(dropped, mode=MeterMode.THEFT, confidence=_THEFT_CONFIDENCE, score=max(dropped.score, loss.score))
