"""Wire shapes of replays, labels and proposals. The answer of a replay is kept in this very shape."""

from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import AwareDatetime, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from building.severity import Severity
from insight.rules.matching import ReplayVerdict
from insight.rules.models import ReplayState
from kit.http import Schema
from rules.schemas import EXAMPLE, Key, RuleDefinition

USUAL_TOLERANCE_H = 12.0


class ReplayIn(Schema):
    """What to replay: a draft (`definition`), or the rule of `key` as it is now. Without `since`: 30 days up to
    `until`; without `until`: to now. An alarm meets an order or report within `tolerance_h` hours of it."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"definition": EXAMPLE, "since": "2026-10-23T00:00:00+08:00", "tolerance_h": 12}]
        },
    )

    definition: RuleDefinition | None = None
    key: Key | None = None
    since: AwareDatetime | None = None
    until: AwareDatetime | None = None
    tolerance_h: Annotated[float, Field(ge=0, le=168)] = USUAL_TOLERANCE_H

    @model_validator(mode="after")
    def _names_one(self) -> "ReplayIn":
        if (self.definition is None) == (self.key is None):
            raise PydanticCustomError("replay_of_one", "a replay is of either a `definition` or the rule of a `key`")
        return self


class ReplayDayOut(Schema):
    """A day of the site."""

    day: date
    alarms: int


class ReplayEquipmentOut(Schema):
    equipment_id: UUID
    code: str
    name: str
    alarms: int
    total_min: float
    longest_min: float


class ReplayAlarmOut(Schema):
    """`onset_at`: since when the condition held; `raised_at`: when it had held for long enough. `ended_at` None: it
    lasted to the end of the span. The order is the one that says what it was."""

    equipment_id: UUID
    code: str
    onset_at: datetime
    raised_at: datetime
    ended_at: datetime | None
    severity: Severity
    values: dict[str, Any]
    verdict: ReplayVerdict
    order_id: UUID | None
    order_number: str | None


class ReplayFaultOut(Schema):
    """A real fault that the rule did not raise."""

    order_id: UUID
    order_number: str
    equipment_id: UUID
    code: str
    noticed_at: datetime


class ReplaySideOut(Schema):
    """What one rule would have done. `orders`: how many it would have opened. `precision` and `recall` are None where
    nothing says; `lead_min`: the median time by which it was before people (negative: after them)."""

    equipment_in_all: int
    alarms: int
    lasting: int
    median_min: float | None
    longest_min: float | None
    total_min: float
    by_day: list[ReplayDayOut]
    by_equipment: list[ReplayEquipmentOut]
    orders: int
    met: int
    refuted: int
    undecided: int
    unmet: int
    precision: float | None
    faults: int
    faults_found: int
    recall: float | None
    lead_min: float | None
    last_alarms: list[ReplayAlarmOut]
    missed_faults: list[ReplayFaultOut]


class ReplayAnswerOut(Schema):
    """`present` is the rule as it is now, None where there is none in force. `only_draft`: alarms of the draft that the
    present rule does not raise; `only_present`: the other way round. `failing`: what went wrong in the rule itself."""

    draft: ReplaySideOut
    present: ReplaySideOut | None
    only_draft: int
    only_present: int
    readings: int
    took_s: float
    failing: list[str]


class ReplayOut(Schema):
    """`progress` goes from 0 to 1; `answer` is there once the state is done. `failure` is a code."""

    id: UUID
    rule_key: str
    state: ReplayState
    progress: float
    cancelling: bool
    since: datetime
    until: datetime
    tolerance_h: float
    asked_at: datetime
    ended_at: datetime | None
    failure: str | None
    answer: ReplayAnswerOut | None = None


class RuleLabelsOut(Schema):
    """What became of a rule's alarms. `precision`: of those somebody decided, the share that was real; None without
    any. `false_alarm_min`: people's minutes that the false ones cost, work and way, of the newest `costed`."""

    rule_key: str
    alarms: int
    real: int
    false: int
    unlabelled: int
    precision: float | None
    false_alarm_min: float
    costed: int


class ThresholdOut(Schema):
    """For one parameter: the value that would have kept every real alarm and dropped the most false ones. Only shown:
    whoever wants it writes it into the rule. None: no other value does better."""

    parameter: str
    now: float
    proposed: float | None
    false_dropped: int


class ProposalOut(Schema):
    """Rests on `labelled` alarms whose readings are still there and that the rule as it is now (version `rule_version`)
    raises again; `not_replayed` were labelled too and could not be used. `refused` says why nothing is proposed:
    too_few_labels, too_few_real, no_false_alarms, no_parameters."""

    rule_key: str
    rule_version: int
    labelled: int
    real: int
    false: int
    not_replayed: int
    needed: int
    refused: str | None
    thresholds: list[ThresholdOut]
