"""Shapes of versions of rules on the wire."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import AwareDatetime, ConfigDict, Field, JsonValue, StringConstraints

from kit.http import Schema
from kit.i18n import Language
from rules.schemas import EXAMPLE, Reason, RuleDefinition
from rules.versions.models import VersionState

REASON = "夜间误报多，阈值放宽 5 °C"
MOST_CHARACTERS = 500_000
Number = Annotated[int, Field(ge=1)]


class RuleRefusalOut(Schema):
    """Why a version did not come into force at its instant."""

    code: str
    message: dict[Language, str]


class RuleVersionOut(Schema):
    """A text of a rule. `author_id` None: it came with a release. `based_on`: the version in force when it was written
    or scheduled; `restores`: the one that it brings back. `version` is the lock of this row, for who changes it.
    `definition` is as it was written then, maybe for another release."""

    model_config = ConfigDict(
        from_attributes=True,
        json_schema_extra={
            "examples": [
                {
                    "rule_key": "pump-bearing-wear",
                    "number": 4,
                    "state": "scheduled",
                    "definition": EXAMPLE,
                    "reason": REASON,
                    "author_id": "0197a1d2-6c00-7000-8000-0000000000aa",
                    "based_on": 3,
                    "restores": None,
                    "activate_at": "2026-11-23T00:00:00Z",
                    "activated_by": "0197a1d2-6c00-7000-8000-0000000000aa",
                    "in_force_from": None,
                    "in_force_until": None,
                    "refusal": None,
                    "created_at": "2026-11-22T02:40:00Z",
                    "updated_at": "2026-11-22T02:45:00Z",
                    "version": 2,
                }
            ]
        },
    )

    rule_key: str
    number: int
    state: VersionState
    definition: dict[str, JsonValue]
    reason: str
    author_id: UUID | None
    based_on: int | None
    restores: int | None
    activate_at: datetime | None
    activated_by: UUID | None
    in_force_from: datetime | None
    in_force_until: datetime | None
    refusal: RuleRefusalOut | None
    created_at: datetime
    updated_at: datetime
    version: int


class RuleDraftIn(Schema):
    """A text to be looked at, compared and replayed before it is in force."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"definition": EXAMPLE, "reason": REASON}]}
    )

    definition: RuleDefinition
    reason: Reason


class RuleDraftChangeIn(Schema):
    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"definition": EXAMPLE, "reason": REASON, "version": 1}]}
    )

    definition: RuleDefinition
    reason: Reason
    version: Number


class RuleActivationIn(Schema):
    """`in_force`: the version that the draft was compared with, none for a new rule. `at` None, or past: now."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"version": 1, "in_force": 3, "at": "2026-11-23T00:00:00Z"}]},
    )

    version: Number
    in_force: Number | None = None
    at: AwareDatetime | None = None


class RuleVersionSeenIn(Schema):
    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"version": 2}]})

    version: Number


class RuleRollBackIn(Schema):
    """`in_force`: the version that it shall replace; none where the rule was removed."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"in_force": 3, "reason": "新阈值漏报"}]})

    in_force: Number | None = None
    reason: Reason


class RuleDifferenceOut(Schema):
    """A field, in the API's words and in the reader's, before and after. None: not given."""

    field: str
    label: dict[Language, str]
    before: JsonValue
    after: JsonValue


class RuleDifferencesOut(Schema):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "since": 3,
                    "number": 4,
                    "differences": [
                        {
                            "field": "params.hot_c",
                            "label": {"zh-CN": "参数 hot_c", "en": "Parameter hot_c"},
                            "before": 75.0,
                            "after": 80.0,
                        }
                    ],
                }
            ]
        }
    )

    since: int | None
    number: int
    differences: list[RuleDifferenceOut]


class RulesDocumentIn(Schema):
    """Rules as TOML, as the export writes them. `only_check`: says what is wrong and keeps nothing."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "toml": 'profile = "grundfos-cim-pump"\n\n[[rules]]\nkey = "pump-hot"\n'
                    'name = { zh-CN = "水泵过热", en = "Pump hot" }\nmessage = { zh-CN = "过热", en = "Hot" }\n'
                    'when = "bearing_temp_c > 90"\nseverity = "major"\nfault_mode = "overheating"\n',
                    "reason": "从样板项目导入",
                }
            ]
        },
    )

    toml: Annotated[str, StringConstraints(max_length=MOST_CHARACTERS)]
    reason: Reason
    only_check: bool = False


class RuleDocumentProblem(Schema):
    """What is wrong in a line of the document. `column` is that of the expression, or of the line where the line
    is no TOML."""

    line: int
    column: int | None
    rule: str | None
    code: str
    message: dict[Language, str]


class RuleDraftMade(Schema):
    """A rule of the document that is a draft now (`number` None: would be one)."""

    line: int
    rule: str
    number: int | None


class RulesImportedOut(Schema):
    """Nothing of it is in force. What is wrong is left out; `unchanged` says so already, in force or as a draft."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "drafts": [{"line": 3, "rule": "pump-hot", "number": 1}],
                    "unchanged": ["pump-fault"],
                    "problems": [
                        {
                            "line": 17,
                            "column": 1,
                            "rule": "pump-wear",
                            "code": "unknown_name",
                            "message": {"zh-CN": "第 1 列：没有“bearing”这个测点或参数……", "en": "Column 1: …"},
                        }
                    ],
                }
            ]
        }
    )

    drafts: list[RuleDraftMade]
    unchanged: list[str]
    problems: list[RuleDocumentProblem]
