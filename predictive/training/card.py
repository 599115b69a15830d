"""What is known of a stored model without opening it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID


class Family(StrEnum):
    """What a model is for. Models of a site, family and subject are a lineage: versions of one another."""

    DETECTORS = "detectors"
    REMAINING_LIFE = "remaining_life"
    FORECAST = "forecast"


class ModelState(StrEnum):
    """A lineage has one champion, whose findings count, and at most one shadow, which is only measured."""

    CHAMPION = "champion"
    SHADOW = "shadow"
    RETIRED = "retired"


class Format(StrEnum):
    """How the content is written; neither is ever unpickled."""

    ARRAYS = "npz"
    ESTIMATOR = "skops"


@dataclass(frozen=True)
class Packed:
    """The content of a model as bytes: what `predictive.training.packing` makes and reads."""

    format: Format
    content: bytes


@dataclass(frozen=True, kw_only=True)
class Draft:
    """A model to be stored.

    `subject` names what it is for within family and site: a profile's key, a failure mode. `equipment_ids` are in the
    order of the first axis of its arrays, empty where it is for the whole subject; `points` are the keys on the axis of
    points and `step_s` the seconds between rows, where it has such. [`data_from`, `data_until`) is what it was learnt
    from. `parameters` and `metrics` are plain JSON.
    """

    site_id: UUID
    family: Family
    subject: str
    packed: Packed
    data_from: datetime
    data_until: datetime
    equipment_ids: Sequence[UUID] = ()
    points: Sequence[str] = ()
    step_s: float | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    metrics: Mapping[str, Any] = field(default_factory=dict)
    run_id: UUID | None = None


@dataclass(frozen=True, kw_only=True)
class ModelCard:
    """A stored model. `sha256` is of its content; `signature` of everything here that says what the content is."""

    id: UUID
    site_id: UUID
    family: Family
    subject: str
    version: int
    state: ModelState
    format: Format
    size_bytes: int
    sha256: str
    signature: str
    equipment_ids: tuple[UUID, ...]
    points: tuple[str, ...]
    step_s: float | None
    data_from: datetime
    data_until: datetime
    code_version: str
    parameters: Mapping[str, Any]
    metrics: Mapping[str, Any]
    run_id: UUID | None
    made_at: datetime
    state_at: datetime
    state_by: UUID | None
