"""Shapes of rules on the wire and in TOML: the same."""

from datetime import datetime
from typing import Annotated, Self
from uuid import UUID

from pydantic import (
    AfterValidator,
    BeforeValidator,
    ConfigDict,
    Field,
    FiniteFloat,
    JsonValue,
    StringConstraints,
    ValidationError,
    model_validator,
)

from alarms.detection import OrderJoining, OrderPolicy
from building.equipment import EquipmentKind
from building.severity import Severity
from catalog.foreign_text import Line, Name
from kit.http import Schema
from kit.i18n import Language
from rules.durations import parse_duration_ms
from rules.forms import ActiveHours, Repeats, rate_out_of_range, stuck
from rules.language import MAX_LENGTH
from rules.models import RuleRow
from rules.rule import Level, Rule
from rules.schedules import parse_schedule
from rules.shapes import (
    a_duration,
    a_schedule,
    an_order_kind,
    like_a_duration,
    like_a_key,
    like_a_parameter,
    like_an_identifier,
    like_an_order,
    without_nul,
    wrong,
)

EXAMPLE: dict[str, JsonValue] = {
    "key": "pump-bearing-wear",
    "name": {"zh-CN": "水泵轴承磨损", "en": "Pump bearing wear"},
    "message": {"zh-CN": "轴承 {bearing_temp_c} °C，振动 {vibration_mm_s} mm/s", "en": "Bearing {bearing_temp_c} °C"},
    "profile": "grundfos-cim-pump",
    "when": "bearing_temp_c > hot_c and vibration_mm_s > 4.5",
    "clear": "bearing_temp_c < hot_c - 5 and vibration_mm_s < 4.0",
    "for": "2m",
    "params": {"hot_c": 75},
    "severity": "major",
    "fault_mode": "bearing_wear",
    "order": {"kind": "repair", "priority": 2},
}


Duration = Annotated[
    str, StringConstraints(max_length=30), AfterValidator(a_duration), BeforeValidator(like_a_duration)
]
Key = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=80), BeforeValidator(like_a_key)]
Identifier = Annotated[
    str, StringConstraints(pattern=r"^[a-z_][a-z0-9_]*$", max_length=60), BeforeValidator(like_an_identifier)
]
ParameterName = Annotated[
    str, StringConstraints(pattern=r"^[a-z_][a-z0-9_]*$", max_length=60), BeforeValidator(like_a_parameter)
]
Expression = Annotated[str, StringConstraints(max_length=MAX_LENGTH), AfterValidator(without_nul)]
# Of a parameter, as points have theirs: so that a limit in °C is not compared with bar.
Unit = Annotated[str, StringConstraints(max_length=20, strip_whitespace=True), AfterValidator(without_nul)]
# In the local time of the site.
Hours = Annotated[str, StringConstraints(max_length=200), AfterValidator(a_schedule)]
BothLanguages = dict[Language, Name]
Reason = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500), AfterValidator(without_nul)
]


class OrderIn(Schema):
    """The work an alarm of this rule becomes. `joins`: the open order it joins instead, that of the same `fault` of
    the equipment, of the `equipment` whatever its fault, or of the same fault in the `building`. Life safety stands
    by its own fault whatever is said here."""

    kind: Annotated[str, StringConstraints(pattern="^(repair|entrapment|smoke)$"), BeforeValidator(an_order_kind)]
    priority: Annotated[int, Field(ge=1, le=4)]
    joins: OrderJoining = OrderJoining.FAULT

    def to_policy(self) -> OrderPolicy:
        return OrderPolicy(self.kind, self.priority, self.joins)


class RepeatsIn(Schema):
    """`when` must have come about `times` times `within` that long; for a condition on the value of one point."""

    model_config = ConfigDict(extra="forbid")

    times: Annotated[int, Field(ge=2, le=1_000)]
    within: Duration


