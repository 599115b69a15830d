"""Predictions over HTTP: seen by who works on equipment, muted and priced by who answers for the site."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query

from building.equipment import EquipmentKind
from kit.access import Principal, Role
from kit.clock import Clock
from kit.errors import DomainError
from kit.http import Page, Paging, Session, allow, service
from predictive import errors as room_errors
from predictive.predictions import errors
from predictive.predictions.costing import Costing
from predictive.predictions.ending import Ending
from predictive.predictions.finding import Method
from predictive.predictions.label import PredictionLabel
from predictive.predictions.life import PredictionState
from predictive.predictions.muting import Muting
from predictive.predictions.repository import PredictionFilter
from predictive.predictions.schemas import (
    PredictionAnswerIn,
    PredictionCostIn,
    PredictionCostOut,
    PredictionMutingIn,
    PredictionMutingLiftIn,
    PredictionMutingOut,
    PredictionOut,
    PredictionWhyOut,
)
from predictive.predictions.service import Predictions

router = APIRouter(prefix="/api/v1/predictive", tags=["predictive"])

STATUS: dict[type[DomainError], int] = {
    room_errors.NotWatched: 404,
    errors.PredictionNotFound: 404,
    errors.MutingNotFound: 404,
    errors.NotAtSite: 404,
    errors.PredictionOver: 409,
    errors.AnswerByOrder: 409,
    errors.AlreadyMuted: 409,
    errors.MutingLifted: 409,
}

WATCHERS = (Role.ENGINEER, Role.DISPATCHER, Role.MANAGER)

Watcher = Annotated[Principal, Depends(allow(*WATCHERS))]
Manager = Annotated[Principal, Depends(allow(Role.MANAGER))]
Looking = Annotated[Predictions, Depends(service(Predictions))]
Endings = Annotated[Ending, Depends(service(Ending))]
Mutings = Annotated[Muting, Depends(service(Muting))]
Costs = Annotated[Costing, Depends(service(Costing))]
Now = Annotated[Clock, Depends(service(Clock))]


# --- predictions -----------------------------------------------------------------------------------------------------


@router.get("/predictions", response_model=Page[PredictionOut])
async def list_predictions(
    session: Session, caller: Watcher, predictions: Looking, paging: Paging, site: UUID | None = None,
    building: UUID | None = None, equipment: UUID | None = None, state: PredictionState | None = None,
    method: Method | None = None, label: PredictionLabel | None = None,
    mode: Annotated[str | None, Query(max_length=80)] = None,
    is_over: Annotated[bool | None, Query(description="ended, or still open; both where left out")] = None,
    is_shadow: Annotated[bool, Query(description="those of models on trial, which raise nothing")] = False,
) -> Page[PredictionOut]:  # fmt: skip
    """What models expect to fail, the newest first."""
    wanted = PredictionFilter(
        site_id=site, equipment_id=equipment, building_id=building, state=state and state.value,
        method=method and method.value, mode=mode, label=label and label.value, is_shadow=is_shadow,
    )  # fmt: skip
    rows, total = await predictions.find(
        session, caller.scope(*WATCHERS), wanted, is_over=is_over, limit=paging.limit, offset=paging.offset
    )
    items = [PredictionOut.of(row) for row in rows]
    return Page(items=items, total=total, limit=paging.limit, offset=paging.offset)


@router.get("/predictions/{prediction_id}", response_model=PredictionOut)
async def get_prediction(
    prediction_id: UUID, session: Session, caller: Watcher, predictions: Looking
) -> PredictionOut:  # fmt: skip
    """One prediction as it is now."""
    return PredictionOut.of(await predictions.get(session, caller.scope(*WATCHERS), prediction_id))


@router.get("/predictions/{prediction_id}/why", response_model=PredictionWhyOut)
async def explain_prediction(
    prediction_id: UUID, session: Session, caller: Watcher, predictions: Looking, clock: Now
) -> PredictionWhyOut:
    """Which points say so, since when, how unusual that is, what to draw, and how similar ones ended."""
    found = await predictions.explain(session, caller.scope(*WATCHERS), prediction_id)
    return PredictionWhyOut.of(found, now=clock.now())


@router.post("/predictions/{prediction_id}/answer", response_model=PredictionOut)
async def answer_prediction(
    prediction_id: UUID, body: PredictionAnswerIn, session: Session, caller: Watcher, endings: Endings
) -> PredictionOut:
    """Says what an open prediction that is no work order turned out to be: it ends, and counts for its model."""
    row = await endings.answer(
        session, caller.scope(*WATCHERS), prediction_id, label=body.label, note=body.note, by=caller.person_id
    )
    return PredictionOut.of(row)


@router.get("/equipment/{equipment_id}/predictions", response_model=list[PredictionOut])
async def list_predictions_of_equipment(
    equipment_id: UUID, session: Session, caller: Watcher, predictions: Looking
) -> list[PredictionOut]:
    """The last predictions of an equipment, open ones and how the others ended."""
    _, rows = await predictions.of_equipment(session, caller.scope(*WATCHERS), equipment_id)
    return [PredictionOut.of(row) for row in rows]


# --- mutings ---------------------------------------------------------------------------------------------------------


@router.get("/mutings", response_model=list[PredictionMutingOut])
async def list_mutings(
    session: Session, caller: Watcher, mutings: Mutings, site: UUID | None = None
) -> list[PredictionMutingOut]:
    """Which methods raise nothing for which kinds of equipment, and why."""
    rows = await mutings.standing(session, caller.scope(*WATCHERS), site_id=site)
    return [PredictionMutingOut.model_validate(row) for row in rows]


@router.post("/mutings", response_model=PredictionMutingOut, status_code=201)
async def mute_model(
    body: PredictionMutingIn, session: Session, caller: Manager, mutings: Mutings
) -> PredictionMutingOut:  # fmt: skip
    """Keeps a method from raising alarms and orders for a kind of equipment. What it finds is still kept and counted;
    what it has raised already stays."""
    row = await mutings.mute(
        session, caller.scope(Role.MANAGER), site_id=body.site_id, method=body.method, kind=body.equipment_kind,
        note=body.note, by=caller.person_id, facts={},
    )  # fmt: skip
    return PredictionMutingOut.model_validate(row)


@router.post("/mutings/{muting_id}/lift", response_model=PredictionMutingOut)
async def lift_muting(
    muting_id: UUID, body: PredictionMutingLiftIn, session: Session, caller: Manager, mutings: Mutings
) -> PredictionMutingOut:
    """Lets it raise alarms and orders again. What it was wrong in before is not held against it any more."""
    row = await mutings.lift(session, caller.scope(Role.MANAGER), muting_id, note=body.note, by=caller.person_id)
    return PredictionMutingOut.model_validate(row)


# --- costs -----------------------------------------------------------------------------------------------------------


@router.get("/prediction-costs", response_model=list[PredictionCostOut])
async def list_prediction_costs(
    session: Session, caller: Manager, costing: Costs, site: UUID
) -> list[PredictionCostOut]:  # fmt: skip
    """What visits and failures cost at a site, by kind of equipment: what orders are decided by."""
    return [PredictionCostOut.of(one) for one in await costing.of_site(session, caller.scope(Role.MANAGER), site)]


@router.put("/prediction-costs/{kind}", response_model=PredictionCostOut)
async def set_prediction_costs(
    kind: EquipmentKind, body: PredictionCostIn, session: Session, caller: Manager, costing: Costs
) -> PredictionCostOut:
    """Sets what a visit to a kind of equipment and its failure cost at a site."""
    found = await costing.set(
        session, caller.scope(Role.MANAGER), site_id=body.site_id, kind=kind, costs=body.costs, version=body.version,
        by=caller.person_id,
    )  # fmt: skip
    return PredictionCostOut.of(found)
