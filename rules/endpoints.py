"""Rules over HTTP."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query

from building.equipment import EquipmentKind
from catalog.foreign_text import Line
from kit.access import STAFF, Role
from kit.errors import DomainError
from kit.http import Caller, Page, Paging, Session, allow, changes_nothing, service
from rules import errors
from rules.check_schemas import CheckIn, CheckOut
from rules.schemas import LeftOutPairOut, RuleChangeIn, RuleIn, RuleOut, RuleSwitchIn
from rules.service import RuleFilter, RuleService

STATUS: dict[type[DomainError], int] = {
    errors.ExpressionError: 422,
    errors.UnknownProfile: 422,
    errors.RuleFitsNoEquipment: 422,
    errors.UnknownRuleEquipment: 422,
    errors.UnknownRuleSite: 422,
    errors.UnknownParameter: 422,
    errors.ParameterIsPoint: 422,
    errors.SilenceTooShort: 422,
    errors.BadMessage: 422,
    errors.UnknownRuleSort: 422,
    errors.RuleKeyFixed: 422,
    errors.RuleNotFound: 404,
    errors.CompanyRule: 403,
    errors.RuleExists: 409,
    errors.RuleChangedMeanwhile: 409,
    errors.RuleOfOtherRelease: 409,
}

router = APIRouter(prefix="/api/v1", tags=["rules"], dependencies=[Depends(allow(*STAFF))])

Rules = Annotated[RuleService, Depends(service(RuleService))]
RuleKey = Annotated[str, Path(pattern=r"^[a-z0-9-]{1,80}$", description="the rule's key")]

EDITING = (Role.MANAGER,)
EDITORS = [Depends(allow(*EDITING))]


@router.get("/rules", response_model=Page[RuleOut])
async def list_rules(
    session: Session,
    caller: Caller,
    rules: Rules,
    paging: Paging,
    profile: Annotated[Line | None, Query(description="a device profile's key")] = None,
    kind: EquipmentKind | None = None,
    enabled: bool | None = None,
    life_safety: bool | None = None,
    sort: Annotated[str, Query(description="key or updated_at; - for descending")] = "key",
) -> Page[RuleOut]:
    """Rules for every site and for the caller's sites."""
    wanted = RuleFilter(profile=profile, kind=kind, enabled=enabled, life_safety=life_safety)
    scope = caller.scope(*STAFF)
    rows, total = await rules.find(session, scope, wanted, sort=sort, limit=paging.limit, offset=paging.offset)
    items = [RuleOut.of(row) for row in rows]
    return Page(items=items, total=total, limit=paging.limit, offset=paging.offset)


@router.post("/rules/check", response_model=CheckOut, dependencies=[Depends(changes_nothing)])
async def check_rule(body: CheckIn, caller: Caller, rules: Rules) -> CheckOut:
    """Whether an expression is right, and if not, where and why. Saves nothing."""
    return rules.check(body, caller.scope(*STAFF))


@router.get("/rules/{key}", response_model=RuleOut)
async def get_rule(key: RuleKey, session: Session, caller: Caller, rules: Rules) -> RuleOut:
    return RuleOut.of(await rules.get(session, caller.scope(*STAFF), key))


@router.get("/rules/{key}/left-out", response_model=Page[LeftOutPairOut])
async def list_left_out_pairs(
    key: RuleKey, session: Session, caller: Caller, rules: Rules, paging: Paging
) -> Page[LeftOutPairOut]:
    """Equipment that the rule is for and cannot be judged on now: no parent, another building, out of service."""
    found = await rules.left_out(session, caller.scope(*STAFF), key)
    items = found[paging.offset : paging.offset + paging.limit]
    return Page(items=items, total=len(found), limit=paging.limit, offset=paging.offset)


@router.post("/rules", response_model=RuleOut, status_code=201, dependencies=EDITORS)
async def add_rule(body: RuleIn, session: Session, caller: Caller, rules: Rules) -> RuleOut:
    """A new rule; judged within a second."""
    scope = caller.scope(*EDITING)
    row = await rules.add(
        session, scope, body.definition, enabled=body.enabled, author=caller.person_id, reason=body.reason or ""
    )
    return RuleOut.of(row)


@router.put("/rules/{key}", response_model=RuleOut, dependencies=EDITORS)
async def change_rule(key: RuleKey, body: RuleChangeIn, session: Session, caller: Caller, rules: Rules) -> RuleOut:
    """The whole rule anew; in force within a second. Alarms that last are judged by the new text."""
    row = await rules.change(
        session,
        caller.scope(*EDITING),
        key,
        body.definition,
        enabled=body.enabled,
        version=body.version,
        author=caller.person_id,
        reason=body.reason or "",
    )
    return RuleOut.of(row)


@router.post("/rules/{key}/enable", response_model=RuleOut, dependencies=EDITORS)
async def enable_rule(key: RuleKey, body: RuleSwitchIn, session: Session, caller: Caller, rules: Rules) -> RuleOut:
    return await _switch(key, body, session, caller, rules, enabled=True)


@router.post("/rules/{key}/disable", response_model=RuleOut, dependencies=EDITORS)
async def disable_rule(key: RuleKey, body: RuleSwitchIn, session: Session, caller: Caller, rules: Rules) -> RuleOut:
    """Its alarms return to normal within a second."""
    return await _switch(key, body, session, caller, rules, enabled=False)


@router.delete("/rules/{key}", status_code=204, dependencies=EDITORS)
async def remove_rule(
    key: RuleKey, version: Annotated[int, Query(ge=1)], session: Session, caller: Caller, rules: Rules
) -> None:
    """Its alarms return to normal within a second. A shipped rule is better disabled: it comes with each release."""
    await rules.remove(session, caller.scope(*EDITING), key, version=version)


async def _switch(
    key: str, body: RuleSwitchIn, session: Session, caller: Caller, rules: RuleService, *, enabled: bool
) -> RuleOut:
    scope = caller.scope(*EDITING)
    row = await rules.switch(session, scope, key, enabled=enabled, version=body.version)
    return RuleOut.of(row)
