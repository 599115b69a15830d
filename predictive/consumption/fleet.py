"""What meters of one kind have in common: the shape of their days, to lean on while a meter's own are few. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from predictive.consumption.day_types import DAY_TYPES
from predictive.consumption.days import Days
from predictive.consumption.level import level_of
from predictive.consumption.quantiles import weighted_quantiles
from predictive.consumption.register import Floats

# Each stands for a ninth of what was seen.
GRID: Final = (np.arange(9) + 0.5) / 9
FEWEST_METERS: Final = 5
_FEWEST_DAYS: Final = 14


@dataclass(frozen=True, slots=True, eq=False)
class Shape:
    """Days of many meters, each measured by its own level.

    factors: float64[3], what a day of each DayType counts of a working day. hours: float64[3, 24, 9], quantiles (GRID)
    of what an hour uses of the level of a day. days: float64[3, 9], of what a day uses of what is expected of it.
    typical_h: what the middle one of them uses in an hour. meters: how many were looked at.
    """

    factors: Floats
    hours: Floats
    days: Floats
    typical_h: float
    meters: int


def shape_of(meters: Sequence[Days]) -> Shape | None:
    """None where fewer than FEWEST_METERS have two weeks behind them and count anything."""
    used = [days for days in meters if days.known >= _FEWEST_DAYS and np.nanmean(days.totals) > 0]
    if len(used) < FEWEST_METERS:
        return None
    levels = [level_of(days.totals, days.types, like=None, temps_c=None) for days in used]
    factors = np.median([level.factors for level in levels], axis=0)
    hours, totals = np.full((DAY_TYPES, 24, len(GRID)), np.nan), np.full((DAY_TYPES, len(GRID)), np.nan)
    for kind in range(DAY_TYPES):
        mine = [(days.types == kind) & (level.before > 0) for days, level in zip(used, levels, strict=True)]
        by = [level.before[rows, None] for level, rows in zip(levels, mine, strict=True)]
        shares = np.concatenate([one.hours[rows] / its for one, rows, its in zip(used, mine, by, strict=True)])
        whole = np.concatenate([one.totals[rows, None] / its for one, rows, its in zip(used, mine, by, strict=True)])
        hours[kind] = weighted_quantiles(shares, np.ones_like(shares), levels=GRID)
        totals[kind] = weighted_quantiles(whole, np.ones_like(whole), levels=GRID)[0] / factors[kind]
    typical = float(np.median([np.nanmean(days.totals) for days in used])) / 24
    return Shape(factors=factors, hours=hours, days=totals, typical_h=typical, meters=len(used))
