"""Trainings and stored models over HTTP: for who answers for a site's models."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query

from catalog.errors import SiteNotFound
from kit.access import Principal, Role
from kit.errors import DomainError
from kit.http import Session, allow, service
from predictive.training import errors
from predictive.training.card import Family, ModelState
from predictive.training.runs import TrainingRuns
from predictive.training.schemas import TrainedModelOut, TrainingIn, TrainingOut
from predictive.training.store import ModelStore

router = APIRouter(prefix="/api/v1/predictive", tags=["predictive"])

STATUS: dict[type[DomainError], int] = {
    errors.TrainingNotFound: 404,
    errors.ModelNotFound: 404,
    errors.TrainingUnderWay: 409,
    errors.NotInShadow: 409,
    errors.NothingToTrain: 422,
}

READERS = (Role.MANAGER,)

Reader = Annotated[Principal, Depends(allow(*READERS))]
Runs = Annotated[TrainingRuns, Depends(service(TrainingRuns))]
Store = Annotated[ModelStore, Depends(service(ModelStore))]


@router.post("/trainings", response_model=TrainingOut, status_code=202)
async def ask_for_training(session: Session, caller: Reader, runs: Runs, body: TrainingIn) -> TrainingOut:
    """Begins to learn a site's equipment from its history, out of the way of readings. A first model is used at once;
    one that would take another's place runs in shadow until somebody promotes it."""
    if not caller.scope(*READERS).allows(body.site_id):
        raise SiteNotFound(body.site_id)
    row = await runs.ask(
        session, site_id=body.site_id, subject=body.profile, days=body.days, is_complete=body.is_complete,
        person_id=caller.person_id,
    )  # fmt: skip
    return TrainingOut.model_validate(row)


@router.get("/trainings", response_model=list[TrainingOut])
async def list_trainings(session: Session, caller: Reader, runs: Runs) -> list[TrainingOut]:
    """The last trainings of the caller's sites, the newest first."""
    return [TrainingOut.model_validate(row) for row in await runs.find(session, caller.scope(*READERS))]


@router.get("/trainings/{training_id}", response_model=TrainingOut)
async def get_training(session: Session, caller: Reader, runs: Runs, training_id: UUID) -> TrainingOut:
    """How far it is, and what came of it: models, equipment that is still learning, back-test."""
    return TrainingOut.model_validate(await runs.get(session, caller.scope(*READERS), training_id))


@router.delete("/trainings/{training_id}", response_model=TrainingOut)
async def cancel_training(session: Session, caller: Reader, runs: Runs, training_id: UUID) -> TrainingOut:
    """Ends it within some seconds; models it has saved stay, and one that is over stays as it is."""
    return TrainingOut.model_validate(await runs.cancel(session, caller.scope(*READERS), training_id))


@router.get("/trained-models", response_model=list[TrainedModelOut])
async def list_trained_models(
    session: Session, caller: Reader, store: Store, family: Annotated[Family | None, Query()] = None,
    state: Annotated[ModelState | None, Query()] = None, site_id: Annotated[UUID | None, Query()] = None,
) -> list[TrainedModelOut]:  # fmt: skip
    """Models with the figures of their back-tests, the newest version of each first."""
    cards = await store.find(
        session, caller.scope(*READERS), family=family, states=() if state is None else (state,), site_id=site_id
    )
    return [TrainedModelOut.of(card) for card in cards]
