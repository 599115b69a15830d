"""What the catalog tells other rooms and its own endpoints: frozen pictures of rows, with names."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from building.equipment import EquipmentKind
from building.point import PointKind, ReportingMode
from building.space import SpaceKind


@dataclass(frozen=True)
class SiteView:
    id: UUID
    code: str
    name: str
    city: str
    timezone: str


@dataclass(frozen=True)
class BuildingView:
    """`number` is its partition of the reading line. `latitude`, `longitude` in degrees, where they are known."""

    id: UUID
    site_id: UUID
    number: int
    code: str
    name: str
    latitude: float | None
    longitude: float | None
    version: int


@dataclass(frozen=True)
class SpaceView:
    id: UUID
    site_id: UUID
    building_id: UUID | None
    parent_id: UUID | None
    unit_id: UUID | None
    kind: SpaceKind
    code: str
    name: str
    version: int


@dataclass(frozen=True)
class RoomView:
    """A home and where it stands, by name as people say it: 3栋 · 2单元 · 502."""

    space_id: UUID
    site_id: UUID
    building_id: UUID | None
    building_name: str
    unit_id: UUID | None
    unit_name: str
    floor_name: str
    room_name: str
    code: str


@dataclass(frozen=True)
class EquipmentView:
    """An equipment with the names of where it stands. `link_up` None: it never spoke."""

    id: UUID
    site_id: UUID
    code: str
    name: str
    kind: EquipmentKind
    model: str
    profile_key: str | None
    protocol: str | None
    external_id: str
    address: Mapping[str, Any]
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


@dataclass(frozen=True)
class Upstream:
    """What an equipment hangs on, `steps` above it; 1 is its own parent."""

    equipment_id: UUID
    kind: EquipmentKind
    steps: int


@dataclass(frozen=True)
class PointView:
    """`name` by language. `low`/`high`: plausible range in `unit`. `labels`: word shown for a number, by language."""

    point_no: int
    site_id: UUID
    equipment_id: UUID
    key: str
    name: Mapping[str, str]
    kind: PointKind
    unit: str
    low: float
    high: float
    reporting_mode: ReportingMode
    interval_s: float
    decimals: int
    life_safety: bool
    edited: list[str]
    labels: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


@dataclass(frozen=True)
class TreeNode:
    """A building or a space with what lies in it. `equipment` counts what stands right here, not below."""

    id: UUID
    kind: str
    code: str
    name: str
    equipment: int
    children: list["TreeNode"]


@dataclass(frozen=True)
class Sample:
    """A message kept of a discovered device, as it came."""

    topic: str
    payload: bytes
    received_at: datetime


@dataclass(frozen=True)
class DiscoveredView:
    id: UUID
    site_id: UUID | None
    site_code: str
    protocol: str
    broker: str
    external_id: str
    first_seen_at: datetime
    last_seen_at: datetime
    messages: int
    bound_equipment_id: UUID | None
    bound_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class NewLetter:
    """Input that cannot be used. `reason` is one of few words; what differs each time goes into `detail`."""

    id: UUID
    raw: bytes
    reason: str
    detail: str
    source: str
    site_id: UUID | None
    received_at: datetime


@dataclass(frozen=True)
class DeadLetterView:
    """`more_alike`: how many more of the same sender and reason were only counted."""

    id: UUID
    site_id: UUID | None
    received_at: datetime
    source: str
    reason: str
    detail: str
    raw: bytes
    size_bytes: int
    more_alike: int


@dataclass(frozen=True)
class LetterCount:
    """How many letters of a reason and source are kept (older ones are gone), and when the last came."""

    reason: str
    source: str
    kept: int
    last_at: datetime
