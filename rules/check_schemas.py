"""Shapes of an expression that is tried while it is typed, and of what is said of it."""

from typing import Annotated, Self
from uuid import UUID

from pydantic import ConfigDict, Field, StringConstraints, model_validator

from building.equipment import EquipmentKind
from catalog.foreign_text import Line
from kit.http import Schema
from kit.i18n import Language
from rules.language import MAX_LENGTH
from rules.schemas import Identifier, Unit
from rules.shapes import wrong


class CheckIn(Schema):
    """An expression to be tried while it is typed, for a `profile` or a `kind`, at a site or at all the caller's."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"expression": "bearing_temp > 75", "profile": "grundfos-cim-pump"}]},
    )

    expression: Annotated[str, StringConstraints(max_length=10 * MAX_LENGTH)]
    profile: Line | None = None
    kind: EquipmentKind | None = None
    params: Annotated[list[Identifier], Field(max_length=20, default_factory=list)]
    units: Annotated[dict[Identifier, Unit], Field(max_length=20, default_factory=dict)]
    schedules: Annotated[list[Identifier], Field(max_length=20, default_factory=list)]
    life_safety: bool = False
    site_id: UUID | None = None

    @model_validator(mode="after")
    def _names_one(self) -> Self:
        if (self.profile is None) == (self.kind is None):
            raise wrong("profile_or_kind", "an expression is checked for either a `profile` or a `kind`")
        return self


class CheckProblem(Schema):
    """What is wrong, at which column (from 1), in both languages."""

    code: str
    column: int
    message: dict[Language, str]


class KnownPoint(Schema):
    key: str
    name: dict[str, str]
    unit: str
    life_safety: bool


class CheckOut(Schema):
    """`points` are all that the profile or kind has, for completion while typing."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "ok": False,
                    "problem": {
                        "code": "unknown_name",
                        "column": 1,
                        "message": {"zh-CN": "第 1 列：没有“bearing_temp”这个测点", "en": "Column 1: …"},
                    },
                    "points": [
                        {
                            "key": "bearing_temp_c",
                            "name": {"zh-CN": "轴承温度", "en": "Bearing temperature"},
                            "unit": "°C",
                            "life_safety": False,
                        }
                    ],
                    "functions": ["abs", "min", "max", "avg", "rate"],
                }
            ]
        }
    )

    ok: bool
    problem: CheckProblem | None
    points: list[KnownPoint]
    functions: list[str]
