"""What is said of a meter and of a group of them, from their histories alone. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final
from uuid import UUID

import numpy as np

from building.equipment import EquipmentKind
from predictive.consumption.backtest import Backtest, backtest, persisted
from predictive.consumption.balance import balance_loss, theft
from predictive.consumption.days import DAY_MS, Days
from predictive.consumption.faults import drop, failing
from predictive.consumption.fleet import Shape
from predictive.consumption.forecast import DAYS_AHEAD, DAYS_NEEDED, Forecast, MeterState, Weather, forecast
from predictive.consumption.meters import LEAKING
from predictive.consumption.night import night_leak
from predictive.consumption.register import Floats, RegisterEvent
from predictive.consumption.suspicion import Group, Meter, MeterMode, Suspicion

_SILENT_MS: Final = 2 * DAY_MS
_BACKTESTED_ORIGINS: Final = 2


@dataclass(frozen=True, slots=True, eq=False)
class MeterAnswer:
    """`forecast` where `state` is READY; `score` where the history is long enough to have been forecast before."""

    state: MeterState
    days_known: int
    forecast: Forecast | None
    score: Backtest | None


def answer(meter: Meter, *, shape: Shape | None, temps_c: Floats | None, now_ms: int) -> MeterAnswer:
    """`meter.days` end with today, which is not over: it is the first day that is forecast."""
    days = _comparable(meter).before(len(meter.days) - 1)
    state = _state(meter, days, now_ms=now_ms)
    if state is not MeterState.READY:
        return MeterAnswer(state, days.known, None, None)
    weather = None
    past = None if temps_c is None else temps_c[: len(days)]
    if past is not None:
        weather = Weather(past=past, ahead=np.full(DAYS_AHEAD, persisted(past)))
    made = forecast(days, shape=shape, weather=weather)
    score = backtest(days, shape=shape, temps_c=past, most=_BACKTESTED_ORIGINS)
    return MeterAnswer(state if made else MeterState.LEARNING, days.known, made, score)


def suspicions(group: Group, kind: EquipmentKind) -> list[list[Suspicion]]:
    """Of each meter of a group, what its count may be a sign of. One that fails says nothing else."""
    return [_of_meter(group, place, kind) for place in range(len(group.meters))]


def with_balances(
    found: Mapping[UUID, list[Suspicion]], groups: Mapping[UUID, tuple[Group, int]],
    supplied: Mapping[UUID, Sequence[UUID]],
) -> dict[UUID, list[Suspicion]]:  # fmt: skip
    """`found` and what supply meters say of those behind them (`supplied`: supply → behind it); a drop that explains a
    loss becomes a theft."""
    result = {one: list(some) for one, some in found.items()}
    for supply, behind in supplied.items():
        group, place = groups[supply]
        children = [groups[one] for one in behind]
        loss = balance_loss(
            group.meters[place], [of.meters[at] for of, at in children], [of.levels[at] for of, at in children]
        )
        if loss is None:
            continue
        result[supply].append(loss)
        for child in behind:
            result[child] = [_explained(one, loss) for one in result[child]]
    return result


def _explained(one: Suspicion, loss: Suspicion) -> Suspicion:
    if one.mode is not MeterMode.CONSUMPTION_DROP:
        return one
    return theft(loss, one) or one


def _of_meter(group: Group, place: int, kind: EquipmentKind) -> list[Suspicion]:
    fault = failing(group, place)
    if fault is not None:
        return [fault]
    leak = night_leak(group, place) if kind in LEAKING else None
    return [one for one in (leak, drop(group, place)) if one is not None]


def _comparable(meter: Meter) -> Days:
    """Without the days before the unit was changed: they were counted in another."""
    changes = [one.at_ms for one in meter.register.happenings if one.event is RegisterEvent.UNIT_CHANGED]
    if not changes:
        return meter.days
    days = meter.days
    is_before = days.start_ms + DAY_MS * np.arange(len(days)) <= max(changes)
    return replace(
        days, hours=np.where(is_before[:, None], np.nan, days.hours), totals=np.where(is_before, np.nan, days.totals),
        night=np.where(is_before, np.nan, days.night),
    )  # fmt: skip


def _state(meter: Meter, days: Days, *, now_ms: int) -> MeterState:
    register = meter.register
    events = {one.event for one in register.happenings}
    if register.last_ms is None:
        return MeterState.NO_READINGS
    if RegisterEvent.REVERSED in events:
        return MeterState.REVERSED
    if now_ms - register.last_ms > _SILENT_MS:
        return MeterState.SILENT
    if days.known < DAYS_NEEDED:
        return MeterState.UNIT_CHANGED if RegisterEvent.UNIT_CHANGED in events else MeterState.LEARNING
    if not np.nansum(days.totals):
        return MeterState.STILL
    return MeterState.READY
