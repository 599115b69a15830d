"""Linkage over HTTP: prepared by managers, confirmed by whoever is on duty."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends

from kit.access import Principal, Role
from kit.errors import DomainError
from kit.http import Page, Paging, Session, allow, service
from linkage import errors, repository
from linkage.confirming import Confirming
from linkage.editing import LinkageEditor
from linkage.repository import RunFilter
from linkage.rule import RunState
from linkage.schemas import (
    LinkagePointIn,
    LinkagePointOut,
    LinkageRuleEditIn,
    LinkageRuleIn,
    LinkageRuleOut,
    LinkageRunOut,
    LinkageStateOut,
    LinkageSwitchIn,
)
from linkage.settings import LinkageSettings

router = APIRouter(prefix="/api/v1/linkage", tags=["linkage"])

STATUS: dict[type[DomainError], int] = {
    errors.TargetProtected: 422,
    errors.ActionRefused: 422,
    errors.ConditionTooWide: 422,
    errors.PointListed: 409,
    errors.LinkagePointNotFound: 404,
    errors.LinkageRuleNotFound: 404,
    errors.LinkageRunNotFound: 404,
    errors.RunNotAwaiting: 409,
    errors.SecondPersonNeeded: 409,
}

ON_DUTY = (Role.ENGINEER, Role.DISPATCHER, Role.MANAGER)

Editor = Annotated[LinkageEditor, Depends(service(LinkageEditor))]
Confirms = Annotated[Confirming, Depends(service(Confirming))]
Settings = Annotated[LinkageSettings, Depends(service(LinkageSettings))]
Manager = Annotated[Principal, Depends(allow(Role.MANAGER))]
Watcher = Annotated[Principal, Depends(allow(*ON_DUTY))]


@router.get("", response_model=LinkageStateOut)
async def get_linkage(settings: Settings, _: Watcher) -> LinkageStateOut:
    """Whether the hub may switch equipment at all, and its limits: settings of the installation."""
    return LinkageStateOut(
        is_enabled=settings.enabled, confirm_within_s=settings.confirm_within_s,
        start_within_s=settings.start_within_s, most_an_hour=settings.most_an_hour,
    )  # fmt: skip


# --- points ----------------------------------------------------------------------------------------------------------


@router.get("/points", response_model=Page[LinkagePointOut])
async def list_linkage_points(
    session: Session, caller: Watcher, paging: Paging, site: UUID | None = None
) -> Page[LinkagePointOut]:
    """The points that may be switched. What is not here is not."""
    found, total = await repository.points(
        session, caller.scope(*ON_DUTY), site_id=site, limit=paging.limit, offset=paging.offset
    )
    items = [LinkagePointOut.model_validate(one) for one in found]
    return Page(items=items, total=total, limit=paging.limit, offset=paging.offset)


@router.post("/points", response_model=LinkagePointOut, status_code=201)
async def list_linkage_point(body: LinkagePointIn, session: Session, editor: Editor, caller: Manager) -> object:
    """Puts a point on the list. 422 for fire-fighting equipment, elevators and what belongs to or hangs on them."""
    return await editor.list_point(
        session, caller.scope(Role.MANAGER), equipment_id=body.equipment_id, key=body.point, low=body.low,
        high=body.high, needs_two=body.needs_two, timeout_s=body.timeout_s, by=caller.person_id,
    )  # fmt: skip


@router.delete("/points/{linkage_point_id}", status_code=204)
async def strike_linkage_point(linkage_point_id: UUID, session: Session, editor: Editor, caller: Manager) -> None:
    """Takes a point off the list: from now on nothing switches it."""
    await editor.strike_point(session, caller.scope(Role.MANAGER), linkage_point_id)


# --- rules -----------------------------------------------------------------------------------------------------------


@router.get("/rules", response_model=Page[LinkageRuleOut])
async def list_linkage_rules(
    session: Session, caller: Watcher, paging: Paging, site: UUID | None = None
) -> Page[LinkageRuleOut]:
    """On which alarms what is done, by name."""
    found, total = await repository.rules(
        session, caller.scope(*ON_DUTY), site_id=site, limit=paging.limit, offset=paging.offset
    )
    items = [LinkageRuleOut.of(one) for one in found]
    return Page(items=items, total=total, limit=paging.limit, offset=paging.offset)


@router.post("/rules", response_model=LinkageRuleOut, status_code=201)
async def create_linkage_rule(body: LinkageRuleIn, session: Session, editor: Editor, caller: Manager) -> LinkageRuleOut:
    """Saves a new rule, switched off. 422 names the action that may not or cannot be done."""
    made = await editor.add(
        session, caller.scope(Role.MANAGER), site_id=body.site_id, name=body.name, said=body.said, by=caller.person_id
    )
    return LinkageRuleOut.of(made)


@router.put("/rules/{linkage_rule_id}", response_model=LinkageRuleOut)
async def edit_linkage_rule(
    linkage_rule_id: UUID, body: LinkageRuleEditIn, session: Session, editor: Editor, caller: Manager
) -> LinkageRuleOut:
    """Changes a rule; it is off until somebody switches it on again."""
    changed = await editor.change(
        session, caller.scope(Role.MANAGER), linkage_rule_id, name=body.name, said=body.said, version=body.version,
        by=caller.person_id,
    )  # fmt: skip
    return LinkageRuleOut.of(changed)


@router.patch("/rules/{linkage_rule_id}", response_model=LinkageRuleOut)
async def switch_linkage_rule(
    linkage_rule_id: UUID, body: LinkageSwitchIn, session: Session, editor: Editor, caller: Manager
) -> LinkageRuleOut:
    """Switches a rule on or off. Off, what it has set off and is not sent yet is not done."""
    switched = await editor.switch(
        session, caller.scope(Role.MANAGER), linkage_rule_id, is_enabled=body.is_enabled, version=body.version,
        by=caller.person_id,
    )  # fmt: skip
    return LinkageRuleOut.of(switched)


# --- runs ------------------------------------------------------------------------------------------------------------


@router.get("/runs", response_model=Page[LinkageRunOut])
async def list_linkage_runs(
    session: Session, caller: Watcher, paging: Paging, site: UUID | None = None, rule: UUID | None = None,
    alarm: UUID | None = None, state: RunState | None = None,
) -> Page[LinkageRunOut]:  # fmt: skip
    """What alarms have set off and what came of it, the newest first; `state=awaiting`: what waits for two persons."""
    wanted = RunFilter(site_id=site, rule_id=rule, alarm_id=alarm, state=state)
    found, total = await repository.runs(
        session, caller.scope(*ON_DUTY), wanted, limit=paging.limit, offset=paging.offset
    )
    items = [LinkageRunOut.model_validate(one) for one in found]
    return Page(items=items, total=total, limit=paging.limit, offset=paging.offset)


@router.post("/runs/{linkage_run_id}/confirm", response_model=LinkageRunOut)
async def confirm_linkage_run(
    linkage_run_id: UUID, session: Session, confirming: Confirms, caller: Watcher
) -> object:  # fmt: skip
    """Lets an action be done. It takes two persons; the second one sets it going."""
    return await confirming.confirm(session, caller.scope(*ON_DUTY), linkage_run_id, by=caller.person_id)


@router.post("/runs/{linkage_run_id}/reject", response_model=LinkageRunOut)
async def reject_linkage_run(
    linkage_run_id: UUID, session: Session, confirming: Confirms, caller: Watcher
) -> object:  # fmt: skip
    """Says no to an action that waits for two persons. One is enough for that."""
    return await confirming.reject(session, caller.scope(*ON_DUTY), linkage_run_id, by=caller.person_id)
