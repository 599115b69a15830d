"""Replays of rules over history, and what closing codes say of rules, over HTTP: for who answers for rules."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Path

from insight.rules import errors
from insight.rules.labels import RuleLabels
from insight.rules.replays import RuleReplays
from insight.rules.schemas import ProposalOut, ReplayIn, ReplayOut, RuleLabelsOut
from kit.access import Principal, Role
from kit.errors import DomainError
from kit.http import Session, allow, service

router = APIRouter(prefix="/api/v1/insight", tags=["insight"])

STATUS: dict[type[DomainError], int] = {
    errors.ReplayNotFound: 404,
    errors.ReplayUnderWay: 409,
    errors.ReplayTooLong: 422,
    errors.ReplaySpanEmpty: 422,
    errors.NoRuleToReplay: 422,
    errors.ReplayCoversNothing: 422,
}

READERS = (Role.MANAGER,)

Reader = Annotated[Principal, Depends(allow(*READERS))]
Replays = Annotated[RuleReplays, Depends(service(RuleReplays))]
Labels = Annotated[RuleLabels, Depends(service(RuleLabels))]
RuleKey = Annotated[str, Path(pattern=r"^[a-z0-9-]{1,80}$", description="the rule's key")]


@router.post("/rule-replays", response_model=ReplayOut, status_code=202)
async def ask_for_replay(session: Session, caller: Reader, replays: Replays, body: ReplayIn) -> ReplayOut:
    """Begins to run a draft, or a rule as it is now, over stored history; one at a time a person. Nothing is saved of
    the draft but the answer."""
    row = await replays.ask(session, caller.scope(*READERS), body, person_id=caller.person_id)
    return ReplayOut.model_validate(row)


@router.get("/rule-replays", response_model=list[ReplayOut])
async def list_replays(session: Session, caller: Reader, replays: Replays) -> list[ReplayOut]:
    """The caller's last replays, the newest first."""
    return [ReplayOut.model_validate(row) for row in await replays.find(session, person_id=caller.person_id)]


@router.get("/rule-replays/{replay_id}", response_model=ReplayOut)
async def get_replay(session: Session, caller: Reader, replays: Replays, replay_id: UUID) -> ReplayOut:
    """How far it is, and once it is done what the rule would have raised, beside the rule as it is now."""
    return ReplayOut.model_validate(await replays.get(session, replay_id, person_id=caller.person_id))


@router.delete("/rule-replays/{replay_id}", response_model=ReplayOut)
async def cancel_replay(session: Session, caller: Reader, replays: Replays, replay_id: UUID) -> ReplayOut:
    """Ends it within a stretch of history; one that is over stays as it is."""
    return ReplayOut.model_validate(await replays.cancel(session, replay_id, person_id=caller.person_id))


@router.get("/rule-labels", response_model=list[RuleLabelsOut])
async def list_rule_labels(session: Session, caller: Reader, labels: Labels) -> list[RuleLabelsOut]:
    """Of each rule, what closing codes say about its alarms of a year, and what the false ones cost."""
    return await labels.all(session, caller.scope(*READERS))


@router.get("/rule-labels/{rule_key}", response_model=RuleLabelsOut)
async def get_rule_labels(session: Session, caller: Reader, labels: Labels, rule_key: RuleKey) -> RuleLabelsOut:
    """The same of one rule."""
    return await labels.of_rule(session, caller.scope(*READERS), rule_key)


@router.get("/rule-labels/{rule_key}/proposal", response_model=ProposalOut)
async def get_rule_proposal(session: Session, caller: Reader, labels: Labels, rule_key: RuleKey) -> ProposalOut:
    """Thresholds that would have kept every real alarm and dropped the most false ones, tried on what was stored.
    Nothing is changed."""
    return await labels.proposal(session, caller.scope(*READERS), rule_key)
