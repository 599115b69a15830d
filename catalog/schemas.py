"""The catalog on the wire: sites, buildings, spaces, equipment, points."""

import json
import math
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import AfterValidator, ConfigDict, Field, JsonValue, model_validator
from pydantic.config import JsonDict

from building.equipment import EquipmentKind
from building.point import PointKind, ReportingMode
from building.space import SpaceKind
from catalog.foreign_text import Line, Name
from kit.http import Schema
from kit.i18n import Language


def _finite(value: float) -> float:
    if not math.isfinite(value):
        raise ValueError("must be a finite number")
    return value


def _storable(value: dict[str, JsonValue]) -> dict[str, JsonValue]:
    # JSON as Python reads it may carry NaN and NUL; PostgreSQL keeps neither.
    if "\\u0000" in json.dumps(value, allow_nan=False):
        raise ValueError("must not contain the character NUL")
    return value


Finite = Annotated[float, AfterValidator(_finite)]
Latitude = Annotated[float, Field(ge=-90, le=90, description="degrees, WGS 84")]
Longitude = Annotated[float, Field(ge=-180, le=180, description="degrees, WGS 84")]
Table = Annotated[dict[str, JsonValue], AfterValidator(_storable)]

_SITE: JsonDict = {"code": "yunqi", "name": "云栖花园", "city": "杭州", "timezone": "Asia/Shanghai"}
_ID = "019aa9f2-7c1e-7b6d-9a53-0c5d1e2f3a4b"


class SiteIn(Schema):
    model_config = ConfigDict(json_schema_extra={"examples": [_SITE]})

    code: Name
    name: Name
    city: Line = ""
    timezone: Name = "Asia/Shanghai"


class Changes(Schema):
    """Base of PATCH bodies: what is absent stays as it is. A field that must have a value cannot be set to null."""

    @model_validator(mode="after")
    def _refuse_null(self) -> "Changes":
        for name in self.model_fields_set:
            nullable = (self.__class__.model_fields[name].json_schema_extra or {}).get("nullable")  # type: ignore[union-attr]
            if getattr(self, name) is None and not nullable:
                raise ValueError(f"{name} must not be null")
        return self

    def sent(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.model_fields_set}


class VersionedChanges(Changes):
    """Changes of what several people edit."""

    version: Annotated[int | None, Field(ge=1, description="the version last seen; a newer one refuses")] = None

    def sent(self) -> dict[str, Any]:
        return {name: value for name, value in super().sent().items() if name != "version"}


def nullable() -> Any:
    """A PATCH field that null empties."""
    return Field(None, json_schema_extra={"nullable": True})


class SitePatch(Changes):
    model_config = ConfigDict(json_schema_extra={"examples": [{"name": "云栖花园一期"}]})

    name: Name | None = None
    city: Line | None = None
    timezone: Name | None = None


class SiteOut(Schema):
    model_config = ConfigDict(json_schema_extra={"examples": [{"id": _ID, **_SITE}]})

    id: UUID
    code: str
    name: str
    city: str
    timezone: str


class SettingsBody(Schema):
    """Settings of a site by the room that owns them; what is absent has that room's default."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"settings": {"entrapment": {"contractor_on_site_min": 30}}}]}
    )

    settings: Table


class BuildingIn(Schema):
    model_config = ConfigDict(json_schema_extra={"examples": [{"site_id": _ID, "code": "B13", "name": "13栋"}]})

    site_id: UUID
    code: Name
    name: Name
    latitude: Latitude | None = None
    longitude: Longitude | None = None


class BuildingPatch(VersionedChanges):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"name": "13栋（商铺）", "version": 2}, {"latitude": 30.2741, "longitude": 120.1551}]
        }
    )

    code: Name | None = None
    name: Name | None = None
    latitude: Latitude | None = nullable()
    longitude: Longitude | None = nullable()


class BuildingOut(Schema):
    """`latitude` and `longitude` in degrees, where somebody entered them."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": _ID, "site_id": _ID, "number": 3, "code": "B03", "name": "3栋", "latitude": 30.2741,
                    "longitude": 120.1551, "version": 1,
                }
            ]
        }
    )  # fmt: skip

    id: UUID
    site_id: UUID
    number: int
    code: str
    name: str
    latitude: float | None
    longitude: float | None
    version: int


