"""Wire shapes of how good models are."""

from datetime import datetime
from typing import Annotated, Self
from uuid import UUID

from pydantic import ConfigDict, Field

from building.equipment import EquipmentKind
from insight.predictions.figures import ModelFigures
from insight.predictions.measures import ModelStanding, Trial
from kit.http import Schema
from predictive.predictions.finding import Method
from predictive.training.card import Family, ModelCard


class ModelFiguresOut(Schema):
    """`precision`: of predictions known to be true or false. `recall`: of the failures of the kind at the site, those
    predicted; `prevented` of them nobody noticed before the predicted order was done. `lead_days`: median, from the
    prediction to when people noticed. Of a model on trial `orders` and `false_orders` are those it would have made.
    None: too little has happened to say."""

    site_id: UUID
    method: Method
    model_id: UUID | None
    equipment_kind: EquipmentKind
    is_shadow: bool
    predictions: int
    true: int
    false: int
    unknown: int
    precision: float | None
    failures: int
    predicted: int
    prevented: int
    recall: float | None
    lead_days: float | None
    orders: int
    false_orders: int
    false_orders_a_month: float

    @classmethod
    def of(cls, figures: ModelFigures) -> Self:
        return cls(**_fields(figures))


class ModelStandingOut(ModelFiguresOut):
    """`muting_id`: it is muted for its kind at the site, and raises nothing."""

    muting_id: UUID | None

    @classmethod
    def of_standing(cls, standing: ModelStanding) -> Self:
        return cls(**_fields(standing.figures), muting_id=standing.muting_id)


class ModelVersionOut(Schema):
    """A stored model, in short."""

    id: UUID
    site_id: UUID
    family: Family
    subject: str
    version: int
    data_from: datetime
    data_until: datetime
    made_at: datetime


class ModelTrialOut(Schema):
    """A model in shadow beside the one in use (None: there is none), each with its figures since the shadow was made.
    Without figures it has found nothing yet."""

    shadow: ModelVersionOut
    champion: ModelVersionOut | None
    of_shadow: list[ModelFiguresOut]
    of_champion: list[ModelFiguresOut]

    @classmethod
    def of(cls, trial: Trial) -> Self:
        return cls(
            shadow=_version(trial.shadow),
            champion=None if trial.champion is None else _version(trial.champion),
            of_shadow=[ModelFiguresOut.of(one) for one in trial.of_shadow],
            of_champion=[ModelFiguresOut.of(one) for one in trial.of_champion],
        )


class ModelPromotionIn(Schema):
    """`note`: why, for whoever asks later; the figures of that moment are kept beside it."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"note": "两个月内误报更少，提前量相当"}]}
    )  # fmt: skip

    note: Annotated[str, Field(min_length=1, max_length=500)]


def _version(card: ModelCard) -> ModelVersionOut:
    return ModelVersionOut.model_validate(card)


def _fields(figures: ModelFigures) -> dict[str, object]:
    key = figures.key
    return {
        "site_id": key.site_id, "method": key.method, "model_id": key.model_id, "equipment_kind": key.kind,
        "is_shadow": key.is_shadow, **{name: value for name, value in vars(figures).items() if name != "key"},
    }  # fmt: skip
