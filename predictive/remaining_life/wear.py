"""From the days of a fleet to what each of its machines has left, by mode of failure. Pure.

The series that is followed is what drift makes of a point: its level in operation, without what moves all peers alike
(season, load of the estate), so that days are compared at like load.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from building.equipment import EquipmentKind
from predictive.detectors.contract import Floats
from predictive.drift.days import DAY_MS, Days
from predictive.drift.watch import Drift
from predictive.predictions.finding import DaysLeft
from predictive.remaining_life.degradation import (
    UNKNOWN_FLEET,
    DailySign,
    FleetPrior,
    Limit,
    RemainingLife,
    forecast,
)
from predictive.remaining_life.modes import Mode, Sign

# Wear of which only the distance from the usual is known, and at how many thresholds such a machine has failed.
UNUSUAL: Final = "unusual"
UNUSUAL_LIMIT: Final = Limit(value=4.0, spread=1.5)
# A sign says less than this of all that has changed: the wear is another.
LEAST_SHARE = 0.12
PEERS_LOW, PEERS_HIGH = 0.25, 0.75


@dataclass(frozen=True, slots=True)
class ModeForecast:
    """One way in which one machine is about to fail. share: 0…1, of all that has changed in it, that its point is.

    point_key: None where the forecast follows the distance of all points together. peers_low, peers_high: the middle
    half of the other machines, in the point's unit, at the same load; None without three of them.
    """

    mode: str
    point_key: str | None
    share: float
    life: RemainingLife
    peers_low: float | None = None
    peers_high: float | None = None

    def days_left(self) -> DaysLeft:
        return DaysLeft(low=self.life.days_low, median=self.life.days_mid, high=self.life.days_high)


def forecasts(
    days: Days, drift: Drift, *, kind: EquipmentKind, point_keys: Sequence[str], modes: Sequence[Mode],
    priors: dict[str, FleetPrior] | None = None,
) -> list[tuple[ModeForecast, ...]]:  # fmt: skip
    """Of each machine, as of the last day, the heaviest first; nothing of one that does not drift.

    `point_keys`: of the window that `days` was made of. `modes`: those of `kind` are taken. `priors`: by mode.
    """
    known = priors or {}
    fitting = [mode for mode in modes if kind in mode.kinds]
    drifting = drift.is_drifting[:, -1] if drift.is_drifting.shape[1] else np.zeros(0, dtype=np.bool_)
    return [
        _of_machine(days, drift, machine, point_keys=point_keys, modes=fitting, priors=known)
        if drifting[machine]
        else ()
        for machine in range(len(drifting))
    ]


def _of_machine(
    days: Days, drift: Drift, machine: int, *, point_keys: Sequence[str], modes: Sequence[Mode],
    priors: dict[str, FleetPrior],
) -> tuple[ModeForecast, ...]:  # fmt: skip
    found = [
        _strongest(days, drift, machine, mode, point_keys=point_keys, prior=priors.get(mode.key, UNKNOWN_FLEET))
        for mode in modes
    ]
    told = sorted((each for each in found if each is not None), key=lambda each: -each.share)
    if told:
        return tuple(told)
    distance = DailySign(_axis(days), drift.score[machine])
    life = forecast(distance, UNUSUAL_LIMIT, priors.get(UNUSUAL, UNKNOWN_FLEET))
    return (ModeForecast(UNUSUAL, None, 1.0, life),) if life else ()


def _strongest(
    days: Days, drift: Drift, machine: int, mode: Mode, *, point_keys: Sequence[str], prior: FleetPrior
) -> ModeForecast | None:
    """The mode by that of its signs which has most to do with the drift; its share is that of all its signs."""
    shares = np.nanmean(drift.shares[machine, -5:], axis=0)
    told: list[ModeForecast] = []
    for sign in mode.signs:
        for place in _places(days, sign, point_keys):
            if shares[place] < LEAST_SHARE:
                continue
            life = _followed(days, drift, machine, place, sign, prior)
            if life is not None:
                low, high = _peers(drift, machine, place)
                told.append(ModeForecast(mode.key, sign.point, float(shares[place]), life, low, high))
    if not told:
        return None
    heaviest = max(told, key=lambda each: each.share)
    return replace(heaviest, share=min(1.0, sum(each.share for each in told)))


def _followed(
    days: Days, drift: Drift, machine: int, place: int, sign: Sign, prior: FleetPrior
) -> RemainingLife | None:
    usual, moved = float(drift.usual[machine, place]), drift.moved[machine, :, place]
    known = moved[np.isfinite(moved)]
    if not len(known) or not np.isfinite(usual):
        return None
    limit = sign.limit_for(usual=usual, moved=float(known[-1]))
    return forecast(DailySign(_axis(days), usual + moved), limit, prior)


def _places(days: Days, sign: Sign, point_keys: Sequence[str]) -> list[int]:
    """Where the sign stands among the features; nowhere, where the point was constant or is not read."""
    return [
        place
        for place, feature in enumerate(days.features)
        if point_keys[feature.point] == sign.point and feature.kind is sign.feature
    ]


def _peers(drift: Drift, machine: int, place: int) -> tuple[float | None, float | None]:
    now = drift.usual[:, place] + drift.moved[:, -1, place]
    others = np.delete(now, machine)
    others = others[np.isfinite(others)]
    if len(others) < 3:
        return None, None
    low, high = np.quantile(others, [PEERS_LOW, PEERS_HIGH])
    return float(low), float(high)


def _axis(days: Days) -> Floats:
    axis: Floats = (days.begins_ms - days.begins_ms[:1]) / DAY_MS
    return axis