class SpaceIn(Schema):
    """A place in a building or in another place; with neither it belongs to the site itself."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"site_id": _ID, "building_id": _ID, "kind": "unit", "code": "13-1", "name": "1单元"}]
        }
    )

    site_id: UUID
    building_id: UUID | None = None
    parent_id: UUID | None = None
    kind: SpaceKind
    code: Name
    name: Name


class SpacePatch(VersionedChanges):
    model_config = ConfigDict(json_schema_extra={"examples": [{"name": "1单元", "version": 1}]})

    code: Name | None = None
    name: Name | None = None


class LabelOut(Schema):
    """What a printed label carries: the address that a phone opens, and the token that a scan sends."""

    qr_token: str
    address: str


class SpaceOut(Schema):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": _ID, "site_id": _ID, "building_id": _ID, "parent_id": None, "unit_id": None, "kind": "unit",
                    "code": "13-1", "name": "1单元", "version": 1,
                }
            ]
        }
    )  # fmt: skip

    id: UUID
    site_id: UUID
    building_id: UUID | None
    parent_id: UUID | None
    unit_id: UUID | None
    kind: SpaceKind
    code: str
    name: str
    version: int


class TreeOut(Schema):
    """A building or a space; `equipment` counts what stands right here, not below."""

    id: UUID
    kind: str
    code: str
    name: str
    equipment: int
    children: list["TreeOut"]


_EQUIPMENT: JsonDict = {
    "site_id": _ID, "code": "LIFT-25", "name": "13栋1单元电梯", "kind": "elevator", "model": "曳引电梯 1000 kg",
    "profile_key": "gb24476-elevator", "building_id": _ID, "location": "13栋1单元", "rescue_code": "330025",
}  # fmt: skip


class EquipmentIn(Schema):
    """Protocol and name on the wire follow the profile and the code when absent; the building follows the space."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EQUIPMENT]})

    site_id: UUID
    code: Name
    name: Name
    kind: EquipmentKind
    model: Line = ""
    profile_key: Name | None = None
    protocol: Name | None = None
    external_id: Name | None = None
    address: Table = Field(default_factory=dict)
    building_id: UUID | None = None
    space_id: UUID | None = None
    parent_id: UUID | None = None
    rescue_code: Name | None = None
    location: Line = ""
    in_service: bool = True


class EquipmentPatch(Changes):
    model_config = ConfigDict(json_schema_extra={"examples": [{"in_service": False}, {"parent_id": None}]})

    code: Name | None = None
    name: Name | None = None
    kind: EquipmentKind | None = None
    model: Line | None = None
    profile_key: Name | None = nullable()
    protocol: Name | None = nullable()
    external_id: Name | None = None
    address: Table | None = None
    building_id: UUID | None = nullable()
    space_id: UUID | None = nullable()
    parent_id: UUID | None = nullable()
    rescue_code: Name | None = nullable()
    location: Line | None = None
    in_service: bool | None = None


class EquipmentOut(Schema):
    """`link_up` null: it never spoke. `partition`: where its readings are judged. `retired_at`: kept for history."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                _EQUIPMENT
                | {
                    "id": _ID, "protocol": "mqtt", "external_id": "LIFT-25", "address": {}, "building_name": "13栋",
                    "space_id": _ID, "space_name": "1单元", "unit_id": _ID, "unit_name": "1单元", "parent_id": None,
                    "partition": 13, "qr_token": "q7XkP2mN", "in_service": True, "retired_at": None, "link_up": True,
                    "link_changed_at": "2026-11-22T02:12:00Z",
                }
            ]
        }
    )  # fmt: skip

    id: UUID
    site_id: UUID
    code: str
    name: str
    kind: EquipmentKind
    model: str
    profile_key: str | None
    protocol: str | None
    external_id: str
    address: dict[str, Any]
    building_id: UUID | None
    building_name: str | None
    space_id: UUID | None
    space_name: str | None
    unit_id: UUID | None
    unit_name: str | None
    parent_id: UUID | None
    partition: int
    rescue_code: str | None
    location: str
    qr_token: str
    in_service: bool
    retired_at: datetime | None
    link_up: bool | None
    link_changed_at: datetime | None


class Removed(Schema):
    """`deleted` False: it has a history, so it was retired instead."""

    deleted: bool


class PointPatch(Changes):
    """The plausible range in the point's unit, or its name. The profile's later editions leave these alone."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"low": -10, "high": 60}, {"name": {"zh-CN": "机房温度"}}]}
    )

    name: dict[Language, Name] | None = None
    low: Finite | None = None
    high: Finite | None = None


class PointOut(Schema):
    """`labels`: the word shown for a number, by language. `edited`: the fields a person set."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "point_no": 412, "site_id": _ID, "equipment_id": _ID, "key": "machine_room_temp_c",
                    "name": {"zh-CN": "机房温度", "en": "Machine room temperature"}, "kind": "sensor", "unit": "°C",
                    "low": -10, "high": 60, "reporting_mode": "periodic", "interval_s": 60, "decimals": 1,
                    "life_safety": False, "edited": ["high"], "labels": {},
                }
            ]
        }
    )  # fmt: skip

    point_no: int
    site_id: UUID
    equipment_id: UUID
    key: str
    name: dict[str, str]
    kind: PointKind
    unit: str
    low: float
    high: float
    reporting_mode: ReportingMode
    interval_s: float
    decimals: int
    life_safety: bool
    edited: list[str]
    labels: dict[str, dict[str, str]]
