"""Service levels on the wire. Minutes are numbers, hours of a day pairs of "HH:MM", days ISO 8601."""

from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import AwareDatetime, ConfigDict, Field, JsonValue, StringConstraints

from catalog.foreign_text import Line
from catalog.schemas import Table
from kit.http import Schema
from ticketing.sla.board import Offered, OrderLevels
from ticketing.sla.calendar_book import CalendarView
from ticketing.sla.calendars import spoken
from ticketing.sla.levels import CountedIn, Levels, Rung, Target
from ticketing.sla.models import CitySettings, ServicePolicy
from ticketing.sla.policy_book import PolicyFor

Code = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
ContractNo = Annotated[Line, StringConstraints(min_length=1, max_length=80)]
Span = Annotated[list[Annotated[str, Field(max_length=5)]], Field(min_length=2, max_length=2)]
Day = Annotated[list[Span], Field(max_length=12)]
Name = Annotated[Line, StringConstraints(min_length=1, max_length=80)]
Minutes = Annotated[float, Field(description="minutes, above 0", allow_inf_nan=False)]

CHAIN: list[JsonValue] = [
    {"who": "assignee", "after_min": 0},
    {"who": "dispatcher", "after_min": 30},
    {"who": "duty_manager", "after_min": 120},
    {"who": "manager", "after_min": 540},
]
OFFICE_DAY: list[JsonValue] = [["09:00", "18:00"]]
OFFICE_WEEK: list[JsonValue] = [OFFICE_DAY, OFFICE_DAY, OFFICE_DAY, OFFICE_DAY, OFFICE_DAY, [], []]


class ChainStepBody(Schema):
    """`after_min` counts from the deadline, in the hours the target is counted in."""

    who: Rung
    after_min: Annotated[float, Field(allow_inf_nan=False)]


class LevelsSaid(Schema):
    """What a policy says; what is left out is what would hold without it."""

    response_min: Minutes | None = None
    arrival_min: Minutes | None = None
    resolution_min: Minutes | None = None
    counted_in: CountedIn | None = None
    warn_pct: Annotated[float, Field(description="warn when so much of the time has passed; 100: never")] | None = None
    chain: Annotated[list[ChainStepBody], Field(max_length=20)] | None = None
    appointment_min: Annotated[Minutes, Field(description="how late one may come to an appointment")] | None = None


class PolicyIn(LevelsSaid):
    """For which orders, and what. `version`: what was seen, to change one."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "name": "报事报修两小时到场", "site_id": "0198b5a0-0000-7000-8000-000000000001",
                    "kind": "home_repair", "priority": 3, "response_min": 30, "arrival_min": 120,
                    "resolution_min": 1080, "version": 1, "counted_in": "business", "chain": CHAIN,
                }
            ]
        }
    )  # fmt: skip

    name: Name
    site_id: UUID | None = None
    kind: Code | None = None
    priority: Annotated[int, Field(ge=1, le=4)] | None = None
    contract_no: ContractNo | None = None
    version: int | None = None

    @property
    def meant(self) -> PolicyFor:
        return PolicyFor(self.site_id, self.kind, self.priority, self.contract_no)

    @property
    def says(self) -> dict[str, Any]:
        return self.model_dump(include=set(LevelsSaid.model_fields), exclude_none=True)


class PolicyChangeIn(PolicyIn):
    version: int


class PolicyOut(LevelsSaid):
    id: UUID
    name: str
    site_id: UUID | None
    kind: str | None
    priority: int | None
    contract_no: str | None
    version: int
    changed_at: datetime

    @classmethod
    def of(cls, row: ServicePolicy) -> "PolicyOut":
        own = {name: getattr(row, name) for name in cls.model_fields if name not in LevelsSaid.model_fields}
        return cls.model_validate(own | row.says)


class LevelsOut(Schema):
    """What a new order would get. `sources`: the policies that say what is not a default. `problem`: why the site's own
    settings do not count."""

    response_min: float
    arrival_min: float | None
    resolution_min: float
    counted_in: CountedIn
    warn_pct: float
    chain: list[ChainStepBody]
    appointment_min: float
    sources: dict[str, str]
    problem: str | None
    unknown_years: list[int]

    @classmethod
    def of(cls, offered: Offered) -> "LevelsOut":
        return cls(
            **_levels(offered.levels), sources=dict(offered.sources), problem=offered.problem,
            unknown_years=list(offered.unknown_years),
        )  # fmt: skip


class ClockOut(Schema):
    """A clock of an order. `left_min` in its own hours, below 0 what it is late by, null once it was stopped;
    `missed_at`: the deadline that was missed."""

    target: Target
    minutes: float
    due_at: datetime
    stopped_at: datetime | None
    left_min: float | None
    missed_at: datetime | None


class OrderLevelsOut(Schema):
    """How the clocks of an order stand, and what was agreed when it opened. `next_at`: when somebody is warned or told
    next, unless something happens."""

    counted_in: CountedIn
    zone: str
    warn_pct: float
    chain: list[ChainStepBody]
    sources: dict[str, str]
    guessed_years: list[int]
    clocks: list[ClockOut]
    appointment_at: datetime | None
    held_since: datetime | None
    hold_until: datetime | None
    next_at: datetime | None

    @classmethod
    def of(cls, shown: OrderLevels) -> "OrderLevelsOut":
        level = shown.level
        return cls(
            counted_in=level.counted_in, zone=level.hours.zone, warn_pct=level.warn_pct,
            chain=[ChainStepBody.model_validate(step) for step in level.chain], sources=dict(level.sources),
            guessed_years=list(level.guessed_years), clocks=[ClockOut.model_validate(one) for one in shown.clocks],
            appointment_at=shown.appointment_at, held_since=shown.held_since, hold_until=shown.hold_until,
            next_at=shown.next_at,
        )  # fmt: skip


class AppointmentIn(Schema):
    """When the owner expects somebody; null: no longer."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"appointment_at": "2026-11-24T02:00:00Z", "reason": "业主周二上午在家"}]}
    )

    appointment_at: AwareDatetime | None
    reason: Line | None = None
    version: int | None = None


