"""Versions of rules over HTTP, and rules as documents."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query
from fastapi.responses import PlainTextResponse

from building.equipment import EquipmentKind
from catalog.foreign_text import Line
from kit.access import STAFF
from kit.errors import DomainError
from kit.http import Caller, Page, Paging, Session, allow, service
from rules.endpoints import EDITING, EDITORS, RuleKey
from rules.service import RuleFilter
from rules.versions import errors
from rules.versions.importing import RuleDocuments
from rules.versions.schemas import (
    RuleActivationIn,
    RuleDifferencesOut,
    RuleDraftChangeIn,
    RuleDraftIn,
    RuleRollBackIn,
    RulesDocumentIn,
    RulesImportedOut,
    RuleVersionOut,
    RuleVersionSeenIn,
)
from rules.versions.service import RuleVersions
from rules.versions.wording import RuleWords

STATUS: dict[type[DomainError], int] = {
    errors.RuleVersionNotFound: 404,
    errors.VersionActionNotPossible: 409,
    errors.OtherVersionInForce: 409,
    errors.OtherVersionScheduled: 409,
    errors.TooManyDrafts: 409,
    errors.WrittenForOtherRelease: 409,
    errors.ActivationTooFar: 422,
}

router = APIRouter(prefix="/api/v1", tags=["rules"], dependencies=[Depends(allow(*STAFF))])

Versions = Annotated[RuleVersions, Depends(service(RuleVersions))]
Documents = Annotated[RuleDocuments, Depends(service(RuleDocuments))]
Words = Annotated[RuleWords, Depends(service(RuleWords))]
VersionNumber = Annotated[int, Path(ge=1, le=1_000_000, description="the number of a version")]


@router.get("/rules/{key}/versions", response_model=Page[RuleVersionOut])
async def list_rule_versions(
    key: RuleKey, session: Session, caller: Caller, versions: Versions, paging: Paging
) -> Page[RuleVersionOut]:
    """Every text of the rule, the newest first, with its author and reason; also of a rule that was removed."""
    scope = caller.scope(*STAFF)
    rows, total = await versions.find(session, scope, key, limit=paging.limit, offset=paging.offset)
    items = [RuleVersionOut.model_validate(row) for row in rows]
    return Page(items=items, total=total, limit=paging.limit, offset=paging.offset)


@router.get("/rules/{key}/versions/{number}", response_model=RuleVersionOut)
async def get_rule_version(
    key: RuleKey, number: VersionNumber, session: Session, caller: Caller, versions: Versions
) -> RuleVersionOut:
    """What the rule said when an alarm names that version."""
    return RuleVersionOut.model_validate(await versions.get(session, caller.scope(*STAFF), key, number))


@router.get("/rules/{key}/versions/{number}/differences", response_model=RuleDifferencesOut)
async def compare_rule_versions(
    key: RuleKey,
    number: VersionNumber,
    session: Session,
    caller: Caller,
    versions: Versions,
    words: Words,
    since: Annotated[int | None, Query(ge=1, le=1_000_000, description="left out: the version in force")] = None,
) -> RuleDifferencesOut:
    """Field by field, what this version says otherwise than another."""
    return words.of_comparison(await versions.compare(session, caller.scope(*STAFF), key, number, since=since))


@router.post("/rules/drafts", response_model=RuleVersionOut, status_code=201, dependencies=EDITORS)
async def draft_rule(body: RuleDraftIn, session: Session, caller: Caller, versions: Versions) -> RuleVersionOut:
    """A text of a rule, new or not, that is checked and not in force."""
    scope = caller.scope(*EDITING)
    row = await versions.draft(session, scope, body.definition, reason=body.reason, author=caller.person_id)
    return RuleVersionOut.model_validate(row)


@router.put("/rules/{key}/versions/{number}", response_model=RuleVersionOut, dependencies=EDITORS)
async def change_rule_draft(
    key: RuleKey, number: VersionNumber, body: RuleDraftChangeIn, session: Session, caller: Caller, versions: Versions
) -> RuleVersionOut:
    """The whole draft anew. What was in force is never rewritten."""
    row = await versions.edit(
        session, caller.scope(*EDITING), key, number, body.definition,
        reason=body.reason, seen=body.version, author=caller.person_id,
    )  # fmt: skip
    return RuleVersionOut.model_validate(row)


@router.post("/rules/{key}/versions/{number}/activate", response_model=RuleVersionOut, dependencies=EDITORS)
async def activate_rule_version(
    key: RuleKey, number: VersionNumber, body: RuleActivationIn, session: Session, caller: Caller, versions: Versions
) -> RuleVersionOut:
    """Puts a draft, or what a release offers, in force: now (judged within a second), or at the instant `at`. If
    something else came into force by then, it stays a draft and says so in `refusal`."""
    row = await versions.activate(
        session, caller.scope(*EDITING), key, number,
        seen=body.version, compared=body.in_force, at=body.at, by=caller.person_id,
    )  # fmt: skip
    return RuleVersionOut.model_validate(row)


@router.post("/rules/{key}/versions/{number}/unschedule", response_model=RuleVersionOut, dependencies=EDITORS)
async def unschedule_rule_version(
    key: RuleKey, number: VersionNumber, body: RuleVersionSeenIn, session: Session, caller: Caller, versions: Versions
) -> RuleVersionOut:
    """It does not come into force by itself any more."""
    row = await versions.unschedule(session, caller.scope(*EDITING), key, number, seen=body.version)
    return RuleVersionOut.model_validate(row)


@router.post("/rules/{key}/versions/{number}/discard", response_model=RuleVersionOut, dependencies=EDITORS)
async def discard_rule_version(
    key: RuleKey, number: VersionNumber, body: RuleVersionSeenIn, session: Session, caller: Caller, versions: Versions
) -> RuleVersionOut:
    """A draft, or what a release offers, that nobody wants. It can still be looked at."""
    row = await versions.discard(session, caller.scope(*EDITING), key, number, seen=body.version)
    return RuleVersionOut.model_validate(row)


@router.post("/rules/{key}/versions/{number}/roll-back", response_model=RuleVersionOut, dependencies=EDITORS)
async def roll_back_rule(
    key: RuleKey, number: VersionNumber, body: RuleRollBackIn, session: Session, caller: Caller, versions: Versions
) -> RuleVersionOut:
    """What a past version said in force again within a second, under a new number."""
    row = await versions.roll_back(
        session, caller.scope(*EDITING), key, number,
        compared=body.in_force, reason=body.reason, author=caller.person_id,
    )  # fmt: skip
    return RuleVersionOut.model_validate(row)


@router.get("/rules.toml", response_class=PlainTextResponse)
async def export_rules(
    session: Session,
    caller: Caller,
    documents: Documents,
    profile: Annotated[Line | None, Query(description="a device profile's key")] = None,
    kind: EquipmentKind | None = None,
    enabled: bool | None = None,
    life_safety: bool | None = None,
) -> PlainTextResponse:
    """The rules as a TOML document, in the form of the shipped ones; `POST /rules/import` reads it."""
    wanted = RuleFilter(profile=profile, kind=kind, enabled=enabled, life_safety=life_safety)
    text = await documents.exported(session, caller.scope(*STAFF), wanted)
    headers = {"content-disposition": 'attachment; filename="rules.toml"'}
    return PlainTextResponse(text, media_type="application/toml; charset=utf-8", headers=headers)


@router.post("/rules/import", response_model=RulesImportedOut, dependencies=EDITORS)
async def import_rules(
    body: RulesDocumentIn, session: Session, caller: Caller, documents: Documents, words: Words
) -> RulesImportedOut:
    """Makes a draft of each rule of a TOML document, and says line by line what is wrong with the others. Puts nothing
    in force. Read again, it makes no second draft of what it made."""
    found = await documents.imported(
        session, caller.scope(*EDITING), body.toml,
        reason=body.reason, author=caller.person_id, only_check=body.only_check,
    )  # fmt: skip
    return words.of_import(found)