class StuckIn(Schema):
    """Instead of `when`: one of these points says the same all the while, as no working sensor does."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True, serialize_by_alias=True)

    points: Annotated[list[Identifier], Field(min_length=1, max_length=10)]
    for_: Annotated[Duration, Field(alias="for")]

    def as_text(self) -> str:
        return stuck(self.points, window=self.for_)


class RuleRateIn(Schema):
    """Instead of `when`: the point rises by more than `above`, or falls by more than `below` (a number less than 0), by
    the minute, looked at over `over`. Numbers, or names of `params`."""

    model_config = ConfigDict(extra="forbid")

    point: Identifier
    over: Duration
    above: FiniteFloat | Identifier | None = None
    below: FiniteFloat | Identifier | None = None

    @model_validator(mode="after")
    def _has_a_limit(self) -> Self:
        if self.above is None and self.below is None:
            raise wrong("rate_limit", "`rate` has `above`, `below`, or both")
        # Anything moves by less than that: it would be abnormal to stand still.
        if (isinstance(self.above, float) and self.above <= 0) or (isinstance(self.below, float) and self.below >= 0):
            raise wrong("rate_sign", "`above` is more than 0, `below` is less than 0")
        return self

    def as_text(self) -> str:
        return rate_out_of_range(self.point, window=self.over, above=self.above, below=self.below)


class LevelIn(Schema):
    """A worse degree of the same alarm: it is raised to `severity` while `when` is met, and comes down again. `order`
    left out: that of the rule."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True, serialize_by_alias=True)

    severity: Severity
    when: Expression
    clear: Expression | None = None
    for_: Annotated[Duration | None, Field(alias="for")] = None
    clear_for: Duration | None = None
    order: OrderIn | None = None

    def to_level(self) -> Level:
        return Level(
            severity=self.severity,
            when=self.when,
            clear=self.clear,
            for_ms=parse_duration_ms(self.for_) if self.for_ else 0,
            clear_for_ms=parse_duration_ms(self.clear_for) if self.clear_for else 0,
            order=self.order.to_policy() if self.order else None,
        )


class RuleDefinition(Schema):
    """A rule. One of `when`, `stuck` and `rate` (with `clear`, `for`, `clear_for`), or `missing` (with `points`). See
    docs/rules.md.

    `units` are those of `params`, where they have one. `schedules` are hours of the week in the site's local time:
    `{"night": "22:00-06:00", "open": "Mon-Fri 08:00-18:00, Sat 09:00-12:00"}`. `basis` says why the thresholds are what
    they are: a standard, a manual, or what experience it is. `levels` are worse degrees of the same alarm.
    `active_in` and `active_outside` name one of the `schedules`: at other hours the rule raises nothing, and what it
    raised ends.
    """

    model_config = ConfigDict(
        extra="forbid", populate_by_name=True, serialize_by_alias=True, json_schema_extra={"examples": [EXAMPLE]}
    )

    key: Key
    name: BothLanguages
    message: BothLanguages
    profile: Line | None = None
    kind: EquipmentKind | None = None
    site_id: UUID | None = None
    equipment: Annotated[list[UUID], Field(max_length=10_000, default_factory=list)]
    when: Expression | None = None
    clear: Expression | None = None
    for_: Annotated[Duration | None, Field(alias="for")] = None
    clear_for: Duration | None = None
    repeats: RepeatsIn | None = None
    stuck: StuckIn | None = None
    rate: RuleRateIn | None = None
    active_in: Identifier | None = None
    active_outside: Identifier | None = None
    missing: Duration | None = None
    points: Annotated[list[Identifier], Field(max_length=50, default_factory=list)]
    params: Annotated[dict[ParameterName, FiniteFloat], Field(max_length=20, default_factory=dict)]
    units: Annotated[dict[ParameterName, Unit], Field(max_length=20, default_factory=dict)]
    schedules: Annotated[dict[Identifier, Hours], Field(max_length=20, default_factory=dict)]
    equipment_params: Annotated[
        dict[UUID, dict[Identifier, FiniteFloat]], Field(max_length=10_000, default_factory=dict)
    ]
    severity: Severity
    fault_mode: Identifier
    life_safety: bool = False
    order: Annotated[OrderIn | None, BeforeValidator(like_an_order)] = None
    levels: Annotated[list[LevelIn], Field(max_length=3, default_factory=list)]
    basis: dict[Language, Reason] | None = None

    @model_validator(mode="after")
    def _is_one_kind_of_rule(self) -> Self:
        if sum(form is not None for form in (self.when, self.stuck, self.rate, self.missing)) != 1:
            raise wrong("one_condition", "a rule has one of `when`, `stuck`, `rate` and `missing`")
        if self.missing is not None and (self.clear or self.for_ or self.clear_for):
            raise wrong("clear_of_silence", "`clear`, `for` and `clear_for` do not go with `missing`")
        if self.repeats is not None and (self.when is None or self.for_ is not None):
            raise wrong("repeats", "`repeats` goes with `when`, and not with `for`")
        if self.active_in is not None and self.active_outside is not None:
            raise wrong("active_hours", "a rule has either `active_in` or `active_outside`")
        if self.life_safety and self.active_hours is not None:
            raise wrong("active_life_safety", "life safety is judged at every hour")
        if self.missing is not None and self.active_hours is not None:
            raise wrong(
                "active_silence", "`missing` is always active; write `age(point) > 600 and in_schedule('open')` instead"
            )
        if self.missing is None and self.points:
            raise wrong("points", "`points` belongs to `missing`; the other forms name their points themselves")
        if (self.profile is None) == (self.kind is None):
            raise wrong("profile_or_kind", "a rule applies either to a `profile` or to a `kind`")
        self._check_levels()
        for texts in (self.name, self.message, self.basis):
            if texts is not None and set(texts) != set(Language):
                raise wrong("both_languages", f"`name`, `message` and `basis` are given in {', '.join(Language)}")
        return self

    @property
    def active_hours(self) -> ActiveHours | None:
        if self.active_in is not None:
            return ActiveHours(self.active_in)
        return ActiveHours(self.active_outside, outside=True) if self.active_outside is not None else None

    @property
    def condition(self) -> str | None:
        """The text that is judged by, whichever form it was given in; None where silence is."""
        plain = self.stuck or self.rate
        return plain.as_text() if plain is not None else self.when

    def _check_levels(self) -> None:
        if self.levels and self.missing is not None:
            raise wrong("levels_of_silence", "`levels` belong to `when`; use `age(point) > 600` for degrees of silence")
        severities = [self.severity, *(level.severity for level in self.levels)]
        if len(set(severities)) < len(severities) or any(one.rank > self.severity.rank for one in severities):
            raise wrong("levels", "each of `levels` has another `severity`, worse than that of the rule itself")

    def to_rule(self, *, version: int = 1) -> Rule:
        return Rule(
            key=self.key,
            name={language.value: text for language, text in self.name.items()},
            message={language.value: text for language, text in self.message.items()},
            severity=self.severity,
            fault_mode=self.fault_mode,
            profile=self.profile,
            kind=self.kind,
            site_id=self.site_id,
            equipment=frozenset(self.equipment),
            when=self.condition,
            clear=self.clear,
            for_ms=parse_duration_ms(self.for_) if self.for_ else 0,
            clear_for_ms=parse_duration_ms(self.clear_for) if self.clear_for else 0,
            repeats=Repeats(self.repeats.times, parse_duration_ms(self.repeats.within)) if self.repeats else None,
            active_hours=self.active_hours,
            missing_ms=parse_duration_ms(self.missing) if self.missing else None,
            missing_points=tuple(self.points),
            params=self.params,
            units=self.units,
            schedules={name: parse_schedule(text) for name, text in self.schedules.items()},
            equipment_params=self.equipment_params,
            life_safety=self.life_safety,
            order=self.order.to_policy() if self.order else None,
            levels=tuple(level.to_level() for level in self.levels),
            version=version,
        )


