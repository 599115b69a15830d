"""Wire shapes of trainings and models."""

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from predictive.training.card import Family, ModelCard, ModelState
from predictive.training.models import TrainingState


class TrainingIn(BaseModel):
    """What to learn: all of a site, or one profile's equipment."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"site_id": "019a0000-0000-7000-8000-000000000001", "days": 30}]}
    )

    site_id: UUID
    profile: str | None = Field(None, max_length=120, description="key of a device profile; all where it is left out")
    days: int | None = Field(None, ge=2, le=366, description="days of history; HUB_TRAINING_DAYS where left out")
    is_complete: bool = Field(
        True, description="learn all equipment anew, as challengers of the models there are; else what has no model"
    )


class TrainingOut(BaseModel):
    """A training. `progress` goes from 0 to 1; `report` says what came of each subject, once there is something."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    site_id: UUID
    asked_by: UUID | None
    subject: str | None
    days: int
    until: datetime
    is_complete: bool
    state: TrainingState
    progress: float
    learnt: int
    equipment: int
    cancelling: bool
    asked_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    failure: str | None
    report: dict[str, Any] | None


class TrainedModelOut(BaseModel):
    """A stored model: what it was learnt from, by which code, and how good it was on what it had not seen."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    site_id: UUID
    family: Family
    subject: str
    version: int
    state: ModelState
    equipment: int
    points: list[str]
    step_s: float | None
    data_from: datetime
    data_until: datetime
    code_version: str
    sha256: str
    size_bytes: int
    metrics: dict[str, Any]
    made_at: datetime
    state_at: datetime
    state_by: UUID | None

    @classmethod
    def of(cls, card: ModelCard) -> "TrainedModelOut":
        return cls(
            id=card.id, site_id=card.site_id, family=card.family, subject=card.subject, version=card.version,
            state=card.state, equipment=len(card.equipment_ids), points=list(card.points), step_s=card.step_s,
            data_from=card.data_from, data_until=card.data_until, code_version=card.code_version, sha256=card.sha256,
            size_bytes=card.size_bytes, metrics=dict(card.metrics), made_at=card.made_at, state_at=card.state_at,
            state_by=card.state_by,
        )  # fmt: skip
