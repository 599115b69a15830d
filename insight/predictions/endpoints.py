"""How good models are, and which takes another's place, over HTTP: for who answers for a site."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends

from insight.predictions.measures import PredictionMeasures
from insight.predictions.schemas import ModelPromotionIn, ModelStandingOut, ModelTrialOut
from kit.access import Principal, Role
from kit.http import Session, allow, service

router = APIRouter(prefix="/api/v1/insight", tags=["insight"])

READERS = (Role.MANAGER,)

Reader = Annotated[Principal, Depends(allow(*READERS))]
Measures = Annotated[PredictionMeasures, Depends(service(PredictionMeasures))]


@router.get("/prediction-figures", response_model=list[ModelStandingOut])
async def list_prediction_figures(
    session: Session, caller: Reader, measures: Measures, site: UUID | None = None
) -> list[ModelStandingOut]:
    """Of half a year, by model, kind of equipment and site: how many predictions were right, how many failures were
    predicted and how early, how many orders were for nothing."""
    found = await measures.of_models(session, caller.scope(*READERS), site_id=site)
    return [ModelStandingOut.of_standing(one) for one in found]


@router.get("/model-trials", response_model=list[ModelTrialOut])
async def list_model_trials(session: Session, caller: Reader, measures: Measures) -> list[ModelTrialOut]:
    """Models that run in shadow, each beside the one in use."""
    return [ModelTrialOut.of(one) for one in await measures.trials(session, caller.scope(*READERS))]


@router.post("/model-trials/{model_id}/promote", response_model=ModelTrialOut)
async def promote_model(
    model_id: UUID, body: ModelPromotionIn, session: Session, caller: Reader, measures: Measures
) -> ModelTrialOut:
    """Puts a model from the shadow into use; the one it replaces is retired. Answers with the figures it was decided
    on."""
    return ModelTrialOut.of(
        await measures.promote(session, caller.scope(*READERS), model_id, by=caller.person_id, note=body.note)
    )