class WeekIn(Schema):
    """Seven days, Monday first; a closed day is an empty list."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"hours": OFFICE_WEEK, "keeps_holidays": True, "version": 0}]}
    )

    hours: Annotated[list[Day], Field(min_length=1, max_length=7)]
    keeps_holidays: bool = True
    version: Annotated[int | None, Field(description="the version seen; 0: none was entered")] = None


class DayIn(Schema):
    """A day unlike its weekday: `hours` [] closed, null open as on a working day."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"name": "春节", "hours": []}]})

    name: Name
    hours: Day | None


class EnteredDayOut(Schema):
    """`site_id` null: entered for the whole company."""

    day: date
    name: str
    hours: list[list[str]] | None
    site_id: UUID | None


class PublicDayOut(Schema):
    """As the State Council published it: a day off, or a make-up workday (调休)."""

    day: date
    name: str
    is_day_off: bool


class CalendarOut(Schema):
    """`is_own`: the hours were entered for this very site (or the company). `unknown_years`: that year's public
    holidays are not published yet, nor all entered: weekends count, and what is entered by hand."""

    site_id: UUID | None
    year: int
    hours: list[list[list[str]]]
    keeps_holidays: bool
    is_own: bool
    version: int
    entered: list[EnteredDayOut]
    public: list[PublicDayOut]
    unknown_years: list[int]

    @classmethod
    def of(cls, view: CalendarView) -> "CalendarOut":
        return cls(
            site_id=view.site_id, year=view.year, hours=[spoken(spans) for spans in view.week.hours],
            keeps_holidays=view.week.keeps_holidays, is_own=view.is_own, version=view.version,
            entered=[
                EnteredDayOut(
                    day=day.day, name=day.name, hours=None if day.hours is None else spoken(day.hours),
                    site_id=site_id,
                )
                for day, site_id in view.entered
            ],
            public=[PublicDayOut(day=day, name=name, is_day_off=off) for day, name, off in view.public],
            unknown_years=list(view.unknown_years),
        )  # fmt: skip


class CityIn(Schema):
    """The same keys as the settings of a site."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"settings": {"entrapment": {"area": "elsewhere"}}}]})

    settings: Table


class CityOut(Schema):
    city: str
    settings: dict[str, Any]
    changed_at: datetime

    @classmethod
    def of(cls, row: CitySettings) -> "CityOut":
        return cls.model_validate(row)


def _levels(levels: Levels) -> dict[str, Any]:
    return {
        **{name: getattr(levels, name) for name in Levels.__dataclass_fields__},
        "chain": [ChainStepBody.model_validate(step) for step in levels.chain],
    }