class RuleOut(Schema):
    """A rule with its state. `author_id` None: as shipped. `number` is the version in force, `offered` the one that a
    release brought since a person changed the rule. `version` is the lock, for who changes it. Not `is_readable`: kept
    in the form of another release, shown as it is, and not judged before somebody changes it."""

    model_config = ConfigDict(
        from_attributes=True,
        json_schema_extra={
            "examples": [
                {
                    "definition": EXAMPLE,
                    "enabled": True,
                    "version": 3,
                    "number": 2,
                    "offered": None,
                    "author_id": "0197a1d2-6c00-7000-8000-0000000000aa",
                    "created_at": "2026-11-01T00:00:00Z",
                    "updated_at": "2026-11-22T02:45:00Z",
                }
            ]
        },
    )

    definition: RuleDefinition
    enabled: bool
    version: int
    number: int
    offered: int | None
    author_id: UUID | None
    created_at: datetime
    updated_at: datetime
    is_readable: bool = True

    @classmethod
    def of(cls, row: RuleRow) -> "RuleOut":
        try:
            return cls.model_validate(row)
        except ValidationError:
            kept = RuleDefinition.model_construct(**row.definition)
            facts = {name: getattr(row, name) for name in cls.model_fields if hasattr(row, name)}
            return cls.model_construct(**(facts | {"definition": kept, "is_readable": False}))


class LeftOutPairOut(Schema):
    """Equipment that a rule is for and is not judged on, because of what the rule names on other equipment; `reason`
    for machines, `message` for people."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "equipment_id": "0197a1d2-6c00-7000-8000-0000000000b1",
                    "equipment_code": "PUMP-7",
                    "equipment_name": "7号水泵",
                    "reason": "no_parent",
                    "message": {"zh-CN": "第 13 列：条件用到了上级设备……", "en": "Column 13: the condition looks at …"},
                }
            ]
        }
    )

    equipment_id: UUID
    equipment_code: str
    equipment_name: str
    reason: str
    message: dict[Language, str]


class RuleIn(Schema):
    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"definition": EXAMPLE}]})

    definition: RuleDefinition
    enabled: bool = True
    reason: Reason | None = None


class RuleChangeIn(Schema):
    """A changed rule. `version` is the one that was read: if somebody saved meanwhile, nothing is overwritten."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"definition": EXAMPLE, "enabled": True, "version": 3}]}
    )

    definition: RuleDefinition
    enabled: bool = True
    version: Annotated[int, Field(ge=1)]
    reason: Reason | None = None


class RuleSwitchIn(Schema):
    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"version": 3}]})

    version: Annotated[int, Field(ge=1)]
