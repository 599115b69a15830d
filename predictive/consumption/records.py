"""What is kept of an answer, in plain numbers: the columns `forecast`, `used` and `suspicions`. Pure."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final

import numpy as np

from predictive.consumption.backtest import Score
from predictive.consumption.day_types import DayType, unpublished_years
from predictive.consumption.forecast import Forecast
from predictive.consumption.quantiles import HIGH, LOW, MEDIAN
from predictive.consumption.reckoning import MeterAnswer
from predictive.consumption.register import Floats
from predictive.consumption.suspicion import Meter, Suspicion

_DIGITS: Final = 6
_SHOWN: Final = (LOW, MEDIAN, HIGH)


def forecast_record(made: Forecast) -> dict[str, Any]:
    """Low, middle and high of each day to come and of its hours; hours are none where the meter is read by days."""
    return {
        "days": [
            {
                "day": (made.first + timedelta(days=place)).isoformat(),
                "type": DayType(int(kind)).name.lower(),
                "total": _figures(made.days[place, list(_SHOWN)]),
                "hours": [_figures(hour) for hour in made.hours[place][:, list(_SHOWN)]],
            }
            for place, kind in enumerate(made.types)
        ]
    }


def used_record(answer: MeterAnswer, meter: Meter, *, has_weather: bool) -> dict[str, Any]:
    made, register = answer.forecast, meter.register
    record: dict[str, Any] = {
        "happenings": [
            {"event": one.event.value, "at_ms": one.at_ms, "before": _figure(one.before), "after": _figure(one.after)}
            for one in register.happenings[-10:]
        ],
        "resolution": _figure(register.resolution),
        "is_hourly": meter.days.is_hourly,
    }
    if made is not None:
        record |= {
            "level": _figure(made.level.now), "growth": _figure(made.level.growth),
            "factors": _figures(made.level.factors), "weather": _figures(made.level.weather) if has_weather else None,
            "fleet": made.fleet, "unpublished_years": list(unpublished_years(made.first, len(made.types))),
        }  # fmt: skip
    if answer.score is not None:
        record["days_score"] = _score(answer.score.days)
        record["hours_score"] = _score(answer.score.hours) if answer.score.hours else None
    return record


def suspicion_record(one: Suspicion) -> dict[str, Any]:
    return {
        "mode": one.mode.value, "since_ms": one.since_ms, "confidence": _figure(one.confidence),
        "score": _figure(one.score), "value": _figure(one.value), "usual": _figure(one.usual), "per_h": one.per_h,
        "peers_low": None if one.peers_low is None else _figure(one.peers_low),
        "peers_high": None if one.peers_high is None else _figure(one.peers_high),
    }  # fmt: skip


def _score(score: Score) -> dict[str, float | None]:
    return {
        "loss": _figure(score.loss), "floor_loss": _figure(score.floor_loss), "covered": _figure(score.covered),
        "skill": _figure(score.skill),
    }  # fmt: skip


def _figures(values: Floats | Sequence[float]) -> list[float | None]:
    return [_figure(float(value)) for value in values]


def _figure(value: float) -> float | None:
    """Rounded to what a meter can mean; None for what is unknown."""
    return float(f"{value:.{_DIGITS}g}") if np.isfinite(value) else None
