"""Wire shapes of forecasts of meters."""

from datetime import date, datetime
from typing import Any, Self
from uuid import UUID

from kit.clock import from_ms
from kit.http import Schema
from predictive.consumption.forecast import MeterState
from predictive.consumption.models import ConsumptionRun, MeterForecast
from predictive.consumption.register import RegisterEvent
from predictive.consumption.suspicion import MeterMode


class MeterBandOut(Schema):
    """Four in five lie between `low` and `high`, half below `middle`; in the meter's unit. None: not read so often."""

    low: float | None
    middle: float | None
    high: float | None


class MeterDayOut(Schema):
    """A day to come. `type`: workday, weekend or holiday (weekends that are worked count as workdays). `hours`: 24."""

    day: date
    type: str
    total: MeterBandOut
    hours: list[MeterBandOut]


class MeterScoreOut(Schema):
    """How good forecasts of this meter were over the last weeks: `loss` (pinball, the meter's unit) beside that of
    taking last week's; `skill` is the share saved; `covered` of the interval ought to be 0.8."""

    loss: float | None
    floor_loss: float | None
    skill: float | None
    covered: float | None


class RegisterHappeningOut(Schema):
    """Why the register did not simply grow."""

    event: RegisterEvent
    at: datetime
    before: float | None
    after: float | None


class ForecastUsedOut(Schema):
    """What a forecast rests on: `level` of a working day, its `growth` a day (a share), what a weekend and a holiday
    count of a working day, by which share a degree of heat or cold moves it (None: the site has no outdoor sensor), of
    how many like it the shape was leant on, and the years whose public holidays are not published yet."""

    level: float | None
    growth: float | None
    weekend_factor: float | None
    holiday_factor: float | None
    heat_effect: float | None
    cold_effect: float | None
    fleet: int
    unpublished_years: list[int]
    is_hourly: bool
    resolution: float | None
    happenings: list[RegisterHappeningOut]
    days_score: MeterScoreOut | None
    hours_score: MeterScoreOut | None

    @classmethod
    def of(cls, used: dict[str, Any]) -> Self:
        factors = used.get("factors") or [None, None, None]
        heat, cold = used.get("weather") or (None, None)
        return cls(
            level=used.get("level"), growth=used.get("growth"), weekend_factor=factors[1], holiday_factor=factors[2],
            heat_effect=heat, cold_effect=cold, fleet=used.get("fleet", 0),
            unpublished_years=used.get("unpublished_years", []), is_hourly=used["is_hourly"],
            resolution=used["resolution"],
            happenings=[
                RegisterHappeningOut(
                    event=one["event"], at=from_ms(one["at_ms"]), before=one["before"], after=one["after"]
                )
                for one in used["happenings"]
            ],
            days_score=used.get("days_score"), hours_score=used.get("hours_score"),
        )  # fmt: skip


class MeterSuspicionOut(Schema):
    """What the count may be a sign of. `value` and `usual` in the meter's unit in `per_h` hours; `score` 1 is what is
    just told."""

    mode: MeterMode
    since: datetime
    confidence: float
    score: float
    value: float | None
    usual: float | None
    per_h: int
    peers_low: float | None
    peers_high: float | None

    @classmethod
    def of(cls, kept: dict[str, Any]) -> Self:
        return cls(since=from_ms(kept["since_ms"]), **{key: kept[key] for key in kept if key != "since_ms"})


class MeterForecastOut(Schema):
    """A meter's days to come. `days` are there where `state` is ready; otherwise `words` says what is waited for
    (`days_known` of `days_needed` days)."""

    equipment_id: UUID
    point_key: str
    unit: str
    state: MeterState
    words: str
    days_known: int
    days_needed: int
    reckoned_at: datetime | None
    days: list[MeterDayOut]
    used: ForecastUsedOut | None
    suspicions: list[MeterSuspicionOut]

    @classmethod
    def of(cls, row: MeterForecast, words: str) -> Self:
        return cls(
            equipment_id=row.equipment_id, point_key=row.point_key, unit=row.unit, state=MeterState(row.state),
            words=words, days_known=row.days_known, days_needed=row.days_needed, reckoned_at=row.reckoned_at,
            days=[_day(one) for one in (row.forecast or {}).get("days", [])], used=ForecastUsedOut.of(row.used),
            suspicions=[MeterSuspicionOut.of(one) for one in row.suspicions],
        )  # fmt: skip


class SuspectMeterOut(Schema):
    """A meter that something is suspected of."""

    equipment_id: UUID
    code: str
    name: str
    unit: str
    suspicions: list[MeterSuspicionOut]


class SiteConsumptionOut(Schema):
    """A site's last run: `done` of `meters`, `failed` of them left out, over at `ended_at`; None before the first. And
    the meters that something is suspected of, the surest first."""

    day: date | None
    ended_at: datetime | None
    meters: int
    done: int
    failed: int
    suspects: list[SuspectMeterOut]

    @classmethod
    def of(cls, run: ConsumptionRun | None, suspects: list[SuspectMeterOut], *, meters: int) -> Self:
        if run is None:
            return cls(day=None, ended_at=None, meters=meters, done=0, failed=0, suspects=suspects)
        return cls(
            day=run.day, ended_at=run.ended_at, meters=run.meters, done=run.done, failed=run.failed, suspects=suspects
        )  # fmt: skip


def _day(kept: dict[str, Any]) -> MeterDayOut:
    return MeterDayOut(
        day=kept["day"], type=kept["type"], total=_band(kept["total"]), hours=[_band(one) for one in kept["hours"]]
    )


def _band(kept: list[float | None]) -> MeterBandOut:
    low, middle, high = kept
    return MeterBandOut(low=low, middle=middle, high=high)
